"""What the locator found, small enough for a sidecar: with it a second run on the same image, by
the same model and software, starts with the segmenter and gives the same mask.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

# Sidecars may be written by anyone: a cord on a coarse grid has fewer voxels than this.
_MOST_VOXELS = 1 << 24


@dataclass(frozen=True, eq=False)
class LocatedCord:
    """The candidate that was taken.

    Attributes:
        mask: (i, j, k) bool, on the locator's grid of the image.
        known: taken from an earlier run, not located again.
    """

    mask: np.ndarray
    known: bool = False

    def as_json(self) -> dict[str, Any]:
        """In plain types: the box that holds the voxels, and its voxels packed to bits, deflated,
        in base 64; some hundred characters.
        """
        voxels = np.argwhere(self.mask)
        start, stop = voxels.min(axis=0), voxels.max(axis=0) + 1
        part = self.mask[tuple(slice(a, b) for a, b in zip(start, stop))]
        packed = zlib.compress(np.packbits(part).tobytes(), 9)
        return {
            "Grid": list(self.mask.shape),
            "Start": [int(n) for n in start],
            "Size": [int(n) for n in stop - start],
            "Voxels": base64.b64encode(packed).decode("ascii"),
            "KnownFromEarlierRun": self.known,
        }

    @classmethod
    def from_json(cls, content: Any) -> LocatedCord | None:
        """What :meth:`as_json` gave; None for anything else."""
        try:
            return cls(_mask_of(content), known=True)
        except (AttributeError, KeyError, TypeError, ValueError, zlib.error):
            return None


def _mask_of(content: Mapping[str, Any]) -> np.ndarray:
    grid, start, size = ([int(n) for n in content[key]] for key in ("Grid", "Start", "Size"))
    inside = all(a >= 0 and n > 0 and a + n <= most for a, n, most in zip(start, size, grid))
    if {len(grid), len(start), len(size)} != {3} or not inside:
        raise ValueError("no box within the grid")
    if int(np.prod(grid, dtype=object)) > _MOST_VOXELS:
        raise ValueError("a grid that no image has")
    count = int(np.prod(size))
    most = -(-count // 8)
    unpacker = zlib.decompressobj()
    bits = unpacker.decompress(base64.b64decode(content["Voxels"], validate=True), most + 1)
    if len(bits) != most:
        raise ValueError("not as many voxels as the box holds")
    part = np.unpackbits(np.frombuffer(bits, np.uint8), count=count).astype(bool).reshape(size)
    if not part.any():
        raise ValueError("no voxel of cord")
    mask = np.zeros(grid, bool)
    mask[tuple(slice(a, a + n) for a, n in zip(start, size))] = part
    return mask
