"""NormReLU: the paper's last activation (section 2.3.3), over a whole volume."""

from __future__ import annotations

import numpy as np


def normrelu(raw: np.ndarray) -> np.ndarray:
    """relu(x) / max(relu(x)) over the whole array; all zero where nothing is positive.

    Args:
        raw: network outputs of the *whole* volume, any shape.  Never one tile: each tile would be scaled by its own maximum.

    Returns:
        float32 values in [0, 1].
    """
    positive = np.maximum(raw, 0, dtype=np.float32)
    highest = float(positive.max(initial=0.0))
    return positive / highest if highest > 0 else positive
