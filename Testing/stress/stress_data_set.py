"""A data set of 60 images by one process, two, three shards at once and a Dask cluster that loses a
worker: the same 54 results and 6 reasons, nothing done twice; and everything killed at random
moments, by two runs into one folder, taken up again to the same result.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from SoftCordSegLib.bids import ImageChoice
from SoftCordSegLib.processes import kill
from SoftCordSegLib.workflows.data_set.dask_runner import DaskRunner
from SoftCordSegLib.workflows.data_set.data_set_plan import plan_data_set
from SoftCordSegLib.workflows.data_set.data_set_run import run_data_set
from SoftCordSegLib.workflows.data_set.process_runner import ProcessRunner
from stress.tally import LEFT, LOST, WRONG, tally
from workflows.case_work import a_job, wait_until, work
from workflows.data_set.test_data_set_runners import OPTIONS, images_and_tables, reasons, run
from workflows.made_data_set import SUFFIXES, make_data_set
from workflows.quick_segmenter import half_written, quick_case

KILLS = int(os.environ.get("SOFTCORD_KILLS", "20"))
TESTING = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    shared = TESTING.parent.parent / "shared" / "data"
    folder = tmp_path_factory.mktemp("sixty") / "data"
    made = make_data_set(folder, shared if shared.is_dir() else None)
    assert (len(made.keys), len(made.fine), len(made.broken)) == (60, 54, 6)
    return made


@pytest.fixture(scope="module")
def one(data_set, tmp_path_factory):
    """What one process makes: masks and tables, and the reasons of those that failed."""
    out = tmp_path_factory.mktemp("one") / "out"
    results = run(data_set, out)
    assert sorted(x.key for x in results if x.status == "done") == list(data_set.fine)
    assert set(reasons(results)) == set(data_set.broken)
    return images_and_tables(out), reasons(results)


def test_two_processes(data_set, one, tmp_path):
    results = run(data_set, tmp_path, ProcessRunner(2, OPTIONS.threads))

    assert (images_and_tables(tmp_path), reasons(results)) == one
    assert len(done(tmp_path)) == 54


def test_three_shards_at_once(data_set, one, tmp_path):
    """Three runs of their own, as in an array of jobs, into one folder."""
    runs = [
        softcord("bids", data_set.root, tmp_path, "participant", "--threads", 1, "--threshold", 0.5)
        + ["--suffixes", ",".join(SUFFIXES), "--shard", f"{n}/3", "--keep-going"]
        for n in (1, 2, 3)
    ]
    processes = [subprocess.Popen(command) for command in runs]

    assert [process.wait() for process in processes] == [0, 0, 0]
    assert images_and_tables(tmp_path) == one[0]
    assert failures(tmp_path) == one[1]
    assert len(done(tmp_path)) == 54


def test_a_cluster_that_loses_a_worker(data_set, one, tmp_path):
    with cluster() as scheduler:
        victim = next(iter(scheduler.workers.values())).process.process.pid

        def kill_in_the_middle():
            while len(done(tmp_path)) < 10:
                time.sleep(0.05)
            kill(victim)

        killer = threading.Thread(target=kill_in_the_middle)
        killer.start()
        runner = DaskRunner(scheduler.scheduler_address, OPTIONS.threads)
        results = run(data_set, tmp_path, runner)
        killer.join()
        assert victim not in [one.process.process.pid for one in scheduler.workers.values()]

    assert (images_and_tables(tmp_path), reasons(results)) == one
    # What the lost worker had finished, but not said, the other one finds and keeps.
    kept = done(tmp_path, "kept")
    assert len(kept) <= 1
    assert len(done(tmp_path)) + len(kept) == 54


def test_a_case_at_which_every_worker_dies_costs_itself_only(tmp_path):
    """The scheduler gives up the others that were on these workers too: they are done after all."""
    results = {}
    with cluster() as scheduler:
        scheduler.scheduler.allowed_failures = 1
        keys = ["dies", *(f"fine-{n}" for n in range(40))]
        DaskRunner(scheduler.scheduler_address, work=work).run(
            [a_job(key, tmp_path) for key in keys],
            lambda result: results.update({result.key: result}),
            lambda: False,
        )

    assert {results[key].status for key in keys[1:]} == {"done"}
    assert results["dies"].status == "failed"
    assert "ended" in results["dies"].message


def test_everything_killed_at_random_moments(data_set, tmp_path):
    """By two runs of two processes each into one folder; the network is a stand-in."""
    counted = tally("kills: data set")
    whole = tmp_path / "whole"
    quick(data_set.root, whole)
    right = images_and_tables(whole), failures(whole), names(whole)
    assert len(right[1]) == 6
    random = np.random.default_rng(0)
    out, killed, round_number = tmp_path / "out-0", 0, 0
    while killed < KILLS:
        runs = [start(data_set.root, out) for _ in (1, 2)]
        time.sleep(float(random.uniform(0.5, 6.0)))
        alive = [process for process in runs if process.poll() is None]
        ended = [process.returncode for process in runs if process not in alive]
        assert not any(ended), "a run that was not killed failed"
        for process in runs:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its processes too
            process.wait()
        killed += bool(alive)
        for file in half_written(out):
            counted.add(WRONG, f"kill {killed}", file)
        if not alive:
            check(out, right, counted, f"round {round_number}")
            round_number += 1
            out = tmp_path / f"out-{round_number}"
    quick(data_set.root, out)
    check(out, right, counted, "the end")
    counted.check()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_run_that_is_asked_to_stop_ends_cleanly(data_set, tmp_path, name):
    """Ctrl-C, and the end of a job's time: all processes get the signal at once."""
    command = softcord("bids", data_set.root, tmp_path, "participant", "--nprocs", 2)
    running = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    while len(done(tmp_path)) < 3:
        assert running.poll() is None
        time.sleep(0.05)
    os.killpg(running.pid, getattr(signal, name))
    said = running.communicate()[1].decode()

    assert running.returncode == 130, said
    assert "Traceback" not in said
    wait_until(lambda: not group_is_alive(running.pid))
    assert not [path for path in names(tmp_path) if "/." in path or path.startswith(".")]
    assert half_written(tmp_path) == []
    assert 3 <= len(done(tmp_path)) < 54


def group_is_alive(leader: int) -> bool:
    """Whether a process of a group runs."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, 0)
        return True
    return False


def check(out, right, counted, when):
    """Hold a folder whose runs have ended against that of one run that was not killed."""
    found = images_and_tables(out), failures(out), names(out)
    for which, wrong in ((0, WRONG), (1, WRONG)):
        different = {key for key in {*found[which], *right[which]}
                     if found[which].get(key) != right[which].get(key)}  # fmt: skip
        if different:
            counted.add(wrong, when, " ".join(sorted(different)))
    if right[2] - found[2]:
        counted.add(LOST, when, " ".join(sorted(right[2] - found[2])))
    if found[2] - right[2]:
        counted.add(LEFT, when, " ".join(sorted(found[2] - right[2])))
    twice = [key for key, number in Counter(done(out)).items() if number > 1]
    if twice:
        counted.add(WRONG, when, f"done twice: {' '.join(twice)}")
    counted.add("accepted")


def names(out: Path) -> set[str]:
    """The files of a folder, hidden ones too, but for the logs of its runs."""
    return {
        path.relative_to(out).as_posix()
        for path in out.rglob("*")
        if path.is_file() and not path.name.startswith("participant_")
    }


def done(out: Path, status: str = "done") -> list[str]:
    """The cases of one status in the logs of all runs, each as often as they say."""
    rows = [
        line.split("\t")
        for log in out.glob("logs/participant_*.tsv")
        for line in log.read_text(encoding="utf-8").splitlines()
    ]
    return [row[1] for row in rows if len(row) > 2 and row[2] == status]


def failures(out: Path) -> dict[str, str]:
    """Why cases failed, from their files."""
    contents = [
        json.loads(path.read_text(encoding="utf-8")) for path in out.glob("logs/failures/**/*.json")
    ]
    return {content["Case"]: content["What"] for content in contents}


def cluster():
    """A scheduler and two workers, processes of their own."""
    distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    return distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    )


def softcord(*arguments) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "SoftCordSegLib.cli.app", *map(str, arguments)]


def quick(dataset: Path, out: Path, processes: int = 2) -> None:
    """A whole run with the stand-in for the network."""
    plan = plan_data_set(dataset, out, OPTIONS, ImageChoice(SUFFIXES))
    run_data_set(plan, ProcessRunner(processes, 1, quick_case))


def start(dataset: Path, out: Path) -> subprocess.Popen:
    """The same in a process of its own, the leader of a group."""
    command = [sys.executable, __file__, dataset, out]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(list(map(str, command)), start_new_session=True, env=environment)


if __name__ == "__main__":
    quick(*map(Path, sys.argv[1:]))
