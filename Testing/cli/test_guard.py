"""Errors of commands: exit codes, and the fields of an error in the JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer

from cli.fakes import a_neck
from SoftCordSegLib.cli.guard import for_user, guarded
from SoftCordSegLib.errors import Cancelled, InputError, OptionError, OutputError
from SoftCordSegLib.volume import write_nifti


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("The mask is empty."), 1),
        (OutputError("The disk is full."), 1),
        (OptionError("Give one of them."), 2),
        (Cancelled("Stopped."), 130),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 1),
        (IndexError("a bug"), 1),
    ],
)
def test_exit_codes(error, code, capsys):
    with pytest.raises(typer.Exit) as ended, guarded():
        raise error
    assert ended.value.exit_code == code
    assert capsys.readouterr().err.startswith("Error: ")


def test_the_json_has_the_fields_of_an_error(capsys, tmp_path):
    path = tmp_path / "mask.nii.gz"
    with pytest.raises(typer.Exit), guarded(as_json=True):
        raise InputError("The mask is empty.", path=path, hint="Give a mask of the cord.")
    assert json.loads(capsys.readouterr().out) == {
        "error": f"'{path}': The mask is empty. Give a mask of the cord.",
        "sentence": "The mask is empty.",
        "path": str(path),
        "hint": "Give a mask of the cord.",
    }


def test_the_file_at_fault_is_named_once(softcord, a_mask, tmp_path):
    write_nifti(a_neck().with_data(np.zeros(a_neck().shape, np.uint8)), a_mask)
    result = softcord("csa", a_mask, "-o", tmp_path / "csa.csv", "--json")
    (error,) = json.loads(result.stdout)["errors"]
    assert error["path"] == str(a_mask)
    assert error["error"].count(a_mask.name) == 1


def test_an_error_that_names_a_file_keeps_it(tmp_path):
    error = for_user(InputError("No.", path="discs.nii.gz"), path=tmp_path / "mask.nii.gz")
    assert error.path.name == "discs.nii.gz"
