"""The cases of a data set, with a stand-in for the network."""

from __future__ import annotations

import json

import pytest

from cli.fakes import digest, names_in, rows_of
from SoftCordSegLib.bids import ImageChoice, read_sidecar
from SoftCordSegLib.errors import OptionError
from SoftCordSegLib.workflows.data_set.data_set_case import run_case
from SoftCordSegLib.workflows.data_set.data_set_options import DataSetOptions
from SoftCordSegLib.workflows.data_set.data_set_plan import plan_data_set
from SoftCordSegLib.workflows.data_set.data_set_run import SerialRunner, run_data_set
from workflows.data_sets import participant, stand_in, write_neck


@pytest.fixture
def dataset(tmp_path):
    """Two participants; one has discs marked in one of two images, one has a broken image."""
    root = tmp_path / "data"
    write_neck(root, "sub-01_T2w", discs=True)
    write_neck(root, "sub-01_T2star", radius_mm=4.2)
    write_neck(root, "sub-02_T2w")
    (root / "sub-02/anat/sub-02_T1w.nii.gz").write_bytes(b"no image")
    return root


def test_a_case_that_fails_costs_itself_only(dataset, tmp_path):
    out = tmp_path / "out"
    _, outcome = participant(dataset, out, threshold=0.5)
    assert (outcome.done, outcome.left) == (3, 0)
    assert [one.key for one in outcome.failed] == ["sub-02/anat/sub-02_T1w"]
    reason = json.loads(
        (out / "logs/failures/sub-02/anat/sub-02_T1w.json").read_text(encoding="utf-8")
    )
    assert reason["What"]
    assert str(tmp_path) not in json.dumps(reason)
    assert names_in(out / "sub-02/anat") == [
        "sub-02_T2w_csa.csv",
        "sub-02_T2w_csa.json",
        "sub-02_T2w_label-SC_seg.nii.gz",
        "sub-02_T2w_label-SC_softseg.json",
        "sub-02_T2w_label-SC_softseg.nii.gz",
    ]
    log = outcome.log.read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[1:3] for line in log[1:5]] == [
        ["sub-01/anat/sub-01_T2star", "done"],
        ["sub-01/anat/sub-01_T2w", "done"],
        ["sub-02/anat/sub-02_T1w", "failed"],
        ["sub-02/anat/sub-02_T2w", "done"],
    ]
    assert not (out / ".softcord").exists()


def test_a_folder_of_the_images_is_not_taken_for_the_results(dataset):
    """Its images would be passed over."""
    for out in (dataset, dataset / "sub-01"):
        with pytest.raises(OptionError, match="among the images"):
            plan_data_set(dataset, out, DataSetOptions())


def test_discs_by_hand_serve_the_other_image_of_the_visit(dataset, tmp_path):
    out = tmp_path / "out"
    participant(dataset, out, levels=(2, 3))
    levels = [row["VertLevel"] for row in rows_of(out / "sub-01/anat/sub-01_T2star_csa.csv")]
    assert levels == ["2", "3"]
    notes = read_sidecar(out / "sub-01/anat/sub-01_T2star_csa.json")["Notes"]
    assert any("of another image of the visit" in note for note in notes)
    rows = rows_of(out / "sub-02/anat/sub-02_T2w_csa.csv")
    assert rows == []  # C2 and C3 were asked for, and nobody knows where they are


def test_a_second_run_does_nothing_and_a_changed_image_only_itself(dataset, tmp_path):
    out = tmp_path / "out"
    participant(dataset, out)
    masks = {path: digest(path) for path in out.rglob("*.nii.gz")}
    plan, outcome = participant(dataset, out, ImageChoice(suffixes=("T2w", "T2starw")))
    assert (len(plan.jobs), plan.finished, outcome.done) == (3, 3, 0)

    write_neck(dataset, "sub-02_T2w", radius_mm=5.0)
    plan, outcome = participant(dataset, out)
    assert {job.key for job in plan.to_do} == {"sub-02/anat/sub-02_T1w", "sub-02/anat/sub-02_T2w"}
    assert outcome.done == 1
    changed = [path.name for path, before in masks.items() if digest(path) != before]
    assert changed == ["sub-02_T2w_label-SC_softseg.nii.gz"]


def test_a_visit_is_settled_when_its_last_image_is_done(dataset, tmp_path):
    """Its images wait for each other's levels, not for the other visits: the log tells of each at
    once, and each case that waited is done once more only.
    """
    other = tmp_path / "two"
    for name in ("sub-01_T1w", "sub-01_T2w", "sub-02_T1w", "sub-02_T2w"):
        write_neck(other, name)
    settled, worked = [], []

    def work(job, progress):
        with stand_in():
            result = run_case(job, progress)
        worked.append((job.key[-10:], result.waits))
        return result

    with stand_in():
        plan = plan_data_set(other, tmp_path / "out", DataSetOptions())
    outcome = run_data_set(
        plan,
        SerialRunner(work),
        on_result=lambda result: settled.append((result.key[-10:], len(worked))),
    )

    assert outcome.done == 4
    assert worked == [
        (f"sub-0{n}_{contrast}", waits)
        for n in (1, 2)
        for waits in (True, False)
        for contrast in ("T1w", "T2w")
    ]
    assert [number for _, number in settled] == [3, 4, 7, 8]
