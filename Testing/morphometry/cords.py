"""Small cords with known answers, for the tests of this room."""

from __future__ import annotations

import numpy as np

from SoftCordSegLib.morphometry import CordShape, MeasureOptions
from SoftCordSegLib.volume import Volume
from SoftCordSegLib.volume.grid import Grid


def cylinder(
    shape=(40, 40, 30), spacing=(1.0, 1.0, 1.0), radii=(6.0, 4.5), lean=(0.0, 0.0), soft=True
) -> Volume:
    """A straight elliptic cylinder on an LAS grid.

    Args:
        shape: of the grid.
        spacing: mm.
        radii: half axes (R-L, A-P) of the section at right angles to the cord's axis, mm.
        lean: slope of the axis (dx/dz, dy/dz) along LAS axes.
        soft: partial volume at the edge, 5 x 5 samples a voxel; otherwise by voxel centres.
    """
    affine = np.diag([-spacing[0], spacing[1], spacing[2], 1.0])
    direction = np.array([*lean, 1.0]) / np.linalg.norm([*lean, 1.0])
    # Two axes of the section: R-L and A-P made perpendicular to the direction.
    across = np.array([1.0, 0.0, 0.0]) - direction[0] * direction
    across /= np.linalg.norm(across)
    forward = np.cross(direction, across)
    steps = (np.arange(5) - 2) / 5 if soft else np.zeros(1)
    i, j, k = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    total = np.zeros(shape)
    for di in steps:
        for dj in steps:
            offset = np.stack(
                [
                    (i + di - (shape[0] - 1) / 2) * spacing[0],
                    (j + dj - (shape[1] - 1) / 2) * spacing[1],
                    (k - (shape[2] - 1) / 2) * spacing[2],
                ],
                axis=-1,
            )
            total += ((offset @ across) / radii[0]) ** 2 + ((offset @ forward) / radii[1]) ** 2 <= 1
    return Volume((total / len(steps) ** 2).astype(np.float32), affine)


def shape_with_areas(areas, levels=None) -> CordShape:
    """A cord that has nothing but an area (mm²) and a length of 1 mm in each slice."""
    areas = np.asarray(areas, dtype=float)
    count = len(areas)
    return CordShape(
        slices=np.arange(count),
        columns={"area": areas, "length": np.ones(count)},
        centres_mm=np.zeros((count, 3)),
        grid=Grid((1, 1, count), np.eye(4)),
        centreline=None,
        options=MeasureOptions(),
        levels=None if levels is None else np.asarray(levels),
    )
