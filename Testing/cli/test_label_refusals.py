"""``softcord label`` with what it cannot use: a sentence that names the label or the file, and
nothing written.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.fakes import a_neck, digest, names_in, write_points
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ([(4, 3), (3, 4)], ["C3/C4 (value 4)", "not below"]),
        ([(3, 3), (3, 3)], ["C2/C3 (value 3)", "twice"]),
    ],
    ids=["wrong order", "duplicate"],
)
def test_wrong_discs_are_a_sentence_that_names_the_label(softcord, neck, tmp_path, known, words):
    options = [word for real, named in known for word in neck.known(real, named=named)]
    result = softcord(
        "label", neck.image, neck.mask, "-o", tmp_path / "out" / "discs.nii.gz", *options
    )
    assert result.exit_code == 1
    assert all(word in result.stderr for word in words)
    assert names_in(tmp_path / "out") == []


def test_a_disc_off_the_cord_is_a_sentence_that_names_the_label(softcord, neck, tmp_path):
    options = neck.known(5, shift=(60, 0, 0))
    result = softcord(
        "label", neck.image, neck.mask, "-o", tmp_path / "out" / "discs.nii.gz", *options
    )
    assert result.exit_code == 1
    assert "C4/C5 (value 5) is 6" in result.stderr
    assert "away from the cord" in result.stderr
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize("option", ["--known", "--fix", "--from"])
def test_a_label_image_without_labels_is_a_sentence(softcord, neck, tmp_path, option):
    empty = write_points(tmp_path / "in" / "no_labels.nii.gz", {})
    result = softcord(
        "label", neck.image, neck.mask, "-o", tmp_path / "out" / "discs.nii.gz", option, empty
    )
    assert result.exit_code == 1
    assert "has no labels" in result.stderr
    assert "no_labels.nii.gz" in result.stderr
    assert names_in(tmp_path / "out") == []


def empty(mask: Volume) -> Volume:
    return mask.with_data(np.zeros(mask.shape, np.uint8))


def elsewhere(mask: Volume) -> Volume:
    affine = mask.affine.copy()
    affine[0, 3] += 400
    return Volume(mask.data, affine)


def labelled(mask: Volume) -> Volume:
    data = (mask.data > 0.5).astype(np.uint8)
    data[:, :, : mask.shape[2] // 2] *= 3
    return mask.with_data(data)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (empty, ["mask is empty", "bad.nii.gz"]),
        (elsewhere, []),
        (labelled, ["label image", "bad.nii.gz"]),
    ],
)
def test_a_mask_that_cannot_be_used_is_a_sentence(softcord, neck, tmp_path, make, words):
    bad = tmp_path / "in" / "bad.nii.gz"
    write_nifti(make(read_nifti(neck.mask)), bad)
    result = softcord("label", neck.image, bad, "-o", tmp_path / "out" / "discs.nii.gz")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert all(word in result.stderr for word in words)
    assert "unexpected" not in result.stderr
    assert names_in(tmp_path / "out") == []


def test_an_image_that_does_not_tell_which_disc_is_which_says_so(softcord, crop, tmp_path):
    result = softcord("label", crop[0], crop[1], "-o", tmp_path / "out" / "discs.nii.gz")
    assert result.exit_code == 1
    assert "2 discs were found, but their names are not certain" in result.stderr
    assert "give it as known" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_the_most_likely_names_are_written_where_the_user_says_so(softcord, crop, tmp_path):
    out = tmp_path / "discs.nii.gz"
    result = softcord("label", crop[0], crop[1], "-o", out, "--likely-names", "--json")
    assert result.exit_code == 0, result.stderr
    assert "The most likely names are written" in result.stderr
    content = json.loads(result.stdout)
    assert content["certain"] is False
    likely = content["namings"][0]
    assert likely["discs"] == content["discs"]
    assert 0 < likely["probability"] < 0.95
    sidecar = json.loads((tmp_path / "discs.json").read_text(encoding="utf-8"))
    assert sidecar["NamesCertain"] is False
    assert any("not certain" in note for note in sidecar["Notes"])


def test_an_image_without_discs_says_so(softcord, a_mask, tmp_path):
    image = tmp_path / "in" / "image.nii.gz"
    write_nifti(a_neck().with_data(np.ones(a_neck().shape, np.float32)), image)
    result = softcord("label", image, a_mask, "-o", tmp_path / "out" / "discs.nii.gz")
    assert result.exit_code == 1
    assert "Mark one disc" in result.stderr
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--known", "C9/T1=1,2,3"], "not a vertebral level"),
        (["--known", "C2=1,2,3"], "is a vertebra"),
        (["--known", "3=1,2"], "three numbers"),
        (["--known", "3=1,2,x"], "three numbers"),
        (["--known", "3=1,2,nan"], "three numbers"),
        (["--known", "3=1,2,3", "--from", "FILE"], "Leave known discs and the earlier result out"),
        (["--fix", "FILE", "--from", "FILE"], "Leave known discs and the earlier result out"),
    ],
)
def test_usage_errors_exit_with_2(softcord, neck, points, tmp_path, arguments, word):
    arguments = [points if argument == "FILE" else argument for argument in arguments]
    result = softcord(
        "label", neck.image, neck.mask, "-o", tmp_path / "out" / "discs.nii.gz", *arguments
    )
    assert result.exit_code == 2
    assert word in result.stderr
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize("name", ["discs.csv", "discs.json", "discs"])
def test_other_kinds_of_output_exit_with_2(softcord, neck, tmp_path, name):
    result = softcord("label", neck.image, neck.mask, "-o", tmp_path / "out" / name)
    assert result.exit_code == 2
    assert ".mrk.json" in result.stderr


def test_no_input_is_written_over(softcord, neck, points):
    for out, options in [(neck.mask, []), (points, ["--fix", points])]:
        before = digest(out)
        result = softcord("label", neck.image, neck.mask, "-o", out, *options)
        assert result.exit_code == 2
        assert digest(out) == before


def test_a_series_needs_its_time(softcord, a_series, a_mask, tmp_path):
    result = softcord("label", a_series, a_mask, "-o", tmp_path / "discs.nii.gz")
    assert result.exit_code == 1
    assert "series of 3 volumes" in result.stderr
    result = softcord("label", a_series, a_mask, "-o", tmp_path / "discs.nii.gz", "--time", "mean")
    assert "series" not in result.stderr


def test_a_file_in_place_of_the_folder_is_a_sentence_before_any_work(softcord, neck, tmp_path):
    out = tmp_path / "out"
    out.write_text("not a folder", encoding="utf-8")
    result = softcord("label", tmp_path / "missing.nii.gz", neck.mask, "-o", out / "discs.nii.gz")
    assert result.exit_code == 1
    assert "This is a file, not a folder" in result.stderr
    assert out.read_text(encoding="utf-8") == "not a folder"
