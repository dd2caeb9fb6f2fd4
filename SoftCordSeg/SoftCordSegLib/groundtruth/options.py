"""How a ground truth is made: the paper's way by default."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..errors import InputError
from .registration import PAPER_REGISTRATION, RegistrationOptions

# Ten slices of the paper's reference, a T2w image resampled to 0.8 mm.
TRIM_MM = 8.0
# The authors trim every contrast but T1w, whose 1 mm slices have no partial volume to speak of.
TRIM_OF = MappingProxyType({"T1w": 0.0})


@dataclass(frozen=True)
class GroundTruthOptions:
    """Options of :func:`~.make.make_ground_truth`.

    Attributes:
        reference: name of the contrast in whose space the masks are averaged.  It is never trimmed.
        registration: of each contrast to the reference.
        spacing_mm: average on an isotropic grid of this voxel size instead of the reference's own.
        trim_mm: what is left out at each end of a contrast before averaging, mm along the
            reference's slices.
        trim_of: the same for single contrasts, by name.
        trim_slices: so many slices of the reference instead of ``trim_mm`` (but not of
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

    def __post_init__(self):
        if self.spacing_mm is not None and not 0.1 <= self.spacing_mm <= 10:
            raise InputError(
                f"A voxel size of {self.spacing_mm:g} mm is not usable. Choose one from 0.1 to"
                " 10 mm."
            )
        if not all(
            0 <= length < math.inf
            for length in (self.trim_mm, *self.trim_of.values(), self.trim_slices or 0)
        ):
            raise InputError("What is trimmed at the ends is a length, 0 or more.")

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
