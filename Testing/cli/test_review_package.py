"""``softcord review package`` and ``merge``."""

from __future__ import annotations

import json

import pytest

from SoftCordSegLib.bids import Kind
from workflows.package_folder import (
    BARE,
    OTHERS,
    OURS,
    contents,
    correct_as_the_panel,
    make_data,
    paint,
    path_of,
    rewrite,
    unpacked,
)


@pytest.fixture
def root(tmp_path):
    return make_data(tmp_path / "data")


def test_cases_go_to_a_colleague_and_come_back(softcord, root, tmp_path):
    for key, word in ((OURS, "correct"), (OTHERS, "fail"), (BARE, "pass")):
        assert softcord("review", "verdict", root, key, word, "--rater", "Anna").exit_code == 0

    result = softcord("review", "package", root, "-o", tmp_path / "cases.zip", "--json")

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["cases"] == [OURS, OTHERS]
    there = unpacked(tmp_path / "cases.zip", tmp_path / "there")
    correct_as_the_panel(there, OURS)
    rewrite(
        path_of(there, OTHERS, Kind.BINARY_MASK, "other"), lambda data: paint(data.astype(float))
    )
    said = softcord("review", "verdict", there, OURS, "pass", "--rater", "Bo")
    assert said.exit_code == 0, said.stderr
    back = softcord("review", "package", there, "-o", tmp_path / "back.zip")
    assert back.exit_code == 0, back.stderr
    before = contents(root)

    result = softcord("review", "merge", root, tmp_path / "back.zip", "--dry-run")
    assert result.exit_code == 1
    assert "Nothing was replaced" in result.stderr
    assert "who corrected it" in result.stderr
    assert [one for one in result.stderr.splitlines() if one.startswith("New: ")] == [
        f"New: pass on '{OURS}', by 'Bo'."  # Anna's, which were packed, are here
    ]
    assert contents(root) == before
    result = softcord("review", "merge", root, tmp_path / "back.zip", "--author", "Bo", "--json")

    assert result.exit_code == 0, result.stderr
    merged = json.loads(result.stdout)
    assert [case["outcome"] for case in merged["cases"]] == ["merged", "merged"]
    assert [one["verdict"] for one in merged["verdicts"]] == ["pass"]
    assert contents(root) != before


def test_cases_are_chosen_in_one_way(softcord, root, tmp_path):
    out = tmp_path / "cases.zip"
    lists = tmp_path / "qc_fail.yml"
    lists.write_text("FILES_SEG:\n- sub-03_T2w.nii.gz\n- sub-44_T2w.nii.gz\n", encoding="utf-8")

    result = softcord("review", "package", root, "-o", out, "--list", lists, "--json")
    assert json.loads(result.stdout)["cases"] == [BARE]
    assert "sub-44" in result.stderr
    result = softcord("review", "package", root, "sub-01_T2w", "-o", out, "--overwrite", "--json")
    assert json.loads(result.stdout)["cases"] == [OURS]
    result = softcord("review", "package", root, "sub-01_T2w", "-o", out, "--list", lists)
    assert result.exit_code == 2
    assert softcord("review", "merge", root, lists).exit_code == 1
