"""The profile's pixels: every height is where the sagittal view shows it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scene.chart_window import ChartWindow, has_colour, rows_of
from scene.examples import image_in
from scene.pixels import pixel_of
from SoftCordSegLib.colours import DISC, GREEN, ORANGE
from SoftCordSegLib.morphometry import DiscLabel
from SoftCordSegLib.scene.cord_profile import AreaProfile, Break
from SoftCordSegLib.scene.disc_points import add_discs
from SoftCordSegLib.scene.profile_chart import (
    DARK,
    LIGHT,
    ChartContent,
    Curve,
    height_row,
)
from SoftCordSegLib.scene.render import SliceView
from SoftCordSegLib.scene.volume_nodes import add_volume
from SoftCordSegLib.volume import Grid

GRID = Grid((40, 40, 90), np.array([[1, 0, 0, -20], [0, 1, 0, -20], [0, 0, 1, 30], [0, 0, 0, 1.0]]))
SIZE = (300, 400)
DISCS = np.array([[0.0, 4.0, 52.3], [0.0, 2.0, 71.7], [0.0, -3.0, 94.9]])


def profile_of(count: int = 60, area: float = 60.0, start: float = 40.0, **others) -> AreaProfile:
    """A straight cord of one area, a slice a millimetre."""
    numbers = np.arange(count)
    missing = np.full(count, np.nan)
    profile = AreaProfile(
        numbers,
        np.column_stack([np.zeros(count), np.zeros(count), start + numbers]),
        np.full(count, area),
        np.full(count, area - 15),
        np.full(count, area + 15),
        missing,
        missing,
        ("",) * count,
        missing,
    )
    return dataclasses.replace(profile, **others)


@pytest.fixture
def window(drawing_app):
    window = ChartWindow((200, SIZE[1]))
    window.chart.content = ChartContent([Curve("T2w", profile_of(), ORANGE)], DISCS)
    yield window
    window.close()


@pytest.fixture
def sagittal(drawing_app):
    """A sagittal view of an image, with discs."""
    image = add_volume(drawing_app.scene, image_in(GRID), "T2w")
    image.GetDisplayNode().AutoWindowLevelOff()
    image.GetDisplayNode().SetWindowLevelMinMax(0, 9000)  # dark: the discs are the brightest
    view = SliceView(drawing_app, "Sagittal", SIZE, "Yellow")
    view.show(image)
    node = add_discs(
        drawing_app.scene,
        image,
        [DiscLabel(3 + n, tuple(position)) for n, position in enumerate(DISCS[::-1])],
    )
    node.GetDisplayNode().SetPointLabelsVisibility(False)
    yield view
    view.close()


@pytest.mark.parametrize(("zoom_mm", "pan_mm"), [(70.0, 0.0), (45.0, 6.0), (110.0, -13.0)])
def test_a_disc_is_as_high_as_in_the_sagittal_view(window, sagittal, zoom_mm, pan_mm):
    sagittal.node.JumpSliceByCentering(0.0, 0.0, 72.0 + pan_mm)
    sagittal.zoom(zoom_mm)
    drawn = rows_of(has_disc(sagittal.render()), "#ffffff")
    window.chart.row = height_row(sagittal.node)

    dashes = rows_of(window.picture(), LIGHT.faint, slice(60, None))

    top = window.size[1] - window.chart.plot[1]
    seen = [rows.mean() for rows in _groups(drawn) if rows.mean() < top - 10]
    assert len(seen) >= 2
    for row in seen:
        assert np.abs(np.array([rows.mean() for rows in _groups(dashes)]) - row).min() <= 1.0


def has_disc(picture: np.ndarray) -> np.ndarray:
    """The disc points alone, white on black."""
    return np.repeat(has_colour(picture, DISC)[..., None], 3, axis=2) * np.uint8(255)


def _groups(rows: np.ndarray) -> list[np.ndarray]:
    return [part for part in np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1) if len(part)]


@pytest.mark.parametrize("zoom_mm", [50.0, 80.0, 140.0])
def test_the_cord_ends_where_the_sagittal_view_ends_it(window, sagittal, zoom_mm):
    sagittal.node.JumpSliceByCentering(0.0, 0.0, 70.0)
    sagittal.zoom(zoom_mm)
    window.chart.row = height_row(sagittal.node)

    top = rows_of(window.picture(), ORANGE)[0]

    expected = pixel_of(sagittal, np.array([0.0, 0.0, 99.0]))[0]
    assert top == pytest.approx(max(expected, 0), abs=1.0)


def test_it_follows_the_view_at_the_next_picture(window, sagittal):
    sagittal.node.JumpSliceByCentering(0.0, 0.0, 70.0)
    sagittal.zoom(140.0)
    window.chart.row = height_row(sagittal.node)
    before = rows_of(window.picture(), ORANGE)[0]

    sagittal.node.JumpSliceByCentering(0.0, 0.0, 60.0)
    window.chart.row = height_row(sagittal.node)

    moved = rows_of(window.picture(), ORANGE)[0] - before
    assert moved == pytest.approx(-10.0 * SIZE[0] / 140.0, abs=1.0)


def test_a_view_that_does_not_stand_upright_gives_no_scale(sagittal):
    assert height_row(sagittal.node) is not None

    sagittal.node.SetOrientation("Axial")

    assert height_row(sagittal.node) is None


def test_without_a_view_the_whole_cord_is_seen(window):
    picture = window.picture()

    rows = rows_of(picture, ORANGE)
    height = window.size[1] - window.chart.plot[1]
    assert len(rows) > 0.7 * height
    assert rows[0] > 2
    assert rows[-1] < height


def test_area_is_to_the_right_and_the_band_around_it(window):
    picture = window.picture()
    left, _, right, _ = window.chart.plot
    row = 150

    columns = np.flatnonzero(has_colour(picture[row], ORANGE))
    band = np.flatnonzero((picture[row, :, 2] < 250) & ~has_colour(picture[row], LIGHT.ink))

    end = 80.0  # above 75, the upper edge of the band
    assert columns.mean() == pytest.approx(left + 60.0 / end * (right - left), abs=1.5)
    band = band[band > left + 2]
    assert band[0] == pytest.approx(left + 45.0 / end * (right - left), abs=1.5)
    assert band[-1] == pytest.approx(left + 75.0 / end * (right - left), abs=1.5)


def test_a_pixel_is_a_slice_of_the_cord(window):
    chart = window.chart
    window.picture()
    for n in (0, 17, 59):
        position = (0.0, 0.0, 40.0 + n)
        assert chart.position_at(float(chart.pixels_of(position)[0]) + 0.4) == position

    assert chart.position_at(-500) == (0.0, 0.0, 40.0)  # beyond the end: the end


def test_an_end_inside_the_image_is_marked(window):
    unmarked = window.picture()
    assert not has_colour(unmarked, LIGHT.warning).any()
    profile = profile_of(breaks=(Break((0.0, 0.0, 40.0)),))

    window.chart.content = ChartContent([Curve("T2w", profile, ORANGE)], DISCS)
    marked = window.picture()

    rows = rows_of(marked, LIGHT.warning, slice(50, 90))
    row = window.size[1] - 1 - float(window.chart.pixels_of((0.0, 0.0, 40.0))[0])
    assert rows.mean() == pytest.approx(row, abs=1.0)


def test_an_interruption_is_marked_on_both_sides(window):
    keep = np.r_[0:20, 30:60]
    whole = profile_of()
    parts = {
        name: value[keep] for name, value in whole.__dict__.items() if isinstance(value, np.ndarray)
    }
    profile = dataclasses.replace(
        whole,
        **parts,
        levels=("",) * len(keep),
        breaks=(Break((0.0, 0.0, 59.0), (0.0, 0.0, 70.0)),),
    )

    window.chart.content = ChartContent([Curve("T2w", profile, ORANGE)])
    picture = window.picture()

    rows = [part.mean() for part in _groups(rows_of(picture, LIGHT.warning, slice(50, 100)))]
    edges = window.size[1] - 1 - window.chart.pixels_of(np.array([[0, 0, 70.0], [0, 0, 59.0]]))
    assert rows == pytest.approx(list(edges), abs=1.0)
    between = slice(int(edges[0]) + 4, int(edges[1]) - 4)
    assert not has_colour(picture[between], ORANGE).any()


def test_the_slice_in_view_is_a_line_with_its_area(window):
    before = window.picture()
    window.chart.content = dataclasses.replace(
        window.chart.content, slice_mm=(0.0, 0.0, 70.0), slice_rows=[30]
    )

    after = window.picture()

    changed = np.flatnonzero((before != after).any(axis=(1, 2)))
    row = window.size[1] - 1 - float(window.chart.pixels_of((0.0, 0.0, 70.0))[0])
    assert changed[0] < row < changed[-1]
    line = has_colour(after[int(round(row)), 50:190], LIGHT.ink).mean()
    assert line > 0.8


def test_curves_of_other_contrasts_have_their_colour_and_a_legend_below_the_axis(window):
    alone = window.picture()
    assert rows_of(alone, ORANGE)[-1] <= window.size[1] - window.chart.plot[1]  # needs no legend
    other = Curve("T2star", profile_of(area=40.0), GREEN)

    window.chart.content = ChartContent([*window.chart.content.curves, other], DISCS)
    picture = window.picture()

    assert not has_colour(alone, GREEN).any()
    axis = window.size[1] - int(window.chart.plot[1])
    for colour in (ORANGE, GREEN):
        rows = rows_of(picture, colour)
        assert (rows < axis).sum() > 100
        assert (rows > axis + 20).any()  # its line in the legend


def test_before_correction_is_dotted_where_it_differs(window):
    predicted = np.full(60, np.nan)
    predicted[20:30] = 30.0
    profile = profile_of(predicted=predicted)

    window.chart.content = ChartContent([Curve("T2w", profile, ORANGE)])
    picture = window.picture()

    left, bottom, right, _ = window.chart.plot
    column = int(round(left + 30.0 / 80.0 * (right - left)))
    inside = has_colour(picture[: -int(bottom) - 1, column - 1 : column + 2], LIGHT.ink).any(axis=1)
    rows = window.size[1] - 1 - window.chart.pixels_of(profile.positions_mm[[29, 20]])
    found = np.flatnonzero(inside)
    assert found[0] == pytest.approx(rows[0], abs=4)
    assert found[-1] == pytest.approx(rows[1], abs=4)
    assert 0.2 < inside[int(rows[0]) : int(rows[1])].mean() < 0.9


def test_levels_stand_beside_the_axis(window):
    def words(levels):
        profile = profile_of(levels=levels)
        window.chart.content = ChartContent([Curve("T2w", profile, ORANGE)], DISCS)
        return (window.picture()[:, :32] < 150).all(axis=-1)

    levels = words(("C4",) * 30 + ("C3",) * 30)
    rows = window.size[1] - 1 - window.chart.pixels_of(np.array([[0, 0, 84.5], [0, 0, 54.5]]))
    found = [part.mean() for part in _groups(np.flatnonzero(levels.any(axis=1)))]
    inside = [row for row in found if row < window.size[1] - window.chart.plot[1]]
    assert inside == pytest.approx(list(rows), abs=3)

    millimetres = words(("",) * 60)
    assert (millimetres != levels).any()


def test_words_stay_when_more_is_drawn_than_before(window):
    curve = window.chart.content.curves[0]
    window.chart.content = ChartContent([curve])
    window.picture()
    discs = np.column_stack([np.zeros(9), np.zeros(9), np.linspace(42, 98, 9)])
    other = Curve("T1w", profile_of(area=40.0), GREEN)

    window.chart.content = content = ChartContent([curve, other], discs)
    fresh = ChartWindow(window.size)
    fresh.chart.content = content

    assert (window.picture() == fresh.picture()).all()
    fresh.close()


@pytest.mark.parametrize("style", [LIGHT, DARK])
def test_words_can_be_read_in_both_styles(window, style):
    for colour in (style.ink, style.warning):
        assert contrast(colour, style.background) >= 4.5
    window.chart.style = style
    assert has_colour(window.picture()[:5, 60:90], style.background).all()


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours."""

    def luminance(colour):
        parts = np.array([int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)])
        linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_an_empty_profile_says_what_to_do(window):
    window.chart.content = ChartContent()

    picture = window.picture()

    assert has_colour(picture, LIGHT.ink).any()
    assert not has_colour(picture, ORANGE).any()


def test_a_closed_chart_leaves_nothing_behind(window):
    window.picture()

    window.chart.close()

    assert window.renderer.GetViewProps().GetNumberOfItems() == 0
    assert not window.renderer.HasObserver("StartEvent")
