"""A small data set by one process, by two, and in shards: the same masks and areas bit for bit, the
same reasons, nothing done twice.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.fakes import rows_of
from SoftCordSegLib.bids import ImageChoice
from SoftCordSegLib.workflows.data_set.data_set_options import DataSetOptions
from SoftCordSegLib.workflows.data_set.data_set_plan import plan_data_set
from SoftCordSegLib.workflows.data_set.data_set_run import SerialRunner, run_data_set
from SoftCordSegLib.workflows.data_set.process_runner import ProcessRunner
from workflows.made_data_set import SUFFIXES, make_data_set

OPTIONS = DataSetOptions(threads=1, threshold=0.5)
# A stack of slices, a series and a broken file: small ones.
NAMES = ("sub-05_run-1_T2starw", "sub-09_dwi", "sub-17_T1w")


def run(data_set, out, runner=None, shard=None):
    """The keys that were done and that failed, in the order of this run."""
    plan = plan_data_set(data_set.root, out, OPTIONS, ImageChoice(SUFFIXES), shard=shard)
    results = []
    outcome = run_data_set(plan, runner or SerialRunner(), on_result=results.append)
    assert outcome.left == 0
    assert len({one.key for one in results}) == len(results) == len(plan.to_do)
    return results


def images_and_tables(out: Path) -> dict[str, object]:
    """Masks and tables below a folder, without the times of day in these."""
    found: dict[str, object] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if name.endswith(".nii.gz"):
            found[name] = path.read_bytes()
        elif name.endswith(".csv"):
            found[name] = [{**row, "Timestamp": ""} for row in rows_of(path)]
    return found


def reasons(results) -> dict[str, str]:
    """Why cases failed."""
    return {one.key: one.error["what"] for one in results if one.status == "failed"}


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return make_data_set(tmp_path_factory.mktemp("small") / "data", None, NAMES)


def test_two_processes_and_shards_make_the_same(data_set, tmp_path):
    one = run(data_set, tmp_path / "one")
    two = run(data_set, tmp_path / "two", ProcessRunner(2, OPTIONS.threads))

    assert sorted(key.key for key in one if key.status == "done") == list(data_set.fine)
    assert set(reasons(one)) == set(data_set.broken)
    assert reasons(two) == reasons(one)
    whole = images_and_tables(tmp_path / "one")
    assert len(whole) == 3 * len(data_set.fine)
    assert images_and_tables(tmp_path / "two") == whole


def test_shards_are_the_whole_and_nothing_twice(data_set, tmp_path):
    plans = [
        plan_data_set(data_set.root, tmp_path, OPTIONS, ImageChoice(SUFFIXES), shard=(n, 3))
        for n in (1, 2, 3)
    ]

    keys = [job.key for plan in plans for job in plan.jobs]
    assert sorted(keys) == sorted(data_set.keys)
