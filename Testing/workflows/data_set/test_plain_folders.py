"""Folders among what is to be segmented."""

from __future__ import annotations

import pytest

from cli.fakes import Softcord, a_neck, names_in
from SoftCordSegLib.volume import write_nifti
from SoftCordSegLib.workflows.data_set.plain_folders import with_images_of_folders


@pytest.fixture
def folder(tmp_path):
    for name in ("a/t2.nii.gz", "a/t2_seg.nii.gz", "b/t2.nii", "b/derivatives/x/t2.nii.gz"):
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_nifti(a_neck(), path)
    return tmp_path / "scans"


def test_a_folder_stands_for_its_images(folder, tmp_path):
    one = folder / "a" / "t2.nii.gz"
    found = with_images_of_folders([one, folder], tmp_path)
    assert found == [one, folder / "b" / "t2.nii"]
    both = with_images_of_folders([folder], tmp_path, lambda path: path == folder)
    assert both == [folder, one, folder / "b" / "t2.nii"]
    (tmp_path / "empty").mkdir()  # costs itself only, when it is opened
    assert with_images_of_folders([tmp_path / "empty"], tmp_path) == [tmp_path / "empty"]


def test_segment_takes_a_folder_and_mirrors_it(folder):
    out = folder / "out"
    for _ in range(2):  # the second time the results lie in it
        assert Softcord()("segment", folder, "-o", out).exit_code == 0
    assert (
        names_in(out / "a")
        == names_in(out / "b")
        == [
            "t2_label-SC_softseg.json",
            "t2_label-SC_softseg.nii.gz",
        ]
    )
