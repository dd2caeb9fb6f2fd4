"""Verdicts: every line is kept, whatever the files look like."""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.folders import bids_folder
from review.writers import kill_raters, raters_at_once
from SoftCordSegLib.errors import OptionError, OutputError
from SoftCordSegLib.review import Judgement, Verdict, VerdictStore, newest, read_verdicts
from SoftCordSegLib.review.verdicts import utc_now

WHEN = "2026-11-28T14:05:00.000001+00:00"


def verdict(case="sub-01/anat/sub-01_T2w", rater="anna", when=WHEN, **more):
    return Verdict(case=case, rater=rater, when=when, verdict=Judgement.PASS, **more)


def test_a_verdict_comes_back_as_it_was(tmp_path):
    given = verdict(
        mask="derivatives/labels/a.nii.gz",
        mask_sha256="ab" * 32,
        rank=7,
        comment='Zeile eins\nzwei \u2028 "drei" 日本',
        seconds=12.5,
        blinded=True,
        reading="second",
        extra={"site": "London", "list": [1, {"a": None}]},
    )

    VerdictStore(tmp_path, "anna").add(given)

    assert read_verdicts(tmp_path) == [given]


def test_the_newest_of_each_rater_counts_and_no_line_is_replaced(tmp_path):
    anna, bert = VerdictStore(tmp_path, "anna"), VerdictStore(tmp_path, "Bert")
    anna.add(verdict())
    bert.add(replace(verdict(rater="Bert"), verdict=Judgement.FAIL))
    anna.add(replace(verdict(when=f"{WHEN[:-7]}9+00:00"), verdict=Judgement.TO_CORRECT))
    anna.add(replace(verdict(reading="second"), verdict=Judgement.ARTEFACT))

    said = newest(read_verdicts(tmp_path))

    assert len(read_verdicts(tmp_path)) == 4
    assert {rater: one.verdict for (_, rater), one in said.items()} == {
        "anna": Judgement.TO_CORRECT,
        "Bert": Judgement.FAIL,
    }
    assert newest(read_verdicts(tmp_path), "second")[verdict().case, "anna"].verdict is (
        Judgement.ARTEFACT
    )


def test_half_a_line_of_a_crash_is_never_continued(tmp_path):
    store = VerdictStore(tmp_path, "anna")
    store.add(verdict("one"))
    with open(store.path, "ab") as stream:
        stream.write(b'{"case": "two", "rater": "an')

    store.add(verdict("three"))

    assert [one.case for one in read_verdicts(tmp_path)] == ["one", "three"]


def line(**changes):
    return json.dumps({**verdict("x").as_json(), **changes}).encode()


HOSTILE = [
    b"",
    b"null",
    b"[" * 100_000,
    b'{"case": "x"}',
    line(case=5),
    line(rater=""),
    line(when="yesterday"),
    line(when=""),
    line()[:-9],
    line().replace(b"x", b"\0"),
    line(comment="y" * (1 << 20)),
    b"\0" * 5000,
    b"<<<<<<< HEAD",
]


def test_lines_that_are_no_verdicts_are_skipped(tmp_path):
    store = VerdictStore(tmp_path, "anna")
    store.add(verdict("before"))
    for bad in HOSTILE:
        with open(store.path, "ab") as stream:
            stream.write(bad + b"\r\n")
    store.add(verdict("after"))
    (store.path.parent / "folder.jsonl").mkdir()
    (store.path.parent / "._anna_1.jsonl").write_bytes(line())

    assert [one.case for one in read_verdicts(tmp_path)] == ["before", "after"]


# Bytes, JSON of any kind, and lines of another case with values of any kind.
STRANGE = st.lists(
    st.one_of(
        st.binary(max_size=200).map(lambda data: data.replace(b"\n", b" ")),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=6,
        ).map(lambda value: json.dumps(value).encode()),
        st.dictionaries(
            st.sampled_from(list(verdict().as_json())),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        ).map(lambda changes: line(**{"case": "other", **changes})),
    ),
    max_size=8,
)


def check_between(lines):
    """Verdicts with strange lines between them are all read."""
    with tempfile.TemporaryDirectory() as folder:
        store = VerdictStore(Path(folder), "anna")
        store.path.parent.mkdir(parents=True)
        mine = [line(case=f"mine {number}") for number in range(len(lines) + 1)]
        rows = [part for pair in zip(mine, [*lines, b""]) for part in pair]
        store.path.write_bytes(b"\n".join(rows))

        found = read_verdicts(Path(folder))

    assert [one.case for one in found if one.case.startswith("mine")] == [
        f"mine {number}" for number in range(len(mine))
    ]
    assert all(isinstance(one.as_json(), dict) for one in found)


@settings(max_examples=12)
@given(STRANGE)
def test_whatever_stands_between_them_verdicts_are_read(lines):
    check_between(lines)


def test_values_out_of_range_cost_themselves_only(tmp_path):
    store = VerdictStore(tmp_path, "anna")
    store.path.parent.mkdir(parents=True)
    odd = line(rank=11, seconds=-3, comment=None, blinded="yes", verdict="superb", site="London")
    store.path.write_bytes(odd + b"\n" + line(rank=True, seconds=float("nan")))

    first, second = read_verdicts(tmp_path)

    assert (first.rank, first.seconds, first.comment, first.blinded) == (None, 0, "", False)
    assert first.verdict is None, "an unknown word replaces what was said before"
    assert first.as_json()["verdict"] == "superb"
    assert first.as_json()["site"] == "London"
    assert (second.rank, second.seconds, second.verdict) == (None, 0, Judgement.PASS)


def test_lines_stored_by_an_editor_in_another_coding_count_and_are_told_of(tmp_path):
    store = VerdictStore(tmp_path, "Jürgen")
    for case, words in (("one", "größer"), ("two", "plain")):
        store.add(
            Verdict(case, rater="Jürgen", verdict=Judgement.PASS, comment=words, when=utc_now())
        )
    text = store.path.read_text("utf-8")
    store.path.write_text(text, encoding="cp1252")
    store.add(Verdict("three", rater="Jürgen", verdict=Judgement.FAIL, when=utc_now()))
    remarks = []

    found = read_verdicts(tmp_path, lambda *what: remarks.append(what))

    assert [(one.case, one.rater) for one in found] == [
        (case, "Jürgen") for case in ("one", "two", "three")
    ]
    assert [one.comment for one in found] == ["größer", "plain", ""]
    assert remarks == [(store.path.name, 2)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_that_an_editor_stored_again_is_read(tmp_path, encoding):
    store = VerdictStore(tmp_path, "Jürgen")
    store.add(verdict(rater="Jürgen"))
    store.path.write_text(store.path.read_text("utf-8"), encoding=encoding, newline="\r\n")

    assert read_verdicts(tmp_path) == [verdict(rater="Jürgen")]


def test_a_copied_file_counts_once_and_a_clock_put_back_changes_nothing(tmp_path):
    store = VerdictStore(tmp_path, "anna")
    store.add(verdict(comment="first", when="2027-01-01T00:00:00Z"))
    store.add(verdict(comment="second", when="2026-01-01T00:00:00"))
    copy = store.path.with_name("anna_1 (conflicted copy).jsonl")
    copy.write_bytes(store.path.read_bytes())

    assert [one.comment for one in read_verdicts(tmp_path)] == ["first", "second"]


def test_a_clock_that_was_ahead_does_not_silence_what_is_said_later_elsewhere(tmp_path):
    """A colleague's file, copied here: its computer's clock was years ahead."""
    ahead = VerdictStore(tmp_path, "anna")
    ahead.path = ahead.path.with_name("anna_laptop.jsonl")
    ahead.add(replace(verdict(when="2999-01-01T00:00:00+00:00"), verdict=Judgement.FAIL))
    ahead.add(replace(verdict(when="2999-01-01T00:00:09+00:00"), verdict=Judgement.TO_CORRECT))
    os.utime(ahead.path, (time.time() - 60,) * 2)
    key = verdict().case, "anna"
    assert newest(read_verdicts(tmp_path))[key].verdict is Judgement.TO_CORRECT

    VerdictStore(tmp_path, "anna").add(verdict(when=utc_now()))

    assert newest(read_verdicts(tmp_path))[key].verdict is Judgement.PASS


def test_a_full_disk_is_a_sentence_and_leaves_whole_lines(tmp_path, monkeypatch):
    store = VerdictStore(tmp_path, "anna")
    store.add(verdict("one"))
    before = store.path.read_bytes()
    monkeypatch.setattr("SoftCordSegLib.review.verdicts.os.write", _Full())

    with pytest.raises(OutputError, match="No space left"):
        store.add(verdict("two"))

    assert store.path.read_bytes() == before
    monkeypatch.undo()
    store.add(verdict("three"))
    assert [one.case for one in read_verdicts(tmp_path)] == ["one", "three"]


class _Full:
    """``os.write`` on a disk with room for ten bytes."""

    def __init__(self):
        self.write, self.room = os.write, 10

    def __call__(self, number, data):
        if not self.room:
            raise OSError(28, "No space left on device")
        written = self.write(number, data[: self.room])
        self.room -= written
        return written


def test_a_file_that_was_saved_by_datalad_stays_and_the_next_lines_go_elsewhere(tmp_path):
    store = VerdictStore(tmp_path, "anna")
    store.add(verdict("one"))
    first, saved = store.path, tmp_path / "object"
    first.rename(saved)
    first.symlink_to(saved)

    store.add(verdict("two"))

    assert len(saved.read_bytes().splitlines()) == 1
    assert [one.case for one in read_verdicts(tmp_path)] == ["one", "two"]
    assert first.with_name(f"{first.stem}_2.jsonl").is_file()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "derivatives").write_text("a file", encoding="utf-8")

    with pytest.raises(OutputError, match="could not be stored"):
        VerdictStore(tmp_path, "anna").add(verdict())
    assert read_verdicts(tmp_path) == []


@pytest.mark.parametrize(
    "wrong",
    [{"rank": 10}, {"rank": -1}, {"seconds": -1.0}, {"case": ""}, {"comment": "x" * 20_001}],
)
def test_a_value_out_of_range_is_refused(tmp_path, wrong):
    store = VerdictStore(tmp_path, "anna")

    with pytest.raises(OptionError):
        store.add(replace(verdict(), **wrong))
    with pytest.raises(OptionError, match="another rater"):
        store.add(verdict(rater="bert"))
    assert not store.path.exists()


def test_a_lock_that_is_never_free_keeps_no_verdict_from_being_stored(tmp_path, monkeypatch):
    from SoftCordSegLib.processes import exclusive_lock

    monkeypatch.setattr("SoftCordSegLib.review.verdicts._LONGEST_WAIT_S", 0.05)
    store = VerdictStore(tmp_path, "anna")
    store.path.parent.mkdir(parents=True)

    with exclusive_lock(store.path.with_name(f".{store.path.name}.lock")):
        store.add(verdict("one"))
        monkeypatch.setattr("SoftCordSegLib.review.verdicts.time.sleep", None)
        store.add(verdict("two"))  # without waiting again

    assert [one.case for one in read_verdicts(tmp_path)] == ["one", "two"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
def test_a_kill_costs_the_verdict_in_hand_at_most(tmp_path):
    found = kill_raters(bids_folder(tmp_path), 6)

    assert found.stored >= 6
    assert (found.lost, found.broken) == ([], [])


def test_two_raters_and_two_machines_at_once_lose_no_line(tmp_path):
    writers = [("Anna", "one"), ("anna", "one"), ("Anna", "two")]

    there = raters_at_once(bids_folder(tmp_path), writers, 10)

    assert sorted(there) == sorted(f"{n}-{at}" for n in range(3) for at in range(10))
    names = {path.name for path in (tmp_path / "derivatives/review/verdicts").glob("[!.]*")}
    assert len(names) == 3
