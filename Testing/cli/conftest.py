"""Fixtures of the command line: the command, and files to give it."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest

from cli.fakes import Softcord, a_neck, write_points
from cli.necks import Neck
from SoftCordSegLib.volume import write_nifti


@pytest.fixture
def softcord():
    return Softcord()


@pytest.fixture
def an_image(tmp_path):
    path = tmp_path / "in" / "sub-01_T2w.nii.gz"
    write_nifti(a_neck(), path)
    return path


@pytest.fixture
def a_series(tmp_path):
    """Three volumes: the neck at 0.5, 1 and 1.5 times its brightness."""
    neck = a_neck()
    data = np.stack([neck.data * factor for factor in (0.5, 1.0, 1.5)], axis=3)
    path = tmp_path / "in" / "sub-01_dwi.nii.gz"
    path.parent.mkdir(exist_ok=True)
    image = nibabel.Nifti1Image(data, neck.affine)
    image.set_sform(neck.affine, code=1)
    nibabel.save(image, path)
    return path


@pytest.fixture
def discs_of_the_neck(tmp_path):
    """C2/C3 at slice 20 and C3/C4 at slice 8 of :func:`a_neck`, as Slicer saves points (LPS)."""
    points = [("C2/C3", (0.0, -8.0, 20.0)), ("C3/C4", (0.0, -8.0, 8.0))]
    control = [
        {"label": label, "position": position, "positionStatus": "defined"}
        for label, position in points
    ]
    path = tmp_path / "in" / "discs.mrk.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        json.dumps({"markups": [{"coordinateSystem": "LPS", "controlPoints": control}]}),
        encoding="utf-8",
    )
    return path


@pytest.fixture
def a_mask(tmp_path):
    """The neck as a soft mask, 0 to 1: a cylinder of radius 4 mm, 30 slices."""
    path = tmp_path / "in" / "sub-01_softseg.nii.gz"
    neck = a_neck()
    write_nifti(neck.with_data(neck.data / 1000), path)
    return path


@pytest.fixture
def a_label_image(tmp_path):
    """C2/C3 at slice 20 and C3/C4 at slice 8 of the neck, one voxel each, as SCT writes them."""
    return write_points(
        tmp_path / "in" / "sub-01_label-disc.nii.gz", {3: (19, 12, 20), 4: (19, 12, 8)}
    )


@pytest.fixture(scope="session")
def neck(tmp_path_factory):
    return Neck(tmp_path_factory.mktemp("neck"), "T2w")


@pytest.fixture(scope="session")
def thick(tmp_path_factory):
    return Neck(tmp_path_factory.mktemp("thick"), "DWI")


@pytest.fixture(scope="session")
def points(neck, tmp_path_factory):
    """Slicer's points, found from C2/C3."""
    path = tmp_path_factory.mktemp("points") / "discs.mrk.json"
    result = Softcord()("label", neck.image, neck.mask, "-o", path, *neck.known(3))
    assert result.exit_code == 0, result.stderr
    return path


@pytest.fixture
def crop(shared_data):
    """A real T2w image, its mask, and its mask labelled with vertebral levels by hand; slices of 1
    mm.
    """
    folder = shared_data / "images" / "sct-testing"
    return [folder / f"{name}.nii.gz" for name in ("t2", "t2_seg-manual", "t2_seg-manual_labeled")]
