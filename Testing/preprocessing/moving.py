"""A cord by formula that moves from volume to volume in a known way."""

from __future__ import annotations

import numpy as np

from groundtruth.cords import LEFT_ANTERIOR_SUPERIOR, Cord, grid, stored
from SoftCordSegLib.preprocessing import Series

SPACING = (0.9, 0.9, 5.0)


def known_motion(volumes: int, slices: int, seed: int = 0, size_mm: float = 1.0) -> np.ndarray:
    """(n, k, 2) mm towards Left and Anterior: a parabola along the cord for each volume, the same
    in no two.
    """
    numbers = np.random.default_rng(seed).uniform(-size_mm, size_mm, (volumes, 3, 2)) * np.array(
        [[1.0], [0.5], [0.4]]
    )
    curves = np.polynomial.legendre.legvander(np.linspace(-1, 1, slices), 2)
    return np.einsum("kd,nda->nka", curves, numbers)


def moving_cord(
    motion: np.ndarray,
    axes=LEFT_ANTERIOR_SUPERIOR,
    letters: str = "LAS",
    shape=(44, 40),
    noise: float = 20.0,
    gains=(1.0,),
    lump: bool = True,
):
    """A series of a bright cord in a duller body, as diffusion-weighted volumes show it; and its
    mask where it lies unmoved.

    Args:
        motion: (n, k, 2) mm along the first two axes of the grid.
        axes: of the grid, in columns.
        letters: in which it is stored.
        shape: of a slice.
        noise: standard deviation, where the cord is 900 above what is around it.
        gains: brightness of the volumes, in turn.
        lump: something less bright beside the cord, so that there is something to see in every
            direction.
    """
    count, slices = motion.shape[:2]
    place = grid(SPACING, (*shape, slices), axes)
    cord, beside = (
        Cord(axes, radii=(6.5, 4.0), bend=(3, -4)),
        Cord(axes, radii=(2.0, 2.5), bend=(3, -4)),
    )
    along = ((np.arange(slices) - (slices - 1) / 2) * SPACING[2]).tolist()
    random = np.random.default_rng(1)
    volumes = []
    for n in range(count):

        def shift(w, n=n):
            return np.stack([np.interp(w, along, motion[n, :, axis]) for axis in (0, 1)], axis=1)

        def lower(w, n=n):
            return shift(w, n) + [9.0, -5.0]

        data = (
            100
            + 900 * cord.mask(place, shift).data
            + (500 * beside.mask(place, lower).data if lump else 0)
        )
        data = gains[n % len(gains)] * data + random.normal(0, noise, data.shape)
        volumes.append(stored(cord.mask(place).with_data(data.astype(np.float32)), letters))
    return Series(np.stack([one.data for one in volumes], axis=3), volumes[0].affine), stored(
        cord.mask(place), letters
    )
