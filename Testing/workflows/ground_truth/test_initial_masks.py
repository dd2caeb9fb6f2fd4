"""Initial masks among earlier results: what somebody has corrected stays, other masks are made
again.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.fakes import A_BUNDLE, digest, engine, soft_from_brightness, write_points
from cli.scans import neck
from SoftCordSegLib.volume import read_nifti, write_nifti
from SoftCordSegLib.workflows.ground_truth.prepare_images import PrepareOptions, prepare_participant
from SoftCordSegLib.workflows.ground_truth.raw_images import find_raw_participants

LABELS = "derivatives/labels/sub-01/anat"
MASK = f"{LABELS}/sub-01_T2w_label-SC_seg.nii.gz"
DISCS = f"{LABELS}/sub-01_T2w_label-discs_dlabel.nii.gz"


@pytest.fixture
def prepare(tmp_path):
    """A prepared data set of one image; the function that prepares it again."""
    write_nifti(neck(), tmp_path / "data/sub-01/anat/sub-01_T2w.nii.gz")

    def again(**options):
        (one,) = find_raw_participants(tmp_path / "data", tmp_path / "out")
        with engine(soft_from_brightness):
            return prepare_participant(
                one, tmp_path / "out", PrepareOptions(masks=True, **options), A_BUNDLE
            )

    assert again().images[0].mask == "model"
    return again


def sidecar(tmp_path):
    return tmp_path / "out" / LABELS / "sub-01_T2w_label-SC_seg.json"


def test_a_mask_that_was_not_changed_is_made_again(prepare, tmp_path):
    before = read_nifti(tmp_path / "out" / MASK).data.sum()

    assert prepare(threshold=0.9).images[0].mask == "model"

    assert read_nifti(tmp_path / "out" / MASK).data.sum() < before


def test_the_sidecar_says_which_model_made_it(tmp_path, prepare):
    record = json.loads(sidecar(tmp_path).read_text(encoding="utf-8"))

    assert [entry["Name"] for entry in record["GeneratedBy"]] == ["SoftCordSeg", "a-model"]
    assert record["Threshold"] == 0.5
    assert str(tmp_path) not in json.dumps(record)


@pytest.mark.parametrize("has_sidecar", [True, False])
def test_a_corrected_mask_stays(prepare, tmp_path, has_sidecar):
    path = tmp_path / "out" / MASK
    drawn = read_nifti(path)
    drawn.data[:, :, 20] = 0
    write_nifti(drawn, path, np.int16)
    if not has_sidecar:
        sidecar(tmp_path).unlink()
    before = digest(path)

    result = prepare()

    assert result.images[0].mask == "kept"
    assert digest(path) == before
    assert "was changed after softcord prepare wrote it" in result.notes[0]


def test_a_mask_that_was_only_saved_in_another_type_is_not_a_corrected_one(prepare, tmp_path):
    write_nifti(read_nifti(tmp_path / "out" / MASK), tmp_path / "out" / MASK, np.float32)

    assert prepare().images[0].mask == "model"


@pytest.mark.parametrize(
    "name", ["sub-01_T2w_label-SC_seg.nii", "sub-01_T2w_seg.nii.gz", "sub-01_T2w_softseg.nii.gz"]
)
def test_a_mask_of_another_name_stays_alone(prepare, tmp_path, name):
    path = tmp_path / "out" / MASK
    write_nifti(read_nifti(path), path.with_name(name))
    path.unlink()

    result = prepare()

    assert result.images[0].mask == "kept"
    assert result.images[0].files["mask"] == str(path.with_name(name))
    assert not path.exists()


def test_a_copy_of_a_drawn_mask_that_was_corrected_stays(prepare, tmp_path):
    source = tmp_path / "data" / LABELS / "sub-01_T2w_seg-manual.nii.gz"
    drawn = neck().with_data((neck().data > 500).astype(np.uint8))
    write_nifti(drawn, source)
    by_hand = [{"Name": "Manual", "Author": "A Rater", "Date": "2026-10-31 14:05:00"}]
    source.with_name("sub-01_T2w_seg-manual.json").write_text(
        json.dumps({"GeneratedBy": by_hand}), encoding="utf-8"
    )

    kinds = [prepare().images[0].mask for _ in range(2)]

    assert kinds == ["drawn", "drawn"]
    record = json.loads(sidecar(tmp_path).read_text(encoding="utf-8"))
    assert record["Source"] == source.name
    assert record["GeneratedBy"] == by_hand
    write_nifti(drawn.with_data(np.roll(drawn.data, 1, axis=0)), tmp_path / "out" / MASK)
    before = digest(tmp_path / "out" / MASK)
    assert prepare().images[0].mask == "kept"
    assert digest(tmp_path / "out" / MASK) == before


def test_corrected_discs_stay(prepare, tmp_path):
    source = write_points(tmp_path / "data" / DISCS, {3: (18, 10, 30)}, neck())
    prepare()
    assert digest(tmp_path / "out" / DISCS) == digest(source)
    write_points(tmp_path / "out" / DISCS, {3: (18, 10, 31)}, neck())
    before = digest(tmp_path / "out" / DISCS)

    result = prepare()

    assert digest(tmp_path / "out" / DISCS) == before
    assert "differ from those of the data set, and are kept" in result.notes[0]
