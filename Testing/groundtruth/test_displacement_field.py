"""Transforms as files for ITK and Slicer."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from groundtruth.cords import LEFT_ANTERIOR_SUPERIOR, Cord, grid, turned_axes
from groundtruth.motions import GRIDS, a_motion, points_in
from itk_fields import read_field, warp_points_with_field
from SoftCordSegLib.groundtruth import (
    Contrast,
    SlicewiseRigid,
    displacement_field,
    make_ground_truth,
    write_field,
    write_transform,
)


@pytest.mark.parametrize("grid", GRIDS, ids=["straight", "oblique", "right-handed"])
def test_the_file_moves_points_as_the_transform_does(grid, tmp_path):
    motion, points = a_motion(grid), points_in(grid)
    there, back = tmp_path / "there_xfm.nii.gz", tmp_path / "back_xfm.nii.gz"

    write_field(*displacement_field(motion.to_moving, grid), there)
    write_field(*displacement_field(motion.to_reference, grid, finer=8), back)

    assert (
        np.abs(warp_points_with_field(points, *read_field(there)) - motion.to_moving(points)).max()
        < 1e-4
    )
    assert (
        np.abs(
            warp_points_with_field(points, *read_field(back)) - motion.to_reference(points)
        ).max()
        < 1e-3
    )


def test_the_file_is_in_itks_convention(tmp_path):
    where = grid(1.0, (21, 21, 3))
    motion = SlicewiseRigid(where, np.full((3, 2), 10.0), np.tile([2.0, 3.0], (3, 1)), np.zeros(3))

    write_field(*displacement_field(motion.to_moving, where), tmp_path / "a_xfm.nii.gz")

    image = nibabel.load(tmp_path / "a_xfm.nii.gz")
    assert image.ndim == 5
    assert image.shape[3:] == (1, 3)
    assert int(image.header["intent_code"]) == 1007  # NIFTI_INTENT_VECTOR
    assert image.get_data_dtype() == np.float32
    assert image.header.get_sform(coded=True)[1] == image.header.get_qform(coded=True)[1] == 1
    # 2 mm to the Left and 3 mm to the Anterior are +2 and -3 in LPS.
    assert np.asarray(image.dataobj)[..., 0, :].reshape(-1, 3) == pytest.approx(
        np.tile([2, -3, 0], (np.prod(image.shape) // 3, 1))
    )
    assert (np.sign(np.diag(image.affine)[:3]) == np.diag(LEFT_ANTERIOR_SUPERIOR)).all()


@pytest.mark.parametrize("grid", GRIDS, ids=["straight", "oblique", "right-handed"])
def test_slicer_opens_the_file_and_moves_points_likewise(grid, tmp_path):
    slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
    if not hasattr(slicer, "vtkMRMLTransformStorageNode"):
        pytest.skip("this slicer package has no MRML")
    # In the planes of the slices: between them Slicer interpolates by cubic splines, ITK and we
    # linearly.
    voxels = np.round(grid.to_voxel(points_in(grid, 50)) * [1, 1, 4]) / [1, 1, 4]
    motion, points = a_motion(grid), grid.to_world(voxels)
    path = tmp_path / "a_xfm.nii.gz"
    write_field(*displacement_field(motion.to_moving, grid, finer=4), path)

    node, storage = slicer.vtkMRMLTransformNode(), slicer.vtkMRMLTransformStorageNode()
    scene = slicer.vtkMRMLScene()
    scene.AddNode(node)
    scene.AddNode(storage)
    storage.SetFileName(str(path))
    assert storage.ReadData(node)

    # ITK's transforms lead from the fixed space to the moving one: in Slicer, "from parent".
    transform = node.GetTransformFromParent()
    moved = np.array([transform.TransformPoint(point) for point in points])
    assert np.abs(moved - motion.to_moving(points)).max() < 1e-3


def test_both_directions_are_saved(tmp_path):
    where, cord = grid(0.8, (36, 36, 40)), Cord(bend=(4, -6))
    thick = cord.mask(grid((0.6, 0.6, 5), (44, 44, 9), turned_axes((6, -4, 3))), (1.5, -0.8), 8)
    contrasts = [Contrast("T2w", cord.mask(where)), Contrast("T1w", thick)]
    one = make_ground_truth(contrasts).of("T1w")
    there, back = tmp_path / "from-T1w_to-T2w_xfm.nii.gz", tmp_path / "from-T2w_to-T1w_xfm.nii.gz"

    write_transform(one, there)
    write_transform(one, back, inverse=True)

    voxels = np.random.default_rng(0).uniform(0, np.array(where.shape) - 1, (100, 3))
    points = where.to_world(voxels)
    assert (
        np.abs(
            warp_points_with_field(points, *read_field(there)) - one.transform.to_moving(points)
        ).max()
        < 1e-3
    )
    assert (
        np.abs(
            warp_points_with_field(points, *read_field(back)) - one.transform.to_reference(points)
        ).max()
        < 1e-3
    )
    assert nibabel.load(there).header["intent_code"] == 1007
