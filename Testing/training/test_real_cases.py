"""A list of cases is read strictly, and each case checked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.training.real_cases import load_cases, open_case
from SoftCordSegLib.volume import Volume, read_nifti, reorient, write_nifti


def write_case(
    folder: Path, name: str, letters: str = "LAS", bright: float = 100.0
) -> dict[str, str]:
    """A round cord of 5 mm radius, ``bright`` on 10, along 40 slices of 2 mm; nothing is known of
    the lowest ten slices.
    """
    i, j = np.indices((40, 40)) - 19.5
    plane = np.clip(5.5 - np.hypot(i, j), 0, 1).astype(np.float32)
    label = np.repeat(plane[:, :, None], 40, axis=2)
    weight = np.ones_like(label)
    weight[:, :, :10] = 0
    affine = np.diag([-1.0, 1.0, 2.0, 1.0])
    affine[:3, 3] = (19.5, -19.5, -40)
    for kind, data in (("image", 10 + (bright - 10) * label), ("label", label), ("weight", weight)):
        write_nifti(reorient(Volume(data, affine), letters), folder / f"{name}_{kind}.nii.gz")
    return {kind: f"{name}_{kind}.nii.gz" for kind in ("image", "label", "weight")}


@pytest.fixture
def case_list(tmp_path) -> Path:
    cases = [
        write_case(tmp_path, "a"),
        {**write_case(tmp_path, "b", "RPI", bright=-80.0), "participant": "second"},
    ]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"training": cases}), encoding="utf-8")
    return path


def test_the_list_is_read_with_its_participants(case_list):
    first, second = load_cases(case_list)
    assert (first.participant, second.participant) == ("a", "second")
    assert first.image == case_list.parent / "a_image.nii.gz"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("no json", "not a list of cases"),
        ('{"training": []}', "no case"),
        ('{"training": [{"image": "a_image.nii.gz"}]}', "should have image and label"),
        ('{"training": [{"image": "a_image.nii.gz", "label": "gone.nii.gz"}]}', "does not exist"),
    ],
)
def test_bad_lists_are_refused_in_a_sentence(case_list, content, sentence):
    case_list.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        load_cases(case_list)


def test_a_label_on_another_grid_is_refused(tmp_path, case_list):
    write_nifti(Volume(np.zeros((4, 4, 4), np.float32), np.eye(4)), tmp_path / "a_label.nii.gz")
    with pytest.raises(InputError, match="not on the grid of its image"):
        open_case(load_cases(case_list)[0])


def test_a_label_of_0_to_255_is_scaled_and_an_image_is_refused(tmp_path, case_list):
    path = tmp_path / "a_label.nii.gz"
    label = read_nifti(path)
    write_nifti(label.with_data(label.data * 255), path)
    assert open_case(load_cases(case_list)[0]).label.data.max() == pytest.approx(1.0)

    image = np.random.default_rng(0).random(label.shape).astype(np.float32)
    write_nifti(label.with_data(image), path)
    with pytest.raises(InputError, match="a_label.nii.gz': This looks like an image"):
        open_case(load_cases(case_list)[0])
