"""What ``softcord prepare`` refuses: a sentence, an exit code, and nothing half-written."""

from __future__ import annotations

import numpy as np
import pytest

from cli.fakes import A_BUNDLE, names_in, soft_from_brightness
from cli.scans import diffusion, echoes, neck, write_diffusion, write_series
from SoftCordSegLib.cli.guard import UsageProblem
from SoftCordSegLib.cli.prepare.cords import Cords
from SoftCordSegLib.cli.prepare.files import Layout
from SoftCordSegLib.cli.prepare.images import How
from SoftCordSegLib.cli.prepare.inputs import find_people, given_person
from SoftCordSegLib.cli.prepare.names import average_name, is_image
from SoftCordSegLib.cli.prepare.run import Request, run_person
from SoftCordSegLib.cli.tools import Tools
from SoftCordSegLib.errors import Cancelled
from SoftCordSegLib.preprocessing import MotionOptions
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume, write_nifti

DWI = "sub-01/dwi/sub-01_dwi.nii.gz"


def refused(softcord, tmp_path, sentence, code=1):
    """Run it on the data set; it must end with the sentence and leave nothing."""
    result = softcord("prepare", tmp_path / "data", "-o", tmp_path / "out", "--masks")
    assert result.exit_code == code, result.stderr
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert names_in(tmp_path / "out") == []
    return result


def test_missing_b_values(softcord, tmp_path):
    write_nifti(neck(), tmp_path / "data/sub-01/anat/sub-01_T2w.nii.gz")
    write_diffusion(tmp_path / "data" / DWI, bvals=None)

    result = refused(
        softcord, tmp_path, "neither 'sub-01_dwi.bval' nor 'sub-01_dwi.bvec' lies beside it"
    )

    assert "for a single series, name its file of b-values" in result.stderr


def test_b_values_of_another_length(softcord, tmp_path):
    write_diffusion(tmp_path / "data" / DWI, bvals=(0, 800, 800))

    refused(softcord, tmp_path, "sub-01_dwi.bval': It has 3 entries, but the series has 8 volumes")


def test_no_weighted_volume(softcord, tmp_path):
    write_diffusion(tmp_path / "data" / DWI, bvals=(0,) * 7 + (90,))

    refused(softcord, tmp_path, "has 0 diffusion-weighted volumes; a mean needs two or more")


def test_a_series_of_one_volume(softcord, tmp_path):
    one = diffusion().volume(1)
    write_nifti(one, tmp_path / "data" / DWI)

    result = refused(softcord, tmp_path, "is a single volume, and no diffusion series")

    assert "sub-01_rec-average_dwi.nii.gz" in result.stderr


def test_echoes_of_different_grids(softcord, tmp_path):
    first, second, _ = echoes()
    moved = second.affine.copy()
    moved[1, 3] += 5
    write_nifti(first, tmp_path / "data/sub-01/anat/sub-01_echo-1_MEGRE.nii.gz")
    write_nifti(
        Volume(second.data, moved), tmp_path / "data/sub-01/anat/sub-01_echo-2_MEGRE.nii.gz"
    )

    refused(
        softcord,
        tmp_path,
        "The grids of 'sub-01_echo-1_MEGRE.nii.gz' and 'sub-01_echo-2_MEGRE.nii.gz' differ",
    )


def test_an_echo_that_is_a_series(softcord, tmp_path):
    first, second, _ = echoes()
    write_nifti(first, tmp_path / "data/sub-01/anat/sub-01_echo-1_MEGRE.nii.gz")
    write_series(
        np.stack([second.data] * 2, axis=3),
        second.affine,
        tmp_path / "data/sub-01/anat/sub-01_echo-2_MEGRE.nii.gz",
    )

    refused(softcord, tmp_path, "is one of several echoes, and itself a series")


def test_a_damaged_image(softcord, tmp_path):
    write_nifti(neck(), tmp_path / "data/sub-01/anat/sub-01_T2w.nii.gz")
    path = tmp_path / "data/sub-01/anat/sub-01_T1w.nii.gz"
    path.write_bytes((tmp_path / "data/sub-01/anat/sub-01_T2w.nii.gz").read_bytes()[:-200])

    refused(softcord, tmp_path, "sub-01_T1w.nii.gz': The file is truncated or corrupt")


def test_two_files_for_one_image(softcord, tmp_path):
    for ending in (".nii", ".nii.gz"):
        write_nifti(neck(), tmp_path / f"data/sub-01/anat/sub-01_T2w{ending}")

    refused(softcord, tmp_path, "would both become sub-01_T2w", code=2)


def test_a_folder_without_images(softcord, tmp_path):
    (tmp_path / "data").mkdir()

    refused(softcord, tmp_path, "There are no images of participants in")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("nowhere",), 1, "There is no file or folder 'nowhere'"),
        (("T2w=nowhere.nii.gz",), 1, "There is no file or folder 'nowhere.nii.gz'"),
        (("{a}", "{b}"), 2, "images of sub-01 and sub-02"),
        (("{a}", "--participant", "anna"), 2, "'anna' is not"),
        (("{a}", "--bval", "b.txt"), 2, "no diffusion series"),
        (("{folder}", "{a}"), 2, "Give either the folder of one data set"),
        (("{a}", "--resample", "T2w"), 2, "'T2w' is not"),
        (("{a}", "--resample", "T2w=50"), 2, "with 0.1 to 10 mm"),
        (
            ("{a}", "--resample", "T1w=1"),
            2,
            "No participant has the contrast T1w. Choose among T2w.",
        ),
        (("{folder}", "--participant", "sub-01"), 2, "for one participant's files"),
        (("{a}", "T2w={b}", "--participant", "sub-01"), 2, "would both become sub-01_T2w"),
    ],
)
def test_words_that_cannot_be_carried_out(softcord, tmp_path, words, code, sentence):
    places = {
        "folder": tmp_path,
        "a": tmp_path / "in/sub-01_T2w.nii.gz",
        "b": tmp_path / "in/sub-02_T2w.nii.gz",
    }
    for key in ("a", "b"):
        write_nifti(neck(), places[key])

    result = softcord("prepare", *(word.format(**places) for word in words), "-o", tmp_path / "out")

    assert result.exit_code == code, result.stderr
    assert sentence in result.stderr
    assert names_in(tmp_path / "out") == []


def test_stopped_work_leaves_nothing(tmp_path):
    write_diffusion(tmp_path / "data" / DWI)
    write_nifti(neck(), tmp_path / "data/sub-01/anat/sub-01_T2w.nii.gz")
    (person,) = find_people(tmp_path / "data", tmp_path / "out")
    request = Request(How(MotionOptions(), 100.0), Layout(tmp_path / "out"), masks=True)
    cords = Cords(Tools(soft_from_brightness), lambda: A_BUNDLE, "cpu", 0.5)
    messages = []
    stopped_late = Progress(
        lambda fraction, message: messages.append(message), lambda: messages[-1:] == ["Tile 4"]
    )

    with pytest.raises(Cancelled):
        run_person(person, request, cords, stopped_late)

    assert "Reading T2w" in messages
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("name", "average"),
    [
        ("sub-01_dwi", "sub-01_rec-average_dwi"),
        ("sub-01_acq-x_dir-AP_run-2_dwi", "sub-01_acq-x_rec-average_dir-AP_run-2_dwi"),
        ("sub-01_rec-average_dwi", "sub-01_rec-average_dwi"),
        ("sub-01_dmri", "sub-01_rec-average_dwi"),
    ],
)
def test_the_name_of_the_average(name, average):
    assert average_name(name) == average


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("sub-01_T2w.nii.gz", True),
        ("sub-01_space-other_T2w.nii", True),
        ("sub-01_T2w_seg-manual.nii.gz", False),
        ("sub-01_T2w_label-SC_seg.nii.gz", False),
        ("sub-01_T2w_label-discs_dlabel.nii.gz", False),
        ("sub-01_part-phase_MEGRE.nii.gz", False),
        ("sub-01_T2w.json", False),
    ],
)
def test_what_is_an_image(tmp_path, name, image):
    assert is_image(tmp_path / name) is image


def test_an_average_that_is_there_is_taken_and_the_series_left_out(tmp_path):
    for name in ("sub-01_dwi", "sub-01_rec-average_dwi"):
        (tmp_path / "sub-01/dwi").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"sub-01/dwi/{name}.nii.gz").touch()

    (person,) = find_people(tmp_path, tmp_path / "out")

    assert [source.files[0].name for source in person.sources] == ["sub-01_rec-average_dwi.nii.gz"]
    assert "is there as sub-01_rec-average_dwi already" in person.notes[0]


def test_echoes_that_are_not_told_apart_are_refused(tmp_path):
    words = [f"dwi={tmp_path}/a.nii.gz", f"dwi={tmp_path}/b.nii.gz"]

    with pytest.raises(UsageProblem, match="would both become sub-01_dwi"):
        given_person(words, None, None)


def test_a_file_may_have_an_equals_sign_in_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "te=80.nii.gz").touch()

    person = given_person(["T2w=te=80.nii.gz"], None, None)

    assert [source.files[0].name for source in person.sources] == ["te=80.nii.gz"]
    with pytest.raises(UsageProblem, match="'te=80' is no name of a contrast"):
        given_person(["te=80.nii.gz"], None, None)
