"""The data set that the tests of the review work on is what it says."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.bids import Origin, is_as_described, origin_of
from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.volume import read_nifti


def soft_dice(one, other):
    return 2 * np.minimum(one, other).sum() / (one.sum() + other.sum())


def test_it_has_40_cases_of_which_6_masks_are_wrong_and_3_are_broken(review_dataset):
    assert len(review_dataset.keys) == len(set(review_dataset.keys)) == 40
    assert len(review_dataset.wrong) == 6
    assert len(review_dataset.broken) == 3
    assert len(review_dataset.fine) == 31
    assert all(review_dataset.image(key).is_file() for key in review_dataset.keys)
    assert all(review_dataset.mask(key).is_file() for key in review_dataset.keys)


def test_masks_are_near_the_truth_but_for_the_wrong_ones(review_dataset):
    scores = {
        key: soft_dice(read_nifti(review_dataset.mask(key)).data, review_dataset.truth(key).data)
        for key in (*review_dataset.fine, *review_dataset.wrong)
    }
    assert min(scores[key] for key in review_dataset.fine) > 0.85
    assert max(scores[key] for key in review_dataset.wrong) < 0.95
    assert scores["sub-08/anat/sub-08_T2w"] < 0.1  # another structure


def test_masks_are_as_a_program_made_them(review_dataset):
    for key in review_dataset.fine:
        mask = review_dataset.mask(key)
        assert origin_of(mask) is Origin.PROGRAM
        assert is_as_described(mask)


def test_broken_files_are_broken(review_dataset):
    for key, reason in review_dataset.broken.items():
        if reason == "mask on another grid":
            assert read_nifti(review_dataset.image(key)).shape != (
                read_nifti(review_dataset.mask(key)).shape
            )
        else:
            with pytest.raises(SoftCordSegError):
                read_nifti(review_dataset.image(key))
