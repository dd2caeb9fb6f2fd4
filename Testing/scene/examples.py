"""Images of every awkward kind, and a cord in each."""

from __future__ import annotations

import numpy as np

from SoftCordSegLib.volume import Grid, Volume


def _rotation(degrees: float, axis: int) -> np.ndarray:
    angle = np.radians(degrees)
    first, second = [a for a in range(3) if a != axis]
    matrix = np.eye(3)
    matrix[[first, first, second, second], [first, second, first, second]] = [
        np.cos(angle),
        -np.sin(angle),
        np.sin(angle),
        np.cos(angle),
    ]
    return matrix


def _affine(linear: np.ndarray, origin=(12.0, -34.0, 56.0)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = origin
    return affine


# What images are like: name -> grid. Slicer flips the left-handed ones (negative determinant) when
# it loads them.
GRIDS = {
    "isotropic": Grid((24, 20, 30), _affine(np.eye(3))),
    "left-handed": Grid((24, 20, 30), _affine(np.diag([-1.0, 1.0, 1.0]))),
    "sagittal left-handed": Grid(
        (30, 20, 12), _affine(np.array([[0, 0, 2.0], [0, -1.0, 0], [-0.8, 0, 0]]))
    ),
    "anisotropic": Grid((40, 36, 8), _affine(np.diag([0.5, 0.5, 5.0]))),
    "oblique": Grid(
        (24, 20, 30), _affine(_rotation(25, 0) @ _rotation(-15, 2) @ np.diag([0.8, 0.9, 1.1]))
    ),
    "oblique left-handed anisotropic": Grid(
        (30, 8, 28), _affine(_rotation(20, 1) @ np.diag([0.9, -4.0, 0.7]))
    ),
}


def cord_in(grid: Grid, radius_mm: float = 5.0, edge_mm: float = 2.0) -> Volume:
    """A straight upright soft cord through the middle of a grid: 1 inside, 0 outside, 0.5 at
    ``radius_mm``; it ends inside.
    """
    middle = grid.to_world((np.array(grid.shape) - 1) / 2)
    world = grid.to_world(
        np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    )
    outside = np.hypot(world[..., 0] - middle[0], world[..., 1] - middle[1]) - radius_mm
    beyond_end = np.abs(world[..., 2] - middle[2]) - 9.0
    soft = np.clip(0.5 - np.maximum(outside, beyond_end) / edge_mm, 0.0, 1.0)
    return Volume(soft.astype(np.float32), grid.affine)


def image_in(grid: Grid) -> Volume:
    """An image in which no two neighbours are alike, so that a swapped or shifted axis shows."""
    rng = np.random.default_rng(7)
    return Volume(rng.integers(0, 900, grid.shape).astype(np.int16), grid.affine)


def results_of(image_node) -> list:
    """The nodes under the item of an image in the subject hierarchy."""
    import slicer
    import vtk

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(image_node.GetScene())
    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetItemByDataNode(image_node), ids, False)
    return [hierarchy.GetItemDataNode(ids.GetId(n)) for n in range(ids.GetNumberOfIds())]
