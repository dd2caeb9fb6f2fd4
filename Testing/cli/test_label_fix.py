"""``softcord label --fix``: what the user corrected stays, and the rest follows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.necks import IN_VIEW, control_points
from SoftCordSegLib.morphometry.disc_files import read_discs
from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.volume import read_nifti, write_nifti


def edited(points, tmp_path, edit):
    """A copy of the file with its control points (by name) changed by ``edit``."""
    content = json.loads(points.read_text(encoding="utf-8"))
    control = {point["label"]: point for point in content["markups"][0]["controlPoints"]}
    edit(control)
    content["markups"][0]["controlPoints"] = list(control.values())
    path = tmp_path / "edited.mrk.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_moved_point_stays_and_the_others_follow(softcord, neck, points, tmp_path):
    def move(control):
        control["C5/C6"]["position"][2] += 1.5

    moved = edited(points, tmp_path, move)
    out = tmp_path / "fixed.mrk.json"
    result = softcord("label", neck.image, neck.mask, "-o", out, "--fix", moved, "--json")
    assert result.exit_code == 0, result.stderr
    sources = {disc["Name"]: disc["Source"] for disc in json.loads(result.stdout)["discs"]}
    assert {name for name, source in sources.items() if source == "known"} == {"C2/C3", "C5/C6"}
    at = {point["label"]: point["position"] for point in control_points(out)}
    assert at["C5/C6"] == pytest.approx(
        {point["label"]: point["position"] for point in control_points(moved)}["C5/C6"]
    )
    assert "kept: C2/C3, C5/C6" in result.stderr


def test_a_renamed_point_renames_the_others(softcord, neck, tmp_path):
    """The start was misnamed; the user gives it its right name, and moves nothing."""
    wrong, out = tmp_path / "wrong.mrk.json", tmp_path / "fixed.mrk.json"
    assert (
        softcord("label", neck.image, neck.mask, "-o", wrong, *neck.known(8, named=7)).exit_code
        == 0
    )
    assert neck.errors_mm(wrong)[5] > 10

    def rename(control):
        del control["C7/T1"]  # that is what the next one down was called
        control["C6/C7"]["label"] = "C7/T1"

    result = softcord(
        "label",
        neck.image,
        neck.mask,
        "-o",
        out,
        "--fix",
        edited(wrong, tmp_path, rename),
        "--json",
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["implausible"] is False
    assert max(neck.errors_mm(out).values()) < 2.0


def test_a_found_point_that_is_renamed_counts_as_the_users(softcord, neck, tmp_path):
    wrong, out = tmp_path / "wrong.mrk.json", tmp_path / "fixed.mrk.json"
    assert (
        softcord("label", neck.image, neck.mask, "-o", wrong, *neck.known(8, named=7)).exit_code
        == 0
    )

    def rename(control):
        del control["C6/C7"]  # the wrong start
        control["C5/C6"]["label"] = "C6/C7"

    result = softcord(
        "label", neck.image, neck.mask, "-o", out, "--fix", edited(wrong, tmp_path, rename)
    )
    assert "kept: C6/C7;" in result.stderr
    assert max(neck.errors_mm(out).values()) < 2.0


def test_known_discs_may_be_given_with_a_corrected_file(softcord, neck, points, tmp_path):
    out = tmp_path / "fixed.mrk.json"
    result = softcord(
        "label", neck.image, neck.mask, "-o", out, "--fix", points, *neck.known(9), "--json"
    )
    assert result.exit_code == 0, result.stderr
    known = {
        disc["Value"] for disc in json.loads(result.stdout)["discs"] if disc["Source"] == "known"
    }
    assert known == {3, 9}
    twice = softcord(
        "label",
        neck.image,
        neck.mask,
        "-o",
        tmp_path / "out" / "x.mrk.json",
        "--fix",
        points,
        *neck.known(3),
    )
    assert twice.exit_code == 1
    assert "C2/C3 (value 3) is marked twice" in twice.stderr


def test_a_broken_sidecar_is_a_sentence(softcord, neck, tmp_path):
    before = tmp_path / "before.nii.gz"
    assert softcord("label", neck.image, neck.mask, "-o", before, *neck.known(3)).exit_code == 0
    before.with_name("before.json").write_text('{"Discs": [{"Name": 3}]}', encoding="utf-8")
    result = softcord(
        "label", neck.image, neck.mask, "-o", tmp_path / "after.nii.gz", "--fix", before
    )
    assert result.exit_code == 1
    assert "before.json" in result.stderr
    assert "Delete it" in result.stderr


def test_a_deleted_point_is_found_anew_and_an_added_one_stays(softcord, neck, points, tmp_path):
    def edit(control):
        del control["C4/C5"]
        control["PMJ"] = {"label": "PMJ", "position": [0, 0, 60]}

    out = tmp_path / "fixed.mrk.json"
    assert (
        softcord(
            "label", neck.image, neck.mask, "-o", out, "--fix", edited(points, tmp_path, edit)
        ).exit_code
        == 0
    )
    assert {disc.value for disc in read_discs(out)} == {*IN_VIEW, 50}
    assert (
        max(
            np.linalg.norm(np.subtract(d.position_mm, neck.discs[d.value]))
            for d in read_discs(out)
            if d.value < 49
        )
        < 2.0
    )


def test_a_voxel_that_was_moved_in_a_label_image_stays(softcord, neck, tmp_path):
    before, after = tmp_path / "before.nii.gz", tmp_path / "after.nii.gz"
    assert softcord("label", neck.image, neck.mask, "-o", before, *neck.known(3)).exit_code == 0
    labels = read_nifti(before)
    data = np.array(labels.data)
    voxel = tuple(np.argwhere(data == 7)[0])
    moved = (voxel[0], voxel[1], voxel[2] + 1)
    data[voxel], data[moved] = 0, 7
    write_nifti(labels.with_data(data), before)
    result = softcord("label", neck.image, neck.mask, "-o", after, "--fix", before, "--json")
    assert result.exit_code == 0, result.stderr
    assert read_nifti(after).data[moved] == 7
    known = {
        disc["Value"] for disc in json.loads(result.stdout)["discs"] if disc["Source"] == "known"
    }
    assert known == {3, 7}


def test_without_its_sidecar_a_label_image_is_all_known(softcord, neck, tmp_path):
    before, after = tmp_path / "before.nii.gz", tmp_path / "after.nii.gz"
    assert softcord("label", neck.image, neck.mask, "-o", before, *neck.known(3)).exit_code == 0
    before.with_name("before.json").unlink()
    result = softcord("label", neck.image, neck.mask, "-o", after, "--fix", before, "--json")
    assert {disc["Source"] for disc in json.loads(result.stdout)["discs"]} == {"known"}


@pytest.fixture
def slicer_app():
    pytest.importorskip("slicer", reason="the package slicer-core is not installed")
    app = offscreen.start()
    yield app
    app.close()


def test_points_that_slicer_itself_read_moved_and_saved(
    softcord, neck, points, slicer_app, tmp_path
):
    """Slicer keeps what the file says of each point, so that only the moved one counts as the
    user's.
    """
    import slicer

    node = slicer_app.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    storage = slicer_app.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialStorageNode")
    json_storage = slicer_app.scene.AddNewNodeByClass("vtkMRMLMarkupsJsonStorageNode")
    assert isinstance(node, slicer.vtkMRMLMarkupsFiducialNode)
    json_storage.SetFileName(str(points))
    assert json_storage.ReadData(node)
    names = [node.GetNthControlPointLabel(n) for n in range(node.GetNumberOfControlPoints())]
    assert names == [point["label"] for point in control_points(points)]
    number = names.index("C4/C5")
    position = [0.0, 0.0, 0.0]
    node.GetNthControlPointPositionWorld(number, position)
    assert position == pytest.approx(neck.discs[5], abs=2.0)
    node.SetNthControlPointPositionWorld(number, position[0], position[1], position[2] - 1.0)
    saved, out = tmp_path / "saved.mrk.json", tmp_path / "fixed.mrk.json"
    json_storage.SetFileName(str(saved))
    assert json_storage.WriteData(node)
    result = softcord("label", neck.image, neck.mask, "-o", out, "--fix", saved, "--json")
    assert result.exit_code == 0, result.stderr
    known = {
        disc["Name"] for disc in json.loads(result.stdout)["discs"] if disc["Source"] == "known"
    }
    assert known == {"C2/C3", "C4/C5"}
    # Slicer's older list keeps it too.
    storage.SetFileName(str(tmp_path / "saved.fcsv"))
    assert storage.WriteData(node)
    result = softcord(
        "label", neck.image, neck.mask, "-o", out, "--fix", tmp_path / "saved.fcsv", "--json"
    )
    assert result.exit_code == 0, result.stderr
    known = {
        disc["Name"] for disc in json.loads(result.stdout)["discs"] if disc["Source"] == "known"
    }
    assert known == {"C2/C3", "C4/C5"}
