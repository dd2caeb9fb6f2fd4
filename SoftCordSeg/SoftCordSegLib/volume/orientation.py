"""Reordering and flipping axes; voxels keep their positions in the world."""

from __future__ import annotations

import numpy as np

from .volume import Volume


def reorient(volume: Volume, letters: str) -> Volume:
    """Permute and flip axes so that they point, as nearly as they can, **to** ``letters`` (nibabel
    letters).

    No interpolation: an oblique image stays oblique, and the data are a view, not a copy.

    Args:
        volume: any orientation.
        letters: for example "LAS" (= SCT's "RPI", the working frame here) or "RAS".
    """
    # Imported where it is used, so that this module loads where nibabel is not installed.
    import nibabel

    start = nibabel.io_orientation(volume.affine)
    end = nibabel.orientations.axcodes2ornt(tuple(letters))
    transform = nibabel.orientations.ornt_transform(start, end)
    data = nibabel.orientations.apply_orientation(volume.data, transform)
    affine = volume.affine @ nibabel.orientations.inv_ornt_aff(transform, volume.shape)
    return Volume(data, affine)


def same_orientation(volume: Volume, like: Volume) -> Volume:
    """``volume`` with its axes in the order and direction of those of ``like``."""
    return reorient(volume, like.letters)


def slice_axis(affine: np.ndarray) -> int:
    """The array axis (0, 1 or 2) that runs most nearly along the inferior-superior direction."""
    import nibabel

    return int(np.argwhere(nibabel.io_orientation(affine)[:, 0] == 2)[0, 0])
