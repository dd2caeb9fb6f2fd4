"""A mask's edge moves by what was asked, and by nothing where nothing was."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.volume import Volume, reorient
from SoftCordSegLib.volume.moved_edge import moved_edge


def disc(radius_mm: float, spacing=(1.0, 1.0, 3.0), center=(15.3, 14.8)) -> Volume:
    """A binary disc in five of nine slices, drawn voxel by voxel; axes to the Left, Anterior,
    Superior.
    """
    size = [round(30 / s) for s in spacing[:2]]
    x, y = (np.arange(n) * s for n, s in zip(size, spacing))
    plane = np.hypot(x[:, None] - center[0], y[None, :] - center[1]) <= radius_mm
    data = np.zeros((*size, 9), np.float32)
    data[:, :, 2:7] = plane[:, :, None]
    return Volume(data, np.diag([-spacing[0], spacing[1], spacing[2], 1]))


def area(volume: Volume, index: int) -> float:
    return float(volume.data[:, :, index].sum() * volume.spacing[0] * volume.spacing[1])


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 0.5, 5.0), (0.9, 0.6, 3.0)])
@pytest.mark.parametrize("by_mm", [-0.5, -0.2, 0.0, 0.3])
def test_the_area_becomes_that_of_the_moved_outline(spacing, by_mm):
    mask = disc(5.0, spacing)
    radius = np.sqrt(area(mask, 4) / np.pi)
    moved = moved_edge(mask, by_mm)
    assert area(moved, 4) == pytest.approx(np.pi * (radius + by_mm) ** 2, rel=0.025)
    assert moved.data.dtype == np.float32
    assert 0 <= moved.data.min() <= moved.data.max() <= 1
    assert not moved.data[:, :, [0, 1, 7, 8]].any()


def test_moving_by_nothing_keeps_the_area_and_softens_the_edge():
    mask = disc(5.0)
    moved = moved_edge(mask, 0.0)
    assert area(moved, 4) == pytest.approx(area(mask, 4), rel=0.01)
    assert np.abs(moved.data - mask.data).max() < 0.75
    assert ((moved.data[:, :, 4] > 0.05) & (moved.data[:, :, 4] < 0.95)).sum() > 20


def test_the_middle_stays_where_it_was():
    mask = disc(5.0, (0.5, 0.5, 3.0))
    for by_mm in (-0.4, 0.0, 0.4):
        plane = moved_edge(mask, by_mm).data[:, :, 4]
        x, y = np.indices(plane.shape) * 0.5
        assert (x * plane).sum() / plane.sum() == pytest.approx(15.3, abs=0.06)
        assert (y * plane).sum() / plane.sum() == pytest.approx(14.8, abs=0.06)


def test_slices_are_found_in_any_orientation():
    expected = reorient(moved_edge(disc(5.0), -0.3), "PSR")
    moved = moved_edge(reorient(disc(5.0), "PSR"), -0.3)
    assert moved.grid.same_as(expected.grid)
    assert np.abs(moved.data - expected.data).max() < 1e-6


def test_a_cord_thinner_than_the_move_is_gone_and_one_at_the_border_stays():
    assert moved_edge(disc(1.2), -3.0).data.sum() == 0
    at_border = moved_edge(disc(5.0, center=(0.0, 14.8)), 0.0)
    assert area(at_border, 4) == pytest.approx(area(disc(5.0, center=(0.0, 14.8)), 4), rel=0.03)
