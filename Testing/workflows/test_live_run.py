"""Long work that another process watches: what its folder says in each of its states."""

from __future__ import annotations

import subprocess
import sys

import pytest

from SoftCordSegLib.errors import Cancelled, InputError, OptionError
from SoftCordSegLib.processes import owner_mark
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.structured_text import read_json
from SoftCordSegLib.workflows.live_run import (
    PROGRESS_FILE,
    STOP_FILE,
    RunState,
    check_not_running,
    live_run,
    note_start,
    read_live,
    request_stop,
)


def test_from_start_to_end(tmp_path):
    heard = []
    assert read_live(tmp_path).state is RunState.NONE
    with live_run(tmp_path, Progress(lambda *report: heard.append(report))) as live:
        live.part(0.5, 1.0).report(0.5, "half of the rest")
        state = read_live(tmp_path)
        with pytest.raises(OptionError, match="A process is working"):
            check_not_running(tmp_path)

    assert (state.state, state.fraction, state.message) == (
        RunState.RUNNING,
        0.75,
        "half of the rest",
    )
    assert heard == [(0.75, "half of the rest")]
    assert read_live(tmp_path).state is RunState.FINISHED
    check_not_running(tmp_path)


def test_asked_to_stop(tmp_path):
    request_stop(tmp_path)
    with pytest.raises(Cancelled), live_run(tmp_path, Progress()) as live:
        live.part(0.0, 0.5).check_cancelled()

    assert read_live(tmp_path).state is RunState.STOPPED
    assert not (tmp_path / STOP_FILE).exists(), "the next run would stop too"


def test_what_went_wrong_is_said_without_folders(tmp_path):
    error = InputError("The mask is empty.", path=tmp_path / "sub-01_seg.nii.gz", hint="Draw one.")
    with pytest.raises(InputError), live_run(tmp_path, Progress()):
        raise error

    state = read_live(tmp_path)
    assert (state.state, state.message) == (
        RunState.FAILED,
        "'sub-01_seg.nii.gz': The mask is empty.",
    )
    assert state.hint == "Draw one."


def test_a_process_that_has_ended_without_a_word_has_failed(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    note_start(tmp_path, process.pid)
    process.wait()

    state = read_live(tmp_path)

    assert state.state is RunState.FAILED
    assert "ended without a result" in state.message
    check_not_running(tmp_path)


def test_a_process_that_is_loading_and_one_that_has_spoken_already(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        note_start(tmp_path, process.pid)
        assert read_live(tmp_path).state is RunState.STARTING
        assert read_json(tmp_path / PROGRESS_FILE)["owner"] == owner_mark(process.pid)
    with live_run(tmp_path, Progress()):
        pass
    note_start(tmp_path, process.pid)
    assert read_live(tmp_path).state is RunState.FINISHED


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "resting"}', '{"state": "running"}'])
def test_a_file_that_is_something_else_is_no_run(tmp_path, text):
    (tmp_path / PROGRESS_FILE).write_text(text, encoding="utf-8")
    assert read_live(tmp_path).state is RunState.NONE


def test_where_the_folder_is_not_there_nothing_is_made(tmp_path):
    with live_run(tmp_path / "none", Progress()) as live:
        live.report(0.5, "half")
    assert not (tmp_path / "none").exists()
