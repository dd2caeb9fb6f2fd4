"""``softcord review export`` and ``import``."""

from __future__ import annotations

import json

import pytest

from review.exchange_folder import T1W, T2W, judge, make_folder
from SoftCordSegLib.cli.review_exchange_commands import FORMAT_NAMES
from SoftCordSegLib.workflows.review.review_exchange import FORMATS


@pytest.fixture
def root(tmp_path):
    return make_folder(tmp_path / "data")


def test_the_help_names_all_formats():
    assert set(FORMAT_NAMES) == set(FORMATS)


def test_verdicts_go_out_and_come_back(softcord, root, tmp_path):
    judge(root, T1W, "to correct", comment="too wide")
    judge(root, T2W, "pass")

    result = softcord(
        "review", "export", root, "--format", "sct-yaml", "-o", tmp_path / "lists", "--json"
    )

    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert said["count"] == 1
    assert "no 'to correct'" in result.stderr
    other = make_folder(tmp_path / "other")
    result = softcord("review", "import", other, tmp_path / "lists" / "qc_fail.yml")
    assert result.exit_code == 2
    assert "rater" in result.stderr
    result = softcord("review", "import", other, *said["files"], "--rater", "Bo", "--json")
    assert result.exit_code == 0, result.stderr
    (fails, artefacts) = json.loads(result.stdout)["files"]
    assert [(one["case"], one["verdict"]) for one in fails["added"]] == [(T1W, "fail")]
    assert artefacts["added"] == []


def test_the_author_of_a_file_is_the_rater(softcord, root, tmp_path, monkeypatch):
    monkeypatch.setenv("SOFTCORDSEG_RATER", "Anna")
    log = tmp_path / "cord_log.tsv"
    log.write_text(
        "uid\tauthor\ttimestamp\tsaved_segmentations\tfailed_segmentations\tversion\n"
        "sub-03\tKim\t2026-03-07 11:05:40\tSC\t\t0.04\n"
        "sub-44\tKim\t2026-03-07 11:05:40\tSC\t\t0.04\n",
        encoding="utf-8",
    )

    result = softcord("review", "import", root, log, "--json")

    (found,) = json.loads(result.stdout)["files"]
    assert [one["rater"] for one in found["added"]] == ["Kim"]
    assert "No image of this data set is called 'sub-44'" in result.stderr


def test_what_cannot_be_is_a_sentence(softcord, root, tmp_path):
    judge(root, T1W, "pass")
    other = tmp_path / "other.json"
    other.write_text("{}", encoding="utf-8")

    assert softcord("review", "import", root, other).exit_code == 1
    result = softcord("review", "export", root, "--format", "excel", "-o", tmp_path)
    assert result.exit_code == 2
    assert "monailabel" in result.stderr
