"""The mean of a series, its motion taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..volume import Volume, resample_mask, same_orientation
from .alignment import shifted, spline_coefficients
from .motion import Motion
from .series import Series


@dataclass(frozen=True, eq=False)
class Average:
    """What becomes of a series.

    Attributes:
        mean: float32, on the grid and in the orientation of the series.
        deviation: the standard deviation over time (population) of each voxel, float32, on the same
            grid.
    """

    mean: Volume
    deviation: Volume

    def deviation_in(self, cord: Volume) -> float:
        """The mean of ``deviation`` over the cord, weighted by its mask.

        Raises:
            InputError: the mask lies outside.
        """
        mask = cord if cord.grid.same_as(self.mean.grid) else resample_mask(cord, self.mean.grid)
        weights = np.asarray(mask.data, dtype=np.float64)
        if not weights.any():
            raise InputError(
                "The mask of the cord is empty, or it lies outside the series. Give the mask of"
                " this series."
            )
        return float((weights * self.deviation.data).sum() / weights.sum())


def average(
    series: Series, motion: Motion | None = None, volumes: Sequence[int] | None = None
) -> Average:
    """The mean over time, each slice first shifted back (cubic spline, as the authors' ``-x
    spline``) where a motion is given.

    Args:
        series: any orientation.
        motion: of this series; its volumes are averaged.
        volumes: those to be averaged where no motion is given; all where None.

    Raises:
        InputError: no volume, or a motion of another grid.
    """
    chosen = (
        tuple(range(len(series)) if volumes is None else volumes)
        if motion is None
        else motion.volumes
    )
    if not chosen:
        raise InputError("There is no volume to average.")
    frame = series.framed(0)
    if motion is not None and not motion.grid.same_as(frame.grid):
        raise InputError(
            "The motion was measured on another grid than that of the series. Measure it anew."
        )
    mean, squares = np.zeros(frame.shape), np.zeros(frame.shape)
    for count, number in enumerate(chosen, start=1):
        values = np.asarray(series.framed(number).data, dtype=np.float64)
        if motion is not None:
            lowest = values.min()
            values = shifted(spline_coefficients(values), motion.shift_voxels[count - 1])
            if lowest >= 0:  # splines swing below 0 beside bright edges; magnitudes cannot be
                np.maximum(values, 0, out=values)
        # Welford's way: sums of squares of bright images would lose small deviations.
        difference = values - mean
        mean += difference / count
        squares += difference * (values - mean)
    deviation = np.sqrt(squares / len(chosen))
    first = series.volume(0)
    results = [
        same_orientation(Volume(data.astype(np.float32), frame.affine), first)
        for data in (mean, deviation)
    ]
    # The affine of the file itself, not one that went to and fro.
    return Average(*(Volume(np.ascontiguousarray(one.data), series.affine) for one in results))
