"""Discs as a chain: each looks like a disc, and lies about as far below the one above as in the
template.

The chain is a hidden Markov model over positions along the cord.  Its sums and maxima are exact
(forward-backward and Viterbi), over all scales of the template at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .spacing import FIRST, SCALES, relative_sd, scale_log_prior, spacing_mm

# Log odds of a disc: what likeness (a correlation) above or below the indifferent one weighs
# against the prior.
LIKENESS_WEIGHT = 10.0
INDIFFERENT = 0.5
_IMPOSSIBLE = -1e9


@dataclass(frozen=True, eq=False)
class ChainResult:
    """Where the discs of a chain lie.

    Attributes:
        values: (k,) disc values, from above to below.
        rows: (k,) best position of each, index; may lie beyond the ends.
        marginals: (k, n) probability of each position; what is missing to 1 lies beyond the ends.
        log_evidence: how well the chain explains the likeness as a whole; comparable between chains
            of the same image.
        scale: of the template.
    """

    values: np.ndarray
    rows: np.ndarray
    marginals: np.ndarray
    log_evidence: float
    scale: float


def solve_chain(
    likeness: np.ndarray, known: Mapping[int, int], values: np.ndarray, step_mm: float
) -> ChainResult:
    """Find the discs ``values`` (consecutive, from above to below).

    Args:
        likeness: (n,) correlation with a disc, -1 to 1, at each position from below to above; NaN
            where the image does not reach.
        known: row of each disc that is known; at least one, all among ``values``.
        values: disc values to place.
        step_mm: distance between positions.
    """
    count = len(likeness)
    below, above = _room_beyond(len(likeness), known, values, step_mm)
    likeness = np.pad(likeness, (below, above), constant_values=np.nan)
    known = {value: row + below for value, row in known.items()}
    odds = np.where(np.isfinite(likeness), LIKENESS_WEIGHT * (likeness - INDIFFERENT), 0.0)
    scores = np.repeat(odds[None, :], len(values), axis=0)
    scores[values == FIRST] = 0.0  # C1/C2 does not look like a disc
    for value, row in known.items():
        index = int(value - values[0])
        scores[index] = _IMPOSSIBLE
        scores[index, row] = 0.0 if value == FIRST else odds[row]
    results = [_solve_at_scale(scores, values, scale, step_mm) for scale in SCALES]
    evidence = np.array([result[0] for result in results]) + scale_log_prior()
    log_evidence = float(evidence.max() + np.log(np.exp(evidence - evidence.max()).sum()))
    marginals = np.einsum(
        "s,skn->kn", np.exp(evidence - log_evidence), np.stack([result[1] for result in results])
    )
    best = int(np.argmax(evidence))
    rows = _most_likely(scores, values, SCALES[best], step_mm)
    return ChainResult(
        values, rows - below, marginals[:, below : below + count], log_evidence, float(SCALES[best])
    )


def _room_beyond(
    count: int, known: Mapping[int, int], values: np.ndarray, step_mm: float
) -> tuple[int, int]:
    """Rows to add below and above, so that discs that the image does not show have room at the
    largest scale.
    """
    lowest, highest = max(known), min(known)
    down = sum(spacing_mm(value) for value in range(lowest, int(values[-1])))
    up = sum(spacing_mm(value) for value in range(int(values[0]), highest))
    reach = SCALES[-1] * 1.2 / step_mm
    return max(int(down * reach) - known[lowest], 0) + 1, max(
        int(up * reach) - (count - known[highest]), 0
    ) + 1


def _transition(value: int, scale: float, count: int, step_mm: float) -> np.ndarray:
    """(d,) log probability of lying 0, 1, 2 … rows below the disc above."""
    expected = scale * spacing_mm(int(value))
    sd = relative_sd(int(value)) * expected
    distance = np.arange(count) * step_mm
    logs = -0.5 * ((distance - expected) / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi) / step_mm)
    reach = min(int((expected + 4 * sd) / step_mm) + 1, count)
    return logs[:reach]


def _down(message: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Log-sum over the position of the disc above: each lies at or above (a higher row)."""
    peak = message.max()
    return peak + np.log(
        np.maximum(
            np.convolve(np.exp(message - peak)[::-1], np.exp(logs))[: len(message)][::-1], 1e-300
        )
    )


def _up(message: np.ndarray, logs: np.ndarray) -> np.ndarray:
    peak = message.max()
    return peak + np.log(
        np.maximum(np.convolve(np.exp(message - peak), np.exp(logs))[: len(message)], 1e-300)
    )


def _solve_at_scale(
    scores: np.ndarray, values: np.ndarray, scale: float, step_mm: float
) -> tuple[float, np.ndarray]:
    """Log evidence and marginals (k, n) at one scale."""
    count = scores.shape[1]
    moves = [_transition(value, scale, count, step_mm) for value in values[:-1]]
    from_above = [np.zeros(count)]
    for index, logs in enumerate(moves):
        from_above.append(_down(from_above[-1] + scores[index], logs))
    from_below = [np.zeros(count)]
    for index in range(len(moves) - 1, -1, -1):
        from_below.append(_up(from_below[-1] + scores[index + 1], moves[index]))
    belief = np.stack(from_above) + scores + np.stack(from_below[::-1])
    peak = belief.max(axis=1, keepdims=True)
    sums = np.exp(belief - peak).sum(axis=1, keepdims=True)
    return float(peak[0, 0] + np.log(sums[0, 0])), np.exp(belief - peak) / sums


def _most_likely(
    scores: np.ndarray, values: np.ndarray, scale: float, step_mm: float
) -> np.ndarray:
    """The single best chain at one scale, (k,) rows."""
    count = scores.shape[1]
    best, arrivals = scores[0], []
    for index, value in enumerate(values[:-1]):
        logs = _transition(value, scale, count, step_mm)
        shifted = np.full((len(logs), count), -np.inf)
        for distance, log in enumerate(logs):
            shifted[distance, : count - distance] = best[distance:] + log
        arrivals.append(np.argmax(shifted, axis=0))
        best = shifted.max(axis=0) + scores[index + 1]
    rows = [int(np.argmax(best))]
    for arrival in reversed(arrivals):
        rows.append(rows[-1] + int(arrival[rows[-1]]))
    return np.array(rows[::-1])
