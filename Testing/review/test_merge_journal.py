"""The files of a case are replaced as one: what was interrupted is finished by the next run."""

from __future__ import annotations

import os

import pytest

from SoftCordSegLib.bids import review_folder
from SoftCordSegLib.errors import OutputError
from SoftCordSegLib.files import text_writer
from SoftCordSegLib.review.merge_journal import finish_interrupted, merging, replace_as_one
from SoftCordSegLib.review.review_cases import find_review_cases

NAMES = ("derivatives/labels/mask.txt", "derivatives/labels/edits.txt", "derivatives/labels/m.json")


class _Killed(BaseException):
    pass


def texts(root):
    return [(root / name).read_text(encoding="utf-8") for name in NAMES]


def writers(word):
    return {name: text_writer(word) for name in NAMES}


def interrupted(monkeypatch, root, number):
    """Replace the files and end before the rename of this number."""
    rename, done = os.replace, [0]

    def counting(*arguments):
        done[0] += 1
        if done[0] > number:
            raise _Killed
        rename(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", counting)
        with pytest.raises(_Killed):
            replace_as_one(root, "case", writers("new"))


@pytest.mark.parametrize("number", range(7))
def test_a_case_is_old_or_new_after_an_interruption_at_any_rename(tmp_path, monkeypatch, number):
    replace_as_one(tmp_path, "case", writers("old"))
    interrupted(monkeypatch, tmp_path, number)
    # Three are staged, then the plan; from then on it is finished, before it was never begun.
    begun = number >= len(NAMES) + 1
    if not begun:
        assert texts(tmp_path) == ["old"] * 3

    assert finish_interrupted(tmp_path) == (["case"] if begun else [])

    assert texts(tmp_path) == ["new" if begun else "old"] * 3
    assert finish_interrupted(tmp_path) == []
    left = [path for path in review_folder(tmp_path).rglob("*") if path.is_file()]
    assert left == []


def test_a_reader_finishes_what_was_interrupted_unless_a_merge_is_at_work(tmp_path, monkeypatch):
    replace_as_one(tmp_path, "case", writers("old"))
    interrupted(monkeypatch, tmp_path, 5)
    with merging(tmp_path):
        find_review_cases(tmp_path)
        assert "old" in texts(tmp_path)

    find_review_cases(tmp_path)

    assert texts(tmp_path) == ["new"] * 3
    assert [path.name for path in review_folder(tmp_path).iterdir()] == []


def test_a_reader_may_look_at_what_cannot_be_finished(tmp_path, monkeypatch):
    replace_as_one(tmp_path, "case", writers("old"))
    interrupted(monkeypatch, tmp_path, 5)
    for path in review_folder(tmp_path).rglob("edits.txt"):
        path.write_text("evil", encoding="utf-8")

    assert find_review_cases(tmp_path) == []

    assert "evil" not in texts(tmp_path)


def test_work_that_was_done_since_is_not_replaced(tmp_path, monkeypatch):
    replace_as_one(tmp_path, "case", writers("old"))
    interrupted(monkeypatch, tmp_path, 5)
    for name in NAMES:
        (tmp_path / name).write_text("newer", encoding="utf-8")

    assert finish_interrupted(tmp_path) == []

    assert texts(tmp_path) == ["newer"] * 3
    assert finish_interrupted(tmp_path) == []


def test_what_was_prepared_and_then_changed_is_not_put_in_place(tmp_path, monkeypatch):
    replace_as_one(tmp_path, "case", writers("old"))
    interrupted(monkeypatch, tmp_path, 5)
    for path in review_folder(tmp_path).rglob("edits.txt"):
        path.write_text("evil", encoding="utf-8")

    with pytest.raises(OutputError, match="changed by something else"):
        finish_interrupted(tmp_path)

    assert "evil" not in texts(tmp_path)


def test_a_write_that_fails_leaves_all_as_it_was(tmp_path):
    replace_as_one(tmp_path, "case", writers("old"))

    def full(_path):
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space"):
        replace_as_one(tmp_path, "case", {**writers("new"), NAMES[2]: full})

    assert texts(tmp_path) == ["old"] * 3
    assert finish_interrupted(tmp_path) == []
