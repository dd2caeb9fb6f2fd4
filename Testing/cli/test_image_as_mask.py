"""An image scaled to 0 … 1, given in the place of a mask, is refused by every command."""

from __future__ import annotations

import json

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.training.real_cases import load_cases, open_case
from SoftCordSegLib.volume import Volume, write_nifti


@pytest.fixture
def images(tmp_path):
    """A data set of two contrasts whose labels are the images themselves, scaled."""
    rng = np.random.default_rng(3)
    for name in ("T1w", "T2w"):
        data = np.zeros((40, 40, 30), np.float32)
        data[4:36, 4:36] = rng.gamma(4.0, 50.0, (32, 32, 30))
        image = Volume(data, np.diag([-1.0, 1, 1, 1]))
        scaled = image.with_data((data / data.max()).astype(np.float32))
        write_nifti(image, tmp_path / f"data/sub-01/anat/sub-01_{name}.nii.gz")
        for folder, ending in (("labels", "seg"), ("labels_softseg", "softseg")):
            place = tmp_path / "data/derivatives" / folder / "sub-01/anat"
            write_nifti(scaled, place / f"sub-01_{name}_label-SC_{ending}.nii.gz")
    return tmp_path / "data"


def refused(result):
    said = " ".join(result.stderr.split())
    return result.exit_code != 0 and "his looks like an image" in said


def test_evaluate(softcord, images, tmp_path):
    rows = ["participant,contrast,image", "sub-01,T1w,data/sub-01/anat/sub-01_T1w.nii.gz"]
    (tmp_path / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    masks = images / "derivatives" / "labels"

    assert refused(
        softcord("evaluate", tmp_path / "cases.csv", "-m", f"a={masks}", "-o", tmp_path / "out")
    )


def test_softgt(softcord, images, tmp_path):
    assert refused(softcord("softgt", images, "-o", tmp_path / "out"))


@pytest.mark.parametrize("label", ["soft", "hard"])
def test_datalist(softcord, images, tmp_path, label):
    out = tmp_path / "list.json"

    assert refused(softcord("datalist", images, "-o", out, "--label", label))
    assert not out.exists()


def test_finetune(images, tmp_path):
    folder = "data/derivatives/labels/sub-01/anat"
    case = {
        "image": "data/sub-01/anat/sub-01_T1w.nii.gz",
        "label": f"{folder}/sub-01_T1w_label-SC_seg.nii.gz",
    }
    (tmp_path / "list.json").write_text(json.dumps({"training": [case]}), encoding="utf-8")
    (one,) = load_cases(tmp_path / "list.json")

    with pytest.raises(InputError, match="image"):
        open_case(one)
