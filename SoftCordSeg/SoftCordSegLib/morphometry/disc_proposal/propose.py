"""Discs proposed from the image, the mask and the discs that are known; the user moves points, and
the rest is proposed anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...progress import Progress
from ...volume import Volume
from ..levels.discs import DiscLabel, check_discs
from ..levels.names import disc_name
from ..shape.measure import centreline_of
from ..slices.centreline import Centreline
from .chain import ChainResult, solve_chain
from .likeness import DiscPatterns, Likeness
from .naming import C2_C3, CLEAR, best_renaming, naming_log_odds, narrowness, values_in_view
from .spacing import FIRST, spacing_mm
from .straighten import STEP_MM, StraightSpine, straighten

# Slices thicker than this do not show where a disc is.
MAX_SLICE_MM = 3.0
CONFIDENT_WITHIN_MM = 2.5
_ROUNDS = 3
# Discs as sure as this help to make the pattern.
_SURE = 0.7
# Where the second disc of a start is taken from, against PAM50's spacing.
_START_SCALES = (0.75, 0.85, 0.95, 1.05)
# Labels nearer to the cord's middle than this were laid on the cord, not on the disc.
_ON_CORD_MM = 4.0
# In front of the cord's middle; where posterior tips are when no label says so.
_USUAL_FRONT_MM = 8.0
_NARROW, _WIDE = 1.2, 0.8
# Which names are tried for a disc when none is known.
_FIRST_NAMES = range(C2_C3, 13)
_SOME_NAME = 6


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
class Proposals(Sequence):
    """The discs from above to below, and what the image says about the known ones.

    Attributes:
        discs: known and proposed.
        implausible: the known discs do not fit the image where they are or as they are named.
        notes: sentences for the user.
    """

    discs: tuple[DiscProposal, ...]
    implausible: bool = False
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.discs)

    def __getitem__(self, index):
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
    with PAM50's spacings is laid over the places that look alike.  C2/C3 and the discs below it are
    found by their looks; C1/C2 follows from the spacing alone.

    Args:
        image: any contrast that shows the vertebrae, with voxels of at most 3 mm along the cord.
        mask: soft or binary mask of the cord in the same space; need not be on the image's grid.
        known: discs that are marked.  None are needed where C2/C3 and the dens above it can be
            seen.
        progress: reports, and is asked at every step whether to stop.

    Raises:
        InputError: wrong discs (:func:`~.discs.check_discs`), thick slices, discs outside the
            image, or none known and the image cannot tell which is which.
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
    places = {disc.value: spine.locate(np.asarray(disc.position_mm)) for disc in known}
    rows = {
        value: int(np.clip(round(place[0]), 0, len(patterns) - 1))
        for value, place in places.items()
    }
    if not known:
        rows = _name_without_labels(patterns, progress.part(0.3, 0.6))
    chain, likeness = _best_fit(patterns, rows, progress.part(0.6, 1.0))
    front = float(np.median([place[2] for place in places.values()])) if places else _USUAL_FRONT_MM
    discs = _as_discs(chain, likeness, spine, known, front)
    notes = _doubts(
        patterns, likeness, {value: row for value, row in rows.items() if value in places}
    )
    return Proposals(tuple(discs), bool(notes), notes)


def _check_slices(image: Volume, centreline: Centreline) -> None:
    middle = centreline.tangents.mean(axis=0)
    along = image.spacing[int(np.argmax(np.abs(middle @ (image.affine[:3, :3] / image.spacing))))]
    if along > MAX_SLICE_MM:
        raise InputError(
            f"The slices are {along:.1f} mm thick, too thick to see discs in. Mark the discs in "
            "a sagittal image of the same visit and carry them over."
        )


def _best_fit(
    patterns: DiscPatterns, rows: dict[int, int], progress: Progress
) -> tuple[ChainResult, Likeness]:
    """Fit from several starts, keep the best.

    One disc alone can be a poor pattern (C2/C3 looks a little different from the rest), so further
    starts take a second patch from about where the next disc should be.
    """
    patches = {
        value: patch for value, row in rows.items() if (patch := patterns.patch(row)) is not None
    }
    if not patches:
        raise InputError(
            "None of the known discs is inside the image far enough to see what a disc looks like"
            " there. Mark another one."
        )
    values = values_in_view(rows, len(patterns))
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
) -> tuple[ChainResult, Likeness]:
    """A chain from patches, a pattern from all discs of the chain, a chain from that, and so on.

    The known discs weigh as much as all that are found, so that the pattern cannot drift away from
    them.
    """
    given = np.mean(
        [patch for row in rows.values() if (patch := patterns.patch(row)) is not None], axis=0
    )
    pattern = np.mean(patches, axis=0)
    for _ in range(_ROUNDS):
        likeness = patterns.likeness(pattern)
        chain = solve_chain(likeness.best, rows, values, STEP_MM)
        found = [
            patterns.patch(int(row), float(likeness.shift_mm[row]))
            for index, row in enumerate(chain.rows)
            if chain.values[index] > FIRST and 0 <= row < len(patterns)
            if chain.values[index] not in rows and _confidence(chain, index) > _SURE
        ]
        found = [patch for patch in found if patch is not None]
        pattern = given + np.mean(found, axis=0) if found else given
    return chain, likeness


def _as_discs(
    chain: ChainResult,
    likeness: Likeness,
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
        elif 0 <= row < len(likeness.best) and likeness.valid[row]:
            shift = likeness.shift_mm[row] if value > FIRST and front >= _ON_CORD_MM else 0.0
            position = spine.world(row, 0.0, front + shift)
            discs.append(
                DiscProposal(
                    DiscLabel(value, tuple(float(x) for x in position)),
                    _confidence(chain, index),
                    False,
                )
            )
    return discs


def _confidence(chain: ChainResult, index: int) -> float:
    reach = int(CONFIDENT_WITHIN_MM / STEP_MM)
    row = int(chain.rows[index])
    return float(
        min(chain.marginals[index, max(row - reach, 0) : max(row + reach + 1, 0)].sum(), 1.0)
    )


def _name_without_labels(patterns: DiscPatterns, progress: Progress) -> dict[int, int]:
    """Find one disc by its narrowness and name it by what is above and below.

    Raises:
        InputError: nothing looks like a disc, or several names fit.
    """
    patches = [patterns.patch(row) for row in range(len(patterns))]
    narrow = np.array([0.0 if patch is None else narrowness(patch) for patch in patches])
    row = int(np.argmax(narrow))
    if narrow[row] < _NARROW:
        raise InputError(
            "Nothing in front of the cord looks like a disc. Mark one disc, for example C2/C3, at"
            " its posterior tip."
        )
    # Whatever its name, the chain around it finds the others, and with them a better pattern.
    _, likeness = _best_fit(patterns, {_SOME_NAME: row}, progress)
    odds = np.array([naming_log_odds(likeness.best, {value: row}) for value in _FIRST_NAMES])
    order = np.argsort(odds)[::-1]
    if odds[order[0]] - odds[order[1]] < CLEAR:
        raise InputError(
            "The image does not tell which disc is which: C2/C3 and the dens above it are not"
            " clearly in view. Mark one disc, for example C2/C3, at its posterior tip."
        )
    return {_FIRST_NAMES[int(order[0])]: row}


def _doubts(patterns: DiscPatterns, likeness: Likeness, rows: dict[int, int]) -> tuple[str, ...]:
    """Sentences where the image speaks against known discs."""
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
    shift, odds = best_renaming(likeness.best, rows)
    if odds > CLEAR:
        value = next(value for value in rows if value >= C2_C3)
        where = "up" if shift < 0 else "down"
        notes.append(
            f"The disc marked as {disc_name(value)} looks like {disc_name(value + shift)}: the"
            f" discs above and below fit better when all are named by one vertebra further {where}."
        )
    return tuple(notes)
