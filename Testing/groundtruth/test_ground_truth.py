"""The values of a ground truth: its options, and masks that are none."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.groundtruth import Contrast, GroundTruthOptions
from SoftCordSegLib.volume import Volume


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
    with pytest.raises(OptionError):
        GroundTruthOptions(**wrong)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (np.zeros((3, 3, 3)), "is empty"),
        (np.array([[[1.0, np.nan]]]), "T1w: The mask has NaN"),
        (np.full((3, 3, 3), 700), "fills 100 % of the image"),
        (np.arange(27.0).reshape(3, 3, 3), "T1w: This is a label image"),
    ],
)
def test_what_is_no_mask_is_refused(data, sentence):
    with pytest.raises(InputError, match=sentence):
        Contrast("T1w", Volume(data, np.eye(4)))
