"""Hypothesis strategies for what scanners and exports really give: any axes order and direction,
spacing and tilt.
"""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from SoftCordSegLib.volume import Volume

# All 48 ways to lay three array axes along the patient's axes, left-handed ones included.
ORIENTATIONS = [
    "".join(letters)
    for axes in itertools.permutations(("RL", "AP", "SI"))
    for letters in itertools.product(*axes)
]

orientations = st.sampled_from(ORIENTATIONS)
spacings = st.tuples(*[st.floats(0.3, 20.0)] * 3)
shapes = st.tuples(*[st.integers(1, 9)] * 3)


@st.composite
def affines(draw, max_tilt_degrees: float = 180.0) -> np.ndarray:
    """4x4 affines: an orientation, anisotropic spacing, a tilt about any axis, and a place within a
    metre.
    """
    columns = {
        "R": (1, 0, 0),
        "L": (-1, 0, 0),
        "A": (0, 1, 0),
        "P": (0, -1, 0),
        "S": (0, 0, 1),
        "I": (0, 0, -1),
    }
    axes = np.array([columns[letter] for letter in draw(orientations)], dtype=float).T
    # The third is never exactly 0, so that there always is a direction.
    direction = np.array([*draw(st.tuples(*[st.floats(-1, 1)] * 2)), draw(st.floats(1e-3, 1))])
    angle = np.radians(
        draw(st.one_of(st.just(0.0), st.floats(-max_tilt_degrees, max_tilt_degrees)))
    )
    tilt = Rotation.from_rotvec(angle * direction / np.linalg.norm(direction)).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = tilt @ axes * np.array(draw(spacings))
    affine[:3, 3] = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    return affine


@st.composite
def volumes(draw, dtype: type = np.float32, max_tilt_degrees: float = 180.0) -> Volume:
    """Small volumes of noise: values in [0, 1] for floating types, in [0, 100] for others."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    data = rng.random(draw(shapes))
    data = data if np.issubdtype(dtype, np.floating) else data * 100
    return Volume(data.astype(dtype), draw(affines(max_tilt_degrees)))
