"""Hypothesis strategies for corrected masks: any prediction, any edits, any voxel size, thresholds
where rounding bites.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

shapes = st.tuples(*[st.integers(1, 8)] * 3)
spacings = st.tuples(*[st.floats(0.3, 8.0)] * 3)
# Numbers that float32 rounds up (0.1, 0.7) and down (0.3, 0.9), and the ends.
thresholds = st.one_of(st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 1e-6]), st.floats(0.001, 1.0))


class State(NamedTuple):
    """A corrected mask: what was predicted, what was said, and the voxel size in mm."""

    p0: np.ndarray
    edits: np.ndarray
    spacing: tuple[float, float, float]


@st.composite
def states(draw, edited: bool = True) -> State:
    """Noise with many voxels at exactly 0, 1 and common thresholds; edits in random voxels, or
    none; both memory orders.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(shapes)
    p0 = rng.random(shape).astype(np.float32)
    special = rng.choice(np.array([0, 1, 0.1, 0.3, 0.5, 0.7, 0.9, 1e-6], np.float32), shape)
    p0 = np.where(rng.random(shape) < 0.5, special, p0)
    density = draw(st.sampled_from([0.05, 0.5, 1.0])) if edited else 0.0
    edits = np.where(rng.random(shape) < density, rng.choice([-1, 1], shape), 0).astype(np.int8)
    order = draw(st.sampled_from("CF"))
    return State(np.asarray(p0, order=order), np.asarray(edits, order=order), draw(spacings))


@st.composite
def segments(draw, shape: tuple[int, int, int]) -> np.ndarray:
    """Any segment: bool of a shape."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.random(shape) < draw(st.sampled_from([0.0, 0.2, 0.8, 1.0]))
