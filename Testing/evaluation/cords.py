"""Soft masks of cords of known area in scanner coordinates, on any grid."""

from __future__ import annotations

import functools

import numpy as np

from SoftCordSegLib.volume import Volume


def radius_at(height_mm):
    """5 mm, with an enlargement of 1 mm about S = 20 mm."""
    return 5.0 + np.exp(-(((np.asarray(height_mm) - 20.0) / 12.0) ** 2))


def middle_at(height_mm):
    """(…, 2) R and A of the cord's middle: it leans forwards by a tenth."""
    height_mm = np.asarray(height_mm, float)
    return np.stack([np.full_like(height_mm, 2.0), 0.1 * height_mm], axis=-1)


@functools.lru_cache(maxsize=32)
def a_cord(
    spacing, bottom_mm, top_mm, tilt=0.0, wider_mm=0.0, field_mm=40.0, offset=(0.0, 0.0)
) -> Volume:
    """A soft mask, LAS: around :func:`middle_at`, its area at right angles to S that of
    :func:`radius_at`. It is shared between tests: leave its voxels as they are.

    Args:
        spacing: (in plane, between slices), mm.
        bottom_mm, top_mm: S of the first and behind the last slice's middle.
        tilt: the slices go up by so much from back to front.
        wider_mm: added to the radius.
        field_mm: of the square slices.
        offset: R and A of the middle of the field, mm.
    """
    plane, step = spacing
    n, slices = int(round(field_mm / plane)), int(round((top_mm - bottom_mm) / step))
    affine = np.eye(4)
    affine[:3, 0] = -plane, 0.0, 0.0
    affine[:3, 1] = np.array([0.0, 1.0, tilt]) / np.hypot(1.0, tilt) * plane
    affine[:3, 2] = np.array([0.0, -tilt, 1.0]) / np.hypot(1.0, tilt) * step
    affine[:3, 3] = np.array([*offset, bottom_mm]) - affine[:3, :3] @ np.array(
        [(n - 1) / 2, (n - 1) / 2, 0.0]
    )
    total, parts = np.zeros((n, n, slices)), (np.arange(5) + 0.5) / 5 - 0.5
    i, j, k = np.meshgrid(np.arange(n), np.arange(n), np.arange(slices), indexing="ij")
    for first in parts:
        for second in parts:
            places = (
                np.stack([i + first, j + second, k], axis=-1) @ affine[:3, :3].T + affine[:3, 3]
            )
            away = np.linalg.norm(places[..., :2] - middle_at(places[..., 2]), axis=-1)
            total += away <= radius_at(places[..., 2]) + wider_mm
    return Volume((total / 25.0).astype(np.float32), affine)
