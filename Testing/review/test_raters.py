"""Raters' names and the names of their files."""

from __future__ import annotations

import unicodedata

import pytest

from SoftCordSegLib.errors import OptionError
from SoftCordSegLib.review import VerdictStore, rater_file, rater_name, rater_slug

NAMES = [
    "anna",
    "Anna",
    "ANNA",
    "anna b",
    "anna-b",
    "anna_b",
    "anna/b",
    "../anna",
    "Ånna",
    "山田 太郎",
    "山田 次郎",
    "con",
    "a" * 32,
    "a" * 33,
    "a" * 34,
    ".",
    "x*?:<>|",
]


def test_no_two_raters_have_one_file_on_any_disk():
    slugs = [rater_slug(name).casefold() for name in NAMES]

    assert len(set(slugs)) == len(NAMES)
    assert all(set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for slug in slugs)
    assert max(map(len, slugs)) <= 41


def test_one_name_in_two_spellings_is_one_rater(tmp_path):
    composed, apart = (unicodedata.normalize(form, "Jürgen  M.") for form in ("NFC", "NFD"))

    assert rater_name(f" {apart}\t") == "Jürgen M."
    assert rater_slug(composed) == rater_slug(apart)
    assert VerdictStore(tmp_path, composed).path == VerdictStore(tmp_path, apart).path


def test_two_machines_have_two_files(monkeypatch):
    here = rater_file("anna", ".jsonl")
    monkeypatch.setenv("SOFTCORDSEG_MACHINE", "../second machine")

    assert rater_file("anna", ".jsonl") == "anna_secondmachine.jsonl" != here


@pytest.mark.parametrize("name", ["", "  ", "\n", "a\0b", "a\x1b[31m", "a" * 201, "a\udcff"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(OptionError):
        rater_name(name)
