"""Padding, trimming and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtruth.cords import Cord, grid
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.groundtruth import GroundTruthOptions
from SoftCordSegLib.groundtruth.coverage import average, coverage_of
from SoftCordSegLib.groundtruth.ends import pad_ends, trim_ends
from SoftCordSegLib.volume import Volume


def a_stack(slices, first=0, last=None):
    data = np.zeros((4, 4, slices), np.float32)
    last = slices - 1 if last is None else last
    data[1:3, 1:3, first : last + 1] = np.linspace(0.2, 1, last - first + 1)
    return data


def test_padding_repeats_the_first_and_last_slice_once():
    mask = Volume(a_stack(6, 1, 4), np.diag([1, 1, 5, 1]))

    padded = pad_ends(mask)

    assert padded.shape == (4, 4, 8)
    assert padded.grid.to_world([0, 0, 1]) == pytest.approx(mask.grid.to_world([0, 0, 0]))
    assert (padded.data[:, :, 2:6] == mask.data[:, :, 1:5]).all()
    assert (padded.data[:, :, 1] == mask.data[:, :, 1]).all()
    assert (padded.data[:, :, 6] == mask.data[:, :, 4]).all()
    assert not padded.data[:, :, [0, 7]].any()


def test_padding_goes_beyond_the_stack_where_the_mask_fills_it():
    mask = Volume(a_stack(3), np.eye(4))

    padded = pad_ends(mask).data

    assert (padded[:, :, 0] == mask.data[:, :, 0]).all()
    assert (padded[:, :, 4] == mask.data[:, :, 2]).all()


def test_ten_slices_go_at_each_end_of_a_long_stack():
    mask, coverage = a_stack(60, 5, 54), np.ones((4, 4, 60), np.float32)

    trimmed, covered, count = trim_ends(mask, coverage, 10)

    assert count == 10
    assert np.flatnonzero(trimmed.any(axis=(0, 1))).tolist() == list(range(15, 45))
    assert np.flatnonzero(covered.any(axis=(0, 1))).tolist() == list(range(15, 45))
    assert (trimmed[:, :, 15:45] == mask[:, :, 15:45]).all()


@given(slices=st.integers(1, 60), wanted=st.integers(0, 40))
def test_at_least_half_of_any_stack_stays(slices, wanted):
    mask = a_stack(slices)

    trimmed, covered, count = trim_ends(mask, np.ones_like(mask), wanted)

    left = np.count_nonzero(trimmed.any(axis=(0, 1)))
    assert left == slices - 2 * count == np.count_nonzero(covered.any(axis=(0, 1)))
    assert count <= wanted
    assert left >= slices / 2


def test_an_empty_mask_is_left_alone():
    empty = np.zeros((2, 2, 5))

    assert trim_ends(empty, empty, 3)[2] == 0


def test_eight_millimetres_are_the_ten_slices_of_the_paper():
    options = GroundTruthOptions()

    assert options.trim_slices_of("T2star", 0.8) == 10
    assert options.trim_slices_of("T2star", 5.0) == 2
    assert options.trim_slices_of("T1w", 0.8) == 0
    assert options.trim_slices_of("T2w", 0.8) == 0  # the reference


def test_trimming_can_be_set_for_all_and_for_one():
    options = GroundTruthOptions(trim_mm=4, trim_of={"T2star": 6.4})

    assert [options.trim_slices_of(name, 0.8) for name in ("MTon", "T2star", "T1w")] == [5, 8, 5]
    assert GroundTruthOptions(trim_slices=10).trim_slices_of("MTon", 1.0) == 10


@pytest.mark.parametrize(
    "wrong", [{"trim_mm": -1}, {"trim_of": {"T1w": -1}}, {"trim_slices": -2}, {"spacing_mm": 0.0}]
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(InputError):
        GroundTruthOptions(**wrong)


def test_slices_without_a_mask_are_not_covered():
    mask = Cord().mask(grid(1.0, (20, 20, 9), middle=(0, 0, 4)), length=(2, 6))
    data = mask.data.copy()
    data[:, :, 4] = 0

    covered = coverage_of(mask.with_data(data)).data

    assert (
        covered.min(axis=(0, 1)).tolist()
        == covered.max(axis=(0, 1)).tolist()
        == [0, 0, 1, 1, 0, 1, 1, 0, 0]
    )


def test_the_average_is_over_those_that_cover_a_place():
    masks = [np.array([[[0.9, 0.9, 0.0, 0.0]]]), np.array([[[0.3, 0.0, 0.3, 0.0]]])]
    coverages = [np.array([[[1.0, 1.0, 0.0, 0.0]]]), np.array([[[1.0, 0.0, 0.5, 0.0]]])]

    soft, count = average(masks, coverages)

    assert soft[0, 0] == pytest.approx([0.6, 0.9, 0.6, 0.0])
    assert count[0, 0] == pytest.approx([2, 1, 0.5, 0])
    assert np.isfinite(soft).all()
