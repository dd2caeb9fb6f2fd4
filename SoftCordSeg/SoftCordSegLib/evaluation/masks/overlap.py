"""How well one mask agrees with another: plain functions on arrays of one shape.

The paper had Dice and the relative volume error from ANIMA's ``animaSegPerfAnalyzer``, of masks cut
at 0.5; these are the same definitions.  Its surface distance is another matter, see
:mod:`~.masks.surface`.
"""

from __future__ import annotations

import math

import numpy as np

from ...errors import InputError


def dice(mask: np.ndarray, reference: np.ndarray) -> float:
    """2 |A ∩ B| / (|A| + |B|) of two boolean arrays; 1 where both are empty.

    Raises:
        InputError: their shapes differ.
    """
    mask, reference = _same_shape(np.asarray(mask, bool), np.asarray(reference, bool))
    total = int(mask.sum()) + int(reference.sum())
    return 2.0 * int((mask & reference).sum()) / total if total else 1.0


def soft_dice(mask: np.ndarray, reference: np.ndarray) -> float:
    """2 Σ p y / (Σ p + Σ y) of values in [0, 1]; 1 where both are 0 everywhere.

    It is the authors' measure during training.  Only binary masks can reach 1: a soft mask is not
    fully like itself.

    Raises:
        InputError: their shapes differ.
    """
    mask, reference = _same_shape(np.asarray(mask), np.asarray(reference))
    total = mask.sum(dtype=float) + reference.sum(dtype=float)
    return float(2.0 * np.multiply(mask, reference, dtype=float).sum() / total) if total else 1.0


def relative_volume_error(mask: np.ndarray, reference: np.ndarray) -> float:
    """100 (V − V_ref) / V_ref of two boolean arrays, %: below 0 the mask is too small.  NaN for an
    empty reference.

    Raises:
        InputError: their shapes differ.
    """
    return 100.0 * (volume_ratio(np.asarray(mask, bool), np.asarray(reference, bool)) - 1.0)


def volume_ratio(mask: np.ndarray, reference: np.ndarray) -> float:
    """Σ p / Σ y, partial volumes counted; NaN for an empty reference.

    Raises:
        InputError: their shapes differ.
    """
    mask, reference = _same_shape(np.asarray(mask), np.asarray(reference))
    total = reference.sum(dtype=float)
    return float(mask.sum(dtype=float) / total) if total else math.nan


def _same_shape(mask: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if mask.shape != reference.shape:
        raise InputError(
            f"The mask has the shape {mask.shape} and the reference {reference.shape}, so that they"
            " cannot be compared voxel by voxel. Bring the mask to the grid of the reference"
            " first."
        )
    return mask, reference
