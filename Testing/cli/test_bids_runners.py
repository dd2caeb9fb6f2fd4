"""``softcord bids`` by processes or a Dask scheduler, and options that contradict each other."""

from __future__ import annotations

import pytest

from cli.fakes import Softcord, a_neck
from SoftCordSegLib.volume import write_nifti
from SoftCordSegLib.workflows.data_set import dask_runner, process_runner


@pytest.fixture
def data_set(tmp_path):
    write_nifti(a_neck(), tmp_path / "data" / "sub-01" / "anat" / "sub-01_T2w.nii.gz")
    return tmp_path / "data"


def bids(data_set, *options):
    return Softcord()("bids", data_set, data_set.with_name("out"), "participant", *options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--nprocs", "2", "--scheduler", "tcp://127.0.0.1:1"), "not both"),
        (("--resources", "GPU=1"), "--scheduler too"),
        (("--scheduler", "tcp://127.0.0.1:1", "--resources", "GPU"), "GPU=1"),
    ],
)
def test_options_that_contradict_each_other(data_set, options, sentence):
    answer = bids(data_set, *options)

    assert answer.exit_code == 2
    assert sentence in answer.output
    assert not data_set.with_name("out").exists()


def test_no_scheduler_answers(data_set, monkeypatch):
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    monkeypatch.setattr(dask_runner, "_CONNECT_S", 0.2)

    answer = bids(data_set, "--scheduler", "tcp://127.0.0.1:1")

    assert answer.exit_code == 1
    assert "No Dask scheduler answers at 'tcp://127.0.0.1:1'" in answer.output


@pytest.mark.parametrize(
    ("options", "module", "name", "expected"),
    [
        (("--nprocs", "3", "--threads", "2"), process_runner, "ProcessRunner", (3, 2)),
        (
            ("--scheduler", "tcp://10.0.0.1:8786", "--resources", "GPU=1, MEM=2e9"),
            *(dask_runner, "DaskRunner"),
            ("tcp://10.0.0.1:8786", None, {"GPU": 1.0, "MEM": 2e9}),
        ),
    ],
)
def test_the_runner_that_was_asked_for(data_set, monkeypatch, options, module, name, expected):
    made = []

    class Fake:
        def __init__(self, *arguments):
            made.append(arguments)

        def run(self, jobs, on_result, should_stop):
            from SoftCordSegLib.workflows.data_set.data_set_case import run_case

            for job in jobs:
                on_result(run_case(job, process_runner.Progress()))

    monkeypatch.setattr(module, name, Fake)

    answer = bids(data_set, *options)

    assert answer.exit_code == 0, answer.output
    assert made == [expected]
