"""Discs proposed from the image, the mask and the discs that are known; the user moves points, and
the rest is proposed anew.

Known discs can be doubted.  Above C2/C3 there is no disc, but the dens; so a disc-like position
there, or none where one is expected, is evidence against a name.  And a disc is narrow while a
vertebral body is wide, whatever the contrast, so a point in mid-body can be told from a disc.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..volume import Volume
from .centreline import Centreline
from .disc_chain import (
    CORRELATION_WEIGHT,
    FIRST,
    INDIFFERENT,
    LAST,
    ChainResult,
    solve_chain,
    spacing_mm,
    values_in_view,
)
from .disc_naming import name_discs
from .disc_patterns import STEP_MM, Correlation, DiscPatterns, StraightSpine, straighten
from .discs import DiscLabel, check_discs
from .level_names import disc_name
from .measure import centreline_of

# Log odds between two namings that count as clear: about 20 to 1.
CLEAR = 3.0
C2_C3 = FIRST + 1
# At this distance above C2/C3 there is no disc.
_DENS_MM = (8.0, 24.0)
_DENS_WEIGHT = 2.0 * CORRELATION_WEIGHT


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


def naming_log_odds(correlation: np.ndarray, rows: Mapping[int, int]) -> float:
    """How well the image fits discs of these values at these rows, log; the difference between two
    namings is their log odds.

    Args:
        correlation: (n,) correlation with a disc; NaN where the image does not reach.
        rows: row of each known disc, from C2/C3 down.
    """
    chain = solve_chain(correlation, rows, values_in_view(rows, len(correlation), STEP_MM), STEP_MM)
    odds = chain.log_evidence
    if C2_C3 in chain.values:
        top = int(chain.rows[list(chain.values).index(C2_C3)])
        window = correlation[
            max(top + int(_DENS_MM[0] / STEP_MM), 0) : max(top + int(_DENS_MM[1] / STEP_MM), 0)
        ]
        seen = window[np.isfinite(window)]
        if len(seen):
            odds -= _DENS_WEIGHT * max(float(seen.max()) - INDIFFERENT, 0.0)
    return odds


def best_renaming(correlation: np.ndarray, rows: Mapping[int, int]) -> tuple[int, float]:
    """Whether the discs fit better when all are named one higher (-1) or lower (+1).

    Returns:
        The better shift of the values and its log odds against the names as they are.
    """
    rows = {value: row for value, row in rows.items() if value >= C2_C3}
    if not rows:
        return 0, 0.0
    as_named = naming_log_odds(correlation, rows)
    shifts = [
        shift for shift in (-1, 1) if min(rows) + shift >= C2_C3 and max(rows) + shift <= LAST
    ]
    odds = [
        naming_log_odds(correlation, {value + shift: row for value, row in rows.items()}) - as_named
        for shift in shifts
    ]
    best = int(np.argmax(odds)) if odds else 0
    return (shifts[best], float(odds[best])) if odds else (0, 0.0)


# Discs cannot be seen in slices thicker than this.
MAX_SLICE_MM = 3.0
CONFIDENT_WITHIN_MM = 2.5
_ROUNDS = 3
# Discs at least this confident contribute to the pattern.
_SURE = 0.7
# Distance of the second disc of a start, relative to PAM50's spacing.
_START_SCALES = (0.75, 0.85, 0.95, 1.05)
# Labels closer to the cord's middle than this were placed on the cord, not on the disc.
_ON_CORD_MM = 4.0
# In front of the cord's middle: posterior tips where no label shows their distance.
_USUAL_FRONT_MM = 8.0
_WIDE = 0.8


@dataclass(frozen=True)
class DiscProposal:
    """One disc.

    Attributes:
        label: value and position (posterior tip, or on the cord where the known labels are).
        confidence: probability, 0 to 1, that it lies within 2.5 mm along the cord, by the model; 1
            for a known disc.
        known: it was given, not found.
    """

    label: DiscLabel
    confidence: float
    known: bool


@dataclass(frozen=True)
class DiscNaming:
    """One way to name the discs that were found.

    Attributes:
        discs: from above to below, under these names.
        probability: of these names, 0 to 1, against all others.
    """

    discs: tuple[DiscProposal, ...]
    probability: float


@dataclass(frozen=True)
class Proposals(Sequence):
    """The discs from above to below, and whether the image agrees with the known ones.

    Attributes:
        discs: known and proposed; where no disc was known, under their most likely names.
        implausible: the positions or the names of the known discs do not fit the image.
        notes: sentences for the user.
        certain: the names are certain.  Otherwise somebody has to choose between ``namings``.
        namings: the ways to name the discs, the most likely one first; empty where a disc was
            known.
    """

    discs: tuple[DiscProposal, ...]
    implausible: bool = False
    notes: tuple[str, ...] = ()
    certain: bool = True
    namings: tuple[DiscNaming, ...] = ()

    def __len__(self) -> int:
        return len(self.discs)

    def __getitem__(self, index: Any) -> Any:
        return self.discs[index]

    @property
    def labels(self) -> list[DiscLabel]:
        """All discs as labels, known and proposed."""
        return [disc.label for disc in self.discs]


def propose_discs(
    image: Volume,
    mask: Volume,
    known: Iterable[DiscLabel] = (),
    *,
    progress: Progress | None = None,
) -> Proposals:
    """Find the other discs.

    The spine is straightened along the cord, the known discs are taken as patterns, and a chain
    with PAM50's spacings is fitted to the positions that look alike.  C2/C3 and the discs below it
    are found by their appearance; C1/C2 follows from the spacing alone.  Without a known disc see
    :func:`~.disc_naming.name_discs`.

    Args:
        image: any contrast that shows the vertebrae, with voxels of at most 3 mm along the cord.
        mask: soft or binary mask of the cord in the same space; need not be on the image's grid.
        known: discs that are marked.  Without one the discs are named by the image, and the
            result says whether these names are certain.
        progress: receives progress; checked for cancellation at every step.

    Raises:
        InputError: wrong discs (:func:`~.discs.check_discs`), thick slices, discs outside the
            image, or none known and nothing that looks like a disc.
        Cancelled: the user stopped the work.
    """
    known, progress = list(known), progress or Progress()
    progress.check_cancelled()
    centreline = centreline_of(mask)
    _check_slices(image, centreline)
    if known:
        known, _, _ = check_discs(known, centreline)
    progress.report(0.1, "Straightening the spine")
    progress.check_cancelled()
    spine = straighten(image, centreline)
    patterns = DiscPatterns(spine)
    if not known:
        return _propose_unnamed(mask, spine, patterns, progress.part(0.3, 1.0))
    located = {disc.value: spine.locate(np.asarray(disc.position_mm)) for disc in known}
    rows = {
        value: int(np.clip(round(position[0]), 0, len(patterns) - 1))
        for value, position in located.items()
    }
    chain, correlation = _best_fit(patterns, rows, progress.part(0.6, 1.0))
    front = float(np.median([position[2] for position in located.values()]))
    discs = _as_discs(chain, correlation, spine, known, front)
    notes = _doubts(patterns, correlation, rows)
    return Proposals(tuple(discs), bool(notes), notes)


def _check_slices(image: Volume, centreline: Centreline) -> None:
    middle = centreline.tangents.mean(axis=0)
    along = image.spacing[int(np.argmax(np.abs(middle @ (image.affine[:3, :3] / image.spacing))))]
    if along > MAX_SLICE_MM:
        raise InputError(
            f"The slices are {along:.1f} mm thick, too thick to see discs in.",
            hint="Mark the discs in a sagittal image of the same visit and carry them over.",
        )


def _best_fit(
    patterns: DiscPatterns, rows: dict[int, int], progress: Progress
) -> tuple[ChainResult, Correlation]:
    """The best of several fits.

    One disc alone can be a poor pattern (C2/C3 looks a little different from the rest), so further
    starts take a second patch from about where the next disc should be.
    """
    patches = {
        value: patch for value, row in rows.items() if (patch := patterns.patch(row)) is not None
    }
    if not patches:
        raise InputError(
            "None of the known discs is inside the image far enough to see what a disc looks"
            " like there.",
            hint="Mark another one.",
        )
    values = values_in_view(rows, len(patterns), STEP_MM)
    starts = [list(patches.values())]
    if len(patches) == 1:
        ((value, patch),) = patches.items()
        for scale in _START_SCALES:
            ways = [-spacing_mm(value)] + ([spacing_mm(value - 1)] if value > C2_C3 else [])
            seconds = [patterns.patch(rows[value] + round(scale * away / STEP_MM)) for away in ways]
            starts += [[patch, second] for second in seconds if second is not None]
    fits = []
    for number, start in enumerate(starts, start=1):
        progress.check_cancelled()
        fits.append(_fit(patterns, rows, values, start))
        progress.report(number / len(starts), "Matching discs")
    return max(fits, key=lambda fit: fit[0].log_evidence)


def _fit(
    patterns: DiscPatterns, rows: dict[int, int], values: np.ndarray, patches: list[np.ndarray]
) -> tuple[ChainResult, Correlation]:
    """A chain from patches, a pattern from all discs of the chain, a chain from that, and so on.

    The known discs weigh as much as all found ones together, so that the pattern stays close to
    them.
    """
    given = np.mean(
        [patch for row in rows.values() if (patch := patterns.patch(row)) is not None], axis=0
    )
    pattern = np.mean(patches, axis=0)
    for _ in range(_ROUNDS):
        correlation = patterns.correlate(pattern)
        chain = solve_chain(correlation.best, rows, values, STEP_MM)
        found = [
            patch
            for index, row in enumerate(chain.rows)
            if chain.values[index] > FIRST and 0 <= row < len(patterns)
            if chain.values[index] not in rows and _confidence(chain, index) > _SURE
            if (patch := patterns.patch(int(row), float(correlation.shift_mm[row]))) is not None
        ]
        pattern = given + np.mean(found, axis=0) if found else given
    return chain, correlation


def _as_discs(
    chain: ChainResult,
    correlation: Correlation,
    spine: StraightSpine,
    known: Sequence[DiscLabel],
    front: float,
) -> list[DiscProposal]:
    """Labels in the world for the discs that the image shows."""
    given = {disc.value: disc for disc in known}
    discs = []
    for index, (value, row) in enumerate(zip(chain.values.tolist(), chain.rows.tolist())):
        if value in given:
            discs.append(DiscProposal(given[value], 1.0, True))
        elif 0 <= row < len(correlation.best) and correlation.valid[row]:
            shift = correlation.shift_mm[row] if value > FIRST and front >= _ON_CORD_MM else 0.0
            x, y, z = spine.world(row, 0.0, front + shift)
            label = DiscLabel(value, (float(x), float(y), float(z)))
            discs.append(DiscProposal(label, _confidence(chain, index), False))
    return discs


def _confidence(chain: ChainResult, index: int) -> float:
    reach = int(CONFIDENT_WITHIN_MM / STEP_MM)
    row = int(chain.rows[index])
    return float(
        min(chain.marginals[index, max(row - reach, 0) : max(row + reach + 1, 0)].sum(), 1.0)
    )


def _propose_unnamed(
    mask: Volume, spine: StraightSpine, patterns: DiscPatterns, progress: Progress
) -> Proposals:
    """All discs that are found, under every name that they may have.

    Raises:
        InputError: nothing looks like a disc.
    """
    named = name_discs(mask, spine, patterns, progress)
    namings = tuple(
        DiscNaming(
            tuple(_as_discs(naming.chain, named.match, spine, (), _USUAL_FRONT_MM)),
            naming.probability,
        )
        for naming in named.namings
    )
    return Proposals(namings[0].discs, certain=named.certain, namings=namings)


def _doubts(
    patterns: DiscPatterns, correlation: Correlation, rows: dict[int, int]
) -> tuple[str, ...]:
    """Sentences where the image contradicts known discs."""
    notes = []
    for value, row in rows.items():
        patch = patterns.patch(row)
        if C2_C3 <= value <= 9 and patch is not None and narrowness(patch) < _WIDE:
            notes.append(
                f"The disc {disc_name(value)} (value {value}) is marked in the middle of a vertebra"
                " rather than at a disc. Check its position."
            )
    if notes:
        return tuple(notes)
    shift, odds = best_renaming(correlation.best, rows)
    if odds > CLEAR:
        value = next(value for value in rows if value >= C2_C3)
        where = "up" if shift < 0 else "down"
        notes.append(
            f"The disc marked as {disc_name(value)} looks like {disc_name(value + shift)}: the"
            f" discs above and below fit better when all are named by one vertebra further {where}."
        )
    return tuple(notes)
