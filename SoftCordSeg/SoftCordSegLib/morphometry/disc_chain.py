"""Discs as a chain: each looks like a disc, and its distance from the one above is about that of
the template.

The chain is a hidden Markov model over positions along the cord.  Its sums and maxima are exact
(forward-backward and Viterbi), over all scales of the template at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# Slices (0.5 mm) of the posterior disc tips of PAM50, values 2 (C1/C2) to 21 (L1/L2); De Leener et
# al., NeuroImage 2018.
PAM50_SLICES = (
    938, 909, 872, 837, 802, 769, 733, 692, 646, 599,
    552, 502, 451, 397, 344, 289, 232, 170, 106, 40,
)  # fmt: skip
# PAM50 ends at L1/L2; below it lumbar levels are about as long as its last one.
_LUMBAR_MM = (34.0, 34.0, 34.0, 33.0)
FIRST, LAST = 2, 25
# Participants differ in size from PAM50, and within one the levels differ from PAM50's proportions.
SCALES = np.round(np.arange(0.70, 1.26, 0.05), 2)
_SCALE_MEAN, _SCALE_SD = 0.95, 0.12
_RELATIVE_SD = 0.10
# C1/C2 is not a disc; its marked position varies more.
_RELATIVE_SD_C1_C2 = 0.20


def spacing_mm(value: int) -> float:
    """Distance along the cord from disc ``value`` (2 to 24) down to the next one in PAM50, mm."""
    number = value - FIRST
    if number < len(PAM50_SLICES) - 1:
        return 0.5 * (PAM50_SLICES[number] - PAM50_SLICES[number + 1])
    return _LUMBAR_MM[min(number - len(PAM50_SLICES) + 1, len(_LUMBAR_MM) - 1)]


def values_in_view(rows: Mapping[int, int], count: int, step_mm: float) -> np.ndarray:
    """Disc values that can be in a strip of ``count`` rows with these discs, at the smallest
    scale.
    """
    top, bottom = min(rows), max(rows)
    row = float(rows[top])
    while top > FIRST and row < count:
        top -= 1
        row += SCALES[0] * spacing_mm(top) / step_mm
    row = float(rows[bottom])
    while bottom < LAST and row > 0:
        row -= SCALES[0] * spacing_mm(bottom) / step_mm
        bottom += 1
    return np.arange(top, bottom + 1)


def relative_sd(value: int) -> float:
    """Standard deviation of that distance between participants of one size, as a fraction of it."""
    return _RELATIVE_SD_C1_C2 if value == FIRST else _RELATIVE_SD


def scale_log_prior() -> np.ndarray:
    """Log probability, up to a constant, of each of ``SCALES``."""
    return -0.5 * ((SCALES - _SCALE_MEAN) / _SCALE_SD) ** 2


# Log odds of a disc: the weight of a correlation above or below the indifferent one against the
# prior.
CORRELATION_WEIGHT = 10.0
INDIFFERENT = 0.5
_IMPOSSIBLE = -1e9


@dataclass(frozen=True, eq=False)
class ChainResult:
    """The positions of the discs of a chain.

    Attributes:
        values: (k,) disc values, from above to below.
        rows: (k,) best position of each, index; may lie beyond the ends.
        marginals: (k, n) probability of each position; the rest to 1 is beyond the ends.
        log_evidence: how well the chain explains the correlation as a whole; comparable between
            chains of the same image.
        scale: of the template.
    """

    values: np.ndarray
    rows: np.ndarray
    marginals: np.ndarray
    log_evidence: float
    scale: float


def solve_chain(
    correlation: np.ndarray, known: Mapping[int, int], values: np.ndarray, step_mm: float
) -> ChainResult:
    """Find the discs ``values`` (consecutive, from above to below).

    Args:
        correlation: (n,) correlation with a disc, -1 to 1, at each position from below to above;
            NaN where the image does not reach.
        known: row of each disc that is known; at least one, all among ``values``.
        values: disc values to find.
        step_mm: distance between positions.
    """
    return chain_from_odds(CORRELATION_WEIGHT * (correlation - INDIFFERENT), known, values, step_mm)


def chain_from_odds(
    log_odds: np.ndarray, known: Mapping[int, int], values: np.ndarray, step_mm: float
) -> ChainResult:
    """As :func:`solve_chain`, from the (n,) log odds of a disc at each position; NaN where the
    image does not reach.
    """
    count = len(log_odds)
    below, above = _rows_beyond(count, known, values, step_mm)
    log_odds = np.pad(log_odds, (below, above), constant_values=np.nan)
    known = {value: row + below for value, row in known.items()}
    odds = np.where(np.isfinite(log_odds), log_odds, 0.0)
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


def _rows_beyond(
    count: int, known: Mapping[int, int], values: np.ndarray, step_mm: float
) -> tuple[int, int]:
    """Rows to add below and above, for discs outside the image at the largest scale."""
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
