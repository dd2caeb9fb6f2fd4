"""Which connected pieces could be the cord, judged by the shape of a cord, not only by size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

# A healthy cord's cross-section is 30 to 110 mm²; a coarse or blurred one may look larger, a
# compressed one or a conus smaller.
_AREA_MM2 = (12.0, 200.0)
# About a third of a thick slice of cord; less is no evidence.
_LEAST_SCORE_MM3 = 30.0


@dataclass(frozen=True, eq=False)
class Piece:
    """One connected piece.

    Attributes:
        label: its number in the labelled array.
        score: its length times its area (as far as a cord has that area), mm³; less where its shape
            is not that of a cord.
        bottom, top: (3,) centres of its lowest and highest slices, mm along (Left, Anterior,
            Superior).
    """

    label: int
    score: float
    bottom: np.ndarray
    top: np.ndarray


@dataclass(frozen=True, eq=False)
class Candidate:
    """Pieces that together could be the cord.

    Attributes:
        mask: (i, j, k) bool.
        score: of its pieces together, mm³: about the volume of certain, cord-like tissue.
    """

    mask: np.ndarray
    score: float


def cord_candidates(
    soft: np.ndarray, spacing: np.ndarray, level: float, most: int = 1
) -> list[Candidate]:
    """Candidates for the cord in ``soft >= level``, the most cord-like first.

    Args:
        soft: (i, j, k) in [0, 1], axes to the Left, Anterior, Superior.
        spacing: (3,), mm.
        level: at which pieces are separated.
        most: the largest number of candidates; no piece is in two of them.
    """
    labels, count = ndimage.label(soft >= level, ndimage.generate_binary_structure(3, 3))
    boxes = ndimage.find_objects(labels)
    pieces = [
        _describe(soft, labels, n + 1, boxes[n], np.asarray(spacing, float)) for n in range(count)
    ]
    left = sorted(
        (piece for piece in pieces if piece.score >= _LEAST_SCORE_MM3),
        key=lambda piece: -piece.score,
    )
    candidates: list[Candidate] = []
    while left and len(candidates) < most:
        # The best piece starts a cord; others belong to it if they continue it up or down.
        chosen: list[Piece] = []
        for piece in left:
            if not chosen or all(_continues(piece, other) for other in chosen):
                chosen.append(piece)
        mask = np.isin(labels, [piece.label for piece in chosen])
        candidates.append(Candidate(mask, sum(piece.score for piece in chosen)))
        left = [piece for piece in left if piece not in chosen]
    return sorted(candidates, key=lambda candidate: -candidate.score)


def _describe(
    soft: np.ndarray, labels: np.ndarray, label: int, box: tuple, spacing: np.ndarray
) -> Piece:
    part = np.where(labels[box] == label, soft[box], 0)
    areas = part.sum(axis=(0, 1)) * spacing[0] * spacing[1]
    slices = np.flatnonzero(areas > 0)
    area = float(np.median(areas[slices]))
    length = len(slices) * spacing[2]
    centres = [_centre(part[:, :, z], z, box, spacing) for z in (slices[0], slices[-1])]
    lowest, highest = _AREA_MM2
    like_a_cord = min(area / lowest, highest / area, 1.0) ** 2
    # Long along the body compared with its width, unless the field of view cuts it short.
    width = 2 * np.sqrt(area / np.pi)
    field = soft.shape[2] * spacing[2]
    like_a_cord *= np.clip(length / min(3 * width, field), 0.05, 1)
    # A cord is certain in most of its slices.
    like_a_cord *= float(part.max(axis=(0, 1))[slices].mean()) ** 3
    return Piece(label, min(area, highest) * length * like_a_cord, *centres)


def _centre(plane: np.ndarray, z: int, box: tuple, spacing: np.ndarray) -> np.ndarray:
    i, j = ndimage.center_of_mass(plane)
    return (np.array([i, j, z]) + [s.start for s in box]) * spacing


def _continues(piece: Piece, other: Piece) -> bool:
    """True if ``piece`` lies above or below the better ``other``, near a common line, and is worth
    the gap between them.

    An artefact may take a few centimetres out of a cord; a small piece that far away is something
    else, such as roots below the conus.
    """
    lower, upper = (piece, other) if piece.bottom[2] < other.bottom[2] else (other, piece)
    gap = upper.bottom - lower.top
    if not -6 <= gap[2] <= 60:
        return False
    worth = 0.02 if gap[2] <= 10 else 0.1
    return bool(
        piece.score > worth * other.score and np.hypot(gap[0], gap[1]) < 6 + 0.5 * max(gap[2], 0)
    )
