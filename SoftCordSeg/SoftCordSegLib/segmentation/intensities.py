"""Scaling of intensities, by the whole image and never by a part of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scaling:
    """Maps ``low`` to -1 and ``high`` to 1, and clips at -3 and 3."""

    low: float
    high: float

    @classmethod
    def of(cls, image: np.ndarray) -> Scaling:
        """The 1st and 99th percentiles of a whole image (its coarse version serves)."""
        low, high = np.percentile(image, (1, 99))
        return cls(float(low), float(high))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """float32, the same shape."""
        scaled = (np.asarray(image, np.float32) - np.float32(self.low)) * np.float32(2 / max(self.high - self.low, 1e-6))
        scaled -= 1
        return np.clip(scaled, -3, 3, out=scaled)
