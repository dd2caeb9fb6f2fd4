"""One image a contrast from a series: the mean of its diffusion-weighted volumes, and the mean of
its b = 0 volumes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from SoftCordSegLib.evaluation import Case
from SoftCordSegLib.preprocessing import average, read_series
from SoftCordSegLib.volume import time_points, write_nifti

# Diffusion weighting darkens: volumes that much brighter than the median one are b = 0 (the
# b-values are not at hand).
_BRIGHTER = 1.4


def series_means(case: Case, folder: Path) -> list[Case]:
    """The case itself where its image is 3D; else a case for each kind of volume in the series, on
    one grid.

    Args:
        case: a row of a list.
        folder: for the means.
    """
    if time_points(case.image) == 1:
        return [case]
    series = read_series(case.image)
    weighted, plain = kinds([float(series.volume(t).data.mean()) for t in range(len(series))])
    if not weighted or not plain:
        path = folder / f"{case.stem}_mean.nii.gz"
        write_nifti(average(series).mean, path)
        return [replace(case, image=path)]
    found = []
    for name, volumes in (("dwi", weighted), ("b0", plain)):
        path = folder / f"{case.stem}_{name}-mean.nii.gz"
        write_nifti(average(series, volumes=volumes).mean, path)
        found.append(
            replace(
                case,
                image=path,
                contrast="DWI" if name == "dwi" else "b0",
                grid=case.grid or case.stem,
            )
        )
    return found


def kinds(means: list[float]) -> tuple[list[int], list[int]]:
    """Numbers of the diffusion-weighted volumes and of the b = 0 ones, by the mean intensity of
    each volume.

    A series of one kind only has an empty list for the other.
    """
    bright = np.asarray(means) > _BRIGHTER * np.median(means)
    return np.flatnonzero(~bright).tolist() if bright.any() else [], np.flatnonzero(bright).tolist()
