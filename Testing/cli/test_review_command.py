"""``softcord review``: list, next, verdict."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from review.folders import bids_folder
from SoftCordSegLib.cli.app import app
from SoftCordSegLib.review import Judgement, read_verdicts
from SoftCordSegLib.review.second_reading import third_reading, write_reading


@pytest.fixture(autouse=True)
def no_rater(monkeypatch):
    monkeypatch.delenv("SOFTCORDSEG_RATER", raising=False)


@pytest.fixture
def dataset(tmp_path):
    folder = bids_folder(tmp_path / "data", participants=3)
    (folder / "sub-03/anat/sub-03_T2w.nii.gz").write_bytes(b"")
    return folder


def review(command, *words, code=0):
    result = CliRunner().invoke(app, ["review", command, *map(str, words)])
    assert result.exit_code == code, result.stderr
    return json.loads(result.stdout) if "--json" in words else result.stderr


def test_a_rater_goes_through_a_data_set(dataset):
    first = review("next", dataset, "--rater", "Anna B.", "--json")
    assert first["case"]["case"] == "sub-01/anat/sub-01_T2w"
    assert [name.rpartition("/")[2] for name in first["case"]["masks"]] == [
        "sub-01_T2w_label-SC_softseg.nii.gz"
    ]

    said = review(
        "verdict", dataset, "sub-01_T2w", "correct", "--rater", "Anna B.", "--rank", 4,
        "--comment", "=leaks", "--seconds", 30,
    )  # fmt: skip
    assert "Stored: to correct, rank 4 on 'sub-01/anat/sub-01_T2w', by 'Anna B.'." in said
    assert "1 of 2, under a minute left" in said

    assert "sub-02/anat/sub-02_T2w" in review("next", dataset, "--rater", "Anna B.")
    review("verdict", dataset, "sub-02_T2w", "pass", "--rater", "Anna B.")
    assert "2 cases, all with a verdict of 'Anna B.'." in review(
        "next", dataset, "--rater", "Anna B."
    )
    assert [one.verdict for one in read_verdicts(dataset)] == [
        Judgement.TO_CORRECT,
        Judgement.PASS,
    ]


def test_next_stays_where_the_rater_stopped_until_it_is_judged_or_left_for_later(dataset):
    rater = ("--rater", "anna")

    assert "sub-01_T2w" in review("next", dataset, *rater)
    assert "sub-01_T2w" in review("next", dataset, *rater)
    assert "sub-02_T2w" in review("next", dataset, *rater, "--skip")
    assert "sub-02_T2w" in review("next", dataset, *rater)


def test_the_list_shows_verdicts_of_all_raters_or_of_one(dataset):
    review("verdict", dataset, "sub-01_T2w", "fail", "--rater", "anna")
    review("verdict", dataset, "sub-01_T2w", "artifact", "--rater", "bert", "--rank", 2)

    everyone = review("list", dataset)
    assert "artefact, rank 2, bert" in everyone
    assert "'sub-03/anat/sub-03_T2w' cannot be reviewed: The image is empty." in everyone
    assert "No doubt is known of 2 masks: not looked at yet" in everyone
    listed = {
        case["case"]: case for case in review("list", dataset, "--rater", "anna", "--json")["cases"]
    }
    assert listed["sub-01/anat/sub-01_T2w"]["verdict"]["verdict"] == "fail"
    assert list(listed)[0] == "sub-03/anat/sub-03_T2w", "what is broken is to be mended first"
    assert listed["sub-03/anat/sub-03_T2w"]["problem"]

    still = review("list", dataset, "--rater", "anna", "--open", "--json")
    assert [case["case"] for case in still["cases"]] == ["sub-02/anat/sub-02_T2w"]
    failed = review("list", dataset, "--verdict", "artefact", "--search", "sub-01", "--json")
    assert [case["verdict"]["rater"] for case in failed["cases"]] == ["bert"]
    other = review("list", dataset, "--contrast", "T1w", "--json")
    assert {case["contrast"] for case in other["cases"]} == {"T1w"}


def test_a_line_that_is_not_utf_8_counts_and_is_said(dataset):
    review("verdict", dataset, "sub-01_T2w", "fail", "--rater", "jürgen")
    (file,) = (dataset / "derivatives/review/verdicts").glob("*.jsonl")
    file.write_text(file.read_text(encoding="utf-8"), encoding="cp1252")

    listed = review("list", dataset)

    assert "fail, jürgen" in listed
    assert f"In '{file.name}' 1 line was stored by an editor in another coding" in listed


def test_a_changed_mask_is_said_in_the_list(dataset):
    review("verdict", dataset, "sub-01_T2w", "pass", "--rater", "anna")
    folder = dataset / "derivatives/labels/sub-01/anat"
    (folder / "sub-01_T2w_label-SC_softseg.nii.gz").write_bytes(b"corrected" * 10)

    assert "pass, of an earlier mask" in review("list", dataset, "--rater", "anna")


def test_a_verdict_can_be_taken_back(dataset):
    review("verdict", dataset, "sub-01_T2w", "pass", "--rater", "anna")

    said = review("verdict", dataset, "sub-01_T2w", "--undo", "--rater", "anna")

    assert "no verdict on 'sub-01/anat/sub-01_T2w'" in said
    assert "0 of 2" in said
    assert len(read_verdicts(dataset)) == 2


def test_a_comment_or_rank_alone_is_added_to_the_verdict(dataset):
    rater = ("--rater", "anna")
    review("verdict", dataset, "sub-01_T2w", "pass", *rater, "--comment", "good")

    assert "pass, rank 7 on" in review("verdict", dataset, "sub-01_T2w", *rater, "--rank", 7)
    review("verdict", dataset, "sub-01_T2w", *rater, "--comment", "better")
    last = read_verdicts(dataset)[-1]
    assert (last.verdict, last.rank, last.comment) == (Judgement.PASS, 7, "better")

    folder = dataset / "derivatives/labels/sub-01/anat"
    (folder / "sub-01_T2w_label-SC_softseg.nii.gz").write_bytes(b"corrected" * 10)
    assert "Stored: rank 8 on" in review("verdict", dataset, "sub-01_T2w", *rater, "--rank", 8)
    assert read_verdicts(dataset)[-1].verdict is None, "the verdict was on an earlier mask"


def test_the_rater_comes_from_the_option_or_the_variable_and_never_from_the_system(
    dataset, monkeypatch
):
    said = review("verdict", dataset, "sub-01_T2w", "pass", code=2)
    assert "--rater NAME" in said
    assert read_verdicts(dataset) == []

    monkeypatch.setenv("SOFTCORDSEG_RATER", "山田")
    assert "by '山田'" in review("verdict", dataset, "sub-01_T2w", "pass")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("sub-01_T2w", "good"), 2, "'good' is no verdict"),
        (("sub-01_T2w",), 2, "No verdict was given"),
        (("sub-01_T2w", "pass", "--undo"), 2, "--undo takes back"),
        (("sub-01_T2w", "pass", "--rank", "10"), 2, "from 0 to 9"),
        (("sub-01_T2w", "--undo"), 1, "to take back"),
        (("sub-09_T2w", "pass"), 1, "There is no case 'sub-09_T2w'"),
    ],
)
def test_what_cannot_be_stored_is_a_sentence(dataset, words, code, sentence):
    assert sentence in review("verdict", dataset, *words, "--rater", "anna", code=code)
    assert read_verdicts(dataset) == []


def test_a_long_comment_is_shortened_in_the_table_and_whole_in_json(dataset):
    comment = "the rim is wide\nfrom C2 on, " * 500
    review("verdict", dataset, "sub-01_T2w", "fail", "--rater", "anna", "--comment", comment)

    assert max(map(len, review("list", dataset).splitlines())) < 300
    (said,) = review("list", dataset, "--verdict", "fail", "--json")["cases"]
    assert said["verdict"]["comment"] == comment.strip()


def test_unknown_folders_contrasts_and_orders_are_sentences(dataset, tmp_path):
    assert "no folder" in review("list", tmp_path / "nowhere", code=1)
    assert "T1w, T2w" in review("list", dataset, "--contrast", "T3w", code=1)
    assert "no order" in review("list", dataset, "--order", "size", code=2)
    assert "exclude" in review("list", dataset, "--open", "--verdict", "pass", code=2)


def test_a_blinded_reading_names_no_file(dataset):
    reading = third_reading(["sub-01/anat/sub-01_T2w", "sub-02/anat/sub-02_T2w"], blinded=True)
    write_reading(dataset, reading)
    where = (dataset, "--reading", "third", "--rater", "bert")

    said = [
        review("next", *where),
        json.dumps(review("next", *where, "--json")),
        review("verdict", dataset, "Case 002", "pass", *where[1:]),
        json.dumps(review("verdict", dataset, "Case 001", "fail", *where[1:], "--json")),
        review("list", *where),
        json.dumps(review("list", *where, "--json")),
    ]

    assert "Case 001" in said[0]
    assert "--copy-to" in said[0]
    assert "2 of 2" in said[4]
    assert [text for text in said if "sub-0" in text or "T2w" in text] == []
    assert {one.reading for one in read_verdicts(dataset)} == {"third"}
