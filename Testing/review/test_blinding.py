"""Neutral names of blinded readings cannot be worked out from names of files and a seed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from review.folders import bids_folder
from SoftCordSegLib.bids import review_folder
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.review import find_review_cases, shuffled
from SoftCordSegLib.review.blinding import BLINDING, blinding_secret
from SoftCordSegLib.review.second_reading import draw_second_reading, third_reading
from SoftCordSegLib.workflows.review.review_session import ReviewOptions, ReviewSession

KEYS = [f"sub-{n:02d}/anat/sub-{n:02d}_T2w" for n in range(1, 31)]


def names(reading):
    return {item.case: item.shown for item in reading.items}


def test_a_data_set_has_one_secret_whoever_asks_first(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        (secret,) = set(pool.map(blinding_secret, [tmp_path / "one"] * 16))
    assert len(secret) == 32
    assert blinding_secret(tmp_path / "one") == secret
    assert blinding_secret(tmp_path / "two") != secret


def test_a_broken_file_is_made_anew(tmp_path):
    path = review_folder(tmp_path) / BLINDING
    path.parent.mkdir(parents=True)
    path.write_text('{"secret": 7}', encoding="utf-8")
    assert len(blinding_secret(tmp_path)) == 32


def test_the_same_seed_gives_other_names_in_another_data_set():
    assert shuffled(KEYS, 1, "a") != shuffled(KEYS, 1, "b")
    one, other = (third_reading(KEYS, blinded=True, secret=secret) for secret in "ab")
    assert names(one) != names(other)
    assert names(one) == names(third_reading(KEYS, blinded=True, secret="a"))
    # Where nothing is hidden, the order is the seed's alone.
    assert third_reading(KEYS, secret="a").items == third_reading(KEYS, secret="b").items


def test_which_cases_are_drawn_is_still_the_seeds(tmp_path):
    cases = find_review_cases(bids_folder(tmp_path, participants=4))
    one, other = (
        draw_second_reading(cases, (), 3, blinded=True, seed=4, secret=secret) for secret in "ab"
    )
    assert set(names(one)) == set(names(other))


def test_who_asks_by_a_file_does_not_learn_its_neutral_name(tmp_path):
    dataset = bids_folder(tmp_path, participants=4)
    session = ReviewSession(dataset, ReviewOptions("anna", blinded=True))
    row = session.rows[0]
    assert session.find(row.shown_name) == row
    asked = (row.case.key, row.case.image, row.case.mask, row.case.key.rpartition("/")[2])
    for name in map(str, asked):
        with pytest.raises(InputError, match="no case") as refused:
            session.find(name)
        assert row.shown_name not in str(refused.value)
