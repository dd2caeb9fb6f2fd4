"""Which Python trains, and what is said where none can."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.workflows.live_run import LOG_FILE
from SoftCordSegLib.workflows.review import training_python
from SoftCordSegLib.workflows.review.training_python import (
    PYTHON_VARIABLE,
    find_training_python,
    start_task,
)

LIBRARY = Path(training_python.__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _nothing_chosen(monkeypatch):
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)


def test_the_one_that_runs_this():
    found = find_training_python()
    assert found.path == Path(sys.executable)
    assert found.environment["PYTHONPATH"].split(os.pathsep)[0] == str(LIBRARY)


def test_a_chosen_one_hears_nothing_of_ours(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", "/somewhere/else/python")
    monkeypatch.setattr(training_python, "NEEDED", ("json",))
    python = os.path.realpath(Path(sys.prefix) / "bin" / "python")

    found = find_training_python(python)
    monkeypatch.setenv(PYTHON_VARIABLE, python)
    by_variable = find_training_python()

    assert found.path == by_variable.path == Path(python)
    assert not {"PYTHONHOME", "LD_LIBRARY_PATH"} & found.environment.keys()
    assert found.environment["PYTHONPATH"] == str(LIBRARY)


def test_the_folder_of_an_environment_is_as_good():
    assert find_training_python(sys.prefix).path.parent.parent == Path(sys.prefix)


def test_what_is_missing_is_said_and_how_to_get_it(monkeypatch):
    monkeypatch.setattr(training_python, "NEEDED", ("torch", "no_such_package"))
    with pytest.raises(InputError) as missing:
        find_training_python()
    assert missing.value.sentence == "Teaching needs no_such_package, which this Python lacks."
    assert "pip install 'softcordseg[training,evaluation]'" in missing.value.hint


def test_in_slicer_the_extension_is_named(monkeypatch):
    monkeypatch.setattr(training_python.importlib.util, "find_spec", lambda name: object())
    assert "the extension PyTorch of 3D Slicer" in training_python.how_to_get(["torch"])
    assert "extension" not in training_python.how_to_get(["pandas"])


@pytest.mark.parametrize("program", ["no_such_program", __file__])
def test_what_is_no_python_is_said(tmp_path, program):
    with pytest.raises(InputError, match=r"cannot be started|no Python"):
        find_training_python(tmp_path / program)


def test_the_process_is_ours_and_says_what_it_lacks(tmp_path):
    start_task(tmp_path, None, find_training_python())
    said, until = "", time.monotonic() + 60
    while not said.strip() and time.monotonic() < until:
        time.sleep(0.1)
        said = (tmp_path / LOG_FILE).read_text(encoding="utf-8")

    assert "There is no task in this folder." in said
