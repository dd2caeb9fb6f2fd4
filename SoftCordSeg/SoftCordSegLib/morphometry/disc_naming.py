"""Which disc is which, when none is known.

Three things tell, and none of them alone does so in every image: where discs are seen and where
none is (the dens above C2/C3 has none), the distances between them, and the cord's own shape,
which does not depend on seeing the vertebrae at all.  Every way to name the discs is weighed by
all three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..progress import Progress
from ..volume import Volume
from .cord_norms import CordProfile, cord_profile, log_fit
from .disc_chain import FIRST, LAST, ChainResult, chain_from_odds, values_in_view
from .disc_likeness import likeness_to_neighbours, log_narrowness
from .disc_patterns import BEYOND_MM, STEP_MM, Correlation, DiscPatterns, StraightSpine

# Log odds of a disc per unit of log narrowness above the indifferent one, and per unit of
# correlation with its neighbours above the indifferent one.
_NARROWNESS_WEIGHT, _NARROWNESS = 3.5, 0.5
_LIKENESS_WEIGHT, _LIKENESS = 5.0, 0.3
_MOST_LOG_ODDS = 5.0
# Some discs cannot be seen: worn ones, and those where the coil's signal ends.
_VISIBLE = 0.85
# The highest log narrowness of noise is about 0.6, of an image with discs at least 1.
_LEAST_NARROW = 0.8
# Names are certain from this probability on.
_CERTAIN = 0.95
# A diseased cord is unlike any healthy one: its shape alone does not overrule what is seen.
_MOST_BY_SHAPE = 10.0
# Only the neck is shaped so that its level is certain; and from few discs it is not.
_NECK = 8
_CERTAIN_DISCS = 3
# What evidence counts for elsewhere: there levels differ little, and the conus ends at any of four.
_OUTSIDE_NECK = 0.25
# Names less probable than this are not offered, nor more than a few.
_NAMES_WORTH_OFFERING = 0.02
_MOST_NAMES = 4
# Names are weighed with every second position.
_COARSE = 2
# The names that are tried.
_NAMES = range(FIRST + 1, LAST)
# Discs down to this one are named from the dens; those below it from counting.
_UPPER_NECK = 6


@dataclass(frozen=True, eq=False)
class NamedChain:
    """One way to name the discs.

    Attributes:
        value: of the disc that all ways share.
        chain: all discs.
        probability: of these names.
    """

    value: int
    chain: ChainResult
    probability: float


@dataclass(frozen=True, eq=False)
class NamedDiscs:
    """All ways to name the discs of an image.

    Attributes:
        namings: the most probable one first.
        certain: the first one is certain.
        match: how much each position looks like a disc, and how far in front of where discs are
            usually.
    """

    namings: tuple[NamedChain, ...]
    certain: bool
    match: Correlation


def name_discs(
    mask: Volume, spine: StraightSpine, patterns: DiscPatterns, progress: Progress
) -> NamedDiscs:
    """Find the discs and name them.

    Args:
        mask: of the cord.
        spine: straightened along that cord.
        patterns: of that spine.
        progress: receives progress; checked for cancellation.

    Raises:
        InputError: nothing looks like a disc.
    """
    progress.check_cancelled()
    narrowness = log_narrowness(patterns.flat)
    along_cord = (spine.arc_mm >= 0) & (spine.arc_mm <= spine.arc_mm[-1] - BEYOND_MM)
    seen = np.where(along_cord & np.isfinite(narrowness), narrowness, -np.inf)
    anchor = int(np.argmax(seen))
    if seen[anchor] < _LEAST_NARROW:
        raise _no_disc()
    profile = cord_profile(mask, spine)
    odds = _log_odds(narrowness)
    weights = _weigh(odds, anchor, profile, progress.part(0.0, 0.4))
    best = max(weights, key=weights.__getitem__)
    found = _seen_discs(_chain(odds, {best: anchor}), odds)
    patches = [patch for row in found.values() if (patch := patterns.patch(row)) is not None]
    if not patches:
        raise _no_disc()
    odds = _log_odds(narrowness, likeness_to_neighbours(patterns, [*found.values()]))
    anchor = _shared_disc(found, odds)
    weights = _weigh(odds, anchor, profile, progress.part(0.4, 0.8))
    best = max(weights, key=weights.__getitem__)
    seen_discs = _seen_discs(_chain(odds, {best: anchor}), odds)
    in_neck = sum(value <= _NECK for value in seen_discs) >= _CERTAIN_DISCS
    namings = _namings(weights, 1.0 if in_neck else _OUTSIDE_NECK, odds, anchor)
    certain = in_neck and namings[0].probability >= _CERTAIN
    progress.report(1.0, "Naming the discs")
    return NamedDiscs(namings, certain, _match(patterns, patches, sorted(found.values())))


def _no_disc() -> InputError:
    return InputError(
        "Nothing in front of the cord looks like a disc.",
        hint="Mark one disc, for example C2/C3, at its posterior tip.",
    )


def _log_odds(narrowness: np.ndarray, likeness: np.ndarray | None = None) -> np.ndarray:
    """(n,) log odds of a disc; NaN where the image does not reach."""
    odds = _NARROWNESS_WEIGHT * (narrowness - _NARROWNESS)
    if likeness is not None:
        odds = odds + np.where(
            np.isfinite(likeness), _LIKENESS_WEIGHT * (likeness - _LIKENESS), 0.0
        )
    return np.log(_VISIBLE * np.exp(np.minimum(odds, _MOST_LOG_ODDS)) + 1.0 - _VISIBLE)


def _weigh(
    odds: np.ndarray, anchor: int, profile: CordProfile, progress: Progress
) -> dict[int, float]:
    """Name of the disc at row ``anchor`` -> log evidence, comparable between names."""
    offset = anchor % _COARSE
    seen, shapes = {}, {}
    for name in _NAMES:
        progress.check_cancelled()
        chain = _chain(odds[offset::_COARSE], {name: anchor // _COARSE}, STEP_MM * _COARSE)
        discs = {
            value: row * _COARSE + offset
            for value, row in zip(chain.values.tolist(), chain.rows.tolist())
        }
        seen[name], shapes[name] = chain.log_evidence, log_fit(profile, discs)
        progress.report((name - _NAMES[0] + 1) / len(_NAMES), "Naming the discs")
    least = max(shapes.values()) - _MOST_BY_SHAPE
    return {name: seen[name] + max(shapes[name], least) for name in _NAMES}


def _chain(odds: np.ndarray, known: dict[int, int], step_mm: float = STEP_MM) -> ChainResult:
    return chain_from_odds(odds, known, values_in_view(known, len(odds), step_mm), step_mm)


def _seen_discs(chain: ChainResult, odds: np.ndarray) -> dict[int, int]:
    """Rows of the discs of a chain that the image shows more likely than not."""
    return {
        value: row
        for value, row in zip(chain.values.tolist(), chain.rows.tolist())
        if value > FIRST and 0 <= row < len(odds) and odds[row] > 0.0
    }


def _shared_disc(found: dict[int, int], odds: np.ndarray) -> int:
    """Row of a disc that is surely one, in the upper neck where there is one there."""
    upper = {value: row for value, row in found.items() if value <= _UPPER_NECK} or found
    return max(upper.values(), key=lambda row: odds[row])


def _match(patterns: DiscPatterns, patches: list[np.ndarray], rows: list[int]) -> Correlation:
    """Correlation with the mean disc.  The canal's width changes slowly, so that what one disc is
    shifted forwards is the median of its own shift and its neighbours'.
    """
    match = patterns.correlate(np.mean(patches, axis=0))
    shifts = ndimage.median_filter(match.shift_mm[rows], size=3, mode="nearest")
    return Correlation(match.best, np.interp(np.arange(len(patterns)), rows, shifts))


def _namings(
    weights: dict[int, float], trust: float, odds: np.ndarray, anchor: int
) -> tuple[NamedChain, ...]:
    """The names worth offering; ``trust`` is what a unit of evidence counts for."""
    most = max(weights.values())
    shares = {name: float(np.exp(trust * (weights[name] - most))) for name in weights}
    total = sum(shares.values())
    names = sorted(shares, key=shares.__getitem__, reverse=True)[:_MOST_NAMES]
    return tuple(
        NamedChain(name, _chain(odds, {name: anchor}), shares[name] / total)
        for name in names
        if shares[name] / total >= _NAMES_WORTH_OFFERING
    )
