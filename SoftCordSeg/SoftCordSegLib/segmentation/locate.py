"""Locating the cord on a coarse grid, anywhere in the field of view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..network import Stage
from ..network.activations import ACTIVATIONS
from ..network.limits import check_working_size
from ..progress import Progress
from ..volume import Volume, resample
from ..volume.intensities import Scaling
from .cord_candidates import Candidate, cord_candidates
from .tiles import Predict, predict_tiled

# The soft value at which coarse pieces are separated: low, because a miss here cannot be recovered.
_LEVEL = 0.25
# Where nothing is found there, or something else, what has at least this part of it is looked at,
# so many voxels beside that; if there is no such piece, one that has a part of that, and so on.
_FAINT, _BESIDE = (0.25, 0.1, 0.04, 0.016, 0.006), 2
# The segmenter decides among so many candidates.
_CANDIDATES = 3


def coarse_image(image: Volume, spacing_mm: float) -> Volume:
    """The whole image, averaged to ``spacing_mm`` isotropic voxels, float32."""
    grid = image.grid.with_spacing(spacing_mm)
    check_working_size(grid.shape, grid.spacing)
    return resample(image, grid, order=1, antialias=True)


def locator_sizes(
    shape: tuple[int, int, int], divisor: tuple[int, int, int], stage: Stage
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the coarse image is padded to, and the tile in which the locator sees it: all of it
    where it fits into the stage's tile.  Of the fields that the locator was trained on, it is
    padded to the one with which there is least to compute.

    Args:
        shape: of the coarse image.
        divisor: sizes must be multiples of it.
        stage: its tile is the largest volume that is run in one piece.
    """
    fields = stage.fields or ((0, 0, 0),)
    sizes = [[max(n, f) for n, f in zip(shape, field)] for field in fields]
    larger = [
        tuple(
            max(min(-(-n // d) * d, t) if n <= t else n, n)
            for n, d, t in zip(size, divisor, stage.tile)
        )
        for size in sizes
    ]
    padded = min(larger, key=math.prod)
    return padded, tuple(min(t, n) for t, n in zip(stage.tile, padded))


@dataclass(frozen=True, eq=False)
class Probabilities:
    """What the locator says of each voxel of the coarse image.

    Attributes:
        soft: (i, j, k) float32 in [0, 1], axes to the Left, Anterior, Superior.
        spacing: (3,) mm.
    """

    soft: np.ndarray
    spacing: np.ndarray

    def candidates(self) -> list[Candidate]:
        """The likeliest first."""
        return cord_candidates(self.soft, self.spacing, _LEVEL, most=_CANDIDATES)

    def fainter(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Others, beside these: of what the locator thinks hardly likely."""
        beside = np.ones(self.soft.shape, bool)
        for one in candidates:
            beside &= ~ndimage.binary_dilation(one.mask, iterations=_BESIDE)
        for part in _FAINT:
            stretched = np.minimum(self.soft / part, 1) * beside
            found = cord_candidates(stretched, self.spacing, _LEVEL, most=_CANDIDATES)
            if found:
                return found
        return []


def locate(
    coarse: Volume,
    scaling: Scaling,
    predict: Predict,
    divisor: tuple[int, int, int],
    stage: Stage,
    progress: Progress,
) -> Probabilities:
    """Where the cord could be, on the grid of ``coarse``.

    Args:
        coarse: of :func:`coarse_image`, axes to the Left, Anterior, Superior.
        scaling: of its intensities.
        predict: raw outputs of the locator for one tile.
        divisor: sizes must be multiples of it.
        stage: its tile is the largest volume that is run in one piece.
        progress: receives progress; checked for cancellation at every tile.
    """
    size, tile = locator_sizes(coarse.shape, divisor, stage)
    extra = [s - n for s, n in zip(size, coarse.shape)]
    padded = np.pad(scaling(coarse.data), [(e // 2, e - e // 2) for e in extra], mode="edge")
    raw = predict_tiled(padded, predict, tile, stage.overlap, progress, doing="Locating the cord")
    inside = tuple(slice(e // 2, e // 2 + n) for e, n in zip(extra, coarse.shape))
    soft = ACTIVATIONS[stage.activation](raw[inside])
    return Probabilities(soft, coarse.spacing)


def neighbourhood(located: Volume, margin_mm: float) -> Volume:
    """The located cord grown by ``margin_mm`` in every direction, bool on the coarse grid."""
    # Only about the cord: farther away nothing is near.
    margin = np.ceil(margin_mm / located.spacing).astype(int) + 1
    voxels = np.argwhere(located.data)
    near = np.zeros(located.shape, bool)
    if len(voxels):
        start = np.maximum(voxels.min(axis=0) - margin, 0)
        stop = voxels.max(axis=0) + 1 + margin
        part = tuple(slice(a, b) for a, b in zip(start, stop))
        distance = ndimage.distance_transform_edt(~located.data[part], sampling=located.spacing)
        near[part] = distance <= margin_mm
    return located.with_data(near)
