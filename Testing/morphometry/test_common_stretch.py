"""Levels that a mask covers in part are compared over the part that all masks cover."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from SoftCordSegLib.morphometry import levels_in_common, measure, slices_in_common
from SoftCordSegLib.volume import Volume


def cone(first: int, last: int, spacing: float = 1.0, count: int = 60):
    """An upright cord that widens from below to above, with cord from height ``first`` to ``last``,
    levels of 15 mm: C4 (lowest) to C1.
    """
    slices = int(count / spacing)
    heights = np.arange(slices) * spacing
    at = np.indices((24, 24)) - 11.5
    radius = 4 + heights / 20
    away = np.hypot(*at)[:, :, None]
    data = np.clip(radius - away + 0.5, 0, 1) * ((heights >= first) & (heights <= last))
    shape = measure(Volume(data.astype(np.float32), np.diag([-1.0, 1, spacing, 1])))
    return shape.with_levels(4 - (shape.centres_mm[:, 2] // 15).astype(int))


def test_levels_that_all_cover_are_taken_whole():
    shapes = {"a": cone(0, 59), "b": cone(0, 59)}
    for level in (1, 2, 3, 4):
        row = levels_in_common(shapes, [level])
        assert (row.rows["a"].count, row.is_part, row.note) == (15, False, "")


@pytest.mark.parametrize("spacing", [1.0, 5.0])
def test_of_a_level_that_one_covers_in_part_the_common_part_is_taken(spacing):
    shapes = {"whole": cone(0, 59), "short": cone(20, 59, spacing)}
    row = levels_in_common(shapes, [3])

    assert row.is_part
    areas = [one.mean["area"] for one in row.rows.values()]
    assert areas[0] == pytest.approx(areas[1], rel=0.04)
    assert min(row.rows["whole"].slices) >= 17
    assert "ends within C3 in short; only the cord that all contrasts show" in row.note
    below = levels_in_common(shapes, [4])
    assert list(below.rows) == ["whole"]
    assert below.rows["whole"].count == 15, "nothing to compare it with"
    assert not below.is_part


def test_all_that_each_shows_is_taken_when_it_is_asked_for():
    shapes = {"whole": cone(0, 59), "short": cone(20, 59)}
    row = levels_in_common(shapes, [3], whole=True)

    assert {name: one.count for name, one in row.rows.items()} == {"whole": 15, "short": 10}
    assert row.note == "The mask ends within C3 in short; all that each of them shows is averaged."


def test_a_range_is_compared_over_its_common_stretch():
    shapes = {"whole": cone(0, 59), "short": cone(20, 59)}
    row = levels_in_common(shapes, [3, 4])

    assert row.is_part
    assert {one.levels for one in row.rows.values()} == {(3,)}, "of C4 one has nothing"
    areas = [one.mean["area"] for one in row.rows.values()]
    assert areas[0] == pytest.approx(areas[1], rel=0.02)


def test_a_cord_that_moved_between_images_keeps_the_levels_that_both_show_whole():
    lower = cone(0, 59)
    lifted = replace(lower, centres_mm=lower.centres_mm + np.array([0, 0, 20.0]))
    row = levels_in_common({"a": lower, "b": lifted}, [3])

    assert [one.count for one in row.rows.values()] == [15, 15]


def test_parts_that_do_not_overlap_are_not_compared():
    row = levels_in_common({"upper": cone(25, 59), "lower": cone(0, 19)}, [3])

    assert not row.compared
    assert [one.count for one in row.rows.values()] == [5, 5]
    assert "no cord there in common, and are not compared" in row.note


def test_slices_of_one_grid_that_one_lacks_are_left_out_of_all():
    shapes = {"whole": cone(0, 59), "short": cone(20, 59)}
    row = slices_in_common(shapes, range(15, 25))

    assert {one.slices for one in row.rows.values()} == {tuple(range(20, 25))}
    assert "ends within 15:24 in short" in row.note
    each = slices_in_common(shapes, range(15, 25), whole=True)
    assert [one.count for one in each.rows.values()] == [10, 5]
