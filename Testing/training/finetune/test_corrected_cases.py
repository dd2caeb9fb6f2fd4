"""Corrected cases are checked before anything is trained on them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.training.finetune import read_cases
from SoftCordSegLib.volume import Volume, read_nifti, reorient, write_nifti
from training.finetune.necks import write_case


@pytest.fixture
def case(tmp_path):
    return write_case(tmp_path, 1)


def with_mask(case, change):
    mask = read_nifti(case.label)
    write_nifti(mask.with_data(change(mask.data)), case.label)
    return case


def test_a_case_is_known_by_its_content(case):
    (read,), notes = read_cases([case])
    assert read.sha256 == {"image": file_sha256(case.image), "label": file_sha256(case.label)}
    assert (read.name, read.participant) == ("sub-01_T2w.nii.gz", "sub-01")
    assert notes == []


def test_a_mask_stored_in_another_orientation_is_the_same_case(case):
    straight = read_cases([case])[0][0].opened
    write_nifti(reorient(read_nifti(case.label), "PSR"), case.label)
    turned = read_cases([case])[0][0].opened
    assert np.array_equal(straight.label.data, turned.label.data)


def test_a_binary_mask_will_do(case):
    with_mask(case, lambda data: (data >= 0.5).astype(np.uint8))
    assert set(np.unique(read_cases([case])[0][0].opened.label.data)) == {0, 1}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data * 0, "The mask is empty: no voxel reaches 0.5"),
        (lambda data: data * 0.3, "The mask is empty: no voxel reaches 0.5"),
        (lambda data: data * 1.3, "most of its core is above 1"),
        (lambda data: data - 1, "has values from -1 to 0"),
        (lambda data: 1 - data, "marks the background"),
        (lambda data: np.where(data > 0, np.nan, data), "NaN"),
    ],
)
def test_a_mask_that_is_none_is_refused_by_name(case, change, sentence):
    with_mask(case, change)
    with pytest.raises(InputError, match=sentence) as caught:
        read_cases([case])
    assert case.label.name in str(caught.value)


def test_a_mask_on_another_grid_is_refused(case):
    mask = read_nifti(case.label)
    write_nifti(Volume(mask.data[:-1], mask.affine), case.label)
    with pytest.raises(InputError, match="not on the grid of its image"):
        read_cases([case])


def test_rounding_in_a_header_is_forgiven_and_half_a_voxel_is_not(case):
    mask = read_nifti(case.label)
    for shift, good in ((0.01, True), (0.5, False)):
        moved = mask.affine.copy()
        moved[0, 3] += shift
        write_nifti(Volume(mask.data, moved), case.label)
        if good:
            assert len(read_cases([case])[0]) == 1
        else:
            with pytest.raises(InputError, match="not on the grid"):
                read_cases([case])


def test_one_image_under_two_names_would_leak_and_is_refused(case, tmp_path):
    twin = replace(case, image=tmp_path / "sub-02_T2w.nii.gz", participant="sub-02")
    shutil.copyfile(case.image, twin.image)
    with pytest.raises(InputError, match="the same image as"):
        read_cases([case, twin])


def test_masks_that_were_never_corrected_are_pointed_out(case, tmp_path):
    sidecar = case.label.with_name("sub-01_T2w_label-SC_softseg.json")
    both = [case, write_case(tmp_path, 2)]
    for added, part in ((3, None), (0, "1 of 2 masks")):
        sidecar.write_text(
            json.dumps({"CorrectedByHand": {"VoxelsAdded": added, "VoxelsRemoved": 0}}),
            encoding="utf-8",
        )
        _cases, notes = read_cases(both)
        said = (
            f"Never corrected by hand, by their sidecars: {part}. A model learns nothing from"
            " its own output."
        )
        assert notes == ([said] if part else [])
