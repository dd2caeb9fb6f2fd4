"""Second readings: samples, neutral names, comparisons of two methods."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from review.review_dataset import OTHER_MAKER, TWO_MAKERS
from SoftCordSegLib.bids import review_folder
from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.review.review_cases import ReviewCase, find_review_cases
from SoftCordSegLib.review.second_reading import (
    Reading,
    comparison_of,
    draw_second_reading,
    read_reading,
    reader_folder,
    reader_mask,
    reading_names,
    third_reading,
    write_reading,
)
from SoftCordSegLib.review.verdicts import Judgement, Verdict

NOW = "2026-11-28T14:05:00.000000+00:00"


@pytest.fixture
def hundred(tmp_path):
    """A hundred cases: 60 T1w and 40 T2w, of which every fourth fails, and their verdicts."""
    cases, verdicts = [], []
    for n in range(100):
        mask = tmp_path / f"{n}_seg.nii.gz"
        contrast = "T1w" if n < 60 else "T2w"
        case = ReviewCase(f"sub-{n:03d}", mask, contrast=contrast, masks=(mask,))
        says = Judgement.FAIL if n % 4 == 0 else Judgement.PASS
        cases.append(case)
        verdicts.append(Verdict(case.key, rater="Ada", when=NOW, verdict=says))
    return cases, verdicts


def test_a_sample_has_of_each_verdict_and_contrast_its_share_and_is_the_same_for_one_seed(hundred):
    cases, verdicts = hundred
    reading = draw_second_reading(cases, verdicts, 0.2, seed=5)
    number = {case.key: n for n, case in enumerate(cases)}
    drawn = [number[item.case] for item in reading.items]
    assert len(set(drawn)) == 20
    assert Counter((n % 4 == 0, n < 60) for n in drawn) == {
        (True, True): 3,
        (False, True): 9,
        (True, False): 2,
        (False, False): 6,
    }
    again = draw_second_reading(list(reversed(cases)), verdicts, 0.2, seed=5)
    assert again.items == reading.items
    assert draw_second_reading(cases, verdicts, 0.2, seed=6).items != reading.items


def test_names_of_a_sample_are_neutral_and_its_order_tells_nothing(hundred):
    reading = draw_second_reading(*hundred, 30)
    assert [item.shown for item in reading.items] == [f"Case {n:03d}" for n in range(1, 31)]
    keys = [item.case for item in reading.items]
    assert keys != sorted(keys)


def test_only_cases_that_were_judged_are_drawn_and_all_where_none_was(hundred):
    cases, verdicts = hundred
    few = [one for one in verdicts if one.case < "sub-010"]
    taken_back = replace(few[3], verdict=None)
    drawn = draw_second_reading(cases, [*few, taken_back], 1.0)
    assert {item.case for item in drawn.items} == {one.case for one in few} - {few[3].case}
    assert len(draw_second_reading(cases, [], 1.0).items) == 100


@pytest.mark.parametrize("share", [0.0, -0.2, 1.5, 0, -3])
def test_a_share_that_is_none_is_refused(hundred, share):
    with pytest.raises(OptionError, match="no share"):
        draw_second_reading(*hundred, share)


def test_broken_cases_and_those_without_a_mask_are_never_drawn(hundred):
    cases, _ = hundred
    spoiled = [replace(cases[0], problem="The image is cut off."), replace(cases[1], masks=())]
    with pytest.raises(InputError, match="no case"):
        draw_second_reading(spoiled, [], 0.5)
    assert {item.case for item in draw_second_reading([*spoiled, *cases[2:]], [], 1.0).items} == {
        case.key for case in cases[2:]
    }


def test_a_reading_is_stored_once_and_read_back(tmp_path, hundred):
    reading = draw_second_reading(*hundred, 7, blinded=True, seed=2)
    write_reading(tmp_path, reading)
    assert read_reading(tmp_path, "second") == reading
    write_reading(tmp_path, replace(reading, made="later"))
    assert read_reading(tmp_path, "second") == reading
    with pytest.raises(OptionError, match="already"):
        write_reading(tmp_path, draw_second_reading(*hundred, 8, seed=2))
    assert read_reading(tmp_path, "second") == reading
    assert reading_names(tmp_path) == ["second"]
    assert read_reading(tmp_path, "fourth") is None


@pytest.mark.parametrize("name", ["", "../second", "a/b", ".hidden", "x" * 65, "with space"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, hundred, name):
    with pytest.raises(OptionError, match="name"):
        write_reading(tmp_path, third_reading(["sub-001"], name=name))


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"name": "second", "kind": "other", "items": []}', "\0", "{"]
)
def test_a_file_that_is_no_reading_is_a_sentence(tmp_path, content):
    path = review_folder(tmp_path) / "readings" / "second.json"
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        read_reading(tmp_path, "second")


def test_unknown_keys_of_a_reading_are_no_reason_to_refuse_it(hundred):
    reading = draw_second_reading(*hundred, 3)
    content = json.loads(json.dumps({**reading.as_json(), "later": 1}))
    content["items"][0]["later"] = 1
    assert Reading.from_json(content) == reading


def test_rows_leave_out_what_is_gone_and_put_the_reader_s_own_mask_first(tmp_path, hundred):
    cases, verdicts = hundred
    reading = draw_second_reading(cases, verdicts, 5)
    gone, changed = reading.items[0].case, reading.items[1].case
    there = [case for case in cases if case.key != gone]
    own = reader_mask(tmp_path, "second", "Grace", next(c for c in cases if c.key == changed))
    own.parent.mkdir(parents=True)
    own.touch()
    rows = reading.rows(tmp_path, there, "Grace")
    assert [shown for _, shown in rows] == [item.shown for item in reading.items[1:]]
    assert rows[0][0].masks == (own, *next(c for c in cases if c.key == changed).masks)
    assert reader_folder(tmp_path, "second", "Grace") != reader_folder(tmp_path, "second", "grace")
    assert reading.rows(tmp_path, there, "Ada")[0][0].masks[0] != own


def test_two_methods_are_a_and_b_by_chance_for_each_case(review_dataset):
    cases = find_review_cases(review_dataset.root)
    reading = comparison_of(review_dataset.root, cases, ("labels", OTHER_MAKER), seed=3)
    assert reading.blinded
    assert len(reading.items) == 2 * len(TWO_MAKERS)
    # With six cases one reading in 32 has the same method first in all of them.
    readings = [
        comparison_of(review_dataset.root, cases, ("labels", OTHER_MAKER), seed=seed)
        for seed in range(8)
    ]
    first = {item.method for one in readings for item in one.items if item.shown.endswith("A")}
    assert first == {"labels", OTHER_MAKER}
    rows = reading.rows(review_dataset.root, cases)
    assert [shown for _, shown in rows][:2] == ["Case 001 A", "Case 001 B"]
    for (case, _), item in zip(rows, reading.items):
        assert case.key == item.key
        assert case.masks[0].relative_to(review_dataset.root).as_posix() == item.mask
        assert item.method in case.masks[0].parts
        assert len(case.masks) == 2  # the other one is there to be looked at
    assert not any("labels" in item.key or OTHER_MAKER in item.key for item in reading.items)


@pytest.mark.parametrize("methods", [("labels",), ("labels", "labels"), ("labels", "nobody")])
def test_a_comparison_needs_two_methods_with_masks_of_one_image(review_dataset, methods):
    cases = find_review_cases(review_dataset.root)
    with pytest.raises((InputError, OptionError)):
        comparison_of(review_dataset.root, cases, methods)
