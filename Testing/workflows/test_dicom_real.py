"""A real neck through DICOM: the shipped model's mask is that of the same image as NIfTI, and its
areas come back from the objects.
"""

from __future__ import annotations

import csv

import highdicom
import numpy as np
import pytest
from typer.testing import CliRunner

from dicom.made_dicom import write_series
from SoftCordSegLib.bids import DicomKind
from SoftCordSegLib.cli.app import app
from SoftCordSegLib.volume import Volume, read_nifti, same_orientation, write_nifti


def softcord(*arguments):
    answer = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert answer.exit_code == 0, answer.output


def areas(mask, out):
    softcord("csa", mask, "-o", out)
    with open(out, encoding="utf-8", newline="") as stream:
        return np.array([float(row["MEAN(area)"] or "nan") for row in csv.DictReader(stream)])


@pytest.mark.parametrize(
    ("name", "how"), [("t2", {"enhanced": True}), ("t2s", {"reverse": True})], ids=["t2", "t2s"]
)
def test_the_mask_and_the_areas_are_those_of_the_nifti_image(tmp_path, shared_data, name, how):
    image = read_nifti(shared_data / "images" / "sct-testing" / f"{name}.nii.gz")
    data = image.data.astype(float)
    scaled = Volume(np.rint(np.clip(data, 0, None) * (4000 / data.max())), image.affine)
    write_nifti(scaled, tmp_path / "scan.nii.gz", np.uint16)
    write_series(scaled, tmp_path / "scan", **how)

    softcord("segment", tmp_path / "scan.nii.gz", "-o", tmp_path / "nifti")
    softcord("segment", tmp_path / "scan", "-o", tmp_path / "out", "--dicom")

    nifti = read_nifti(tmp_path / "nifti" / "scan_label-SC_softseg.nii.gz")
    path = next((tmp_path / "out").glob("*softseg.nii.gz"))
    mask = same_orientation(read_nifti(path), nifti)
    assert mask.grid.same_as(nifti.grid, 0.01)
    assert np.abs(mask.data - nifti.data).max() < 0.02
    binary = highdicom.seg.segread(next((tmp_path / "out").glob(f"*{DicomKind.BINARY.value}.dcm")))
    assert binary.pixel_array.sum() == (mask.data >= np.float32(0.5)).sum()
    expected = areas(path, tmp_path / "nifti.csv")
    fractional = next((tmp_path / "out").glob(f"*{DicomKind.FRACTIONAL.value}.dcm"))
    found = areas(fractional, tmp_path / "dicom.csv")
    cord = np.isfinite(expected)
    assert np.array_equal(cord, np.isfinite(found))
    # Slices at the ends of the mask have little cord; of what is measured, 0.1 %.
    assert found[cord].mean() == pytest.approx(expected[cord].mean(), rel=1e-3)
    large = cord & (expected > 20)
    assert large.sum() > 5
    assert np.abs(found[large] / expected[large] - 1).max() < 2e-3
