"""Levels that a mask covers in part are compared over the part that all masks cover."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.morphometry import measure, rows_in_common
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
    whole, other = cone(0, 59), cone(0, 59)
    rows, partial = rows_in_common({"a": whole, "b": other}, [(1,), (2,), (3,), (4,)])
    assert partial == []
    assert [row.count for row in rows["a"]] == [15, 15, 15, 15]


@pytest.mark.parametrize("spacing", [1.0, 5.0])
def test_of_a_level_that_one_covers_in_part_the_common_part_is_taken(spacing):
    whole, short = cone(0, 59), cone(20, 59, spacing)
    rows, partial = rows_in_common({"whole": whole, "short": short}, [(2,), (3,), (4,)])

    assert partial == [(3,)]
    by_level = {name: {row.levels: row for row in found} for name, found in rows.items()}
    areas = [by_level[name][(3,)].mean["area"] for name in ("whole", "short")]
    assert areas[0] == pytest.approx(areas[1], rel=0.04)
    assert min(by_level["whole"][(3,)].slices) >= 17
    assert (4,) not in by_level["short"]
    assert by_level["whole"][(4,)].count == 15, "nothing to compare it with"


def test_a_range_is_compared_over_its_common_stretch():
    whole, short = cone(0, 59), cone(20, 59)
    rows, partial = rows_in_common({"whole": whole, "short": short}, [(3, 4)])

    assert partial == [(3, 4)]
    assert [len(found) for found in rows.values()] == [1, 1]
    assert rows["whole"][0].mean["area"] == pytest.approx(rows["short"][0].mean["area"], rel=0.02)
