"""What speaks against a new bundle, and what it says of its line."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from SoftCordSegLib.network.store import open_bundle
from SoftCordSegLib.training.finetune import BundleScores, Scores
from SoftCordSegLib.training.finetune.finetune_run import duration_in_words, plan_of
from SoftCordSegLib.training.finetune.lineage import loss_of, next_version, trained_on
from SoftCordSegLib.training.finetune.verdict import Rival, objections
from SoftCordSegLib.training.loss import check_options


def scored(*soft_dice):
    return BundleScores(
        {str(n): Scores(value, value, value, 0.0) for n, value in enumerate(soft_dice)}
    )


KEPT = scored(0.98)


def test_better_and_nothing_forgotten_is_accepted():
    assert objections(scored(0.9, 0.8), scored(0.85, 0.9), KEPT, scored(0.975), None) == ()


def test_worse_than_its_parent_on_held_out_cases():
    (sentence,) = objections(scored(0.90), scored(0.89), KEPT, KEPT, None)
    assert "worse than the bundle it came from: mean soft Dice 0.8900, before 0.9000" in sentence


@pytest.mark.parametrize(("after", "forgets"), [(0.971, False), (0.969, True)])
def test_forgetting_has_a_margin(after, forgets):
    found = objections(scored(0.9), scored(0.95), KEPT, scored(after), None)
    assert bool(found) == forgets
    assert not found or f"falls from 0.9800 to {after:.4f}, by more than 0.01" in found[0]


def test_a_rival_is_compared_on_the_same_cases():
    better, worse = (
        Rival("old 1", scored(0.95), scored(0.94)),
        Rival("old 1", scored(0.93), scored(0.94)),
    )
    (sentence,) = objections(scored(0.9), scored(0.94), KEPT, KEPT, better)
    assert (
        sentence
        == "old 1, which is there already, is better on the same held-out cases: mean soft Dice"
        " 0.9500, the new one 0.9400."
    )
    assert objections(scored(0.9), scored(0.94), KEPT, KEPT, worse) == ()


def test_a_rival_that_cannot_be_compared_is_not_replaced():
    (sentence,) = objections(
        scored(0.9), scored(0.94), KEPT, KEPT, Rival("old 1", scored(), scored())
    )
    assert "is unknown" in sentence


def test_without_held_out_cases_only_forgetting_counts():
    assert objections(scored(), scored(), KEPT, KEPT, None) == ()
    assert len(objections(scored(), scored(), KEPT, scored(0.9), None)) == 1


@pytest.mark.parametrize(
    ("version", "following"),
    [
        ("0.2.0", "0.2.0+finetune.1"),
        ("0.2.0+finetune.1", "0.2.0+finetune.2"),
        ("0.2.0+finetune.9", "0.2.0+finetune.10"),
        ("1.0.0-rc.1+hospital", "1.0.0-rc.1+hospital.finetune.1"),
    ],
)
def test_versions_count_up(version, following):
    assert next_version(version) == following


def test_all_that_a_line_was_trained_on_is_known():
    def record(**parts):
        return {
            "cases": [
                {"sha256": {"image": name}, "part": part}
                for part, names in parts.items()
                for name in names
            ]
        }

    first = {
        "finetuning": record(training=["a", "b"], held_out=["c"]),
        "parent": {"name": "shipped", "provenance": {"seed": 1}},
    }
    second = {"finetuning": record(training=["d"]), "parent": {"provenance": first}}
    assert trained_on(SimpleNamespace(metadata={"provenance": second})) == {"a", "b", "d"}
    assert trained_on(SimpleNamespace(metadata={})) == frozenset()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2, "5 seconds"), (43, "45 seconds"), (200, "3 minutes"), (9000, "2.5 hours")],
)
def test_durations_in_words(seconds, words):
    assert duration_in_words(seconds) == words


@pytest.mark.parametrize(
    ("provenance", "loss"),
    [
        ({"segmenter": {"loss": "squared_error"}}, ("squared_error", {})),
        (
            {"segmenter": {"plan": {"loss": "dice", "loss_options": {"low": 0.1}}}},
            ("dice", {"low": 0.1}),
        ),
        (
            {
                "finetuning": {},
                "parent": {"provenance": {"segmenter": {"loss": "dice", "loss_options": {}}}},
            },
            ("dice", {}),
        ),
        (
            {"segmenter": {"loss": "squared_and_area_error", "loss_options": {"area": 0.02}}},
            ("squared_and_area_error", {"area": 0.02}),
        ),
        ({"seed": 1}, None),
        (None, None),
    ],
)
def test_the_loss_is_the_one_of_the_nearest_in_the_line_that_names_it(provenance, loss):
    assert loss_of(SimpleNamespace(metadata={"provenance": provenance})) == loss


def test_the_shipped_model_says_by_which_loss_it_was_trained():
    loss, options = loss_of(open_bundle(None))
    assert loss == "squared_and_area_error"
    check_options(loss, options)


@pytest.mark.parametrize(
    ("record", "loss"),
    [
        (
            {"loss": "squared_and_area_error", "loss_options": {"area": 0.02}},
            ("squared_and_area_error", {"area": 0.02}),
        ),
        ({"loss": "squared_error"}, ("squared_error", {})),
        # Of logits, or of NormReLU: not for outputs that are clipped.
        ({"loss": "dice"}, ("adaptive_wing", {})),
        # What this program does not know, or no sane record at all.
        (
            {"loss": "squared_and_area_error", "loss_options": {"volume": 1.0}},
            ("adaptive_wing", {}),
        ),
        ({"loss": "squared_and_area_error", "loss_options": [1]}, ("adaptive_wing", {})),
        ({"loss": ["squared_error"]}, ("adaptive_wing", {})),
        ({}, ("adaptive_wing", {})),
    ],
)
def test_training_goes_on_with_the_loss_and_the_options_of_the_parent(record, loss):
    segmenter = SimpleNamespace(
        activation="clip", features=(4, 8), strides=((1, 1, 1), (2, 2, 2)), tile=(16, 16, 16)
    )
    parent = SimpleNamespace(metadata={"provenance": {"segmenter": record}}, segmenter=segmenter)
    settings = {
        "steps": 4,
        "batch": 1,
        "learning_rate": 1e-3,
        "averaging": 0.9,
        "seed": 1,
        "precision": "fp32",
    }
    plan = plan_of(SimpleNamespace(parent=parent, **settings))
    assert (plan.loss, plan.loss_options) == loss
