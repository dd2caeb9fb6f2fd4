"""Agreement of readers of a data set: verdicts, ranks and masks, and two methods unblinded."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from scipy import ndimage

from review.review_dataset import OTHER_MAKER
from review.spoiling import as_predicted
from SoftCordSegLib.bids import read_sidecar, sidecar_path, with_correction
from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.review.review_cases import find_review_cases
from SoftCordSegLib.review.second_reading import read_reading, reader_mask
from SoftCordSegLib.review.verdicts import Judgement, Verdict, VerdictStore
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti
from SoftCordSegLib.workflows.review.review_agreement import (
    SecondReadingOptions,
    find_agreement,
    make_second_reading,
    make_third_reading,
    write_agreement,
    write_disagreements,
)
from SoftCordSegLib.workflows.review.review_doubt import doubts_of
from SoftCordSegLib.workflows.review.review_session import ReviewOptions, ReviewSession

PASS, FAIL, FIX = Judgement.PASS, Judgement.FAIL, Judgement.TO_CORRECT


def say(dataset, rater, case, verdict, rank=None, reading="", second=0, mask=None):
    """A verdict on the best mask of a case, or on another one."""
    mask = mask or case.masks[0]
    VerdictStore(dataset.root, rater).add(
        Verdict(
            case.key,
            mask.relative_to(dataset.root).as_posix(),
            file_sha256(mask),
            rater,
            verdict,
            rank,
            reading=reading,
            when=f"2026-11-28T14:00:{second:02d}.000000+00:00",
        )
    )


def measures(report, one, other=""):
    return {
        row.measure: row.estimate for row in report.rows if (row.one, row.other) == (one, other)
    }


def good_cases(dataset, count):
    """Cases with a good mask, of as many participants."""
    fine = [case for case in find_review_cases(dataset.root) if case.key in dataset.fine]
    return list({case.participant: case for case in fine}.values())[:count]


def grown(mask, factor):
    """A mask with its edge moved outwards or inwards."""
    moved = ndimage.gaussian_filter(np.asarray(mask.data, np.float32), 0.6) * factor
    return Volume(np.clip(moved, 0, 1), mask.affine)


def test_two_raters_on_the_same_masks(review_copy):
    for n, case in enumerate(good_cases(review_copy, 10)):
        say(review_copy, "Ada", case, FAIL if n < 3 else PASS, rank=2 if n < 3 else 8)
        say(review_copy, "Grace", case, FAIL if n < 2 else PASS, rank=2 if n < 2 else 7)
    report = find_agreement(review_copy.root)
    found = measures(report, "Ada", "Grace")
    assert found["same verdict, share"].value == pytest.approx(0.9)
    assert found["verdict, Cohen's kappa"].value == pytest.approx(0.737, abs=0.001)
    assert found["verdict, Cohen's kappa"].low < 0.5
    assert found["rank, weighted kappa"].cases == 10
    assert [one.case for one in report.disagreements] == [good_cases(review_copy, 10)[2].key]
    assert report.disagreements[0].reasons == ("fail and pass", "ranks 2 and 7")


def test_verdicts_on_different_masks_are_not_compared_and_that_is_said(review_copy):
    cases = good_cases(review_copy, 6)
    for case in cases:
        say(review_copy, "Ada", case, FIX)
    for case in cases[:2]:
        mask = read_nifti(case.mask)
        write_nifti(grown(mask, 1.1), case.mask)
    for case in cases:
        say(review_copy, "Grace", case, PASS)
    report = find_agreement(review_copy.root)
    assert measures(report, "Ada", "Grace")["same verdict, share"].cases == 4
    assert any("of 6 cases 2 left out" in note for note in report.notes)


def test_the_newest_verdict_counts_and_one_taken_back_does_not(review_copy):
    cases = good_cases(review_copy, 4)
    for case in cases:
        say(review_copy, "Ada", case, PASS)
        say(review_copy, "Grace", case, FAIL)
        say(review_copy, "Grace", case, PASS, second=1)
    say(review_copy, "Ada", cases[0], None, second=2)
    session = ReviewSession(review_copy.root, ReviewOptions("Grace"))
    session.judge(FAIL, key=cases[3].key)
    session.undo(cases[3].key)
    found = measures(find_agreement(review_copy.root), "Ada", "Grace")
    assert (found["same verdict, share"].value, found["same verdict, share"].cases) == (1, 3)


def test_a_reader_who_corrects_the_mask_has_still_judged_the_one_that_the_other_saw(review_copy):
    for case in good_cases(review_copy, 3):
        say(review_copy, "Ada", case, FIX)
        say(review_copy, "Grace", case, FIX, reading="second")
        own = reader_mask(review_copy.root, "second", "Grace", case)
        write_nifti(grown(read_nifti(case.mask), 1.1), own)
        say(review_copy, "Grace", case, PASS, reading="second", second=5, mask=own)
    report = find_agreement(review_copy.root)
    found = measures(report, "Ada", "Grace (second)")["same verdict, share"]
    assert (found.value, found.cases) == (1, 3)
    assert report.notes == []


def test_what_one_rater_says_twice_is_compared_by_readings(review_copy):
    cases = good_cases(review_copy, 8)
    for n, case in enumerate(cases):
        say(review_copy, "Ada", case, PASS if n % 2 else FAIL)
    reading = make_second_reading(review_copy.root, SecondReadingOptions(0.5, blinded=True))
    rows = reading.rows(review_copy.root, cases, "Ada")
    assert len(rows) == 4
    failed = {case.key for n, case in enumerate(cases) if n % 2 == 0}
    for case, _ in rows:
        say(review_copy, "Ada", case, PASS, reading="second")
    report = find_agreement(review_copy.root, reading="second")
    same = measures(report, "Ada", "Ada (second)")["same verdict, share"].value
    assert same == sum(case.key not in failed for case, _ in rows) / 4
    assert 0 < same < 1
    third = make_third_reading(review_copy.root, report, "third")
    assert {item.case for item in third.items} == {one.case for one in report.disagreements}
    assert read_reading(review_copy.root, "third") == third


def test_masks_of_readers_are_compared_by_area_and_overlap(review_copy):
    """The first rater corrected the mask of the data set, as its sidecar says; the second's own
    lie in the reading; a third one's in a folder.
    """
    cases = good_cases(review_copy, 5)
    folder = review_copy.root.parent / "third"
    for n, case in enumerate(cases):
        mask = read_nifti(case.mask)
        sidecar = sidecar_path(case.mask)
        content = with_correction(read_sidecar(sidecar), "Ada", 1, 1)
        sidecar.write_text(json.dumps(content), encoding="utf-8")
        say(review_copy, "Ada", case, PASS)
        say(review_copy, "Grace", case, PASS, reading="second")
        own = reader_mask(review_copy.root, "second", "Grace", case)
        # In one case the second reader sees half the cord.
        middle = ndimage.center_of_mass(mask.data)[1]
        second = mask.data * (np.indices(mask.shape)[1] > middle) if n == 2 else mask.data
        write_nifti(grown(Volume(second, mask.affine), 1.02), own)
        write_nifti(mask, folder / case.mask.name)
    report = find_agreement(review_copy.root, folders={"Ida": folder})
    found = measures(report, "Ada", "Grace (second)")
    assert found["soft Dice"].cases == found["CSA, ICC(2,1)"].cases == 5
    assert 0.75 < found["soft Dice"].value < 0.99
    assert found["soft Dice"].low < found["soft Dice"].value < found["soft Dice"].high
    equal = measures(report, "Ada", "Ida")
    assert equal["soft Dice"].value == equal["CSA, ICC(2,1)"].value == 1
    assert equal["CSA difference, mm²"].value == 0
    worst = {one.case for one in report.disagreements if any("Dice" in r for r in one.reasons)}
    assert worst == {cases[2].key}


def test_a_folder_of_masks_from_which_none_is_taken_is_said(review_copy):
    """Masks called as the images themselves, say: the reader would be missing without a word."""
    with pytest.raises(InputError, match="No mask in this folder"):
        find_agreement(review_copy.root, folders={"Ida": review_copy.truths})


def test_the_area_of_a_reader_is_that_of_softcord_csa(review_copy):
    """No second way to measure: the mean difference is that of morphometry on the same masks."""
    from SoftCordSegLib.morphometry import MeasureOptions, measure

    cases = good_cases(review_copy, 3)
    one, other = review_copy.root.parent / "one", review_copy.root.parent / "other"
    expected = []
    for case in cases:
        mask = read_nifti(case.mask)
        larger = Volume(as_predicted(mask.data, 0.2), mask.affine)
        write_nifti(mask, one / case.mask.name)
        write_nifti(larger, other / case.mask.name)
        options = MeasureOptions(rescaling="none")
        areas = [np.nanmean(measure(m, options).columns["area"]) for m in (mask, larger)]
        expected.append(areas[1] - areas[0])
    report = find_agreement(review_copy.root, folders={"one": one, "other": other})
    found = measures(report, "one", "other")["CSA difference, mm²"]
    assert found.value == pytest.approx(np.mean(expected), rel=0.02)
    assert found.value > 0


def test_a_broken_mask_of_a_reader_costs_its_case_only(review_copy):
    cases = good_cases(review_copy, 4)
    one, other = review_copy.root.parent / "one", review_copy.root.parent / "other"
    for case in cases:
        for folder in (one, other):
            write_nifti(read_nifti(case.mask), folder / case.mask.name)
    (other / cases[1].mask.name).write_bytes(b"no image")
    report = find_agreement(review_copy.root, folders={"one": one, "other": other})
    assert measures(report, "one", "other")["soft Dice"].cases == 3
    assert any(cases[1].key in note for note in report.notes)


def test_two_methods_are_told_apart_only_here(review_copy):
    options = SecondReadingOptions(methods=("labels", OTHER_MAKER))
    reading = make_second_reading(review_copy.root, options)
    rows = reading.rows(review_copy.root, find_review_cases(review_copy.root))
    for (case, _), item in zip(rows, reading.items):
        good = item.method == OTHER_MAKER
        say(review_copy, "Ada", case, PASS if good else FIX, 8 if good else 5, "comparison")
        assert "labels" not in case.key
    found = measures(find_agreement(review_copy.root, reading="comparison"), "Ada (comparison)")
    assert found["labels passes, share"].value == 0
    assert found["other passes, share"].value == 1
    better = found["labels better than other, share"]
    assert (better.value, better.cases, better.note) == (0, 6, "p = 0.031")


def test_the_tables_are_written_with_what_is_needed_to_check_them(review_copy, tmp_path):
    for n, case in enumerate(good_cases(review_copy, 4)):
        say(review_copy, "=Ada", case, PASS)
        say(review_copy, "Grace", case, PASS if n else FAIL)
    report = find_agreement(review_copy.root)
    write_agreement(tmp_path / "agreement.csv", report)
    write_disagreements(tmp_path / "third.csv", report)
    with open(tmp_path / "agreement.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0]["reader"] == "'=Ada"
    assert (rows[0]["cases"], rows[0]["value"]) == ("4", "0.7500")
    with open(tmp_path / "third.csv", encoding="utf-8", newline="") as stream:
        assert [row["why"] for row in csv.DictReader(stream)] == ["pass and fail"]


@pytest.mark.parametrize("judged", [True, False])
def test_images_that_cannot_be_read_are_not_drawn(review_copy, judged):
    """Though a rater has said of them that they are broken, and whether their doubt is known or
    not.
    """
    broken = {key for key, what in review_copy.broken.items() if what.startswith("image")}
    cases = {case.key: case for case in find_review_cases(review_copy.root)}
    fine = list(review_copy.fine)[:2]
    for second, key in enumerate([*broken, *fine]):
        say(review_copy, "Ada", cases[key], FAIL, second=second)
    if judged:
        doubts_of(review_copy.root, [cases[key] for key in broken])

    reading = make_second_reading(review_copy.root, SecondReadingOptions(4))

    assert {item.key for item in reading.items} == set(fine)


def test_without_two_readers_there_is_a_sentence(review_dataset):
    report = find_agreement(review_dataset.root)
    assert report.rows == []
    assert "No two readers" in report.notes[0]
    with pytest.raises(InputError, match="no reading 'fourth'"):
        find_agreement(review_dataset.root, reading="fourth")
    with pytest.raises(OptionError, match="no share"):
        make_second_reading(review_dataset.root, SecondReadingOptions(2.5))
