"""The area along the cord during editing of the mask: measured once, then updated from the edited
slices only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..volume import Volume, reorient
from .area import areas
from .centreline import fit_centreline, slice_centres
from .cord_shape import MeasureOptions
from .slice_stack import SliceStack, axial, extract_slices, join_slices
from .upright import shrink_factors, upright


class LiveArea:
    """Area of each slice, and its quick update after an edit.

    The result is always that of :func:`~.measure.measure`: an edit moves the centreline a little
    everywhere, so all areas are computed anew, but from small patches in memory; only the edited
    slices are read from the volume again.

    Args:
        mask: soft or binary mask, any orientation.
        options: as for :func:`~.measure.measure`.

    Raises:
        InputError: as :func:`~.measure.measure`.
    """

    def __init__(self, mask: Volume, options: MeasureOptions | None = None):
        self.options = options or MeasureOptions()
        self._stack: SliceStack
        self._start(mask)

    @property
    def slices(self) -> np.ndarray:
        """(n,) slice numbers, lowest first."""
        return self._stack.slices

    @property
    def areas(self) -> np.ndarray:
        """(n,) mm²; NaN where a slice has no cord."""
        return self._areas

    @property
    def centres_mm(self) -> np.ndarray:
        """(n, 3) middle of the mask in each slice, world RAS+, mm; NaN where it has none."""
        return self._stack.grid.to_world(np.column_stack([self._centres, self._stack.slices]))

    def update(self, mask: Volume, start: Sequence[int], stop: Sequence[int]) -> np.ndarray:
        """Measure again after an edit.

        Args:
            mask: the edited mask, on the same grid as before.
            start, stop: box of edited voxels in the mask's own indices (i, j, k); ``stop`` is
                exclusive.

        Returns:
            The new :attr:`areas`; :attr:`slices` may have grown or shrunk.

        Raises:
            InputError: as :func:`~.measure.measure`; a mask on another grid.
        """
        if self._resampled:
            return self._start(mask)
        volume = reorient(mask, "LAS")
        if not volume.grid.same_as(self._stack.grid):
            raise InputError(
                "The edited mask has another grid than the one that was measured.",
                hint="Measure it anew.",
            )
        corners = volume.grid.to_voxel(mask.grid.to_world(np.array([start, np.asarray(stop) - 1])))
        first, last = np.round(np.sort(corners[:, 2])).astype(int)
        self._stack = join_slices(
            self._stack, volume, int(first), int(last) + 1, self.options.threshold
        )
        return self._measure()

    def _start(self, mask: Volume) -> np.ndarray:
        volume, notes = axial(mask, self.options.threshold)
        self._resampled = bool(notes)
        self._stack = extract_slices(volume, self.options.threshold, notes)
        return self._measure()

    def _measure(self) -> np.ndarray:
        stack = self._stack
        self._centres = slice_centres(stack)
        shrink = None
        if self.options.angle_correction:
            line = fit_centreline(stack, self.options.smooth, self._centres)
            shrink = shrink_factors(np.column_stack(line.angles(stack.slices)), self.options.tilt)
        slices = upright(stack, shrink, rescale=self.options.rescaling == "sct")
        self._areas = areas(slices, stack.grid.spacing)
        return self._areas
