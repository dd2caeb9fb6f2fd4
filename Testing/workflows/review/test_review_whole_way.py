"""A review from end to end without Slicer, on the data set of 40 cases: listed in order of doubt,
judged, killed, gone on with, corrected, read a second time by another rater meanwhile, compared,
exported to every format and imported back, planned for teaching, and segmented again.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cli.fakes import A_BUNDLE, engine
from review.whole_way import (
    THRESHOLD,
    correction_of,
    dice,
    killed_after,
    rater_process,
    round_trip,
)
from SoftCordSegLib.bids import Kind, label_name, read_sidecar, sidecar_path
from SoftCordSegLib.review import Judgement, find_review_cases, newest, read_verdicts
from SoftCordSegLib.review.exchange.exchange_formats import FORMATS
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box, read_nifti
from SoftCordSegLib.workflows.review.again_plan import plan_again
from SoftCordSegLib.workflows.review.review_agreement import (
    SecondReadingOptions,
    find_agreement,
    make_second_reading,
)
from SoftCordSegLib.workflows.review.review_corrections import CorrectedFiles
from SoftCordSegLib.workflows.review.review_doubt import doubts_of
from SoftCordSegLib.workflows.review.review_session import ReviewOptions, ReviewSession
from SoftCordSegLib.workflows.review.segment_again import apply_again, propose_again
from SoftCordSegLib.workflows.review.teach_model import plan_teaching

FIX = Judgement.TO_CORRECT
CORRECTED = ("sub-03/anat/sub-03_T2w", "sub-05/anat/sub-05_T1w", "sub-06/anat/sub-06_T2starw")
NEW = SimpleNamespace(
    name="new 2.0",
    metadata={"name": "new", "version": "2.0"},
    sha256={"w": "cd" * 32},
    plan=None,
    stages=A_BUNDLE.stages,
    locator=None,
    needs_pytorch=False,
)


@pytest.fixture(scope="module")
def way(review_dataset, tmp_path_factory):
    """The data set with its doubts; the tests below change it one after the other."""
    dataset = review_dataset.copy_to(tmp_path_factory.mktemp("way") / "data")
    doubts_of(dataset.root, find_review_cases(dataset.root))
    return dataset


def session_of(dataset, rater="Ada", reading=""):
    doubts = doubts_of(dataset.root, find_review_cases(dataset.root), compute=False)
    return ReviewSession(dataset.root, ReviewOptions(rater, reading=reading), doubts=doubts)


def test_1_the_wrong_masks_are_among_the_first_nine_and_broken_files_cost_themselves_only(way):
    session = session_of(way)
    assert len(session.rows) == 40
    images = {key for key, what in way.broken.items() if what.startswith("image")}
    assert {row.case.key for row in session.rows[: len(images)]} == images, "with their sentence"
    assert all("cannot be read" in row.doubt.reason for row in session.rows[: len(images)])
    opened = [row.case.key for row in session.rows if not row.is_broken]
    assert set(way.wrong) <= set(opened[:9])
    judged = [row.case.key for row in session.rows if row.doubt is not None]
    assert set(way.fine) <= set(judged)


def test_2_a_killed_rater_goes_on_at_the_same_case_and_has_lost_nothing(way):
    answers = {**dict.fromkeys(way.wrong, "to correct"), **dict.fromkeys(way.broken, "fail")}
    sure = killed_after(rater_process(way.root, "Ada", pause=0.05, answers=answers), 8)
    stored = [one.case for one in read_verdicts(way.root)]
    assert stored[: len(sure)] == sure
    assert len(stored) <= len(sure) + 1  # the one in hand

    session = session_of(way)
    assert session.done == len(stored)
    assert session.current.case.key in stored[-1:] + [
        next(row.case.key for row in session.rows if row.is_open)
    ]
    while session.done < 15:
        row = session.next_open()
        session.judge(Judgement(answers.get(row.case.key, "pass")), 8, seconds=20)
    assert session.progress_text().startswith(f"15 of {session.total}, ")
    said = newest(read_verdicts(way.root))
    assert {key for (key, _), one in said.items() if one.verdict is FIX} == set(way.wrong)


def test_3_corrected_masks_are_right_and_are_judged_anew(way):
    session = session_of(way)
    for key in CORRECTED:
        case = session.row(key).case
        correction = correction_of(way, case, "Ada")
        CorrectedFiles(way.root, case.image).write(correction)
        session.refresh()
        assert session.of_earlier_mask(session.row(key))
        session.judge(Judgement.PASS, 9, key=key)
        assert dice(read_nifti(way.mask(key)), way.truth(key)) == 1
        history = read_sidecar(sidecar_path(way.mask(key)))["GeneratedBy"]
        assert [one.get("Author", "") for one in history] == ["", "Ada"]
    assert session.done == 15


def test_4_another_rater_reads_a_blinded_sample_at_the_same_time(way):
    reading = make_second_reading(way.root, SecondReadingOptions(10, blinded=True))
    disagreed = next(item.key for item in reading.items if item.key in way.fine)
    others = rater_process(way.root, "Grace", "second", answers={disagreed: "artefact"})
    first = rater_process(way.root, "Ada", count=5)
    assert [process.wait(120) for process in (others, first)] == [0, 0]
    assert len(others.stdout.readlines()) == 10
    assert len(first.stdout.readlines()) == 5

    assert session_of(way).done == 20
    assert session_of(way, "Grace", "second").done == 10
    assert all(one.blinded for one in read_verdicts(way.root) if one.rater == "Grace")
    report = find_agreement(way.root, reading="second")
    rows = {row.measure: row for row in report.rows}
    same = rows["same verdict, share"]
    assert (same.one, same.other) == ("Ada", "Grace (second)")
    assert same.estimate.cases == 10
    ours = newest(read_verdicts(way.root))
    differ = [i.key for i in reading.items if ours[i.key, "Ada"].verdict is not Judgement.PASS]
    expected = 10 - len({disagreed, *differ})
    assert same.estimate.value == pytest.approx(expected / 10)
    assert disagreed in {one.case for one in report.disagreements}


@pytest.mark.parametrize("name", FORMATS)
def test_5_every_format_brings_back_what_it_can_hold(way, name, tmp_path):
    round_trip(way.root, name, tmp_path)


def test_6_corrected_and_passed_masks_would_teach(way):
    plan = plan_teaching(way.root)
    chosen = {one.case.key for one in (*plan.training, *plan.held_out)}
    assert set(CORRECTED) <= chosen
    assert not (set(way.wrong) - set(CORRECTED)) & chosen


def test_7_the_rest_is_segmented_again_and_edits_and_passed_masks_stay(way):
    def everything_soft(
        image, bundle, *, box=None, progress=None, device="auto", flips=False, located=None
    ):
        soft = np.full(image.shape, 0.25, np.float32)
        return SoftMask(image.with_data(soft), Box.of_grid(image.grid), "Spinal cord found.")

    edited = CORRECTED[0]
    session = session_of(way)
    session.judge(FIX, key=edited)  # not passed any more, but its edits are the rater's own
    case = session.row(edited).case
    edits = read_nifti(case.mask.with_name(label_name(case.image, Kind.EDIT_MAP))).data
    kept = {key: way.mask(key).read_bytes() for key in CORRECTED[1:]}
    said = read_verdicts(way.root)
    doubted = {one.case for one in said if one.verdict is not Judgement.PASS}
    passed = sorted({one.case for one in said} - doubted)
    nobodys = [row.case.key for row in session.rows if row.is_open]
    chosen = {edited, *CORRECTED[1:], *passed[:4], *nobodys[:2]}
    plan = [one for one in plan_again(way.root, NEW) if one.case.key in chosen]
    with engine(everything_soft, lambda model=None: NEW):
        propose_again(way.root, plan, NEW)
    rows = {row.key: row for row in apply_again(way.root)}

    assert set(rows) == {edited, *nobodys[:2]}
    assert not any(row.reason for row in rows.values())
    soft = read_nifti(way.mask(edited)).data
    assert edits.any()
    assert (soft[edits > 0] >= THRESHOLD).all()
    assert (soft[edits < 0] < THRESHOLD).all()
    # Away from the strokes and their rims it is the new model's.
    assert (soft[edits == 0] == np.float32(0.25)).mean() > 0.9
    assert {key: way.mask(key).read_bytes() for key in CORRECTED[1:]} == kept
