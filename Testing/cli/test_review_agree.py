"""``softcord review agree``: a second reading is drawn, read blinded, and compared."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from review.review_dataset import OTHER_MAKER
from SoftCordSegLib.cli.app import app
from SoftCordSegLib.cli.review_agree import parse_share
from SoftCordSegLib.errors import OptionError
from SoftCordSegLib.review.second_reading import read_reading
from SoftCordSegLib.review.verdicts import Judgement, read_verdicts
from SoftCordSegLib.volume import read_nifti
from SoftCordSegLib.workflows.review.review_session import ReviewOptions, ReviewSession


@pytest.fixture(autouse=True)
def no_rater(monkeypatch):
    monkeypatch.delenv("SOFTCORDSEG_RATER", raising=False)


def review(command, *words, code=0):
    result = CliRunner().invoke(app, ["review", command, *map(str, words)])
    assert result.exit_code == code, result.stderr
    return json.loads(result.stdout) if "--json" in words else result.stderr


def read_all(dataset, rater, verdict_of, reading=""):
    """Judge every case of a reading."""
    session = ReviewSession(dataset, ReviewOptions(rater, "name", reading))
    while (row := session.next_open()) is not None:
        session.judge(verdict_of(row), rank=5, key=row.case.key)
    return session


@pytest.mark.parametrize(
    ("text", "share"), [("20%", 0.2), ("20 %", 0.2), ("0.2", 0.2), ("12", 12), ("100%", 1.0)]
)
def test_a_share_is_per_cent_a_fraction_or_a_number_of_cases(text, share):
    assert parse_share(text) == share
    assert type(parse_share(text)) is type(share)


@pytest.mark.parametrize("text", ["", "half", "-5", "20%%", "1e3"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(OptionError, match="no share"):
        parse_share(text)


def test_a_blinded_second_reading_shows_nothing_of_the_first_and_is_compared_with_it(
    review_copy, tmp_path
):
    root = review_copy.root
    read_all(root, "Ada", lambda row: Judgement.FAIL if "T1w" in row.case.key else Judgement.PASS)
    drawn = review("agree", root, "--second-reading", "20 %", "--blinded", "--json")
    assert drawn == {"reading": "second", "items": 8}  # of the 38 that can be judged

    words = ("--rater", "Grace", "--reading", "second", "--copy-to", tmp_path / "copies")
    shown = review("next", root, *words, "--json")
    told = review("next", root, *words)
    assert shown["case"]["name"] == "Case 001"
    for text in (told, json.dumps(shown["case"])):
        assert not any(word in text for word in ("sub-", "label-SC", "Ada", "fail", str(root)))
    item = read_reading(root, "second").items[0]
    copied = read_nifti(shown["copies"][1])
    assert np.allclose(copied.data, read_nifti(review_copy.mask(item.case)).data, atol=1e-6)

    given = review("verdict", root, "Case 001", "pass", *words[:4], "--json")
    assert "sub-" not in json.dumps(given)
    assert read_verdicts(root)[-1].case == item.case
    assert read_verdicts(root)[-1].blinded
    session = read_all(root, "Grace", lambda row: Judgement.PASS, "second")
    assert [row.shown_name for row in session.rows] == [f"Case {n:03d}" for n in range(1, 9)]

    found = review("agree", root, "--json", "--disagreements", tmp_path / "third.csv",
                   "-o", tmp_path / "agreement.csv")  # fmt: skip
    same = next(row for row in found["agreement"] if row["measure"] == "same verdict, share")
    t1w = sum("T1w" in item.case for item in read_reading(root, "second").items)
    assert same["readers"] == ["Ada", "Grace (second)"]
    assert same["value"] == pytest.approx(1 - t1w / 8)
    assert 0 < t1w < 8
    assert found["third_reading"] == "third"
    assert len(read_reading(root, "third").items) == t1w
    with open(tmp_path / "third.csv", encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == t1w
    assert (tmp_path / "agreement.csv").stat().st_size


def test_two_methods_are_compared_under_neutral_names(review_copy, tmp_path):
    root = review_copy.root
    told = review("agree", root, "--compare", "labels", OTHER_MAKER)
    assert "6 cases" in told
    assert "Case 001 A" in review(
        "next", root, "--rater", "Ada", "--reading", "comparison", "--copy-to", tmp_path
    )
    first = {item.key for item in read_reading(root, "comparison").items if item.method == "labels"}
    read_all(
        root,
        "Ada",
        lambda row: Judgement.PASS if row.case.key in first else Judgement.FAIL,
        "comparison",
    )
    found = review("agree", root, "--reading", "comparison", "--json")["agreement"]
    assert {row["measure"]: row["value"] for row in found} == {
        "labels passes, share": 1,
        f"{OTHER_MAKER} passes, share": 0,
        f"labels better than {OTHER_MAKER}, share": 1,
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--blinded"], "of a reading that is drawn"),
        (["--second-reading", "20%", "--reading", "second"], "does not go with drawing"),
        (["--masks", "Ada"], "NAME=FOLDER"),
        (["--second-reading", "0"], "no share"),
        (["--second-reading", "20%", "--name", "../x"], "cannot have the name"),
    ],
)
def test_options_that_do_not_fit_are_refused(review_dataset, words, sentence):
    assert sentence in " ".join(review("agree", review_dataset.root, *words, code=2).split())
