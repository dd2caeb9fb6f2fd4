"""Preparing a participant: what cannot be prepared is said, and nothing half-written is left."""

from __future__ import annotations

import numpy as np
import pytest

from cli.fakes import A_BUNDLE, engine, names_in, soft_from_brightness
from cli.scans import diffusion, echoes, neck, write_diffusion, write_series
from SoftCordSegLib.errors import Cancelled, InputError, OptionError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume, write_nifti
from SoftCordSegLib.workflows.ground_truth.prepare_images import PrepareOptions, prepare_participant
from SoftCordSegLib.workflows.ground_truth.raw_images import find_raw_participants

DWI = "sub-01/dwi/sub-01_dwi.nii.gz"


MASKS = PrepareOptions(masks=True)


def prepare(tmp_path, options=MASKS, progress=None):
    """Prepare the one participant of the data set."""
    (one,) = find_raw_participants(tmp_path / "data", tmp_path / "out")
    with engine(soft_from_brightness):
        return prepare_participant(one, tmp_path / "out", options, A_BUNDLE, progress)


def refused(tmp_path, sentence):
    """It must end with an error of this sentence, and leave nothing; the error."""
    with pytest.raises(InputError, match=sentence) as caught:
        prepare(tmp_path)
    assert names_in(tmp_path / "out") == []
    return caught.value


def test_missing_b_values(tmp_path):
    write_diffusion(tmp_path / "data" / DWI, bvals=None)

    error = refused(tmp_path, "neither 'sub-01_dwi.bval' nor 'sub-01_dwi.bvec' lies beside it")

    assert error.path == tmp_path / "data" / DWI


def test_b_values_of_another_length(tmp_path):
    write_diffusion(tmp_path / "data" / DWI, bvals=(0, 800, 800))

    refused(tmp_path, "sub-01_dwi.bval': It has 3 entries, but the series has 8 volumes")


def test_no_weighted_volume(tmp_path):
    write_diffusion(tmp_path / "data" / DWI, bvals=(0,) * 7 + (90,))

    refused(tmp_path, "has 0 diffusion-weighted volumes; a mean needs two or more")


def test_a_series_of_one_volume(tmp_path):
    write_nifti(diffusion().volume(1), tmp_path / "data" / DWI)

    error = refused(tmp_path, "a single volume, not a diffusion series")

    assert "sub-01_rec-average_dwi.nii.gz" in error.hint


def test_echoes_of_different_grids(tmp_path):
    first, second, _ = echoes()
    moved = second.affine.copy()
    moved[1, 3] += 5
    anat = tmp_path / "data/sub-01/anat"
    write_nifti(first, anat / "sub-01_echo-1_MEGRE.nii.gz")
    write_nifti(Volume(second.data, moved), anat / "sub-01_echo-2_MEGRE.nii.gz")

    names = "'sub-01_echo-1_MEGRE.nii.gz' and 'sub-01_echo-2_MEGRE.nii.gz'"
    refused(tmp_path, f"The grids of {names} differ")


def test_an_echo_that_is_a_series(tmp_path):
    first, second, _ = echoes()
    anat = tmp_path / "data/sub-01/anat"
    write_nifti(first, anat / "sub-01_echo-1_MEGRE.nii.gz")
    data = np.stack([second.data] * 2, axis=3)
    write_series(data, second.affine, anat / "sub-01_echo-2_MEGRE.nii.gz")

    refused(tmp_path, "is one of several echoes, and itself a series")


def test_a_damaged_image(tmp_path):
    path = tmp_path / "data/sub-01/anat/sub-01_T1w.nii.gz"
    write_nifti(neck(), path)
    path.write_bytes(path.read_bytes()[:-200])

    refused(tmp_path, "sub-01_T1w.nii.gz': The file is truncated or corrupt")


@pytest.mark.parametrize("size", [0.0, 50.0, float("nan")])
def test_voxel_sizes_of_no_image_are_refused(size):
    with pytest.raises(OptionError, match="voxel size"):
        PrepareOptions(spacing_mm={"T2w": size})


def test_a_model_is_needed_for_masks_and_for_motion_only(tmp_path):
    write_diffusion(tmp_path / "data" / DWI)
    (one,) = find_raw_participants(tmp_path / "data", tmp_path / "out")

    assert PrepareOptions().needs_model(one)
    assert PrepareOptions(masks=True, motion=None).needs_model(one)
    assert not PrepareOptions(motion=None).needs_model(one)


def test_an_image_that_somebody_else_put_there_stays(tmp_path):
    """As where results are sent into a data set of raw images."""
    write_nifti(neck(), tmp_path / "data/sub-01/anat/sub-01_T2w.nii.gz")
    theirs = tmp_path / "out/sub-01/anat/sub-01_T2w.nii.gz"
    write_nifti(neck(2.0, (20, 20, 20)), theirs)
    theirs.with_name("sub-01_T2w.json").write_text('{"RepetitionTime": 1.5}', encoding="utf-8")
    before = theirs.read_bytes()

    with pytest.raises(OptionError, match="softcord prepare did not make it") as caught:
        prepare(tmp_path)

    assert caught.value.path == theirs
    assert theirs.read_bytes() == before


def test_resampling_leaves_no_second_image(tmp_path):
    write_nifti(neck(), tmp_path / "data/sub-01/anat/sub-01_T2w.nii")

    methods = [
        prepare(tmp_path, PrepareOptions(spacing_mm=spacing)).images[0].method
        for spacing in ({}, {"T2w": 2.0}, {})
    ]

    assert methods == ["copy", "resampled", "copy"]
    assert names_in(tmp_path / "out/sub-01/anat") == ["sub-01_T2w.json", "sub-01_T2w.nii.gz"]


def test_stopped_work_leaves_nothing(tmp_path):
    write_diffusion(tmp_path / "data" / DWI)
    write_nifti(neck(), tmp_path / "data/sub-01/anat/sub-01_T2w.nii.gz")
    messages = []
    stopped_late = Progress(
        lambda fraction, message: messages.append(message), lambda: messages[-1:] == ["Tile 4"]
    )

    with pytest.raises(Cancelled):
        prepare(tmp_path, progress=stopped_late)

    assert "Reading T2w" in messages
    assert names_in(tmp_path / "out") == []
