"""The grid of the file that an image came from, so that results go back to it in the same
orientation.

Slicer flips left-handed images on loading; a mask written from the flipped node would have other
letters than the image, and tools that compare arrays would refuse the pair.
"""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from ..volume import Grid

_ATTRIBUTE = "SoftCordSeg.FileGrid"


def read_grid(path: str | Path) -> Grid | None:
    """The grid of a 3D NIfTI file, from its header alone; None where the file is not one."""
    if not str(path).endswith((".nii", ".nii.gz")) or not Path(path).is_file():
        return None
    try:
        image = nibabel.load(path)
    except (OSError, ValueError, EOFError, nibabel.filebasedimages.ImageFileError):
        return None
    return Grid(image.shape[:3], image.affine) if len(image.shape) >= 3 else None


def remember_file_grid(node, grid: Grid | None) -> None:
    """Keep the grid of the file with the node, and so with the scene, where the file may be
    gone.
    """
    if grid is not None:
        # Plain numbers: MRML files separate attributes by colons and semicolons.
        node.SetAttribute(
            _ATTRIBUTE, " ".join(repr(float(x)) for x in (*grid.shape, *grid.affine[:3].ravel()))
        )


def file_grid_of(node) -> Grid | None:
    """The grid of the file that a volume node was loaded from; None where it is not known."""
    text = node.GetAttribute(_ATTRIBUTE)
    if text:
        numbers = [float(word) for word in text.split()]
        return Grid(tuple(numbers[:3]), np.vstack([np.reshape(numbers[3:], (3, 4)), (0, 0, 0, 1)]))
    storage = node.GetStorageNode()
    return (
        read_grid(storage.GetFileName()) if storage is not None and storage.GetFileName() else None
    )
