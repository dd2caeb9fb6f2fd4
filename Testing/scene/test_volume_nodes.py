"""Every voxel stays at its place in the patient, whatever Slicer does with the axes."""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import image_in
from scene.loading import load_image
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.scene.volume_nodes import (
    add_volume,
    array_of,
    grid_of,
    values_on,
    volume_of,
    voxels_changed,
)
from SoftCordSegLib.volume import Grid, Volume, read_nifti, write_nifti


def same_values_at_same_places(one: Volume, other: Volume) -> bool:
    """Compares through world positions alone: the second volume is read where the first one's
    voxels are.
    """
    indices = np.stack(np.meshgrid(*map(np.arange, one.shape), indexing="ij"), axis=-1).reshape(
        -1, 3
    )
    there = other.grid.to_voxel(one.grid.to_world(indices))
    nearest = np.rint(there).astype(int)
    assert np.abs(there - nearest).max() < 0.01
    return one.data.size == other.data.size and np.array_equal(
        one.data.ravel(), other.data[tuple(nearest.T)]
    )


def test_a_volume_comes_back_from_its_node_voxel_for_voxel(app, grid):
    volume = image_in(grid)

    node = add_volume(app.scene, volume, "T2w")

    assert same_values_at_same_places(volume, volume_of(node))
    assert volume_of(node).data.dtype == volume.data.dtype


def test_the_node_of_a_left_handed_volume_is_right_handed(app, grid):
    node = add_volume(app.scene, image_in(grid), "T2w")

    assert np.linalg.det(grid_of(node).affine[:3, :3]) > 0


def test_slicer_loads_a_file_with_every_voxel_where_our_reader_has_it(app, grid, tmp_path):
    write_nifti(image_in(grid), tmp_path / "image.nii.gz")

    node = load_image(app.logics["Volumes"], tmp_path / "image.nii.gz")

    ours = read_nifti(tmp_path / "image.nii.gz")
    assert same_values_at_same_places(ours, volume_of(node))
    assert np.array_equal(values_on(ours, grid_of(node)), array_of(node))
    assert node.GetName() == "image"


@pytest.mark.parametrize(
    "name", ["sct-testing/t2", "sct-testing/t2s", "sct-testing/mt0", "sct-tutorial/sub-single_mt0"]
)
def test_real_images_load_as_our_reader_reads_them(app, shared_data, name):
    path = shared_data / "images" / f"{name}.nii.gz"

    node = load_image(app.logics["Volumes"], path)

    assert np.array_equal(values_on(read_nifti(path), grid_of(node)), array_of(node))


def test_slicer_does_flip_the_left_handed_sample_image(app, shared_data):
    """The reason for exchanging volumes through affines only; if this fails, Slicer has changed its
    ways.
    """
    path = shared_data / "images" / "sct-testing" / "t2.nii.gz"

    node = load_image(app.logics["Volumes"], path)

    assert not np.array_equal(read_nifti(path).data, array_of(node))
    assert np.array_equal(read_nifti(path).data[:, :, ::-1], array_of(node))


def test_the_array_of_a_node_is_the_node_s_own(app):
    node = add_volume(app.scene, Volume(np.zeros((4, 5, 6), np.float32), np.eye(4)), "image")
    before = node.GetImageData().GetMTime()

    array_of(node)[1, 2, 3] = 7
    voxels_changed(node)

    assert node.GetImageData().GetScalarComponentAsDouble(1, 2, 3, 0) == 7
    assert node.GetImageData().GetMTime() > before
    assert node.GetModifiedSinceRead()  # Slicer offers to save it


def test_a_volume_is_a_copy_that_outlives_the_node(app):
    node = add_volume(app.scene, image_in(Grid((4, 5, 6), np.eye(4))), "image")
    volume = volume_of(node)
    expected = volume.data.copy()

    array_of(node)[...] = 0
    app.scene.RemoveNode(node)

    assert np.array_equal(volume.data, expected)


def test_a_transform_over_the_image_is_part_of_where_it_is(app):
    import vtk

    volume = image_in(Grid((4, 5, 6), np.eye(4)))
    node = add_volume(app.scene, volume, "image")
    transform = app.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 11.0)
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())

    assert np.allclose(grid_of(node).to_world((0, 0, 0)), (11, 0, 0))


def test_a_bending_transform_is_refused(app):
    node = add_volume(app.scene, image_in(Grid((4, 5, 6), np.eye(4))), "image")
    transform = app.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    node.SetAndObserveTransformNodeID(transform.GetID())

    with pytest.raises(InputError, match="'image' has a parent transform that bends it. Harden"):
        grid_of(node)


def test_a_node_without_voxels_is_refused(app):
    node = app.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")

    with pytest.raises(InputError, match="'empty' has no voxels"):
        volume_of(node)


def test_a_colour_volume_is_refused(app):
    import vtk

    node = app.scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photo")
    image = vtk.vtkImageData()
    image.SetDimensions(2, 2, 2)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    node.SetAndObserveImageData(image)

    with pytest.raises(InputError, match="'photo' is a colour"):
        volume_of(node)


def test_nan_is_refused(app):
    data = np.zeros((2, 2, 2), np.float32)
    data[0, 0, 0] = np.nan
    node = add_volume(app.scene, Volume(data, np.eye(4)), "broken")

    with pytest.raises(InputError, match="'broken' has 1 voxels that are NaN"):
        volume_of(node)


def test_volumes_that_do_not_coincide_are_refused(app, grid):
    volume = image_in(grid)
    shifted = grid.affine.copy()
    shifted[:3, 3] += 0.3

    with pytest.raises(InputError, match="do not coincide"):
        values_on(volume, Grid(grid.shape, shifted))
    with pytest.raises(InputError, match="do not coincide"):
        values_on(volume, grid.with_spacing(2.0))
