"""``softcord segment --dicom``: objects of a series, their areas, and back in ``softcord csa``."""

from __future__ import annotations

import csv

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from cli.fakes import Softcord, a_neck, digest, names_in
from dicom.made_dicom import CANARY, write_series
from dicom.test_dicom_geometry import turned
from dicom.validator import errors_of
from known_phantoms import known_phantom
from SoftCordSegLib.bids import DicomKind, dicom_name
from SoftCordSegLib.dicom import MadeBy
from SoftCordSegLib.errors import InputError, OutputError
from SoftCordSegLib.morphometry import DiscLabel
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume, read_nifti
from SoftCordSegLib.workflows.csa_measure import CsaOptions, MaskLevels, measure_volume
from SoftCordSegLib.workflows.dicom_out import (
    DicomOptions,
    area_entries,
    made_by_of,
    write_objects,
)

softcord = Softcord()


def only(folder, kind):
    (path,) = folder.glob(f"*_{kind.value}.dcm")
    return path


def area(out, mask, *options):
    answer = softcord("csa", mask, "-o", out, "-z", "3:10", *options)
    assert answer.exit_code == 0, answer.output
    with open(out, encoding="utf-8", newline="") as stream:
        return float(next(csv.DictReader(stream))["MEAN(area)"])


@pytest.fixture
def scan(tmp_path):
    """A tilted neck as a series."""
    neck = a_neck(slices=14)
    write_series(Volume(neck.data, turned(neck.affine)), tmp_path / "scan")
    return tmp_path / "scan"


def test_all_objects_of_a_series_and_the_areas_in_them(scan, tmp_path):
    out = tmp_path / "out"
    answer = softcord("segment", scan, "-o", out, "--dicom", "--dicom-slices", "--threshold", 0.4)

    assert answer.exit_code == 0, answer.output
    assert "no vertebral levels" in answer.output.replace("\n", " ")
    for kind in DicomKind:
        assert errors_of(only(out, kind)) == []
    soft = read_nifti(next(out.glob("*softseg.nii.gz")))
    binary = highdicom.seg.segread(only(out, DicomKind.BINARY))
    assert binary.pixel_array.sum() == (soft.data >= np.float32(0.4)).sum()

    nifti = area(tmp_path / "a.csv", next(out.glob("*softseg.nii.gz")))
    assert area(tmp_path / "b.csv", only(out, DicomKind.FRACTIONAL)) == pytest.approx(
        nifti, rel=1e-3
    )
    assert area(tmp_path / "c.csv", only(out, DicomKind.MAP)) == pytest.approx(nifti, rel=1e-5)
    report = highdicom.sr.srread(only(out, DicomKind.REPORT))
    groups = report.content.get_volumetric_roi_measurement_groups()
    areas = [group.get_measurements(name=codes.SCT.Area)[0].value for group in groups]
    assert np.mean(areas[3:11]) == pytest.approx(nifti, rel=1e-3)


def test_a_second_run_replaces_what_is_ours_and_nothing_that_was_corrected(scan, tmp_path):
    out = tmp_path / "out"
    assert softcord("segment", scan, "-o", out, "--dicom").exit_code == 0
    assert not list(out.glob("*_csa.dcm"))
    before = digest(only(out, DicomKind.BINARY))
    assert softcord("segment", scan, "-o", out, "--dicom").exit_code == 0
    assert digest(only(out, DicomKind.BINARY)) != before

    path = only(out, DicomKind.BINARY)
    corrected = pydicom.dcmread(path)
    corrected.SegmentSequence[0].SegmentAlgorithmType = "SEMIAUTOMATIC"
    corrected.save_as(path)
    before = digest(path)
    answer = softcord("segment", scan, "-o", out, "--dicom")
    assert answer.exit_code == 1
    assert "corrections by hand" in answer.output.replace("\n", " ")
    assert digest(path) == before
    assert softcord("segment", scan, "-o", out, "--dicom", "--overwrite").exit_code == 0


def test_dicom_is_of_dicom(tmp_path):
    answer = softcord("segment", tmp_path / "scan.nii.gz", "-o", tmp_path, "--dicom")

    assert answer.exit_code == 2
    assert "DICOM series only" in answer.output


def test_what_a_header_lacks_is_a_sentence_that_quotes_nothing(scan, tmp_path):
    for file in scan.iterdir():
        header = pydicom.dcmread(file)
        del header.FrameOfReferenceUID
        header.save_as(file)

    answer = softcord("segment", scan, "-o", tmp_path / "out", "--dicom", "--debug")

    assert answer.exit_code == 1
    assert "lack some that it requires" in answer.output.replace("\n", " ")
    assert CANARY not in answer.output
    assert not [name for name in names_in(tmp_path / "out") if name.endswith(".dcm")]


def test_areas_of_levels():
    phantom = known_phantom("T2w")
    discs = [DiscLabel(disc.value, disc.position_mm) for disc in phantom.discs if disc.value < 12]
    measured = measure_volume(
        "mask", phantom.truth, MaskLevels(discs=discs), CsaOptions(), Progress()
    )

    levels = area_entries(measured, per_slice=False)
    both = area_entries(measured, per_slice=True)

    assert {"Spinal cord C3", "Spinal cord C7"} <= {one.name for one in levels}
    assert all(one.slices > 1 and one.sd_mm2 >= 0 for one in levels)
    assert both[: len(levels)] == levels
    rest = both[len(levels) :]
    c3 = [one.area_mm2 for one in rest if one.level == 3]
    expected = next(one.area_mm2 for one in levels if one.level == 3)
    assert np.mean(c3) == pytest.approx(expected, rel=1e-9)


def test_an_empty_mask_makes_no_objects(scan, tmp_path):
    from cli.fakes import nothing_found

    nothing = Softcord()
    nothing.segment = nothing_found
    answer = nothing("segment", scan, "-o", tmp_path / "out", "--dicom")

    assert answer.exit_code == 0
    assert "mask is empty" in answer.output.replace("\n", " ")
    assert not [name for name in names_in(tmp_path / "out") if name.endswith(".dcm")]


def test_all_or_none(scan, tmp_path):
    neck = a_neck(slices=14)
    mask = Volume(neck.data / 1000, turned(neck.affine))
    sources, out = sorted(scan.iterdir()), tmp_path / "out"
    out.mkdir()
    drawn = out / dicom_name("scan.nii.gz", DicomKind.MAP)
    drawn.write_bytes(b"another program's")

    with pytest.raises(OutputError, match="is not ours"):
        write_objects(mask, sources, "scan", out, {}, DicomOptions())
    assert names_in(out) == [drawn.name]
    with pytest.raises(InputError, match="not there any more"):
        write_objects(mask, [tmp_path / "gone"], "scan", out, {}, DicomOptions())


def test_who_made_it_is_read_from_the_sidecar():
    model = {"Name": "compact", "Version": "0.5.0", "SHA256": {"b": "2", "a": "1"}}
    record = {"GeneratedBy": [{"Name": "SoftCordSeg", "Version": "0.6.0"}, model]}

    made = made_by_of(record)
    assert (made.model, made.sha256, made.corrected) == ("compact 0.5.0", "a 1; b 2", False)
    record["GeneratedBy"].append({"Name": "Manual", "Author": "", "Date": ""})
    assert made_by_of(record).algorithm_type == "SEMIAUTOMATIC"
    assert made_by_of({}).algorithm_type == "MANUAL"
    assert made_by_of({}) == MadeBy(made.version)
