"""Voxels keep their place between a series' slices and what dcm2niix made of them, whatever the
directions; slices that make no box are refused.
"""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from scipy.spatial.transform import Rotation

from dicom.made_dicom import write_series
from SoftCordSegLib.dicom.dicom_conversion import converted
from SoftCordSegLib.dicom.dicom_geometry import (
    on_slices,
    slices_of_grid,
    source_slices,
    volume_of_frames,
)
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume, read_nifti

DATA = np.random.default_rng(1).integers(0, 1000, (12, 10, 7))
AXIAL = np.array([[-1, 0, 0, 10], [0, -1.2, 0, 12], [0, 0, 3, -5], [0, 0, 0, 1.0]])
SAGITTAL = np.array([[0, 0, 3.0, -9], [-1, 0, 0, 10], [0, -1.2, 0, 12], [0, 0, 0, 1]])
CORONAL = np.array([[-1.0, 0, 0, 9], [0, 0, 2, -5], [0, -1.2, 0, 12], [0, 0, 0, 1]])


def turned(affine):
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", (25, -12, 7), degrees=True).as_matrix()
    return turn @ affine


def negated(affine, axis):
    flip = np.eye(4)
    flip[axis, axis] = -1
    return affine @ flip


AFFINES = {
    "axial": AXIAL,
    "sagittal": SAGITTAL,
    "coronal": CORONAL,
    "oblique": turned(AXIAL),
    "oblique sagittal": turned(SAGITTAL),
    "column cosine negated": negated(AXIAL, 1),
    "row cosine negated": negated(AXIAL, 0),
    "slices from above": negated(AXIAL, 2),
}


@pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES)
@pytest.mark.parametrize("how", [{}, {"reverse": True}, {"enhanced": True}], ids=str)
def test_every_voxel_keeps_its_place(tmp_path, affine, how):
    volume = Volume(DATA, affine)
    files = write_series(volume, tmp_path, **how)

    slices = source_slices(files)
    with converted(files, Progress()) as images:
        frames = on_slices(read_nifti(images.images[0]), slices)

    # The pixels of each slice as they are in its own file: nothing was mirrored.
    stored = [pydicom.dcmread(file) for file in files]
    if slices.frames is not None:
        pixels = [stored[0].pixel_array[frame - 1] for frame in slices.frames]
    else:
        by_uid = {one.SOPInstanceUID: one.pixel_array for one in stored}
        pixels = [by_uid[image.SOPInstanceUID] for image in slices.images]
    assert np.array_equal(frames, pixels)
    # A landmark, independently of the slices' grid.
    voxel = np.array([3, 2, 5])
    i, j, k = np.rint(slices.grid.to_voxel(volume.grid.to_world(voxel))).astype(int)
    assert frames[k, j, i] == DATA[tuple(voxel)]


def test_there_and_back(tmp_path):
    slices = source_slices(write_series(Volume(DATA, turned(SAGITTAL)), tmp_path))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 2] = slices.positions[1] - slices.positions[0], slices.cosines[:3]
    affine[:3, 1], affine[:3, 3] = 1.2 * slices.cosines[3:], slices.positions[0]

    back = volume_of_frames(on_slices(Volume(DATA, turned(SAGITTAL)), slices), affine)

    assert back.grid.same_as(slices.grid)


def test_a_mask_of_another_grid_is_refused(tmp_path):
    slices = source_slices(write_series(Volume(DATA, AXIAL), tmp_path))
    shifted = AXIAL.copy()
    shifted[0, 3] += 0.5

    for mask in (
        Volume(DATA, shifted),
        Volume(DATA[1:], AXIAL),
        Volume(DATA, turned(AXIAL)),
        Volume(DATA, AXIAL @ np.diag([0.5, 1, 1, 1])),
    ):
        with pytest.raises(InputError, match="not on the grid"):
            on_slices(mask, slices)


def test_gaps_that_differ_are_refused(tmp_path):
    files = write_series(Volume(DATA, AXIAL), tmp_path)

    with pytest.raises(InputError, match="gaps between the slices differ"):
        source_slices([file for at, file in enumerate(files) if at != 3])
    assert source_slices(files[:-1]).grid.shape[2] == 6


def test_slices_that_are_shifted_or_differ_are_refused(tmp_path):
    sheared = AXIAL.copy()
    sheared[0, 2] = 1.0
    with pytest.raises(InputError, match="shifted against each other"):
        source_slices(write_series(Volume(DATA, sheared), tmp_path / "a"))
    two = [
        *write_series(Volume(DATA, AXIAL), tmp_path / "b"),
        *write_series(Volume(DATA, SAGITTAL), tmp_path / "c"),
    ]
    with pytest.raises(InputError, match="direction or in size"):
        source_slices(two)
    none = write_series(Volume(DATA, AXIAL), tmp_path / "d")
    for file in none:
        header = pydicom.dcmread(file)
        del header.ImagePositionPatient
        header.save_as(file)
    with pytest.raises(InputError, match="do not say where they are"):
        source_slices(none)


def test_of_several_echoes_the_first_image_at_each_place(tmp_path):
    files = write_series(Volume(DATA, AXIAL), tmp_path, echoes=(0.01, 0.02))

    slices = source_slices(files)

    assert slices.grid.shape == DATA.shape
    assert {float(image.EchoTime) for image in slices.images} == {10.0}


def test_of_a_series_over_time_the_first_volume(tmp_path):
    first = write_series(Volume(DATA, AXIAL), tmp_path / "a", AcquisitionNumber=1)
    later = write_series(Volume(DATA, AXIAL), tmp_path / "b", study="later", AcquisitionNumber=2)

    slices = source_slices([*later, *first])

    assert slices.grid.shape == DATA.shape
    assert {int(image.AcquisitionNumber) for image in slices.images} == {1}


def test_of_several_multi_frame_files_the_first_volume(tmp_path):
    volume = Volume(DATA, turned(AXIAL))
    (first,) = write_series(volume, tmp_path / "a", enhanced=True)
    (later,) = write_series(
        volume, tmp_path / "b", enhanced=True, study="later", AcquisitionNumber=2
    )

    slices = source_slices([later, first])

    assert [image.SOPInstanceUID for image in slices.images] == [
        pydicom.dcmread(first).SOPInstanceUID
    ]
    assert slices.frames == tuple(range(1, DATA.shape[2] + 1))


@pytest.mark.parametrize("affine", [AXIAL, negated(AXIAL, 0), turned(SAGITTAL)])
def test_slices_of_a_grid_are_right_handed_and_in_its_place(affine):
    mask = Volume(DATA, affine)

    slices = slices_of_grid(mask.grid, ())

    row, column = slices.cosines[:3], slices.cosines[3:]
    step = slices.positions[1] - slices.positions[0]
    assert np.cross(row, column) @ step > 0
    frames = on_slices(mask, slices)
    i, j, k = np.rint(slices.grid.to_voxel(mask.grid.to_world([3, 2, 5]))).astype(int)
    assert frames[k, j, i] == DATA[3, 2, 5]
