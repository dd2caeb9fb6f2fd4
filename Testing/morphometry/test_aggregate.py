"""Slices, levels and ranges are pooled as SCT pools them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphometry.cords import shape_with_areas
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import aggregate

AREAS = [29, 31, 39, 41, 50, 51, 59, 62, 70]
LEVELS = [2, 2, 3, 3, 4, 4, 5, 5, 6]


@pytest.fixture
def a_cord():
    return shape_with_areas(AREAS, LEVELS)


def test_two_levels_are_pooled(a_cord):
    assert aggregate(a_cord, levels=[2, 3])[0].mean["area"] == 35.0


def test_slices_one_and_two(a_cord):
    row = aggregate(a_cord, slices=[1, 2])[0]
    assert (row.mean["area"], row.std["area"]) == (35.0, 4.0)


def test_slices_and_levels_together_are_the_intersection(a_cord):
    row = aggregate(a_cord, slices=[1, 2, 3, 4, 6], levels=[2, 3])[0]
    assert row.mean["area"] == 37.0
    assert row.slices == (1, 2, 3)


def test_neither_slices_nor_levels_means_one_row_a_slice(a_cord):
    rows = aggregate(a_cord)
    assert [row.mean["area"] for row in rows] == AREAS
    assert [row.levels for row in rows] == [(level,) for level in LEVELS]


def test_per_level_gives_one_row_a_level(a_cord):
    rows = aggregate(a_cord, levels=[2, 3, 4], per_level=True)
    assert [(row.levels, row.mean["area"]) for row in rows] == [
        ((2,), 30.0),
        ((3,), 40.0),
        ((4,), 50.5),
    ]


def test_per_level_without_levels_takes_all_there_are(a_cord):
    assert [row.levels for row in aggregate(a_cord, per_level=True)] == [
        (2,),
        (3,),
        (4,),
        (5,),
        (6,),
    ]


def test_per_slice_within_levels(a_cord):
    assert [(row.slices, row.levels) for row in aggregate(a_cord, levels=[3], per_slice=True)] == [
        ((2,), (3,)),
        ((3,), (3,)),
    ]


def test_missing_level_is_left_out_and_said(a_cord):
    summary = aggregate(a_cord, levels=[6, 7], per_level=True)
    assert [row.levels for row in summary] == [(6,)]
    assert "C7 (7)" in summary.notes[0]


def test_values_that_are_not_finite_do_not_count():
    row = aggregate(shape_with_areas([10.0, math.nan, 20.0, math.inf]), slices=range(4))[0]
    assert (row.mean["area"], row.std["area"], row.count) == (15.0, 5.0, 2)


def test_length_is_summed(a_cord):
    assert aggregate(a_cord, levels=[2, 3])[0].sum["length"] == 4.0


def test_levels_without_discs_are_an_error():
    with pytest.raises(InputError, match="Vertebral levels are not known"):
        aggregate(shape_with_areas(AREAS), levels=[3])


def test_slice_outside_the_image_is_an_error(a_cord):
    with pytest.raises(InputError, match="no slice 9:11"):
        aggregate(a_cord, slices=range(7, 12))


@given(st.lists(st.tuples(st.floats(1, 200), st.integers(1, 5)), min_size=1, max_size=30))
def test_every_slice_with_a_level_is_in_exactly_one_level(cord):
    areas, levels = zip(*cord)
    rows = aggregate(shape_with_areas(areas, levels), per_level=True)
    assert sorted(number for row in rows for number in row.slices) == list(range(len(areas)))
    pooled = aggregate(shape_with_areas(areas, levels), levels=range(1, 6))[0]
    assert pooled.mean["area"] * len(areas) == pytest.approx(
        sum(row.mean["area"] * row.count for row in rows)
    )
