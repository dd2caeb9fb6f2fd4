"""From a segmenter's outputs to the share of each voxel that is cord, with the areas that the
outputs expect.

A network that is trained with a squared error answers with the mean of all that could be. Where
the edge is hardly seen (blur, noise, the conus among its roots) its outputs fade over more voxels,
and their sum over a slice is still the area that it expects. One line for all slices, which makes
sharp edges of such outputs where the edge is seen well, loses the area of the fainter ones. So the
line is scaled, slice by slice, until what it gives has the area of the outputs.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..network import Stage
from ..network.activations import ACTIVATIONS
from .cord_candidates import cord_candidates

# Fainter outputs than this are the network's noise, and have no part in an area.
_FAINTEST = 0.05
# The line is scaled by at least and at most this, and alike over so many mm (SD of a Gaussian): a
# slice alone has its own noise.
_SCALES, _ALIKE_MM = (0.5, 1.3), 10.0
_SCALES_TRIED = 33
# Pieces are separated at a low level, so that they keep their soft rims.
PIECE_LEVEL = 0.1


def soft_shares(
    raw: np.ndarray, stage: Stage, spacing: np.ndarray, where: np.ndarray
) -> tuple[np.ndarray, float]:
    """The cord in raw outputs, and how cord-like it is.

    Args:
        raw: (i, j, k) float32 outputs of the segmenter, axes to the Left, Anterior, Superior;
            overwritten.
        stage: the segmenter.
        spacing: (3,) mm.
        where: (i, j, k) bool: elsewhere is no cord.

    Returns:
        (i, j, k) float32 soft values in [0, 1] of the best candidate, 0 elsewhere, and its score,
        mm³; 0 where there is none.
    """
    if stage.edge is None:
        soft = ACTIVATIONS[stage.activation](raw)
        soft[~where] = 0
        return _best(soft, spacing)
    expected = _expected(raw, stage.edge)
    expected[~where] = 0
    # The faint ends of a piece belong to it.
    seen = cord_candidates(np.minimum(expected / stage.edge[1], 1), spacing, PIECE_LEVEL)
    if not seen:
        return np.zeros_like(expected), 0.0
    soft = _spread(expected, seen[0].mask, stage.edge, float(spacing[2]))
    soft[~seen[0].mask] = 0
    return _best(soft, spacing)


def soft_shares_near(
    raw: np.ndarray, stage: Stage, spacing: np.ndarray, near: np.ndarray
) -> np.ndarray:
    """All soft values of raw outputs, with the areas that they expect near a cord's line.

    Args:
        raw, stage, spacing: as for :func:`soft_shares`.
        near: (i, j, k) bool, where the areas are counted. Nothing is cut off there: a cord bends.

    Returns:
        (i, j, k) float32 in [0, 1].
    """
    if stage.edge is None:
        return ACTIVATIONS[stage.activation](raw)
    return _spread(_expected(raw, stage.edge), near, stage.edge, float(spacing[2]))


def _expected(raw: np.ndarray, edge: tuple[float, float]) -> np.ndarray:
    """What was trained: the probable share of each voxel; overwrites ``raw``."""
    raw *= edge[1] - edge[0]
    raw += edge[0]
    np.clip(raw, 0, 1, out=raw)
    raw[raw < _FAINTEST] = 0
    return raw


def _spread(
    expected: np.ndarray, where: np.ndarray, edge: tuple[float, float], step_mm: float
) -> np.ndarray:
    scales = _scales(expected, where, edge, step_mm).astype(np.float32)
    low, high = np.float32(edge[0]) * scales, np.float32(edge[1]) * scales
    return np.clip((expected - low) / (high - low), 0, 1, dtype=np.float32)


def _scales(
    expected: np.ndarray, where: np.ndarray, edge: tuple[float, float], step_mm: float
) -> np.ndarray:
    """(k,) by what the line is scaled in each slice; 1 where there is nothing."""
    low, high = edge
    tried = np.linspace(*_SCALES, _SCALES_TRIED)
    found = np.zeros((2, expected.shape[2]))
    for z in np.flatnonzero(where.any(axis=(0, 1))):
        values = expected[:, :, z][where[:, :, z]]
        values = values[values > 0]
        if len(values):
            lines = (values / tried[:, None] - low) / (high - low)
            areas = np.clip(lines, 0, 1).sum(axis=1, dtype=float)
            # The larger the scale, the smaller the area.
            scale = np.interp(-values.sum(dtype=float), -areas, tried)
            found[:, z] = scale, 1.0
    total, weight = ndimage.gaussian_filter1d(found, _ALIKE_MM / step_mm, mode="nearest")
    return np.divide(total, weight, out=np.ones_like(total), where=weight > 1e-6)


def _best(soft: np.ndarray, spacing: np.ndarray) -> tuple[np.ndarray, float]:
    candidates = cord_candidates(soft, spacing, PIECE_LEVEL)
    soft[~candidates[0].mask if candidates else ...] = 0
    return soft, candidates[0].score if candidates else 0.0
