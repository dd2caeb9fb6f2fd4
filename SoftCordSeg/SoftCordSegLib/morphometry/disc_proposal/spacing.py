"""How far discs lie apart along the spine: the prior for finding them."""

from __future__ import annotations

import numpy as np

# Slices (0.5 mm) of the posterior disc tips of PAM50, values 2 (C1/C2) to 21 (L1/L2); De Leener et
# al., NeuroImage 2018.
_PAM50_SLICES = (
    938,
    909,
    872,
    837,
    802,
    769,
    733,
    692,
    646,
    599,
    552,
    502,
    451,
    397,
    344,
    289,
    232,
    170,
    106,
    40,
)
# PAM50 ends at L1/L2; below it lumbar levels are about as long as its last one.
_LUMBAR_MM = (34.0, 34.0, 34.0, 33.0)
FIRST, LAST = 2, 25
# People differ in size (against PAM50), and within a person levels differ from PAM50's proportions.
SCALES = np.round(np.arange(0.70, 1.26, 0.05), 2)
_SCALE_MEAN, _SCALE_SD = 0.95, 0.12
_RELATIVE_SD = 0.10
# C1/C2 is no disc; where it is marked varies more.
_RELATIVE_SD_C1_C2 = 0.20


def spacing_mm(value: int) -> float:
    """Distance along the cord from disc ``value`` (2 to 24) down to the next one in PAM50, mm."""
    number = value - FIRST
    if number < len(_PAM50_SLICES) - 1:
        return 0.5 * (_PAM50_SLICES[number] - _PAM50_SLICES[number + 1])
    return _LUMBAR_MM[min(number - len(_PAM50_SLICES) + 1, len(_LUMBAR_MM) - 1)]


def relative_sd(value: int) -> float:
    """Standard deviation of that distance between people, as a fraction of it, size apart."""
    return _RELATIVE_SD_C1_C2 if value == FIRST else _RELATIVE_SD


def scale_log_prior() -> np.ndarray:
    """Log probability, up to a constant, of each of ``SCALES``."""
    return -0.5 * ((SCALES - _SCALE_MEAN) / _SCALE_SD) ** 2
