"""The values of a soft ground truth: what goes in (contrasts and options), and what comes out (one
soft mask of the cord in every contrast's own space, and how it was made).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from ..errors import InputError, OptionError
from ..volume import Volume, check_is_cord, mask_values
from ..volume.slice_moments import EMPTY
from .registration import PAPER_REGISTRATION, RegistrationOptions
from .slicewise import SlicewiseRigid

# Ten slices of the paper's reference, a T2w image resampled to 0.8 mm.
TRIM_MM = 8.0
# The authors trim every contrast but T1w, whose 1 mm slices have no partial volume to speak of.
TRIM_OF = MappingProxyType({"T1w": 0.0})
# A visit's images are millimetres apart; more than this is another visit, or a wrong mask.
_FAR_MM = 10.0


class ContrastError(InputError):
    """The mask of one contrast cannot be averaged with the others.

    Args:
        sentence, hint: as in :class:`InputError`.
        contrast: its name.
    """

    def __init__(self, sentence: str, *, contrast: str, hint: str = ""):
        super().__init__(sentence, hint=hint)
        self.contrast = contrast


@dataclass(frozen=True)
class Contrast:
    """One image of a participant, in which the cord was segmented.

    Attributes:
        name: for example "T1w".
        mask: binary or soft mask of the cord, 0 to 1, on the image's grid, any orientation.
    """

    name: str
    mask: Volume

    def __post_init__(self) -> None:
        try:
            mask = mask_values(self.mask)
            check_is_cord(mask)
        except InputError as error:
            raise InputError(f"{self.name}: {error.sentence}", hint=error.hint) from error
        if float(mask.data.max()) <= EMPTY:
            raise InputError(
                f"The mask of {self.name} is empty: all its voxels are 0.",
                hint="Give a mask of the cord, or leave it out.",
            )
        object.__setattr__(self, "mask", mask)


@dataclass(frozen=True)
class GroundTruthOptions:
    """Options of :func:`~.soft_average.make_ground_truth`.

    Attributes:
        reference: name of the contrast in whose space the masks are averaged.  It is never trimmed.
        registration: of each contrast to the reference.
        spacing_mm: average on an isotropic grid of this voxel size instead of the reference's own.
        trim_mm: what is left out at each end of a contrast before averaging, mm along the
            reference's slices.
        trim_of: the same for single contrasts, by name.
        trim_slices: a number of slices of the reference instead of ``trim_mm`` (but not of
            ``trim_of``).
        beyond_reference: average also above and below the reference's field of view, from the
            contrasts that reach there; the paper stays within it.
    """

    reference: str = "T2w"
    registration: RegistrationOptions = PAPER_REGISTRATION
    spacing_mm: float | None = None
    trim_mm: float = TRIM_MM
    trim_of: Mapping[str, float] = field(default_factory=lambda: TRIM_OF)
    trim_slices: int | None = None
    beyond_reference: bool = False

    def __post_init__(self) -> None:
        if self.spacing_mm is not None and not 0.1 <= self.spacing_mm <= 10:
            raise OptionError(
                f"A voxel size of {self.spacing_mm:g} mm is not usable.",
                hint="Choose one from 0.1 to 10 mm.",
            )
        if not all(
            0 <= length < math.inf
            for length in (self.trim_mm, *self.trim_of.values(), self.trim_slices or 0)
        ):
            raise OptionError(
                "What is trimmed at the ends is not a length.", hint="Give 0 mm or more."
            )

    def trim_slices_of(self, contrast: str, slice_mm: float) -> int:
        """How many slices of the reference, of ``slice_mm`` each, are left out at each end of a
        contrast.
        """
        if contrast == self.reference:
            return 0
        if contrast in self.trim_of:
            return round(self.trim_of[contrast] / slice_mm)
        return self.trim_slices if self.trim_slices is not None else round(self.trim_mm / slice_mm)


PAPER = GroundTruthOptions()
# As the authors' published script has it: shift only.
AUTHORS = GroundTruthOptions(registration=RegistrationOptions(method="centermass"))


@dataclass(frozen=True, eq=False)
class ContrastTruth:
    """The ground truth of one contrast.

    Attributes:
        name: of the contrast.
        soft: float32, 0 to 1, on the grid of the contrast's mask; None in
            :meth:`GroundTruth.without_voxels`.
        transform: from points in the reference to points in this contrast; the identity for the
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
    def voxels(self) -> Volume:
        """``soft``, while it has not been left out."""
        return _present(self.soft)

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
        """Sentences that a user of the ground truth has to know."""
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
    """The ground truth of one participant.

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
        """The numbers alone, for reports on many participants, whose volumes together would not
        fit into memory.
        """
        return replace(
            self,
            contrasts=tuple(replace(one, soft=None) for one in self.contrasts),
            average=None,
            count=None,
        )

    @property
    def spacing_mm(self) -> np.ndarray:
        """(3,) voxel size of the averaging grid."""
        return _present(self.average).spacing

    @property
    def contrasts_per_slice(self) -> np.ndarray:
        """(n,) how many contrasts were averaged in each slice of the averaging grid, weighted over
        the cord.
        """
        average, count = _present(self.average), _present(self.count)
        weights = average.data.sum(axis=(0, 1), dtype=float)
        total = (average.data * count.data).sum(axis=(0, 1), dtype=float)
        return np.divide(total, weights, out=np.zeros_like(total), where=weights > 0)


def largest_motion(contrasts: Sequence[ContrastTruth]) -> tuple[float | None, float | None]:
    """The largest shift (mm) and rotation (degrees) of any slice of any contrast but the reference;
    None where none was measured.
    """
    moved = [one for one in contrasts if not one.is_reference]
    shifts = [
        float((one.shift_mm**2).sum(axis=1).max() ** 0.5) for one in moved if len(one.shift_mm)
    ]
    angles = [float(abs(one.angle_deg).max()) for one in moved if len(one.angle_deg)]
    return max(shifts, default=None), max(angles, default=None)


def _present(volume: Volume | None) -> Volume:
    if volume is None:
        raise ValueError("the voxels of this ground truth were left out")
    return volume


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
