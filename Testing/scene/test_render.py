"""What a radiologist would see: pixels of real slice views and of the 3D view."""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, cord_in
from SoftCordSegLib.colours import MASKS, rgb
from SoftCordSegLib.scene.render import (
    ORIENTATIONS,
    SliceView,
    ThreeDView,
    png_bytes,
    set_window_level,
)
from SoftCordSegLib.scene.soft_mask_node import add_soft_mask, display_soft_mask, set_soft_mask
from SoftCordSegLib.scene.threshold_view import add_threshold_view
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of, volume_of
from SoftCordSegLib.volume import Grid, Volume

SIZE = (200, 200)
GREY = 120


@pytest.fixture(params=["isotropic", "left-handed", "oblique"])
def scene(drawing_app, request):
    """An evenly grey image, so that every colour in a picture is ours; a soft cord and its segment
    at 0.5.
    """
    grid = Grid((40, 40, 40), GRIDS[request.param].affine)
    grey = np.full(grid.shape, GREY, np.int16)
    image = add_volume(drawing_app.scene, Volume(grey, grid.affine), "grey")
    image.GetDisplayNode().AutoWindowLevelOff()
    image.GetDisplayNode().SetWindowLevelMinMax(0, 255)
    soft = add_soft_mask(drawing_app.scene, image, cord_in(grid, radius_mm=5.0, edge_mm=6.0))
    display_soft_mask(soft, shown_from=0.2)
    view = add_threshold_view(drawing_app.scene, soft, 0.5)
    return drawing_app, image, soft, view, grid.to_world((np.array(grid.shape) - 1) / 2)


def distance_from(middle: np.ndarray, window: SliceView) -> np.ndarray:
    """For each pixel of an axial picture: mm from the middle of the cord."""
    row, column = window.pixel_of(middle)
    one_right = window.pixel_of(middle + [10.0, 0, 0])
    mm_per_pixel = 10.0 / np.hypot(one_right[0] - row, one_right[1] - column)
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    return np.hypot(rows - row, columns - column) * mm_per_pixel


def is_grey(picture: np.ndarray) -> np.ndarray:
    return np.ptp(picture.astype(int), axis=-1) <= 3


def is_outline(picture: np.ndarray) -> np.ndarray:
    return np.abs(picture / 255.0 - rgb(MASKS[0])).max(axis=-1) < 0.15


def test_the_overlay_is_where_the_mask_is_and_nowhere_else(scene):
    app, image, soft, view, middle = scene
    view.node.GetDisplayNode().SetVisibility(False)
    with SliceView(app, "Axial", SIZE) as window:
        window.show(image, soft, opacity=0.5)
        window.jump_to(middle)
        window.zoom(24.0)
        picture = window.render()
        distance = distance_from(middle, window)

    # soft = 0.5 - (r - 5) / 6 is 0.2, where the overlay ends, at r = 6.8 mm
    assert not is_grey(picture)[distance < 6.3].any()
    assert is_grey(picture)[distance > 7.3].all()
    assert np.abs(picture[distance > 7.3].astype(int) - GREY).max() <= 3


def test_without_opacity_only_the_image_is_seen(scene):
    app, image, soft, view, middle = scene
    view.node.GetDisplayNode().SetVisibility(False)
    with SliceView(app, "Sagittal", SIZE) as window:
        window.show(image, soft, opacity=0.0)
        window.jump_to(middle)
        window.zoom(20.0)
        picture = window.render()

    assert is_grey(picture).all()
    assert picture.mean() == pytest.approx(GREY, abs=3)


def test_a_lower_limit_of_display_shows_more_of_the_mask(scene):
    app, image, soft, view, middle = scene
    view.node.GetDisplayNode().SetVisibility(False)
    areas = []
    with SliceView(app, "Axial", SIZE) as window:
        window.show(image, soft, opacity=0.5)
        window.jump_to(middle)
        window.zoom(24.0)
        for shown_from in (0.8, 0.5, 0.2):
            display_soft_mask(soft, shown_from)
            areas.append((~is_grey(window.render())).sum() * (24.0 / SIZE[0]) ** 2)

    expected = [np.pi * (5.0 + 6.0 * (0.5 - shown_from)) ** 2 for shown_from in (0.8, 0.5, 0.2)]
    assert areas == pytest.approx(expected, rel=0.12)


def test_the_outline_of_the_segment_moves_with_the_threshold(scene):
    app, image, _, view, middle = scene
    with SliceView(app, "Axial", SIZE) as window:
        window.show(image)
        window.jump_to(middle)
        window.zoom(24.0)
        radii = []
        for threshold in (0.8, 0.5, 0.2):
            view.update(threshold)
            outline = is_outline(window.render())
            assert outline.any()
            radii.append(distance_from(middle, window)[outline].mean())

    # soft = t at r = 5 + 6 (0.5 - t); the outline follows voxel borders, so half a voxel and more
    # of play
    assert radii == pytest.approx([3.2, 5.0, 6.8], abs=0.8)
    assert radii[0] < radii[1] < radii[2]


def test_a_changed_mask_is_seen_at_the_next_drawing(scene):
    app, image, soft, view, middle = scene
    view.node.GetDisplayNode().SetVisibility(False)
    with SliceView(app, "Axial", SIZE) as window:
        window.show(image, soft, opacity=0.5)
        window.jump_to(middle)
        window.zoom(16.0)
        row, column = (round(x) for x in window.pixel_of(middle))
        assert not is_grey(window.render())[row, column]

        set_soft_mask(soft, volume_of(soft).with_data(np.zeros_like(array_of(soft))))

        assert is_grey(window.render()).all()


def test_the_position_jumped_to_is_in_the_middle_of_the_picture(scene):
    app, image, _, _, middle = scene
    aside = middle + [4.0, -3.0, 5.0]
    for orientation in ORIENTATIONS:
        with SliceView(app, orientation, SIZE) as window:
            window.show(image)
            window.jump_to(aside)
            assert window.pixel_of(aside) == pytest.approx((SIZE[1] / 2, SIZE[0] / 2), abs=1.5)
            assert window.pixel_of(middle) != pytest.approx((SIZE[1] / 2, SIZE[0] / 2), abs=3)


def test_jumping_shows_the_slice_through_the_position(scene):
    app, image, soft, view, middle = scene
    view.node.GetDisplayNode().SetVisibility(False)
    for orientation, away in (
        ("Sagittal", [12.0, 0, 0]),
        ("Coronal", [0, 12.0, 0]),
        ("Axial", [0, 0, 13.0]),
    ):
        with SliceView(app, orientation, SIZE) as window:
            window.show(image, soft, opacity=0.5)
            window.jump_to(middle)
            window.zoom(16.0)
            row, column = (round(x) for x in window.pixel_of(middle))
            assert (row, column) == pytest.approx((SIZE[1] / 2, SIZE[0] / 2), abs=1)
            assert not is_grey(window.render())[row, column]
            window.jump_to(middle + away)
            assert is_grey(window.render()).all()


def test_the_3d_view_shows_the_surface_in_the_colour_of_the_segment(scene):
    app, _, _, view, _ = scene
    with ThreeDView(app, SIZE, background=(0, 0, 1)) as window:
        window.look_from("A")
        nothing = window.render()
        assert (nothing == (0, 0, 255)).all()

        view.update(0.5, surface=True)
        window.look_from("A")
        picture = window.render()
        view.update(0.9)
        thinner = window.render()

    assert (~(thinner == (0, 0, 255)).all(axis=-1)).sum() < 0.8 * (
        ~(picture == (0, 0, 255)).all(axis=-1)
    ).sum()
    cord = ~(picture == (0, 0, 255)).all(axis=-1)
    rows, columns = np.argwhere(cord).T
    assert cord.sum() > 2000
    assert np.ptp(rows) > np.ptp(columns)  # upright: the head is up
    red, green, blue = picture[cord].mean(axis=0)
    assert red > 100
    assert green > 80
    assert blue < 0.6 * green


def test_closing_a_view_takes_its_nodes_out_of_the_scene(scene):
    app, image, soft, _, _ = scene
    before = {app.scene.GetNthNode(n).GetID() for n in range(app.scene.GetNumberOfNodes())}

    with SliceView(app, "Axial", SIZE) as window:
        window.show(image, soft)
        window.render()

    assert {app.scene.GetNthNode(n).GetID() for n in range(app.scene.GetNumberOfNodes())} == before


def test_window_and_level_are_not_ruled_by_a_few_bright_voxels(app):
    rng = np.random.default_rng(0)
    data = rng.integers(100, 200, (30, 30, 30)).astype(np.int16)
    data[0, 0, :10] = 30000
    node = add_volume(app.scene, Volume(data, np.eye(4)), "bright")

    set_window_level(node)

    display = node.GetDisplayNode()
    assert display.GetWindowLevelMin() == pytest.approx(100, abs=3)
    assert display.GetWindowLevelMax() == pytest.approx(199, abs=3)


def test_a_picture_is_written_as_it_is(app, tmp_path):
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    picture = np.random.default_rng(1).integers(0, 255, (20, 30, 3)).astype(np.uint8)

    (tmp_path / "picture.png").write_bytes(png_bytes(picture))

    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(tmp_path / "picture.png"))
    reader.Update()
    read = vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()).reshape(20, 30, 3)[::-1]
    assert np.array_equal(read, picture)
