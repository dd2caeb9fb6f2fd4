"""The initial mask of an image: the data set's own where it has one, else our model's; and masks
among earlier results that somebody corrected, which are never written over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...bids import (
    MASKS,
    nifti_files,
    precedence,
    read_name,
    read_sidecar,
    segmentation_sidecar,
    sidecar_path,
)
from ...errors import InputError
from ...network import ModelBundle
from ...provenance import now
from ...segmentation import SoftMask
from ...volume import Volume, read_nifti

# In a mask's sidecar: the digest of its voxels as they were written.
VOXELS = "VoxelsSHA256"


@dataclass(frozen=True, eq=False)
class InitialMask:
    """An initial mask of the cord.

    Attributes:
        volume: uint8, 0 and 1, on the image's grid; of a mask of the data set as its file has it.
        record: for its sidecar.
        copy_of: the mask of the data set; None where a model made it.
    """

    volume: Volume
    record: dict[str, Any]
    copy_of: Path | None = None


def copied_mask(original: Path, command: Mapping[str, Any]) -> InitialMask:
    """The mask of the data set.

    Its sidecar keeps what that of the original says: who drew it is known after the copy too.

    Raises:
        InputError: the mask cannot be read.
    """
    mask = read_nifti(original)
    record = {
        **read_sidecar(sidecar_path(original)),
        "Description": "Copy of a mask of the data set.",
        "Source": original.name,
        VOXELS: voxels_sha256(mask),
        "Command": dict(command),
        "Date": now(),
    }
    return InitialMask(mask, record, original)


def thresholded_mask(
    found: SoftMask,
    bundle: ModelBundle | None,
    source: str,
    *,
    threshold: float,
    device: str,
    command: Mapping[str, Any],
) -> InitialMask | None:
    """A soft mask at or above a threshold; None where that is empty.

    Args:
        found: the soft mask.
        bundle: that made it.
        source: name of the image's file.
        threshold: above 0.
        device: that the network ran on, or was asked to.
        command: name and options of the command.
    """
    binary = (found.volume.data >= threshold).astype(np.uint8)
    if not binary.any():
        return None
    mask = found.volume.with_data(binary)
    record = segmentation_sidecar(
        found, bundle, source, device=device, threshold=threshold, command=command
    )
    return InitialMask(mask, {**record, VOXELS: voxels_sha256(mask)})


def corrected_mask(path: Path) -> Path | None:
    """The mask of the image of ``path`` in its folder, under whatever name, that is not as our
    sidecar says it was written.

    A mask that cannot be read, or that has no such sidecar, may be anybody's work and counts as
    corrected.
    """
    image = read_name(path).image
    if not path.parent.is_dir():
        return None
    names = ((one, read_name(one)) for one in nifti_files(path.parent))
    masks = [one for one, name in names if name.kind in MASKS and name.image == image]
    theirs = [one for one in masks if not _is_untouched(one, path)]
    return min(theirs, key=precedence, default=None)


def voxels_sha256(mask: Volume) -> str:
    """A digest of a mask's shape and values, whatever type they are stored in."""
    data = np.ascontiguousarray(mask.data, dtype=np.float32)
    return hashlib.sha256(f"{data.shape}".encode() + data.tobytes()).hexdigest()


def _is_untouched(mask: Path, written: Path) -> bool:
    """Whether it is our file, and its voxels are those that were written."""
    if mask != written:
        return False
    try:
        return voxels_sha256(read_nifti(mask)) == read_sidecar(sidecar_path(mask)).get(VOXELS)
    except InputError:
        return False
