"""The transform forward and back, and as a file for ITK and Slicer."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtruth.cords import LEFT_ANTERIOR_SUPERIOR, grid, turned_axes
from itk_fields import read_field, warp_points_with_field
from SoftCordSegLib.groundtruth import SlicewiseRigid, displacement_field, write_field

GRIDS = [
    grid((0.8, 0.8, 0.8), (40, 50, 30)),
    grid((0.5, 0.7, 5.0), (60, 50, 12), turned_axes((12, -7, 20)), middle=(3, -40, 88)),
    grid((0.9, 0.9, 1.1), (30, 30, 25), turned_axes((5, 9, 0)) * [-1, 1, 1]),  # right-handed
]


def a_motion(grid, seed=0, size=3.0, degrees=15.0) -> SlicewiseRigid:
    """A motion that wanders from slice to slice."""
    noise = np.random.default_rng(seed)
    count = grid.shape[2]
    middle = (np.array(grid.shape[:2]) - 1) / 2 * grid.spacing[:2]
    walk = np.cumsum(noise.normal(0, 0.15, (count, 3)), axis=0)
    return SlicewiseRigid(
        grid,
        middle + walk[:, :2],
        np.clip(walk[:, 1:], -size, size),
        np.radians(degrees) * np.tanh(walk[:, 0]),
    )


def places(grid, count=200, beyond=0.0, seed=1):
    noise = np.random.default_rng(seed)
    return grid.to_world(noise.uniform(-beyond, np.array(grid.shape) - 1 + beyond, (count, 3)))


@pytest.mark.parametrize("grid", GRIDS, ids=["straight", "oblique", "right-handed"])
def test_forward_then_back_is_where_one_was(grid):
    motion, points = a_motion(grid), places(grid, beyond=4)

    moved = motion.to_moving(points)

    assert np.abs(moved - points).max() > 0.5
    assert np.abs(motion.to_reference(moved) - points).max() < 1e-9
    assert np.abs(motion.to_moving(motion.to_reference(points)) - points).max() < 1e-9


@given(seed=st.integers(0, 10_000), degrees=st.floats(0, 40), size=st.floats(0, 10))
def test_any_motion_is_inverted_exactly(seed, degrees, size):
    motion, points = (
        a_motion(GRIDS[1], seed, size, degrees),
        places(GRIDS[1], 30, beyond=3, seed=seed),
    )

    assert np.abs(motion.to_reference(motion.to_moving(points)) - points).max() < 1e-9


def test_it_is_rigid_in_every_slice():
    motion = a_motion(GRIDS[0])
    voxels = np.array([[5, 6, 7], [30, 6, 7], [5, 40, 7], [22, 31, 7]], float)
    points = GRIDS[0].to_world(voxels)

    moved = motion.to_moving(points)

    def distances(p):
        return np.linalg.norm(p[:, None] - p[None], axis=-1)

    assert distances(moved) == pytest.approx(distances(points), abs=1e-9)
    assert GRIDS[0].to_voxel(moved)[:, 2] == pytest.approx(np.full(4, 7.0))


def test_its_signs_are_as_they_are_said_to_be():
    where = grid(
        1.0, (21, 21, 3)
    )  # the middle of slice 1 at the origin; the first axis leads to the Left
    middle = np.full((3, 2), 10.0)
    shift = np.tile([2.0, 0.0], (3, 1))

    assert SlicewiseRigid(where, middle, shift, np.zeros(3)).to_moving(
        np.zeros(3)
    ) == pytest.approx([-2, 0, 0])
    # A quarter turn takes Left to Anterior.
    quarter = SlicewiseRigid(where, middle, 0 * shift, np.full(3, np.pi / 2))
    assert quarter.to_moving(np.array([-4.0, 0, 0])) == pytest.approx([0, 4, 0])


@pytest.mark.parametrize("grid", GRIDS, ids=["straight", "oblique", "right-handed"])
def test_the_file_moves_points_as_the_transform_does(grid, tmp_path):
    motion, points = a_motion(grid), places(grid)
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
    voxels = np.round(grid.to_voxel(places(grid, 50)) * [1, 1, 4]) / [1, 1, 4]
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
