"""A number that is doubtful says so in its row; the number itself stays SCT's."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import (
    DiscLabel,
    MeasureOptions,
    add_levels,
    add_levels_from_mask,
    aggregate,
    centreline_of,
    discs_from_label_image,
    measure,
)
from SoftCordSegLib.volume import Volume

AFFINE = np.diag([-1.0, 1.0, 1.0, 1.0])


def column(radius=5.0, slices=60, shift=None, scale=1.0):
    """A straight cord of soft edge in the middle of 60 × 60 voxels of 1 mm."""
    x, y = np.mgrid[:60, :60]
    data = np.zeros((60, 60, slices), np.float32)
    for k in range(slices):
        aside = 0.0 if shift is None else shift(k)
        data[:, :, k] = np.clip(radius + 0.5 - np.hypot(x - 29.5 - aside, y - 29.5), 0, 1)
    return Volume(scale * data, AFFINE)


def notes_by_slice(mask, **options):
    shape = measure(mask, MeasureOptions(**options))
    return {row.slices[0]: row.notes for row in aggregate(shape) if row.count}


def disc(value, slice_number):
    x, y, z = AFFINE[:3, :3] @ [29.5, 40, slice_number]
    return DiscLabel(value, (x, y, z))


def level_rows(mask, discs):
    shape = add_levels(measure(mask), discs, mask)
    return {row.name: row.notes for row in aggregate(shape, per_level=True)}


def test_a_sound_cord_has_no_notes():
    assert set(notes_by_slice(column()).values()) == {""}


def test_slices_that_were_displaced_say_so_and_no_others():
    notes = notes_by_slice(column(shift=lambda k: 14 if 30 <= k < 34 else 0))

    jumped = {number for number, note in notes.items() if "jump of 14 mm" in note}
    assert jumped == {30, 31, 32, 33}


def test_a_steep_cord_says_so():
    notes = notes_by_slice(column(shift=lambda k: 2.2 * (k - 10) - 22, slices=22))

    assert all("angle over 60°" in note for note in list(notes.values())[5:15])


@pytest.mark.parametrize(("radius", "word"), [(0.9, "under 5 mm²"), (10.0, "over 200 mm²")])
def test_areas_that_no_cord_has_say_so(radius, word):
    assert all(word in note for note in notes_by_slice(column(radius)).values())


@pytest.mark.parametrize(
    ("options", "word"),
    [({}, "soft values below 0.9, scaled up to 1"), ({"rescaling": "none"}, "below 0.9")],
)
def test_soft_values_that_do_not_come_near_1_say_so(options, word):
    assert all(word in note for note in notes_by_slice(column(scale=0.5), **options).values())


def test_one_disc_does_not_make_a_level_of_the_rest():
    rows = level_rows(column(), [disc(3, 45)])

    assert rows["C3"] == "lower end not known: C3/C4 is not marked; 46 mm long, longer than any C3"
    assert rows["C2"].startswith("upper end not known: C1/C2 is not marked")


def test_levels_between_their_discs_have_no_note():
    rows = level_rows(column(), [disc(2, 57), disc(3, 42), disc(4, 27), disc(5, 12)])

    assert (rows["C2"], rows["C3"], rows["C4"]) == ("", "", "")
    assert "lower end not known" in rows["C5"]


def test_a_level_that_the_mask_only_partly_covers_says_so():
    rows = level_rows(column(), [disc(3, 66), disc(4, 51), disc(5, 36), disc(6, -4)])

    assert rows["C3"] == "its upper part is not in the mask"
    assert rows["C4"] == ""
    assert rows["C5"].startswith("its lower part is not in the mask")


def test_a_level_with_a_missing_disc_names_what_else_is_in_it():
    rows = level_rows(column(), [disc(3, 55), disc(4, 45), disc(6, 15), disc(7, 2)])

    assert rows["C4"] == "has C5 too: the disc between is not marked"


def test_discs_far_beyond_the_mask_are_refused():
    with pytest.raises(InputError, match="beyond the end of the mask, the nearest by 241 mm"):
        level_rows(column(), [disc(3, 330), disc(4, 315), disc(5, 300)])


def levels_of(mask, level_at):
    """A mask labelled by a function of the slice."""
    data = (mask.data > 0.5).astype(np.int16)
    return Volume(data * np.array([level_at(k) for k in range(mask.shape[2])]), AFFINE)


def test_level_images_are_checked():
    mask = column()
    shape = measure(mask)

    good = add_levels_from_mask(shape, levels_of(mask, lambda k: 5 - k // 20))
    assert [row.name for row in aggregate(good, per_level=True)] == ["C3", "C4", "C5"]

    mixed = levels_of(mask, lambda k: 5)
    mixed.data[:30, :, 7] *= 2
    wrong = {
        "not whole numbers": Volume(levels_of(mask, lambda k: 5).data / 2, AFFINE),
        "out of order at slice 40": levels_of(mask, lambda k: (4, 3, 4)[k // 20]),
        "value 40, which is no vertebral level": levels_of(mask, lambda k: 40),
        "Slice 7 of the labelled segmentation has the levels 5 to 10": mixed,
    }
    for sentence, labels in wrong.items():
        with pytest.raises(InputError, match=sentence):
            add_levels_from_mask(shape, labels)


def test_levels_that_are_upside_down_are_said():
    mask = column()

    shape = add_levels_from_mask(measure(mask), levels_of(mask, lambda k: 3 + k // 20))

    assert any("upside down" in note for note in shape.notes)


def test_the_area_does_not_depend_on_the_blank_margin_of_the_file():
    whole = column(shift=lambda k: 0.2 * k)
    hit = whole.data.any(axis=2)
    rows, columns = np.flatnonzero(hit.any(axis=1)), np.flatnonzero(hit.any(axis=0))
    inside = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))

    areas = [
        measure(Volume(data, AFFINE)).columns["area"] for data in (whole.data, whole.data[inside])
    ]

    assert areas[1].mean() == pytest.approx(areas[0].mean(), rel=5e-4)


def test_a_centreline_serves_the_slices_that_it_covers():
    cord = column()
    line = centreline_of(cord.with_data(np.where(np.arange(60) // 20 == 1, cord.data, 0)))

    shape = measure(cord, centreline=line)
    rows = {row.slices[0]: row.count for row in aggregate(shape)}

    assert [number for number, count in rows.items() if count] == list(range(20, 40))
    np.testing.assert_allclose(shape.columns["area"], measure(cord).columns["area"][20:40])
    assert any("does not cover slice(s) 0:19;40:59" in note for note in shape.notes)


def test_a_level_image_tells_where_the_mask_ends_within_a_level():
    whole = column()
    part = whole.with_data(np.where(np.arange(60) < 50, whole.data, 0))

    shape = add_levels_from_mask(measure(part), levels_of(whole, lambda k: 5 - k // 20))

    rows = {row.name: row.notes for row in aggregate(shape, per_level=True)}
    assert rows["C3"] == "its upper part is not in the mask"
    assert rows["C4"] == ""


def test_disc_values_within_a_thousandth_are_whole():
    data = np.zeros((20, 20, 20))
    data[10, 10, 15], data[10, 10, 5] = 3.0004, 4

    assert [one.value for one in discs_from_label_image(Volume(data, AFFINE))] == [3, 4]
    data[10, 10, 15] = 3.4
    with pytest.raises(InputError, match="not integers"):
        discs_from_label_image(Volume(data, AFFINE))


def test_disc_volumes_are_not_sent_in_a_circle():
    data = np.zeros((30, 30, 30), np.uint8)
    data[5:25, 5:25, 20], data[5:25, 5:25, 10] = 63, 64

    with pytest.raises(InputError, match="no vertebral levels either"):
        discs_from_label_image(Volume(data, AFFINE))


def test_groups_are_named_by_the_levels_in_them():
    mask = column()
    shape = add_levels(measure(mask), [disc(3, 45), disc(4, 30), disc(5, 15)], mask)

    (row,) = aggregate(shape, levels=[1, 3, 5])
    assert row.levels == (3, 5)
    assert row.name == "C3;C5"
