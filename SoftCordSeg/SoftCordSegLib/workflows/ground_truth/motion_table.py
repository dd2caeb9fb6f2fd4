"""The table of a series' motion, a row a volume and slice."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from ...preprocessing import Motion

MOTION_COLUMNS = (
    "Volume",
    "Slice (I->S)",
    "b-value [s/mm2]",
    "Shift left [mm]",
    "Shift anterior [mm]",
    "Measured",
)


def motion_csv(motion: Motion, b_values: Sequence[float]) -> str:
    """The table of shifts: one row a volume and slice; slices beyond the cord's ends carry their
    neighbour's shift.
    """
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(MOTION_COLUMNS)
    for index, (volume, shifts) in enumerate(zip(motion.volumes, motion.shift_mm)):
        bval = f"{b_values[index]:g}" if b_values else ""
        for k, (left, anterior) in enumerate(shifts):
            measured = int(motion.measured[k])
            writer.writerow([volume, k, bval, f"{left:.4f}", f"{anterior:.4f}", measured])
    return stream.getvalue()
