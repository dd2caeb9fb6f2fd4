"""What lies among the results already and is somebody's work: corrected masks and discs are never
written over.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...files import NIFTI_ENDINGS

if TYPE_CHECKING:
    from ...volume import Volume

# In a mask's sidecar: the digest of its voxels as they were written.
VOXELS = "VoxelsSHA256"
# In an image's sidecar: whose work it is.
COMMAND = "softcord prepare"


def voxels_sha256(mask: Volume) -> str:
    """A digest of a mask's shape and values, whatever type they are stored in."""
    import numpy as np

    data = np.ascontiguousarray(mask.data, dtype=np.float32)
    return hashlib.sha256(f"{data.shape}".encode() + data.tobytes()).hexdigest()


def corrected_mask(place: Path, sidecar: Path) -> Path | None:
    """The mask in this place, or beside it with the other ending, that is not as its sidecar says
    it was written.

    A mask that cannot be read, or of which no sidecar tells, may be anybody's and counts as
    corrected.
    """
    from ...volume import read_nifti

    stem = place.name[: -len(NIFTI_ENDINGS[0])]
    for path in (place.with_name(stem + ending) for ending in NIFTI_ENDINGS):
        if path.exists():
            try:
                written = json.loads(sidecar.read_text(encoding="utf-8"))[VOXELS]
                untouched = path == place and voxels_sha256(read_nifti(path)) == written
            except (InputError, OSError, ValueError, KeyError, TypeError):
                untouched = False
            if not untouched:
                return path
    return None


def made_here(sidecar: Path) -> bool:
    """Whether an image's sidecar says that this command made it."""
    try:
        return json.loads(sidecar.read_text(encoding="utf-8"))["Command"]["Name"] == COMMAND
    except (OSError, ValueError, KeyError, TypeError):
        return False


def kept_sentence(contrast: str, path: Path) -> str:
    """What to say of a mask that stays."""
    return (
        f"{contrast}: the mask '{path}' was not left so by {COMMAND}, and stays. Take it away to"
        " have it made anew."
    )


def is_other(place: Path, source: Path) -> bool:
    """Whether a file lies in this place that is not a copy of ``source``."""
    return place.exists() and place.read_bytes() != source.read_bytes()
