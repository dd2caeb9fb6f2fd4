"""Distance from the pontomedullary junction, as SCT measures it."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import (
    add_distance_pmj,
    aggregate,
    csv_text,
    measure,
    slices_at_pmj_distance,
)
from SoftCordSegLib.volume import Volume, reorient


@pytest.fixture
def a_cube() -> Volume:
    """SCT's: 32³ at 1 mm, cord from 9 to 23 in all directions."""
    data = np.zeros((32, 32, 32), np.uint8)
    data[9:24, 9:24, 9:24] = 1
    return Volume(data, np.eye(4))


@pytest.mark.parametrize("letters", ["RAS", "LAS", "PSR"])
def test_slices_at_a_distance_are_scts(a_cube, letters):
    mask = reorient(a_cube, letters)
    shape = add_distance_pmj(measure(mask), mask, (15, 15, 28))
    chosen = slices_at_pmj_distance(shape, 8, 4)
    assert chosen == [18, 19, 20, 21]
    row = aggregate(shape, slices=chosen)[0]
    assert row.sum["length"] == pytest.approx(4.0)
    assert shape.at_slice(10).distance_pmj == pytest.approx(18.11, abs=0.005)
    assert row.distance_pmj == pytest.approx(np.mean(shape.distance_pmj[9:13]))
    assert aggregate(shape, slices=chosen, distance_pmj=8)[0].distance_pmj == 8.0


def test_distance_is_in_the_table(a_cube):
    shape = add_distance_pmj(measure(a_cube), a_cube, (15, 15, 28))
    line = csv_text(shape, aggregate(shape)).splitlines()[1 + 10]
    assert float(line.split(",")[5]) == pytest.approx(18.11, abs=0.005)


def test_slices_above_the_junction_have_no_distance(a_cube):
    shape = add_distance_pmj(measure(a_cube), a_cube, (16, 16, 20))
    assert np.isnan(shape.distance_pmj[12:]).all()
    assert shape.distance_pmj[11] == 0.0
    assert np.isfinite(shape.distance_pmj[:12]).all()


def test_wrong_junctions_and_distances_are_sentences(a_cube):
    shape = measure(a_cube)
    with pytest.raises(InputError, match="not known"):
        slices_at_pmj_distance(shape, 8)
    with pytest.raises(InputError, match="below the mask"):
        add_distance_pmj(shape, a_cube, (15, 15, 2))
    with pytest.raises(InputError, match="above or below the image"):
        add_distance_pmj(shape, a_cube, (15, 15, 70))
    with pytest.raises(InputError, match="reaches from 5 to 19 mm"):
        slices_at_pmj_distance(add_distance_pmj(shape, a_cube, (15, 15, 28)), 60)
