"""dcm2niix makes images of a series: the echoes of one, a multi-frame file, a mosaic's like; and
where it cannot, a sentence.
"""

from __future__ import annotations

import numpy as np
import pytest

from dicom.made_dicom import CANARY, write_series
from SoftCordSegLib.dicom import dicom_conversion
from SoftCordSegLib.dicom.dicom_conversion import converted
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume, read_nifti, same_orientation

SMALL = Volume(np.random.default_rng(3).integers(0, 1000, (12, 10, 6)), np.diag([-1.0, -1.5, 3, 1]))


def test_echoes_are_images_on_one_grid(tmp_path):
    files = write_series(SMALL, tmp_path, echoes=(0.03, 0.01, 0.02))

    with converted(files, Progress()) as images:
        assert images.echo_times_s == pytest.approx((0.01, 0.02, 0.03))
        data = [read_nifti(image).data for image in images.images]
    assert not any(image.exists() for image in images.images)
    # Of the factors 1, 0.8 and 0.64 in the order of the files.
    assert data[0].max() == pytest.approx(0.8 * SMALL.data.max(), abs=1)
    assert data[2].max() == SMALL.data.max()


def test_a_multi_frame_file_is_one_image_where_it_was(tmp_path):
    files = write_series(SMALL, tmp_path, enhanced=True)

    with converted(files, Progress()) as images:
        image = same_orientation(read_nifti(images.images[0]), SMALL)
    assert np.array_equal(image.data, SMALL.data)
    assert np.allclose(image.affine, SMALL.affine, atol=1e-3)


def test_phases_are_left_out_with_a_word(tmp_path):
    files = write_series(SMALL, tmp_path / "a")
    phase = write_series(
        SMALL, tmp_path / "b", study="phase", ImageType=["ORIGINAL", "PRIMARY", "P", "ND"]
    )

    with converted([*files, *phase], Progress()) as images:
        assert len(images.images) == 1
    assert "left out" in images.notes[0]
    with pytest.raises(InputError, match="only phases"), converted(phase, Progress()):
        pass


def test_images_of_different_places_are_not_one(tmp_path):
    moved = Volume(SMALL.data, np.diag([1.0, 1, 1, 1]) @ SMALL.affine + np.eye(4, k=3) * 50)
    files = [
        *write_series(SMALL, tmp_path / "a"),
        *write_series(moved, tmp_path / "b", study="another", AcquisitionNumber=2),
    ]

    with pytest.raises(InputError, match="different places"), converted(files, Progress()):
        pass


def test_a_corrupt_series_and_a_program_that_hangs_are_sentences(tmp_path):
    files = write_series(SMALL, tmp_path)
    for file in files:
        file.write_bytes(file.read_bytes()[:400])

    with (
        pytest.raises(InputError, match="cannot be converted") as caught,
        converted(files, Progress()),
    ):
        pass
    assert CANARY not in str(caught.value)
    with pytest.raises(InputError, match="was stopped"), converted(files, Progress(), 1e-6):
        pass


def test_disks_without_second_names_get_copies(tmp_path, monkeypatch):
    def refuse(*_paths):
        raise OSError("no links here")

    monkeypatch.setattr(dicom_conversion.os, "link", refuse)
    with converted(write_series(SMALL, tmp_path), Progress()) as images:
        assert len(images.images) == 1
