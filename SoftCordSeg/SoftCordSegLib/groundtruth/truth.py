"""What comes out: one soft mask of the cord in every contrast's own space, and how it came
about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..volume import Volume
from .registration import SlicewiseRigid

# A visit's images are millimetres apart; more than this is another visit, or a wrong mask.
_FAR_MM = 10.0


@dataclass(frozen=True, eq=False)
class ContrastTruth:
    """The ground truth of one contrast.

    Attributes:
        name: of the contrast.
        soft: float32, 0 to 1, on the grid of the contrast's mask; None in
            :meth:`GroundTruth.without_voxels`.
        transform: from places in the reference to places in this contrast; the identity for the
            reference.
        used: (n,) True for slices of the reference in which the shift was measured.
        turned: (n,) True for those in which the rotation was measured.
        coverage: the part of the averaged cord to which this contrast contributed, 0 to 1.
        trimmed: slices of the reference that were left out at each end before averaging.
        is_reference: True for the contrast in whose space the masks were averaged.
        without: numbers of this contrast's slices (from the lowest) that have a mask but no ground
            truth.
    """

    name: str
    soft: Volume | None
    transform: SlicewiseRigid
    used: np.ndarray
    turned: np.ndarray
    coverage: float = 1.0
    trimmed: int = 0
    is_reference: bool = False
    without: tuple[int, ...] = ()

    @property
    def shift_mm(self) -> np.ndarray:
        """(m, 2) shifts in the slices in which they were measured, mm along the reference's first
        two axes (Left, Anterior).
        """
        return self.transform.shift[self.used]

    @property
    def angle_deg(self) -> np.ndarray:
        """(m,) rotations in the slices in which they were measured, degrees from Left towards
        Anterior.
        """
        return np.degrees(self.transform.angle[self.turned])

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that who uses the ground truth has to know."""
        notes = []
        length = np.linalg.norm(self.shift_mm, axis=1)
        if len(length) and length.max() > _FAR_MM:
            notes.append(
                f"{self.name} was shifted by up to {length.max():.1f} mm. Look whether both masks"
                " are of one cord."
            )
        if self.without:
            notes.append(
                f"{self.name}: slices {_ranges(self.without)} were segmented but have no ground"
                " truth (0 there), because nothing is averaged there: leave them out of training,"
                " or average beyond the reference, or trim less."
            )
        return tuple(notes)


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The ground truth of one subject.

    Attributes:
        reference: name of the contrast in whose space the masks were averaged.
        contrasts: in the order given.
        average: float32 soft mask, 0 to 1, on the part of the averaging grid around the cord (LAS,
            all slices).
        count: float32 number of contrasts in each voxel of ``average``, fractions where a field of
            view ends. Both are None in :meth:`without_voxels`.
        notes: sentences on the whole.
    """

    reference: str
    contrasts: tuple[ContrastTruth, ...]
    average: Volume | None
    count: Volume | None
    notes: tuple[str, ...] = ()

    def of(self, name: str) -> ContrastTruth:
        """The ground truth of the contrast of this name."""
        return next(one for one in self.contrasts if one.name == name)

    def without_voxels(self) -> GroundTruth:
        """The numbers alone, for reports on many subjects, whose volumes together no memory
        holds.
        """
        return replace(
            self,
            contrasts=tuple(replace(one, soft=None) for one in self.contrasts),
            average=None,
            count=None,
        )

    @property
    def contrasts_per_slice(self) -> np.ndarray:
        """(n,) how many contrasts were averaged in each slice of the averaging grid, weighted over
        the cord.
        """
        weights = self.average.data.sum(axis=(0, 1), dtype=float)
        total = (self.average.data * self.count.data).sum(axis=(0, 1), dtype=float)
        return np.divide(total, weights, out=np.zeros_like(total), where=weights > 0)


def _ranges(numbers: tuple[int, ...]) -> str:
    """For example "0-3, 8"."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(
        str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}" for group in groups
    )
