"""``softcord prepare`` into a folder of before: what somebody has corrected there stays, what
nobody has is made anew.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.fakes import digest, write_points
from cli.scans import neck
from SoftCordSegLib.volume import read_nifti, write_nifti

MASK = "derivatives/labels/sub-01/anat/sub-01_T2w_label-SC_seg.nii.gz"
DISCS = "derivatives/labels/sub-01/anat/sub-01_T2w_label-discs_dlabel.nii.gz"


@pytest.fixture
def prepared(softcord, tmp_path):
    """A prepared data set of one image; gives the command that prepares it again."""
    write_nifti(neck(), tmp_path / "data/sub-01/anat/sub-01_T2w.nii.gz")

    def again(*words):
        return softcord(
            "prepare", tmp_path / "data", "-o", tmp_path / "out", "--masks", "--json", *words
        )

    assert again().exit_code == 0
    return again


def mask_kind(result):
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["results"][0]["contrasts"]["T2w"]["mask"]


def test_a_mask_that_nobody_touched_is_made_anew(prepared, tmp_path):
    before = read_nifti(tmp_path / "out" / MASK).data.sum()

    assert mask_kind(prepared("--threshold", "0.9")) == "model"

    assert read_nifti(tmp_path / "out" / MASK).data.sum() < before


@pytest.mark.parametrize("sidecar", [True, False])
def test_a_corrected_mask_stays(prepared, tmp_path, sidecar):
    path = tmp_path / "out" / MASK
    drawn = read_nifti(path)
    drawn.data[:, :, 20] = 0
    write_nifti(drawn, path, np.int16)
    if not sidecar:
        path.with_name("sub-01_T2w_label-SC_seg.json").unlink()
    before = digest(path)

    result = prepared()

    assert mask_kind(result) == "kept"
    assert digest(path) == before
    assert (
        "sub-01_T2w_label-SC_seg.nii.gz' was not left so by softcord prepare, and stays"
        in result.stderr
    )


def test_a_mask_that_was_only_saved_in_another_type_is_not_a_corrected_one(prepared, tmp_path):
    write_nifti(read_nifti(tmp_path / "out" / MASK), tmp_path / "out" / MASK, np.float32)

    assert mask_kind(prepared()) == "model"


def test_a_mask_with_the_other_ending_stays_alone(prepared, tmp_path):
    path = tmp_path / "out" / MASK
    plain = path.with_name(path.name[:-3])
    write_nifti(read_nifti(path), plain)
    path.unlink()

    assert mask_kind(prepared()) == "kept"

    assert plain.exists()
    assert not path.exists()


def test_a_copy_of_a_drawn_mask_that_was_corrected_stays(prepared, softcord, tmp_path):
    source = tmp_path / "data/derivatives/labels/sub-01/anat/sub-01_T2w_seg-manual.nii.gz"
    drawn = neck().with_data((neck().data > 500).astype(np.uint8))
    write_nifti(drawn, source)
    assert mask_kind(prepared()) == "drawn"
    assert mask_kind(prepared()) == "drawn"
    assert (
        json.loads((tmp_path / "out" / MASK).with_name("sub-01_T2w_label-SC_seg.json").read_text())[
            "Source"
        ]
        == source.name
    )
    write_nifti(drawn.with_data(np.roll(drawn.data, 1, axis=0)), tmp_path / "out" / MASK)
    before = digest(tmp_path / "out" / MASK)

    assert mask_kind(prepared()) == "kept"

    assert digest(tmp_path / "out" / MASK) == before


def test_corrected_discs_stay(prepared, tmp_path):
    source = write_points(tmp_path / "data" / DISCS, {3: (18, 10, 30)}, neck())
    assert mask_kind(prepared()) == "model"
    assert digest(tmp_path / "out" / DISCS) == digest(source)
    write_points(tmp_path / "out" / DISCS, {3: (18, 10, 31)}, neck())
    before = digest(tmp_path / "out" / DISCS)

    result = prepared()

    assert digest(tmp_path / "out" / DISCS) == before
    assert "differ from those of the data set, and stay" in result.stderr


def test_resampling_leaves_no_second_image(softcord, tmp_path):
    write_nifti(neck(), tmp_path / "data/sub-01/anat/sub-01_T2w.nii")
    words = ("prepare", tmp_path / "data", "-o", tmp_path / "out")

    for more in ((), ("--resample", "T2w=2"), ()):
        assert softcord(*words, *more).exit_code == 0

    assert sorted(path.name for path in (tmp_path / "out/sub-01/anat").iterdir()) == [
        "sub-01_T2w.json",
        "sub-01_T2w.nii.gz",
    ]
    assert (
        json.loads((tmp_path / "out/sub-01/anat/sub-01_T2w.json").read_text())["Method"] == "copy"
    )


def test_an_image_that_somebody_else_put_there_stays(prepared, softcord, tmp_path):
    """As where results are sent into a data set of raw images."""
    theirs = tmp_path / "out/sub-01/anat/sub-01_T2w.nii.gz"
    theirs.with_name("sub-01_T2w.json").write_text('{"RepetitionTime": 1.5}')
    before = digest(theirs)

    result = softcord(
        "prepare", f"T2w={tmp_path / 'data/sub-01/anat/sub-01_T2w.nii.gz'}", "-o", tmp_path / "out"
    )

    assert result.exit_code == 2
    assert (
        "sub-01_T2w.nii.gz' lies there already, and softcord prepare did not make it"
        in result.stderr
    )
    assert digest(theirs) == before
