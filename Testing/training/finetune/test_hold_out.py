"""Participants are held out whole, by chance or by name."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.training.finetune import HoldOut, split_cases


def cases_of(*participants):
    return [
        SimpleNamespace(participant=p, sha256={"image": f"{p}-{n}"})
        for n, p in enumerate(participants)
    ]


def participants(cases):
    return sorted({case.participant for case in cases})


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=20).filter(
        lambda names: len(set(names)) > 1
    ),
    st.floats(0.01, 0.99),
    st.integers(0, 50),
)
def test_no_participant_is_on_both_sides_and_neither_side_is_empty(names, fraction, seed):
    cases = cases_of(*names)
    split = split_cases(cases, HoldOut(fraction), seed)
    assert split.training
    assert split.held_out
    assert not set(participants(split.training)) & set(participants(split.held_out))
    assert len(split.training) + len(split.held_out) == len(cases)
    assert participants(split.held_out) == participants(
        split_cases(cases[::-1], HoldOut(fraction), seed).held_out
    )


def test_the_seed_decides_who():
    cases = cases_of(*"abcdefgh")
    assert (
        len(
            {
                tuple(participants(split_cases(cases, HoldOut(0.3), seed).held_out))
                for seed in range(10)
            }
        )
        > 3
    )
    assert len(split_cases(cases, HoldOut(0.25), 1).held_out) == 2


def test_who_is_named_is_held_out():
    split = split_cases(cases_of("a", "b", "b", "c"), HoldOut.parse("b, c"), 1)
    assert (participants(split.training), participants(split.held_out)) == (["a"], ["b", "c"])


def test_those_the_bundle_knows_are_held_out_last():
    cases = cases_of(*"abcd")
    seen = frozenset(case.sha256["image"] for case in cases if case.participant != "c")
    for seed in range(5):
        assert participants(split_cases(cases, HoldOut(), seed, seen).held_out) == ["c"]
    split = split_cases(cases, HoldOut(participants=("a",)), 1, seen)
    assert "trained on images of a before" in split.notes[0]


def test_one_participant_is_refused_unless_told():
    cases = cases_of("a", "a")
    with pytest.raises(InputError, match=r"All cases are of one participant \(a\).*hold out none"):
        split_cases(cases, HoldOut(), 1)
    split = split_cases(cases, HoldOut.parse("none"), 1)
    assert (len(split.training), split.held_out) == (2, ())
    assert "whether the new bundle does better stays unknown" in split.notes[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x", "There is no participant 'x' to hold out. Choose among a, b."),
        ("a,b", "nothing is left to learn from"),
    ],
)
def test_names_that_cannot_be_held_out(text, sentence):
    with pytest.raises(OptionError, match=sentence):
        split_cases(cases_of("a", "b"), HoldOut.parse(text), 1)


@pytest.mark.parametrize("text", ["0", "1", "1.5", "-0.2", "", ",", "nan"])
def test_what_is_no_hold_out_is_refused(text):
    with pytest.raises(OptionError, match="neither a fraction of the participants"):
        HoldOut.parse(text)
