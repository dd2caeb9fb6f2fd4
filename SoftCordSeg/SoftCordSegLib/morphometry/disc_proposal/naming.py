"""Which disc is which: names that fit the image, and names that do not.

Two things tell.  Above C2/C3 there is no disc, but the dens; so a disc-like place there, or none
where one should be, speaks against a name.  And a disc is narrow while a vertebral body is wide,
whatever the contrast, so a point in mid-body can be told from a disc.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .chain import INDIFFERENT, LIKENESS_WEIGHT, solve_chain
from .spacing import FIRST, LAST, SCALES, spacing_mm
from .straighten import STEP_MM

# Log odds between two namings that count as clear: about 20 to 1.
CLEAR = 3.0
C2_C3 = FIRST + 1
# Above C2/C3, this far, no disc is to be seen.
_DENS_MM = (8.0, 24.0)
_DENS_WEIGHT = 2.0 * LIKENESS_WEIGHT


def narrowness(patch: np.ndarray) -> float:
    """Edges 1.5 to 4.5 mm from the patch's middle against edges 4.5 to 7.5 mm from it: above 1 a
    disc, below it a vertebral body.

    Holds for the neck, where discs are 5 and bodies 12 mm high.
    """
    edges = np.abs(np.gradient(patch, axis=0)).mean(axis=1)
    away = np.abs(np.arange(len(edges)) - len(edges) // 2) * STEP_MM
    near, far = (
        edges[(away >= 1.5) & (away < 4.5)].mean(),
        edges[(away >= 4.5) & (away <= 7.5)].mean(),
    )
    return float(near / max(far, 1e-12))


def naming_log_odds(likeness: np.ndarray, rows: Mapping[int, int]) -> float:
    """How well the image fits discs of these values at these rows; a difference between two namings
    is their log odds.

    Args:
        likeness: (n,) correlation with a disc; NaN where the image does not reach.
        rows: row of each known disc, from C2/C3 down.
    """
    chain = solve_chain(likeness, rows, values_in_view(rows, len(likeness)), STEP_MM)
    odds = chain.log_evidence
    if C2_C3 in chain.values:
        top = int(chain.rows[list(chain.values).index(C2_C3)])
        window = likeness[
            max(top + int(_DENS_MM[0] / STEP_MM), 0) : max(top + int(_DENS_MM[1] / STEP_MM), 0)
        ]
        seen = window[np.isfinite(window)]
        if len(seen):
            odds -= _DENS_WEIGHT * max(float(seen.max()) - INDIFFERENT, 0.0)
    return odds


def best_renaming(likeness: np.ndarray, rows: Mapping[int, int]) -> tuple[int, float]:
    """Whether the discs fit better when all are named one higher (-1) or lower (+1).

    Returns:
        The better shift of the values and its log odds against the names as they are.
    """
    rows = {value: row for value, row in rows.items() if value >= C2_C3}
    if not rows:
        return 0, 0.0
    as_named = naming_log_odds(likeness, rows)
    shifts = [
        shift for shift in (-1, 1) if min(rows) + shift >= C2_C3 and max(rows) + shift <= LAST
    ]
    odds = [
        naming_log_odds(likeness, {value + shift: row for value, row in rows.items()}) - as_named
        for shift in shifts
    ]
    best = int(np.argmax(odds)) if odds else 0
    return (shifts[best], float(odds[best])) if odds else (0, 0.0)


def values_in_view(rows: Mapping[int, int], count: int) -> np.ndarray:
    """Disc values that can be in a strip of ``count`` rows, at the smallest scale."""
    top, bottom = min(rows), max(rows)
    row = float(rows[top])
    while top > FIRST and row < count:
        top -= 1
        row += SCALES[0] * spacing_mm(top) / STEP_MM
    row = float(rows[bottom])
    while bottom < LAST and row > 0:
        row -= SCALES[0] * spacing_mm(bottom) / STEP_MM
        bottom += 1
    return np.arange(top, bottom + 1)
