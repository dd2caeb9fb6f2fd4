"""DICOM series through ``softcord segment``: masks and image under names of ours, and nothing of a
patient anywhere.
"""

from __future__ import annotations

import gzip
import json
import warnings

import numpy as np
import pydicom
import pytest

from cli.fakes import Softcord, a_neck, names_in
from dicom.made_dicom import BIRTH, CANARY, every_text, write_series
from SoftCordSegLib.volume import read_nifti, write_nifti

softcord = Softcord()


def holds_canary(path) -> bool:
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.name.endswith(".gz") else raw
    return CANARY.encode() in raw or BIRTH.encode() in raw


@pytest.fixture
def scan(tmp_path):
    folder = tmp_path / f"{CANARY}FOLDER"
    write_series(a_neck(), folder)
    return folder


def test_a_folder_of_a_scanner(scan, tmp_path):
    answer = softcord("segment", scan, "-o", tmp_path / "out", "--threshold", 0.5)

    assert answer.exit_code == 0, answer.output
    names = names_in(tmp_path / "out")
    assert [name.partition("_")[2] for name in names if "_" in name] == [
        "label-SC_seg.nii.gz",
        "label-SC_softseg.json",
        "label-SC_softseg.nii.gz",
    ]
    image, mask = (read_nifti(tmp_path / "out" / names[n]) for n in (0, 3))
    assert image.grid.same_as(mask.grid)
    assert np.abs(mask.data - np.clip(image.data / 1000, 0, 1)).max() < 1e-6
    assert sorted(np.rint(image.data).ravel()) == sorted(np.rint(a_neck().data).ravel())


@pytest.mark.parametrize(
    ("element", "files", "words"),
    [
        ("PixelSpacing", slice(None), "do not say how large their pixels are"),
        ("ImagePositionPatient", slice(None), "does not say where the image lies"),
        ("PatientID", slice(3), "its images are of several patients"),
    ],
)
def test_headers_from_which_areas_would_be_wrong(scan, tmp_path, element, files, words):
    for path in sorted(scan.iterdir())[files]:
        header = pydicom.dcmread(path)
        delattr(header, element)
        header.save_as(path)

    answer = softcord("segment", scan, "-o", tmp_path / "out")

    assert answer.exit_code == 1
    said = " ".join(answer.output.split())
    assert words in said
    assert f"{scan.name}'" in said
    assert "softcord-" not in said  # the temporary folder
    assert not list((tmp_path / "out").iterdir())


def test_no_text_of_any_field_reaches_the_disk(tmp_path):
    texts = every_text()
    assert len(texts) > 80
    write_series(a_neck(slices=14), tmp_path / "scan", **texts)

    answer = softcord("segment", tmp_path / "scan", "-o", tmp_path / "out", "--debug")

    assert answer.exit_code == 0, answer.output
    assert not [path for path in (tmp_path / "out").iterdir() if holds_canary(path)]
    assert CANARY not in answer.output


def test_a_value_that_is_invalid_is_not_quoted_by_a_warning(scan, tmp_path):
    for file in scan.iterdir():
        # A date and an age that are none, and an invalid UID.
        raw = file.read_bytes().replace(BIRTH.encode(), b"Canary1 ").replace(b"125Y", b"Cana")
        file.write_bytes(raw.replace(b"2.826.0.1", b"2.Canary2"))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = softcord("segment", scan, "-o", tmp_path / "out", "--dicom", "--debug")

    assert "Cana" not in answer.output.replace(scan.name, "")
    assert not [one for one in caught if "Cana" in str(one.message)]


def test_no_word_of_a_header_or_of_a_folder_reaches_the_disk_or_the_screen(scan, tmp_path):
    answer = softcord("segment", scan, "-o", tmp_path / "out", "--debug")

    for path in (tmp_path / "out").iterdir():
        assert CANARY not in path.name
        assert not holds_canary(path)
    assert len(names_in(tmp_path / "out")) == 3
    assert CANARY not in answer.output.replace(scan.name, "")


def test_images_and_series_in_one_call_and_one_that_fails(scan, tmp_path):
    image, empty = tmp_path / "scan.nii.gz", tmp_path / "empty.zip"
    write_nifti(a_neck(), image)
    empty.write_bytes(b"PK\x05\x06" + bytes(18))

    answer = softcord("segment", scan, empty, image, "-o", tmp_path / "out", "--json")

    assert answer.exit_code == 1
    results = json.loads(answer.stdout)["results"]
    assert [one["input"] for one in results] == [str(scan), str(empty), str(image)]
    assert [one.get("found") for one in results] == [True, None, True]
    assert "no DICOM image" in results[1]["sentence"]


def test_echoes_are_combined_with_a_word(tmp_path):
    folder = tmp_path / "scan"
    write_series(a_neck(), folder, echoes=(0.01, 0.02, 0.03))

    answer = softcord("segment", folder, "-o", tmp_path / "out")

    assert "3 echoes" in answer.output
    image = read_nifti(next((tmp_path / "out").glob("series*[0-9a-f].nii.gz")))
    expected = 1000 * np.sqrt((1 + 0.8**2 + 0.64**2) / 3)
    assert image.data.max() == pytest.approx(expected, abs=1)


def test_a_series_with_a_slice_missing_is_refused_before_any_work(scan, tmp_path):
    (scan / "IM0012").unlink()

    answer = softcord("segment", scan, "-o", tmp_path / "out")

    assert answer.exit_code == 1
    assert "gaps between the slices differ" in answer.output.replace("\n", " ")
    assert names_in(tmp_path / "out") == []


def test_several_series_are_listed_and_one_is_chosen(scan, tmp_path):
    write_series(a_neck(slices=20), scan / "more", number=4)

    answer = softcord("segment", scan, "-o", tmp_path / "out")
    assert answer.exit_code == 1
    assert "2 series here: 3 (30 images), 4 (20 images)" in answer.output
    assert "SERIESDESC" in answer.output  # on the screen, to choose by

    answer = softcord("segment", scan, "-o", tmp_path / "out", "--series", 4)
    assert answer.exit_code == 0
    assert read_nifti(next((tmp_path / "out").glob("*softseg.nii.gz"))).data.size == 40 * 40 * 20
