"""Series are found by headers in folders, files and archives; what is no image of a cord is passed
over with a word.
"""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from dicom.made_dicom import CANARY, uid, write_series
from SoftCordSegLib.dicom import dicom_packages as packages
from SoftCordSegLib.dicom.dicom_series import (
    SeveralSeries,
    is_dicom_source,
    opened_source,
    passed_over_sentences,
    series_among,
    series_of_source,
)
from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume

SMALL = Volume(np.arange(4 * 5 * 3).reshape(4, 5, 3), np.diag([-1.0, -1, 2, 1]))


def chosen(path, choice=None):
    with opened_source(path, Progress()) as files:
        return series_of_source(path, files, choice, Progress())


@pytest.fixture
def study(tmp_path):
    """A localiser, an axial series, a report, a CT, and files that are no DICOM."""
    folder = tmp_path / "study"
    write_series(SMALL, folder / "a", number=1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_series(SMALL, folder / "b", number=5)
    write_series(SMALL, folder / "c", number=7, Modality="SR")
    write_series(SMALL, folder / "d", number=8, Modality="CT")
    (folder / "README").write_text("no DICOM", encoding="utf-8")
    (folder / "cut").write_bytes((folder / "b" / "IM0001").read_bytes()[:150])
    return folder


def test_the_one_series_of_a_study_that_shows_a_cord(study):
    series, others = chosen(study)

    assert (series.number, series.images, series.modality) == (5, 3, "MR")
    assert passed_over_sentences(others) == [
        "Series 1 (3 images) is passed over: it is a localiser.",
        "Series 7 (3 images) is passed over: it is a report, not an image.",
        "Series 8 (3 images) is passed over: it is not MR but CT.",
    ]
    assert CANARY not in series.name


def test_one_of_several_series_is_to_be_chosen(study):
    write_series(SMALL, study / "e", number=6)
    write_series(SMALL, study / "f", number=6, study="another")

    with pytest.raises(SeveralSeries, match=r"3 series here: 5 \(3 images\), 6 ") as caught:
        chosen(study)

    assert CANARY not in str(caught.value)
    assert [one.number for one in caught.value.series] == [5, 6, 6]
    assert chosen(study, "05")[0].number == 5
    assert chosen(study, uid("another", 6))[0].uid == uid("another", 6)
    with pytest.raises(OptionError, match="Two series"):
        chosen(study, "6")
    with pytest.raises(OptionError, match="no such series"):
        chosen(study, "9")
    with pytest.raises(InputError, match="localiser"):
        chosen(study, "1")


def test_a_file_stands_for_its_series(study):
    write_series(SMALL, study / "b", number=6, study="another")

    assert chosen(study / "b" / "IM0002")[0].uid == uid("another", 6)


def test_an_archive_is_unpacked_under_names_of_ours_and_removed(study, tmp_path):
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for file in study.rglob("*"):
            if file.is_file():
                opened.write(file, f"{CANARY}/{file.relative_to(study)}")

    with opened_source(archive, Progress()) as files:
        series = series_of_source(archive, files, None, Progress())[0]
        assert series.images == 3
        assert not [file for file in files if CANARY in str(file)]
    assert not any(file.exists() for file in files)


def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path):
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("../evil", b"x")

    with pytest.raises(InputError, match="outside its folder"):
        chosen(archive)


def test_slices_in_three_directions_are_a_localiser(tmp_path):
    turns = [np.eye(4)[[0, 1, 2, 3]], np.eye(4)[[1, 2, 0, 3]], np.eye(4)[[2, 0, 1, 3]]]
    for number, turn in enumerate(turns):
        volume = Volume(SMALL.data, turn @ SMALL.affine)
        write_series(volume, tmp_path / str(number), SeriesInstanceUID=uid("one"))

    (series,) = series_among(tmp_path.rglob("IM*"), Progress())

    assert series.images == 9
    assert series.passed_over == "it is a localiser, with images in several directions"


def test_what_is_dicom_is_seen_from_its_bytes(study, tmp_path):
    (tmp_path / "scan.nii.gz").write_bytes(b"\x1f\x8b")

    assert is_dicom_source(study)
    assert is_dicom_source(study / "b" / "IM0001")
    assert not is_dicom_source(study / "README")
    assert not is_dicom_source(tmp_path / "scan.nii.gz")
    assert not is_dicom_source(tmp_path / "missing")
    bare = tmp_path / "bare"
    bare.write_bytes((study / "b" / "IM0001").read_bytes()[132:])
    assert is_dicom_source(bare)


def test_nothing_to_segment_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="no DICOM image"):
        chosen(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        chosen(tmp_path / "missing")


@pytest.mark.parametrize(
    ("package", "python", "words"),
    [
        ("highdicom", (3, 9), "Python 3.10 or newer; this is Python 3.9"),
        ("highdicom", (3, 11), "'highdicom', which is not installed"),
        ("dcm2niix", (3, 9), "'dcm2niix', which is not installed"),
    ],
)
def test_a_package_that_is_missing_is_a_sentence(monkeypatch, package, python, words):
    monkeypatch.setattr(packages.sys, "version_info", (*python, 0))

    with pytest.raises(InputError, match=words), packages.needing_dicom():
        raise ModuleNotFoundError(f"No module named '{package}'", name=package)
