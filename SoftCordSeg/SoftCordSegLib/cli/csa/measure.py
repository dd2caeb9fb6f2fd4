"""One mask, measured as it was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...progress import Progress
from ..guard import naming
from .request import CsaRequest
from .shared import Shared, junction_among

if TYPE_CHECKING:
    from ...morphometry import CordShape, Summary
    from ...volume import Volume


@dataclass(frozen=True)
class Measured:
    """What became of one mask.

    Attributes:
        path: the mask.
        shape: slice by slice.
        summary: the rows that were asked for.
        level_notes: sentences on where the levels are from.
    """

    path: Path
    shape: CordShape
    summary: Summary
    level_notes: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that a reader of the numbers has to know."""
        return (*self.level_notes, *self.shape.notes, *self.summary.notes)


def measure_mask(path: Path, request: CsaRequest, shared: Shared, progress: Progress) -> Measured:
    """Read, measure, add levels and distances, summarise.

    Args:
        path: of the mask.
        request: what to do.
        shared: what was read for all masks.
        progress: told and asked.

    Raises:
        InputError: the mask, its labels or the slices asked for are not usable.
        Cancelled: the user stopped the work.
    """
    from ...morphometry import add_distance_pmj, aggregate, slices_at_pmj_distance
    from ...volume import read_nifti

    progress.report(0.0, "Reading")
    progress.check_cancelled()
    mask, levels = shared.levels.of(path, read_nifti(path))
    shape = levels.add(
        _measured(mask, request, shared, progress.part(0.1, 0.95)), mask, request.needs_levels
    )
    grouping, pmj = request.grouping, request.pmj
    slices, per_slice = grouping.slices, True if grouping.per_slice else None
    if pmj.wanted:
        shape = add_distance_pmj(
            shape,
            mask,
            junction_among(levels.discs) if shared.junction is None else shared.junction,
        )
    if pmj.distance_mm is not None:
        slices = slices_at_pmj_distance(shape, pmj.distance_mm, pmj.extent_mm)
    if request.normalize_pam50:
        shape, own_slices = _on_pam50(shape)
        if not grouping.needs_levels:
            slices, per_slice = own_slices, True
    summary = aggregate(
        shape,
        slices=slices,
        levels=grouping.levels,
        per_slice=per_slice,
        per_level=grouping.per_level,
        distance_pmj=None if per_slice else pmj.distance_mm,
    )
    if not any(row.count for row in summary):
        raise InputError(
            " ".join(summary.notes)
            or "The mask has no cord in the slices that were asked for. Check -z."
        )
    return Measured(path, shape, summary, levels.notes)


def _measured(mask: Volume, request: CsaRequest, shared: Shared, progress: Progress) -> CordShape:
    """The shape slice by slice, with the measures that need an image where one was given."""
    from ...morphometry import add_image_measures, measure

    shape = measure(mask, request.options, centreline=shared.centreline, progress=progress)
    if shared.centreline is not None and not shared.centreline.grid.same_as(
        shape.grid, tolerance_mm=1e-2
    ):
        raise InputError(
            f"'{request.centreline}' has another grid than the mask. Resample one of them to the"
            " other's grid first."
        )
    if shared.image is None:
        return shape
    with naming(request.image):
        return add_image_measures(shape, mask, shared.image, progress=progress)


def _on_pam50(shape: CordShape) -> tuple[CordShape, list[int]]:
    """The shape on PAM50's slices, and the template's slices of the levels that the subject has."""
    import numpy as np

    from ...morphometry import pam50_slices, to_pam50

    own = sorted(
        int(number) for level in np.unique(shape.levels) for number in pam50_slices(int(level))
    )
    return to_pam50(shape), own
