"""Cases on a Dask cluster: a worker that dies loses nothing, GPU workers by resources, sentences
where there is no cluster.
"""

from __future__ import annotations

import logging
import os
import sys

import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.processes import kill
from SoftCordSegLib.workflows.data_set.dask_runner import DaskRunner
from workflows.case_work import a_job, processes_of, work


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two workers, processes of their own as on a real cluster."""
    distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        resources={"GPU": 1},
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster


def run(cluster, out, *keys, should_stop=lambda: False, **options):
    results = {}

    def keep(result):
        assert result.key not in results, "a case is done once"
        results[result.key] = result

    runner = DaskRunner(cluster.scheduler_address, work=work, **options)
    runner.run([a_job(key, out) for key in keys], keep, should_stop)
    return results


def test_a_worker_that_dies_loses_nothing(cluster, tmp_path):
    """Its case is done by another one; one at which every worker dies costs itself only."""
    killed = []

    def kill_once():
        for process in processes_of(tmp_path, "waits")[: 0 if killed else 1]:
            killed.append(process)
            kill(process)
        return False

    fine = [f"fine-{n}" for n in range(40)]
    results = run(cluster, tmp_path, "waits", *fine, "breaks", should_stop=kill_once)

    assert sorted(results) == sorted(["waits", *fine, "breaks"])
    assert {results[key].status for key in ("waits", *fine)} == {"done"}
    first, second = processes_of(tmp_path, "waits")
    assert first == killed[0] != second
    assert results["breaks"].status == "failed"
    assert "ValueError" in results["breaks"].message
    assert str(tmp_path) not in str(results["breaks"])
    assert len(processes_of(tmp_path, "breaks")) == 3, "it was tried again, twice"


def test_workers_of_a_kind(cluster, tmp_path):
    """Those with a graphics card: each has one, and takes one case at a time."""
    assert run(cluster, tmp_path, "a", "b", resources={"GPU": 1})["b"].status == "done"

    looks = []
    stopped = run(
        cluster, tmp_path, "never", resources={"GPU": 2},
        should_stop=lambda: len(looks) > 3 or bool(looks.append(1)),
    )  # fmt: skip

    assert stopped == {}, "no worker has two"
    assert processes_of(tmp_path, "never") == []


def test_no_scheduler_is_a_sentence(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    monkeypatch.setattr("SoftCordSegLib.workflows.data_set.dask_runner._CONNECT_S", 0.2)

    for address in ("tcp://127.0.0.1:1", "not an address", os.fspath(tmp_path / "none.json")):
        with pytest.raises(InputError, match="No Dask scheduler"):
            DaskRunner(address).run([a_job("fine", tmp_path)], print, lambda: False)


def test_without_the_package_it_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(InputError, match="not installed") as refused:
        DaskRunner("tcp://10.0.0.1:8786").run([], print, lambda: False)

    assert "cluster" in refused.value.hint
