"""A corrected mask is seen by every command, whatever tool named it."""

from __future__ import annotations

import pytest

from SoftCordSegLib.bids import Kind, discs_beside, spellings
from SoftCordSegLib.evaluation.methods import FolderMethod
from SoftCordSegLib.training.finetune import find_cases
from SoftCordSegLib.workflows.ground_truth.masked_participants import find_masked_participants

IMAGE = "sub-01_acq-sag_T2w"
LABELS = "derivatives/labels/sub-01/anat"


@pytest.fixture
def dataset(tmp_path):
    for name in (f"sub-01/anat/{IMAGE}.nii.gz", f"{LABELS}/{IMAGE}_label-discs_dlabel.nii.gz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("name", spellings(IMAGE, Kind.SOFT_MASK, Kind.BINARY_MASK))
def test_a_mask_is_seen_by_fine_tuning_by_evaluation_and_by_the_search_for_discs(dataset, name):
    image, mask = dataset / f"sub-01/anat/{IMAGE}.nii.gz", dataset / LABELS / f"{name}.nii.gz"
    mask.touch()
    (case,), _held_out, notes = find_cases(dataset)
    assert (case.image, case.label, case.participant, notes) == (image, mask, "sub-01", [])
    assert FolderMethod("corrected", dataset / "derivatives").mask_of(image) == mask
    assert discs_beside(mask) == (dataset / LABELS / f"{IMAGE}_label-discs_dlabel.nii.gz", None)


@pytest.mark.parametrize("name", spellings(IMAGE, Kind.BINARY_MASK))
def test_a_binary_mask_goes_into_the_ground_truth(dataset, name):
    mask = dataset / LABELS / f"{name}.nii.gz"
    mask.touch()
    (one,) = find_masked_participants(dataset, "acq-sag_T2w")
    assert dict(one.masks) == {"acq-sag_T2w": mask}
    assert one.images["acq-sag_T2w"].name == f"{IMAGE}.nii.gz"
    assert one.discs is not None
