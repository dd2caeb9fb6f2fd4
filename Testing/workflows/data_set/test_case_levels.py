"""Where the levels of an image of a data set come from."""

from __future__ import annotations

import pytest

from cli.fakes import a_neck, rows_of, soft_from_brightness, write_points
from SoftCordSegLib.bids import ImageChoice, read_sidecar
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.volume import Volume
from SoftCordSegLib.workflows.data_set import case_levels
from SoftCordSegLib.workflows.data_set.case_levels import discs_there
from SoftCordSegLib.workflows.data_set.data_set_options import DataSetOptions
from SoftCordSegLib.workflows.data_set.data_set_plan import plan_data_set
from SoftCordSegLib.workflows.data_set.data_set_run import run_data_set
from workflows.data_sets import DISCS, participant, stand_in, write_neck


@pytest.fixture
def finds(monkeypatch):
    """In T2w images discs are found; in others none can be seen.  Returns those looked at."""
    looked_at = []

    def label_files(image, mask, out, options, progress):
        from SoftCordSegLib.workflows.label_discs import Labelling

        looked_at.append(image.name)
        if "T2w" not in image.name:
            raise InputError("The slices are too thick.")
        write_points(out, DISCS)
        return Labelling((), a_neck())

    monkeypatch.setattr("SoftCordSegLib.workflows.label_discs.label_files", label_files)
    return looked_at


def levels(out, name):
    folder = out.joinpath(*[p for p in name.split("_") if p[:4] in ("sub-", "ses-")], "anat")
    found = {row["VertLevel"] for row in rows_of(folder / f"{name}_csa.csv")} - {""}
    return found, read_sidecar(folder / f"{name}_csa.json")


def test_found_in_one_image_and_carried_over_to_the_others(tmp_path, finds):
    data, out = tmp_path / "data", tmp_path / "out"
    for contrast in ("T1w", "T2star", "T2w"):
        write_neck(data, f"sub-01_ses-1_{contrast}")
    write_neck(data, "sub-01_ses-2_T1w")
    _, outcome = participant(data, out)
    assert (outcome.done, outcome.failed) == (4, [])
    for contrast in ("T1w", "T2star", "T2w"):
        found, record = levels(out, f"sub-01_ses-1_{contrast}")
        assert {"2", "3", "4"} <= found
        assert record["Inputs"]["Discs"][0]["Name"].startswith("sub-01_ses-1_T2w")
    assert any("too thick" in note for note in record["Notes"]) is False
    found, record = levels(out, "sub-01_ses-2_T1w")  # another visit: its discs do not serve
    assert found == set()
    assert any("too thick" in note for note in record["Notes"])
    assert sorted(finds) == sorted(  # each was looked at once
        ["sub-01_ses-1_T1w.nii.gz", "sub-01_ses-1_T2star.nii.gz", "sub-01_ses-1_T2w.nii.gz"]
        + ["sub-01_ses-2_T1w.nii.gz"]
    )
    assert participant(data, out)[0].to_do == ()
    # Anew: each image is segmented once, also those that wait for the levels of others.
    segmented = []

    def segment(image, bundle, **options):
        segmented.append(1)
        return soft_from_brightness(image, bundle, **options)

    with stand_in(segment):
        run_data_set(plan_data_set(data, out, DataSetOptions(resume=False)))
    assert len(segmented) == 4


def test_discs_that_appear_later_are_taken_at_the_next_run(tmp_path, finds):
    data, out = tmp_path / "data", tmp_path / "out"
    write_neck(data, "sub-01_T2star")
    write_neck(data, "sub-01_T2w")
    participant(data, out, ImageChoice(suffixes=("T2star",)))
    assert levels(out, "sub-01_T2star")[0] == set()
    participant(data, out, ImageChoice(suffixes=("T2w",)))
    plan, _ = participant(data, out)
    assert [job.key for job in plan.to_do] == ["sub-01/anat/sub-01_T2star"]
    assert {"2", "3", "4"} <= levels(out, "sub-01_T2star")[0]


def test_what_somebody_marked_comes_before_what_was_found(tmp_path, finds):
    data, out = tmp_path / "data", tmp_path / "out"
    image = write_neck(data, "sub-01_T2w")
    write_neck(data, "sub-01_T1w", discs=True)
    participant(data, out)
    assert finds == []
    there = discs_there(image, data, out / "sub-01/anat")
    assert [path.name for path in there.to_use] == ["sub-01_T1w_label-discs_dlabel.nii.gz"]
    _, record = levels(out, "sub-01_T2w")
    assert any("of another image of the visit" in note for note in record["Notes"])


def test_discs_of_an_image_elsewhere_are_not_used(tmp_path, finds):
    """Found discs that lie far from this image's cord: no levels, and the reason."""
    far = a_neck()
    affine = far.affine.copy()
    affine[0, 3] += 300
    discs = write_points(tmp_path / "sub-01_T2w_label-discs_dlabel.nii.gz", DISCS)
    there = case_levels.DiscsFound(found=(discs,))
    mask = Volume(far.data / 1000, affine)
    found, reasons = case_levels.levels_of_case(
        tmp_path / "sub-01_T1w.nii.gz", (tmp_path / "m.nii.gz", mask), there, tmp_path, look=False
    )
    assert found.path is None
    assert "were not used" in reasons[0]
