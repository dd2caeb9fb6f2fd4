"""How much of a fine-tuning is kept: as much as does no harm where nothing was to change."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.training.finetune import BundleScores, Scores, finetune
from SoftCordSegLib.training.finetune.weight_share import (
    LARGEST_DRIFT,
    blended,
    choose_share,
    volume_change_percent,
)
from training.finetune.necks import SCORER, a_request
from training.finetune.test_finetune import weights_of


def scored(error=0.0, soft_dice=0.97, images=("a", "b")):
    return BundleScores({name: Scores(soft_dice, soft_dice, soft_dice, error) for name in images})


def drifting(percent, fall=0.0, power=1.0):
    """Scores by share, where all of the change makes volumes so much larger."""
    return lambda share: scored(percent * share**power, 0.97 - fall * share)


@pytest.mark.parametrize(
    ("score", "share", "tries"),
    [
        (drifting(1.9), 1.0, 1),
        (drifting(-1.9), 1.0, 1),
        (drifting(3.2), 0.6, 2),
        (drifting(-8.0), 0.25, 2),
        (drifting(0.0, fall=0.0039), 0.5, 2),
        # More, and less, than in proportion: it is tried again on either side.
        (drifting(8.0, power=1.6), 0.4, 4),
        (drifting(6.0, power=0.5), 0.1, 4),
        # None keeps to the limits.
        (drifting(900.0), 0.05, 2),
    ],
)
def test_it_is_the_largest_that_keeps_to_the_limits(score, share, tries):
    kept = choose_share(score, scored(), LARGEST_DRIFT)
    assert (kept.share, len(kept.tried)) == (share, tries)
    assert kept.scores == score(share)
    assert kept.tried[0].share == 1
    assert share in [one.share for one in kept.tried]


def test_without_a_limit_or_without_images_all_is_kept():
    assert choose_share(drifting(50.0), scored(), None).share == 1
    nothing = BundleScores({})
    assert choose_share(lambda _share: nothing, nothing, LARGEST_DRIFT).share == 1


def test_the_change_of_volume_is_between_the_two_bundles_not_against_the_truth():
    before, after = scored(-20.0), scored(-12.0)
    assert volume_change_percent(before, after) == pytest.approx(10.0)
    # A cord that was not found at all has no volume to change by parts.
    assert volume_change_percent(scored(-100.0), after) == 0.0


def test_weights_lie_between_and_whole_numbers_are_the_new_ones():
    before = {"w": torch.tensor([0.0, 2.0]).half(), "steps": torch.tensor(3)}
    tuned = {"w": torch.tensor([1.0, 4.0]), "steps": torch.tensor(9)}
    between = blended(before, tuned, 0.25)
    assert between["w"].tolist() == [0.25, 2.5]
    assert between["steps"] == 9
    assert torch.equal(blended(before, tuned, 1.0)["w"], tuned["w"])


def test_a_training_that_draws_other_cords_larger_is_taken_back_in_part(
    parent, wide_cases, tmp_path
):
    # Without replay, cords that no correction is about are drawn wider too.
    course = {"share": 1.0, "steps": 30, "learning_rate": 1e-3}
    whole = finetune(
        a_request(parent, wide_cases, tmp_path / "a", largest_drift=None, **course), SCORER
    )
    kept = finetune(a_request(parent, wide_cases, tmp_path / "b", **course), SCORER)

    drifts = [volume_change_percent(one.watched_before, one.watched_after) for one in (whole, kept)]
    assert drifts[0] > 2 * LARGEST_DRIFT
    assert abs(drifts[1]) <= LARGEST_DRIFT
    # And still something was learned.
    assert kept.after.soft_dice > kept.before.soft_dice
    record = load_bundle(kept.folder).metadata["provenance"]["finetuning"]["weight_share"]
    assert record == kept.weight_share.to_json()
    assert record["share"] < 1
    first, second, third = (
        weights_of(folder) for folder in (parent.folder, kept.folder, whole.folder)
    )
    off = second - (first + record["share"] * (third - first))
    assert np.abs(off).max() < 2e-3 * np.abs(third - first).max() + 2e-3
