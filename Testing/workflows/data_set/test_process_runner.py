"""Cases in several processes: threads divided, one that dies costs its case only, all end with the
one that started them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from SoftCordSegLib.errors import OptionError, SoftCordSegError
from SoftCordSegLib.processes import is_alive, kill
from SoftCordSegLib.workflows.data_set.process_runner import ProcessRunner, threads_of_each
from workflows.case_work import a_job, processes_of, wait_until, work

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def run(out, *keys, processes=2, should_stop=lambda: False):
    """The results of cases of these names, by name."""
    results = {}

    def keep(result):
        assert result.key not in results, "a case is done once"
        results[result.key] = result

    jobs = [a_job(key, out) for key in keys]
    ProcessRunner(processes, threads=1, work=work).run(jobs, keep, should_stop)
    return results


def test_a_process_that_dies_and_a_case_that_breaks_cost_themselves_only(tmp_path):
    fine = [f"fine-{n}" for n in range(8)]

    results = run(tmp_path, "dies", *fine, "breaks")

    assert sorted(results) == sorted([*fine, "dies", "breaks"])
    assert {results[key].status for key in fine} == {"done"}
    assert results["dies"].status == results["breaks"].status == "failed"
    assert "exit code" in results["dies"].message
    assert "ValueError" in results["breaks"].message
    assert str(tmp_path) not in str(results["breaks"])
    at_work = {process for key in fine for process in processes_of(tmp_path, key)}
    assert len(at_work) <= 3, "a process does many cases, and loads the model once"
    assert processes_of(tmp_path, "dies")[0] not in at_work - {processes_of(tmp_path, "dies")[0]}
    said = {(tmp_path / f"{key}.begun").read_text("ascii").split(" ", 1)[1] for key in fine}
    assert said == {"1 1\n"}, "threads of the network, and of libraries of numbers"
    assert not [process for process in at_work if is_alive(process)]


@POSIX
def test_cases_in_hand_are_dropped_where_the_user_stops(tmp_path):
    keys = "fine", "waits", "later"

    results = run(
        tmp_path,
        *keys,
        processes=1,
        should_stop=lambda: bool(processes_of(tmp_path, "waits")),
    )

    assert list(results) == ["fine"]
    assert not (tmp_path / "waits.done").exists()
    assert processes_of(tmp_path, "later") == []


@POSIX
def test_a_process_that_is_asked_to_end_loses_nothing(tmp_path, monkeypatch):
    """By a signal from elsewhere, while the run goes on: the case is done by another process."""
    monkeypatch.setattr("SoftCordSegLib.workflows.data_set.process_runner._TOGETHER_S", 0.01)
    asked = []

    def ask_once():
        for process in processes_of(tmp_path, "waits")[: 0 if asked else 1]:
            asked.append(process)
            os.kill(process, signal.SIGTERM)
        return False

    results = run(tmp_path, "waits", processes=1, should_stop=ask_once)

    assert results["waits"].status == "done"
    first, second = processes_of(tmp_path, "waits")
    assert first == asked[0] != second


def test_processes_end_with_the_one_that_started_them(tmp_path):
    script = tmp_path / "start.py"
    script.write_text(
        "import sys\n"
        f"sys.path[:0] = {[os.fspath(path) for path in sys.path]!r}\n"
        "from pathlib import Path\n"
        "from SoftCordSegLib.workflows.data_set.process_runner import ProcessRunner\n"
        "from workflows.case_work import a_job, work\n"
        "if __name__ == '__main__':\n"
        f"    jobs = [a_job(one, Path({os.fspath(tmp_path)!r})) for one in ('waits', 'waits-2')]\n"
        "    ProcessRunner(2, work=work).run(jobs, print, lambda: False)\n",
        encoding="utf-8",
    )
    starter = subprocess.Popen([sys.executable, os.fspath(script)])
    try:
        wait_until(lambda: processes_of(tmp_path, "waits") and processes_of(tmp_path, "waits-2"))
    finally:
        kill(starter.pid)
        starter.wait()

    workers = processes_of(tmp_path, "waits") + processes_of(tmp_path, "waits-2")
    wait_until(lambda: not any(map(is_alive, workers)))
    assert not list(tmp_path.glob("*.done"))


def test_processes_that_cannot_start_are_a_sentence(tmp_path, monkeypatch):
    """Where the work is a function of a module that the new processes do not find."""
    (tmp_path / "gone_module.py").write_text("def work(job, progress): ...\n", encoding="ascii")
    monkeypatch.syspath_prepend(tmp_path)
    import gone_module

    (tmp_path / "gone_module.py").unlink()

    with pytest.raises(SoftCordSegError, match="before they have begun"):
        ProcessRunner(1, work=gone_module.work).run(
            [a_job("fine", tmp_path)], lambda _: None, lambda: False
        )
    with pytest.raises(OptionError):
        ProcessRunner(0)


def test_threads_are_divided(monkeypatch):
    monkeypatch.setattr("SoftCordSegLib.workflows.data_set.process_runner.cores", lambda: 8)

    assert threads_of_each(3) == 2
    assert threads_of_each(16) == 1
    assert threads_of_each(2, threads=3) == 3
