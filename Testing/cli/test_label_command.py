"""``softcord label``: discs found along the cord or carried over, written for SCT and for
Slicer.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.fakes import names_in, rows_of, write_points
from cli.necks import IN_VIEW, control_points
from SoftCordSegLib.morphometry.disc_files import read_discs
from SoftCordSegLib.volume import read_nifti


def test_all_discs_from_one_as_points_for_slicer(neck, points):
    errors = neck.errors_mm(points)
    assert list(errors) == list(IN_VIEW)
    assert max(errors.values()) < 2.0
    by_name = {point["label"]: point["description"] for point in control_points(points)}
    assert by_name["C2/C3"] == "known"
    assert by_name["C4/C5"].startswith("found as C4/C5 at R ")
    assert "with confidence" in by_name["C4/C5"]


@pytest.mark.parametrize("form", ["3=", "C2/C3=", "c2-c3="])
def test_a_label_image_as_sct_has_it_with_a_sidecar(softcord, neck, tmp_path, form):
    out = tmp_path / "sub-01_T2w_label-discs_dlabel.nii.gz"
    result = softcord(
        "label", neck.image, neck.mask, "-o", out, *neck.known(3, named=form.rstrip("="))
    )
    assert result.exit_code == 0, result.stderr
    labels = read_nifti(out)
    assert labels.grid.same_as(read_nifti(neck.image).grid)
    assert sorted(labels.data[labels.data > 0]) == list(IN_VIEW)
    assert max(neck.errors_mm(out).values()) < 2.0
    about = json.loads(
        (tmp_path / "sub-01_T2w_label-discs_dlabel.json").read_text(encoding="utf-8")
    )
    assert about["Source"] == neck.image.name
    assert {disc["Value"]: disc["Source"] for disc in about["Discs"]} == {
        n: "known" if n == 3 else "found" for n in IN_VIEW
    }


def test_a_folder_gets_a_file_under_the_images_name_and_none_is_replaced(softcord, neck, tmp_path):
    start = neck.image.name[: -len(".nii.gz")]
    command = ("label", neck.image, neck.mask, "-o", tmp_path, *neck.known(3))
    assert softcord(*command).exit_code == 0
    assert names_in(tmp_path) == [
        f"{start}_label-discs_dlabel.json",
        f"{start}_label-discs_dlabel.nii.gz",
    ]
    result = softcord(*command)
    assert result.exit_code == 2
    assert "disc labels of this image already" in result.stderr


def test_without_a_known_disc_where_c2_c3_is_in_view(softcord, neck, tmp_path):
    out = tmp_path / "discs.mrk.json"
    result = softcord("label", neck.image, neck.mask, "-o", out, "--json")
    assert result.exit_code == 0, result.stderr
    assert max(neck.errors_mm(out).values()) < 2.0
    content = json.loads(result.stdout)
    assert content["implausible"] is False
    assert content["certain"] is True
    assert {disc["Source"] for disc in content["discs"]} == {"found"}
    assert all(0.9 < disc["Confidence"] <= 1 for disc in content["discs"] if disc["Value"] > 2)


def test_the_table_names_each_disc_and_its_confidence(softcord, neck, tmp_path):
    result = softcord(
        "label", neck.image, neck.mask, "-o", tmp_path / "discs.mrk.json", *neck.known(5)
    )
    rows = [line for line in result.stderr.splitlines() if "C5/C6" in line]
    assert len(rows) == 1
    assert "found" in rows[0]
    assert any("C4/C5" in line and "known" in line for line in result.stderr.splitlines())


def test_known_discs_may_come_from_a_file(softcord, neck, tmp_path):
    like = read_nifti(neck.image)
    voxels = {
        value: tuple(np.round(like.grid.to_voxel(neck.discs[value])).astype(int))
        for value in (4, 7)
    }
    voxels[50] = (90, 100, 60)
    known = write_points(tmp_path / "known.nii.gz", voxels, like=like)
    out = tmp_path / "discs.nii.gz"
    result = softcord("label", neck.image, neck.mask, "-o", out, "--known", known)
    assert result.exit_code == 0, result.stderr
    found = {disc.value: disc for disc in read_discs(out)}
    assert set(found) == {*IN_VIEW, 50}  # the pontomedullary junction is passed on
    for value, voxel in voxels.items():
        assert found[value].position_mm == pytest.approx(like.grid.to_world(voxel), abs=1e-3)


@pytest.mark.parametrize(("real", "named"), [(3, 4), (5, 4), (8, 9)])
def test_a_start_that_is_misnamed_by_one_is_reported(softcord, neck, tmp_path, real, named):
    out = tmp_path / "discs.mrk.json"
    result = softcord(
        "label", neck.image, neck.mask, "-o", out, *neck.known(real, named=named), "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["implausible"] is True
    assert "looks like" in result.stderr
    assert "speaks against the known discs" in result.stderr


def test_a_start_in_mid_vertebra_is_reported(softcord, neck, tmp_path):
    shift = (neck.discs[5] - neck.discs[4]) / 2
    result = softcord(
        "label",
        neck.image,
        neck.mask,
        "-o",
        tmp_path / "discs.mrk.json",
        *neck.known(4, shift=shift),
        "--json",
    )
    assert json.loads(result.stdout)["implausible"] is True
    assert "middle of a vertebra" in result.stderr


def test_levels_of_a_real_image_begin_within_4_mm_of_those_drawn_by_hand(softcord, crop, tmp_path):
    image, mask, labelled = crop
    discs, table = tmp_path / "discs.mrk.json", tmp_path / "csa.csv"
    assert softcord("label", image, mask, "-o", discs, "--known", "C2/C3=-6,13,17").exit_code == 0
    tops = []
    for source in (["--discs", discs], ["--vertfile", labelled]):
        assert (
            softcord("csa", mask, "-o", table, "--vert", "3:4", "--perlevel", *source).exit_code
            == 0
        )
        tops.append([int(row["Slice (I->S)"].split(":")[-1]) for row in rows_of(table)])
    assert len(tops[0]) == 2
    assert np.abs(np.subtract(*tops)).max() <= 4


def test_real_labels_that_lie_beside_the_discs_are_reported(softcord, crop, tmp_path):
    """The points that come with the image are 7 to 10 mm from the discs that it shows."""
    image, mask, _ = crop
    known = image.with_name("t2_labels-disc.nii.gz")
    result = softcord(
        "label", image, mask, "-o", tmp_path / "discs.mrk.json", "--known", known, "--json"
    )
    assert json.loads(result.stdout)["implausible"] is True


@pytest.mark.parametrize("ending", [".nii.gz", ".mrk.json"])
def test_discs_are_carried_over_to_thick_slices(softcord, neck, thick, points, tmp_path, ending):
    refused = softcord(
        "label", thick.image, thick.mask, "-o", tmp_path / "out" / "discs.nii.gz", *thick.known(4)
    )
    assert refused.exit_code == 1
    assert "carry them over" in refused.stderr
    assert names_in(tmp_path / "out") == []
    out = tmp_path / f"discs{ending}"
    result = softcord("label", thick.image, thick.mask, "-o", out, "--from", points, "--json")
    assert result.exit_code == 0, result.stderr
    assert "Left out" in result.stderr
    assert {disc["Source"] for disc in json.loads(result.stdout)["discs"]} == {"carried over"}
    spacing = read_nifti(thick.image).spacing
    allowed = 2.0 if ending == ".mrk.json" else 2.0 + np.linalg.norm(spacing) / 2
    errors = neck.errors_mm(out)  # the same neck, all of it
    assert len(errors) >= 3
    assert max(errors.values()) < allowed


def test_landmarks_are_carried_over_too(softcord, thick, points, tmp_path):
    content = json.loads(points.read_text(encoding="utf-8"))
    content["markups"][0]["controlPoints"].append({"label": "PMJ", "position": [0, 0, 70]})
    with_junction, out = tmp_path / "with_junction.mrk.json", tmp_path / "discs.mrk.json"
    with_junction.write_text(json.dumps(content), encoding="utf-8")
    assert (
        softcord("label", thick.image, thick.mask, "-o", out, "--from", with_junction).exit_code
        == 0
    )
    assert [disc for disc in read_discs(out) if disc.value == 50][0].position_mm == (0, 0, 70)
    assert control_points(out)[0]["label"] == "PMJ"  # from above to below
