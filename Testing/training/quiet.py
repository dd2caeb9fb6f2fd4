"""Random numbers that change nothing, so that a test sees what else is done to a patch."""

from __future__ import annotations

import numpy as np


class Quiet(np.random.Generator):
    """Spreads of 0, the middle of every range, and for ``random`` the given numbers, then 1:
    nothing happens by chance.

    Args:
        randoms: what ``random`` gives first.
    """

    def __new__(cls, *_randoms: float):
        return super().__new__(cls, np.random.PCG64(0))

    def __init__(self, *randoms: float):
        super().__init__(np.random.PCG64(0))
        self._randoms = list(randoms)

    def random(self, size=None, dtype=np.float64, out=None):
        return self._randoms.pop(0) if self._randoms else 1.0

    def uniform(self, low=0.0, high=1.0, size=None):
        middle = (low + high) / 2
        return middle if size is None else np.full(size, middle)

    def standard_normal(self, size=None, dtype=np.float64, out=None):
        return 0.0 if size is None else np.zeros(size)
