"""A training pair, where pairs come from, and how sources are mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Pair:
    """One image patch and its answer, axes to the Left, Anterior, Superior (nibabel LAS, SCT-RPI).

    Attributes:
        image: (i, j, k) float32, scaled by the input contract of the bundle that is made
            (:mod:`.patch_scaling`).
        label: (i, j, k) float32 in [0, 1], the soft mask of the cord.
        weight: (i, j, k) float32, 0 where the answer is not known or not defined, else up to 1.
    """

    image: np.ndarray
    label: np.ndarray
    weight: np.ndarray


class Source(Protocol):
    """Makes pairs; the same seed gives the same pair, whoever asks and whenever.

    One that reads its answers from files names them in ``label_files``.
    """

    def pair(self, seed: int | Sequence[int]) -> Pair:
        """The pair that belongs to ``seed`` (anything that ``numpy.random.default_rng`` takes)."""


class Mixture:
    """Several sources as one.

    Args:
        sources: what to draw from.
        shares: how often each is drawn; they need not sum to 1.
    """

    def __init__(self, sources: Sequence[Source], shares: Sequence[float]):
        if len(sources) != len(shares) or not sources or min(shares) < 0 or sum(shares) <= 0:
            raise ValueError("a mixture needs one share, not negative, for each of its sources")
        self._sources = list(sources)
        self.label_files = tuple(
            path for source in sources for path in getattr(source, "label_files", ())
        )
        self._shares = np.asarray(shares, float) / sum(shares)

    def pair(self, seed: int | Sequence[int]) -> Pair:
        """The pair that belongs to ``seed``, of the source that the seed falls on."""
        chosen = np.random.default_rng(seed).choice(len(self._sources), p=self._shares)
        return self._sources[chosen].pair(seed)


def normalised(image: np.ndarray) -> np.ndarray:
    """Robust scaling of the whole image: its 1st and 99th percentiles to -1 and 1, clipped at -3
    and 3; float32.
    """
    low, high = (
        np.percentile(image[::2, ::2, ::2], (1, 99))
        if image.size > 4096
        else np.percentile(image, (1, 99))
    )
    return np.clip((image - low) * np.float32(2 / max(high - low, 1e-6)) - 1, -3, 3).astype(
        np.float32
    )
