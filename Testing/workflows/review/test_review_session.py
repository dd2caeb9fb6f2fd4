"""The session: order, moves, verdicts, and going on another day."""

from __future__ import annotations

import hashlib
import json
import os
import time

import pytest

from cli.fakes import a_neck
from review.folders import bids_folder
from SoftCordSegLib.bids import hashed_writers, review_folder, sidecar_path
from SoftCordSegLib.errors import InputError, OptionError, OutputError
from SoftCordSegLib.files import write_text_atomically, write_together
from SoftCordSegLib.review import Judgement, find_review_cases, read_verdicts
from SoftCordSegLib.review.blinding import BLINDING
from SoftCordSegLib.review.doubt import Doubt
from SoftCordSegLib.review.second_reading import comparison_of, third_reading, write_reading
from SoftCordSegLib.volume import write_nifti
from SoftCordSegLib.workflows.review.review_doubt import doubts_of
from SoftCordSegLib.workflows.review.review_session import ReviewOptions, ReviewSession


def key(number, contrast="T2w"):
    return f"sub-{number:02d}/anat/sub-{number:02d}_{contrast}"


TAUGHT = {key(n): Doubt(0.1, teach=worth) for n, worth in ((1, 0.9), (2, 0.5), (3, 0.2))}
DOUBTS = {key(1): Doubt(0.1, teach=0.9), key(2): Doubt(0.8, "area drops by 40 %", teach=0.2)}


@pytest.fixture
def dataset(tmp_path):
    return bids_folder(tmp_path, participants=4)


def session(dataset, rater="anna", doubts=DOUBTS, **options):
    return ReviewSession(dataset, ReviewOptions(rater, **options), doubts=doubts)


def keys(rows):
    return [row.case.key for row in rows]


def test_the_order_of_teaching_is_drawn_and_the_same_for_one_seed(dataset):
    """Not by rank: cases alike would come one behind the other."""
    drawn = {
        seed: tuple(keys(session(dataset, order="teach", seed=seed, doubts=TAUGHT).rows)[:4])
        for seed in range(12)
    }
    again = session(dataset, order="teach", seed=3, doubts=TAUGHT)

    assert tuple(keys(again.rows)[:4]) == drawn[3]
    assert len(set(drawn.values())) > 3
    assert {one[3] for one in drawn.values()} == {key(4)}, "its worth is not known"
    assert [one[0] for one in drawn.values()].count(key(1)) > 4, "mostly what teaches most"


@pytest.mark.parametrize(
    ("order", "numbers"), [("doubt", (2, 1, 3, 4)), ("teach", (1, 2, 3, 4)), ("name", (1, 2, 3, 4))]
)
def test_the_list_has_its_order_and_images_without_masks_come_last(dataset, order, numbers):
    rows = session(dataset, order=order).rows

    assert keys(rows) == [key(n) for n in numbers] + [key(n, "T1w") for n in range(1, 5)]
    assert [row.can_be_judged for row in rows] == [True] * 4 + [False] * 4


def test_verdicts_are_stored_at_once_and_move_on_to_the_open_cases(dataset):
    review = session(dataset)
    assert review.current.case.key == key(2)

    given = review.judge(Judgement.FAIL, 3, " leak ", 12.34)
    mask = "derivatives/labels/sub-02/anat/sub-02_T2w_label-SC_softseg.nii.gz"
    assert (given.mask, given.rank, given.comment, given.seconds) == (mask, 3, "leak", 12.3)
    assert read_verdicts(dataset) == [given]
    assert review.current.verdict == given

    assert review.next_open().case.key == key(1)
    review.go_to(key(4))
    review.judge(Judgement.PASS, seconds=20)
    assert review.next_open().case.key == key(1), "round to the first"
    assert [review.previous().case.key for _ in range(3)] == [key(4), key(1), key(2)]
    assert (review.done, review.total) == (2, 4)
    assert review.seconds_left == pytest.approx(2 * 16.15)
    assert review.progress_text() == "2 of 4, under a minute left"

    assert keys(review.filtered(verdict="open")) == [key(1), key(3)]
    assert keys(review.filtered(verdict=Judgement.FAIL)) == [key(2)]
    assert keys(review.filtered("AREA sub-02")) == [key(2)]
    assert keys(review.filtered(contrast="T1w", text="sub-03")) == [key(3, "T1w")]


def test_all_judged_is_said_and_nothing_moves(dataset):
    review = session(dataset)
    while review.current.is_open:
        review.judge(Judgement.PASS, seconds=4000)
        review.next_open()

    assert review.next_open() is None
    assert review.progress_text() == "4 of 4"
    assert review.seconds_left is None, "pauses say nothing"


def test_another_day_goes_on_where_the_rater_stopped(dataset, monkeypatch):
    first = session(dataset)
    first.judge(Judgement.PASS)
    first.next_open()
    first.go_to(key(3))
    session(dataset, rater="bert").go_to(key(4))

    assert session(dataset).current.case.key == key(3)
    assert session(dataset, rater="bert").current.case.key == key(4)
    monkeypatch.setenv("SOFTCORDSEG_MACHINE", "other")
    assert session(dataset).current.case.key == key(3), "on another machine too"
    write_reading(dataset, third_reading([key(1), key(2)], name="third"))
    assert session(dataset, reading="third").done == 0, "another reading"
    (next((dataset / "derivatives/review/position").glob("anna_*"))).write_text(
        "{broken", encoding="utf-8"
    )
    assert session(dataset).current.case.key == key(1), "the first open one"


def test_another_raters_verdict_leaves_the_case_open(dataset):
    session(dataset).judge(Judgement.PASS)

    review = session(dataset, rater="bert")

    assert review.current.is_open
    assert review.done == 0


def test_taking_back_says_again_what_stood_before(dataset):
    review = session(dataset)
    review.judge(Judgement.PASS, 8, "good")
    review.judge(Judgement.FAIL, 1, "leak")
    review.judge(Judgement.TO_CORRECT)

    said = [review.undo() for _ in range(3)]

    assert [(one.verdict, one.rank, one.comment) for one in said] == [
        (Judgement.FAIL, 1, "leak"),
        (Judgement.PASS, 8, "good"),
        (None, None, ""),
    ]
    assert review.current.is_open
    assert session(dataset).current.is_open
    assert len(read_verdicts(dataset)) == 6
    with pytest.raises(InputError, match="take back"):
        review.undo()


@pytest.mark.parametrize(("maker", "is_open"), [("SoftCordSeg", True), ("Manual", False)])
def test_a_mask_made_anew_by_a_model_waits_for_a_verdict_and_a_correction_does_not(
    dataset, maker, is_open
):
    review = session(dataset)
    review.judge(Judgement.FAIL)
    assert not review.current.is_open
    mask = review.current.case.mask
    mask.write_bytes(mask.read_bytes() + b"another")
    history = [{"Name": "SoftCordSeg"}, {"Name": maker}]
    sidecar_path(mask).write_text(json.dumps({"GeneratedBy": history}), encoding="utf-8")
    later = time.time() + 60
    os.utime(mask, (later, later))

    again = session(dataset)

    assert again.row(key(2)).is_open == is_open
    assert again.done == (0 if is_open else 1)
    if is_open:
        os.utime(mask, (later - 120, later - 120))
        again.judge(Judgement.PASS, key=key(2))
        assert not again.row(key(2)).is_open


def test_a_verdict_on_a_mask_that_changed_is_of_an_earlier_mask(dataset):
    review = session(dataset)
    review.judge(Judgement.PASS)
    row = review.current
    assert not review.of_earlier_mask(row)

    row.case.mask.write_bytes(b"another mask that is longer than what was there before it")
    assert review.of_earlier_mask(row)
    row.case.mask.unlink()
    assert session(dataset).of_earlier_mask(row)


@pytest.mark.parametrize(
    "mask", ["../outside", "/etc/hostname", "C:\\x", "", "..", "sub-01", "a//b"]
)
def test_a_line_that_names_a_file_elsewhere_is_of_an_earlier_mask(dataset, tmp_path, mask):
    (tmp_path.parent / "outside").write_bytes(b"")
    review = session(dataset)
    given = review.judge(Judgement.PASS)
    path = next((dataset / "derivatives/review/verdicts").glob("*.jsonl"))
    empty = hashlib.sha256(b"").hexdigest()
    path.write_text(
        json.dumps({**given.as_json(), "mask": mask, "mask_sha256": empty}), encoding="utf-8"
    )

    review = session(dataset)

    assert review.of_earlier_mask(review.row(key(2)))


def test_a_blinded_list_shows_neutral_names_in_an_order_of_its_own(dataset):
    # A known secret: of one drawn at random two orders may be the same.
    write_text_atomically(review_folder(dataset) / BLINDING, '{"secret": "a"}')
    rows = session(dataset, blinded=True).rows
    shown = [row.shown_name for row in rows]

    assert shown == [f"Case {n:03d}" for n in range(1, 9)]
    assert keys(rows) != keys(session(dataset).rows)
    assert keys(rows) == keys(session(dataset, blinded=True, rater="bert").rows)
    assert keys(rows) != keys(session(dataset, blinded=True, seed=2).rows)
    assert session(dataset, blinded=True).filtered("sub-01") == [], "a search finds no name"
    assert session(dataset, blinded=True).judge(None, 3).blinded
    assert {row.doubt for row in rows} == {None}
    assert [row.can_be_judged for row in rows] == [True] * 4 + [False] * 4


def test_a_reading_has_its_cases_order_and_verdicts(dataset):
    session(dataset).judge(Judgement.PASS, key=key(4))
    write_reading(dataset, third_reading([key(4), key(3), key(2)], blinded=True))

    review = session(dataset, rater="bert", reading="third")

    assert review.blinded
    assert sorted(keys(review.rows)) == [key(2), key(3), key(4)]
    assert [row.shown_name for row in review.rows] == ["Case 001", "Case 002", "Case 003"]
    given = review.judge(Judgement.FAIL)
    assert (given.reading, given.blinded) == ("third", True)
    assert session(dataset, rater="bert").done == 0, "not of the first reading"
    assert session(dataset, rater="bert", reading="third").progress_text() == "1 of 3"
    with pytest.raises(OptionError, match=r"no reading 'fourth'. Choose among third"):
        session(dataset, reading="fourth")


def test_two_methods_are_judged_mask_by_mask(dataset):
    other = dataset / "derivatives/sct/sub-01/anat/sub-01_T2w_seg.nii.gz"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"x" * 400)
    cases = find_review_cases(dataset)
    write_reading(dataset, comparison_of(dataset, cases, ["labels", "sct"], name="both"))

    review = session(dataset, reading="both")
    said = [review.judge(Judgement.PASS), review.next_open() and review.judge(Judgement.FAIL)]

    assert {one.case for one in said} == {f"{key(1)}#A", f"{key(1)}#B"}
    assert {one.mask.split("/")[1] for one in said} == {"labels", "sct"}
    assert review.next_open() is None


def test_what_cannot_be_stored_is_said_and_the_row_stays(dataset, monkeypatch):
    review = session(dataset)

    def refuse(*_args):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("SoftCordSegLib.review.verdicts._append", refuse)
    with pytest.raises(OutputError, match="Read-only"):
        review.judge(Judgement.PASS)
    assert review.current.is_open
    assert review.done == 0
    with pytest.raises(OptionError):
        review.judge(Judgement.PASS, 12)


def test_a_moved_data_set_keeps_its_verdicts_and_place(dataset, tmp_path):
    review = session(dataset)
    review.judge(Judgement.PASS)
    review.next_open()
    moved = tmp_path.with_name(f"{tmp_path.name}_moved")
    dataset.rename(moved)

    again = session(moved)

    assert again.done == 1
    assert again.current.case.key == key(1)
    assert not again.of_earlier_mask(again.row(key(2)))


def test_doubts_and_masks_that_come_later_are_taken_and_the_view_stays(dataset):
    review = session(dataset, doubts=None)
    review.go_to(key(3))
    review.set_doubts({key(4): Doubt(0.9)})
    assert keys(review.rows)[0] == key(4)
    assert review.current.case.key == key(3)

    source = review.row(key(1)).case.mask
    source.with_name("sub-01_T1w_label-SC_softseg.nii.gz").write_bytes(source.read_bytes())
    session(dataset).judge(Judgement.FAIL, key=key(1))
    review.refresh()
    assert review.row(key(1, "T1w")).is_open
    assert review.row(key(1)).judgement is Judgement.FAIL
    assert review.current.case.key == key(3)


def test_unknown_cases_orders_and_raters_are_sentences(dataset):
    with pytest.raises(InputError, match="no case"):
        session(dataset).go_to("sub-99/anat/sub-99_T2w")
    with pytest.raises(OptionError, match="no order"):
        session(dataset, order="size")
    with pytest.raises(OptionError, match="name"):
        session(dataset, rater=" ")


def test_a_case_is_found_by_what_a_user_calls_it(dataset):
    review = session(dataset)
    mask = review.row(key(2)).case.mask

    extended = ("sub-02_T2w.nii.gz", f"{key(2)}.nii.gz")
    for name in (key(2), "sub-02_T2w", "anat/sub-02_T2w", str(mask), *extended):
        assert review.find(name).case.key == key(2)
    with pytest.raises(InputError, match="no case"):
        review.find("02_T2w")
    (dataset / "more/anat").mkdir(parents=True)
    for name in ("sub-02_T2w", "sub-02_T2w_seg"):
        (dataset / f"more/anat/{name}.nii.gz").write_bytes(mask.read_bytes())
    review.refresh()
    with pytest.raises(InputError, match="may be 'sub-02/anat/sub-02_T2w', 'more"):
        review.find("sub-02_T2w")
    blinded = session(dataset, blinded=True)
    assert blinded.find("case 003") == blinded.rows[2]
    with pytest.raises(InputError):
        blinded.find("sub-01_T2w")


def test_who_only_looks_sees_everyones_verdicts_and_leaves_no_trace(dataset):
    session(dataset).judge(Judgement.PASS)
    session(dataset, rater="bert").judge(Judgement.FAIL, key=key(2))
    before = sorted(dataset.rglob("*"))

    review = session(dataset, rater="")
    review.next_open()

    assert review.row(key(2)).verdict.rater == "bert"
    with pytest.raises(OptionError, match="rater"):
        review.judge(Judgement.PASS)
    assert sorted(dataset.rglob("*")) == before


def test_who_only_looks_at_a_blinded_reading_sees_no_verdict_of_it(dataset):
    """It may be one who reads it, and left the name out."""
    write_reading(dataset, third_reading([key(1), key(2)], blinded=True))
    session(dataset, reading="third").judge(Judgement.FAIL, 2, "small", key=key(2))

    review = session(dataset, rater="", reading="third")

    assert [row.verdict for row in review.rows] == [None, None]
    assert review.filtered("small") == []
    assert session(dataset, reading="third").row(key(2)).verdict.comment == "small"


def test_doubts_that_were_kept_are_read_and_hold_for_the_mask_they_were_found_in(tmp_path):
    image = a_neck()
    write_nifti(image, tmp_path / "sub-01_T2w.nii.gz")
    mask = tmp_path / "sub-01_T2w_label-SC_softseg.nii.gz"
    write_nifti(image.with_data(image.data / 1000), mask)
    options = ReviewOptions("anna")
    assert ReviewSession(tmp_path, options).current.doubt is None, "none is computed by looking"

    found = doubts_of(tmp_path, find_review_cases(tmp_path))
    review = ReviewSession(tmp_path, options)
    assert review.current.doubt == found["sub-01_T2w"]
    assert ReviewSession(tmp_path, ReviewOptions("anna", blinded=True)).current.doubt is None

    write_nifti(image.with_data(image.data / 2000), mask)
    review.refresh()
    assert review.current.doubt is None


def test_the_doubt_that_a_mask_was_saved_with_is_shown_while_it_is_that_mask(dataset):
    mask = dataset / "derivatives/labels/sub-03/anat/sub-03_T2w_label-SC_softseg.nii.gz"
    saved = Doubt(0.7, "ends abruptly")
    content = {"Doubt": saved.as_json()}
    data = mask.read_bytes()
    write_together(
        hashed_writers({mask: lambda path: path.write_bytes(data)}, sidecar_path(mask), content)
    )

    rows = session(dataset).rows
    assert [row.case.key for row in rows][:3] == [key(2), key(3), key(1)]
    assert rows[1].doubt == saved

    mask.write_bytes(data * 2)
    assert session(dataset).row(key(3)).doubt is None
