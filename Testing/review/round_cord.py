"""A round cord in its fluid, as simple as can be, whose area and middle are known."""

from __future__ import annotations

import numpy as np

from SoftCordSegLib.volume import Volume, reorient

RADIUS_MM = 4.5
AREA_MM2 = np.pi * RADIUS_MM**2
SHAPE, CENTRE = (48, 52, 60), (24.0, 26.0)
AFFINE = np.array([[1, 0, 0, -24], [0, 1, 0, -20], [0, 0, 1.5, 100], [0, 0, 0, 1]], float)


def off_axis(centre=CENTRE):
    """Distance of each voxel from the cord's axis, mm."""
    i, j, _ = np.indices(SHAPE)
    return np.hypot(i - centre[0], j - centre[1])


def mask(radius=RADIUS_MM, centre=CENTRE):
    """Its soft mask, RAS, from the lowest to the highest slice."""
    return np.clip(radius - off_axis(centre) + 0.5, 0, 1).astype(np.float32)


def image(noise=20.0, seed=1):
    """Cord 400, fluid 900 to 8 mm, bone 150 around, muscles left and right."""
    away = off_axis()
    values = np.select([away < RADIUS_MM, away < 8], [400.0, 900.0], 150.0)
    i, j, k = np.indices(SHAPE)
    values += 120 * np.exp(-((j - 40) ** 2) / 30) * (1 + 0.2 * np.cos(k / 5))
    values += 200 * np.exp(-((np.abs(i - CENTRE[0]) - 17) ** 2) / 8)
    return values + np.random.default_rng(seed).normal(0, noise, SHAPE)


def volume(data, letters="RAS"):
    """On the cord's grid, stored with axes towards ``letters``."""
    turned = reorient(Volume(np.asarray(data, np.float32), AFFINE), letters)
    return Volume(np.ascontiguousarray(turned.data), turned.affine)
