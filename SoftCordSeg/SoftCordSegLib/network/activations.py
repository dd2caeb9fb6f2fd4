"""From raw network outputs of a whole volume to soft values in [0, 1]."""

from __future__ import annotations

import numpy as np


def normrelu(raw: np.ndarray) -> np.ndarray:
    """The paper's NormReLU (section 2.3.3): relu(x) / max(relu(x)); all zero where nothing is
    positive.

    Args:
        raw: network outputs of the *whole* volume, any shape.  Never one tile: each tile would be
            scaled by its own maximum.

    Returns:
        float32 values in [0, 1].
    """
    positive = np.maximum(raw, 0, dtype=np.float32)
    highest = float(positive.max(initial=0.0))
    return positive / highest if highest > 0 else positive


def clip(raw: np.ndarray) -> np.ndarray:
    """Outputs of a regression to [0, 1] as they are, without what overshoots; float32."""
    return np.clip(raw, 0, 1, dtype=np.float32)


def sigmoid(raw: np.ndarray) -> np.ndarray:
    """Of logits; float32 in [0, 1]."""
    return (0.5 * (1 + np.tanh(0.5 * raw))).astype(np.float32)


ACTIVATIONS = {"normrelu": normrelu, "clip": clip, "sigmoid": sigmoid}
