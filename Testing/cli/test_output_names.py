"""Names of tables that cannot be meant, and what is said of levels that are not there."""

from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize("option", ["-o", "--compare"])
@pytest.mark.parametrize("ending", [".xlsx", ".tsv", ".json.gz"])
def test_a_table_in_another_format_is_refused(softcord, a_mask, tmp_path, option, ending):
    table = tmp_path / f"csa{ending}"
    masks = [a_mask] if option == "-o" else [a_mask, a_mask]
    result = softcord("csa", *masks, option, table)
    assert result.exit_code == 2
    assert ".csv" in result.stderr
    assert not table.exists()


def test_a_name_without_an_ending_is_a_table_as_sct_writes_it(softcord, a_mask, tmp_path):
    assert softcord("csa", a_mask, "-o", tmp_path / "csa.csv").exit_code == 0
    assert softcord("csa", a_mask, "-o", tmp_path / "csa").exit_code == 0

    one, other = (
        # The second at which a row was measured may differ.
        re.sub(rb"\d\d:\d\d:\d\d", b"", (tmp_path / name).read_bytes())
        for name in ("csa", "csa.csv")
    )
    assert one == other


@pytest.mark.parametrize(
    "words",
    [
        ("csa", "MASK", "-o", ""),
        ("csa", ""),
        ("segment", "MASK", "-o", ""),
        ("csa", "MASK", "--discs", ""),
        ("evaluate", "", "-o", "out"),
        ("models", "install", ""),
    ],
)
def test_an_empty_name_is_refused(softcord, a_mask, words):
    result = softcord(*(a_mask if word == "MASK" else word for word in words))
    assert result.exit_code == 2
    assert " is empty." in result.stderr


def test_levels_that_are_not_there_are_answered_with_those_that_are(
    softcord, a_mask, discs_of_the_neck, tmp_path
):
    options = ["--discs", discs_of_the_neck, "-o", tmp_path / "csa.csv"]
    result = softcord("csa", a_mask, *options, "--vert", "6:9")
    assert result.exit_code == 1
    assert "The levels that are there: C2, C3, C4." in result.stderr
    result = softcord("csa", a_mask, *options, "--vert", "3:9")
    assert result.exit_code == 0
    assert "The levels that are there: C2, C3, C4." in result.stderr


def test_brackets_and_control_characters_of_names_are_shown_as_text(softcord, a_mask, tmp_path):
    odd = a_mask.with_name("\x1b[31m[red]\nsub[1]_seg.nii.gz")
    a_mask.rename(odd)
    result = softcord("csa", odd, "-o", tmp_path / "csa.csv")
    assert result.exit_code == 0, result.stderr
    assert "\x1b" not in result.stderr
    assert "\\x1b[31m[red]\\nsub[1]_seg.nii.gz" in result.stderr


def test_a_table_of_the_window_is_not_folded_where_there_is_no_window(softcord, a_mask, tmp_path):
    long = a_mask.with_name(f"sub-{'x' * 100}_seg.nii.gz")
    a_mask.rename(long)
    result = softcord("csa", long, "-o", tmp_path / "csa.csv", "-z", "3:5")
    assert sum(long.name in line for line in result.stderr.splitlines()) == 1
