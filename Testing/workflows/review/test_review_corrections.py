"""Corrections become files with a history; files of others stay; what is taken back goes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from SoftCordSegLib.bids import Kind, is_as_described, label_name, sidecar_path
from SoftCordSegLib.errors import OutputError
from SoftCordSegLib.morphometry import DiscLabel
from SoftCordSegLib.morphometry.disc_files import located_disc, read_discs
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti
from SoftCordSegLib.workflows.review.review_corrections import CorrectedFiles, Correction

AFFINE = np.diag([0.8, 0.8, 3.0, 1.0])


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "sub-01" / "anat" / "sub-01_T2w.nii.gz"
    path.parent.mkdir(parents=True)
    write_nifti(Volume(np.zeros((8, 8, 4), np.int16), AFFINE), path)
    return path


def corrected(image, value: int = 1, **more) -> Correction:
    soft = np.zeros((8, 8, 4), np.float32)
    soft[3:5, 3:5] = 0.9
    edits = np.zeros(soft.shape, np.int8)
    edits[5, 3, 1] = value
    return Correction(
        image, Volume(soft, AFFINE), 0.5, Volume(edits, AFFINE), author="Anna", **more
    )


def labels(tmp_path, kind, folder="labels"):
    return tmp_path / "derivatives" / folder / "sub-01" / "anat" / label_name("sub-01_T2w", kind)


def content(path) -> dict:
    return json.loads(sidecar_path(path).read_text(encoding="utf-8"))


def test_the_history_goes_on_and_the_former_doubt_goes(tmp_path, image):
    history = {"GeneratedBy": [{"Name": "SoftCordSeg"}], "Doubt": {"Score": 0.9}, "Own": 1}
    files = CorrectedFiles(tmp_path, image)
    files.write(corrected(image, history=history))
    files.write(corrected(image, history=history))  # as each stroke does
    soft = labels(tmp_path, Kind.SOFT_MASK)
    assert files.mask == soft
    assert is_as_described(soft)
    found = content(soft)
    assert [one["Name"] for one in found["GeneratedBy"]] == ["SoftCordSeg", "Manual"]
    assert found["Own"] == 1
    assert "Doubt" not in found


def test_earlier_edits_stay_below_the_new_ones(tmp_path, image):
    earlier = np.zeros((8, 8, 4), np.int8)
    earlier[5, 3, 1], earlier[0, 0, 0] = 1, 1
    CorrectedFiles(tmp_path, image).write(corrected(image, -1, earlier=Volume(earlier, AFFINE)))
    edits = read_nifti(labels(tmp_path, Kind.EDIT_MAP)).data
    assert (edits[5, 3, 1], edits[0, 0, 0]) == (-1, 1)
    assert content(labels(tmp_path, Kind.SOFT_MASK))["CorrectedByHand"] == {
        "VoxelsAdded": 1,
        "VoxelsRemoved": 1,
    }


def test_taking_back_leaves_what_was_there(tmp_path, image):
    CorrectedFiles(tmp_path, image).write(corrected(image))
    folder = labels(tmp_path, Kind.SOFT_MASK).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = CorrectedFiles(tmp_path, image)
    again.write(corrected(image, -1))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} != before
    again.take_back()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert again.mask is None


@pytest.mark.parametrize("kind", [Kind.SOFT_MASK, Kind.BINARY_MASK, Kind.EDIT_MAP, Kind.DISCS])
def test_files_of_others_and_changed_ones_are_not_replaced(tmp_path, image, kind):
    CorrectedFiles(tmp_path, image).write(corrected(image))
    path = labels(tmp_path, kind)
    write_nifti(Volume(np.ones((8, 8, 4), np.uint8), AFFINE), path)
    before = path.read_bytes()
    files = CorrectedFiles(tmp_path, image)
    files.write(corrected(image))
    assert path.read_bytes() == before
    assert files.mask == labels(tmp_path, Kind.SOFT_MASK, "labels_corrected")
    other = labels(tmp_path, kind, "labels_corrected")
    write_nifti(Volume(np.ones((8, 8, 4), np.uint8), AFFINE), other)
    with pytest.raises(OutputError, match="other makers"):
        CorrectedFiles(tmp_path, image).write(corrected(image))


def test_discs_alone_leave_the_mask(tmp_path, image):
    disc = located_disc(DiscLabel(3, (2.4, 2.4, 3.0)), "")
    correction = corrected(image, 0, discs=[disc])
    files = CorrectedFiles(tmp_path, image)
    files.write(correction)
    assert [one.value for one in read_discs(labels(tmp_path, Kind.DISCS))] == [3]
    assert not labels(tmp_path, Kind.SOFT_MASK).exists()
    files.write(corrected(image))  # the discs are where they were, the mask is not
    assert not labels(tmp_path, Kind.DISCS).exists()
    assert labels(tmp_path, Kind.SOFT_MASK).exists()


def test_a_second_reading_has_masks_of_its_own(tmp_path, image):
    own = tmp_path / "derivatives/review/readings/second/anna/sub-01/anat/sub-01_T2w_seg.nii.gz"
    files = CorrectedFiles(tmp_path, image, own)
    files.write(corrected(image))
    assert files.mask == own
    assert is_as_described(own)
    assert not (tmp_path / "derivatives" / "labels").exists()


@pytest.mark.parametrize("number", [1, 7, 12])
def test_a_killed_correction_leaves_whole_files(tmp_path, number):
    from stress.stress_review_corrections import killed_at

    killed_at(tmp_path / "study", number)
