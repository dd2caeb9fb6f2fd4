"""An error carries what was wrong, where, and what to do, also into another process."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from SoftCordSegLib.errors import Cancelled, InputError, OptionError, SoftCordSegError, counted

NO_VOXELS, EXPORT = "The image has no voxels.", "Export it again."


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (InputError(NO_VOXELS), NO_VOXELS),
        (InputError(NO_VOXELS, hint=EXPORT), f"{NO_VOXELS} {EXPORT}"),
        (InputError(NO_VOXELS, path="a/b.nii"), f"'{Path('a/b.nii')}': {NO_VOXELS}"),
        (
            InputError(NO_VOXELS, path=Path("b.nii"), hint=EXPORT),
            f"'b.nii': {NO_VOXELS} {EXPORT}",
        ),
    ],
)
def test_the_text_is_composed_of_the_fields(error, text):
    assert str(error) == text


def test_the_first_file_named_stays():
    error = InputError(NO_VOXELS, path="mask.nii")

    assert error.in_file("image.nii").path == Path("mask.nii")
    assert InputError(NO_VOXELS).in_file("image.nii").path == Path("image.nii")
    assert InputError(NO_VOXELS).in_file(None).path is None


def test_another_process_gets_the_same_error():
    error = pickle.loads(pickle.dumps(OptionError("Twice.", path="a.csv", hint="Leave one out.")))

    assert type(error) is OptionError
    assert (error.sentence, error.path, error.hint) == ("Twice.", Path("a.csv"), "Leave one out.")


def test_every_error_is_one_of_ours():
    assert all(issubclass(one, SoftCordSegError) for one in (InputError, OptionError, Cancelled))


def test_counts_in_words():
    assert [counted(n, "case") for n in (0, 1, 2)] == ["0 cases", "1 case", "2 cases"]
