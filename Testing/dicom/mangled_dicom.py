"""DICOM files with flipped, cut, removed and senseless bytes, and what reads them."""

from __future__ import annotations

import random
from pathlib import Path

from dicom.soft_series import MADE_BY, soft_series
from SoftCordSegLib.dicom import (
    fractional_segmentation,
    needing_dicom,
    parametric_map,
    read_dicom_mask,
    series_among,
    source_slices,
)
from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.progress import Progress

_SENSELESS = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"nan ", b"1e99")
# Where headers are; pixels may have any value.
_HEADER = (128, 6000)


def whole_files(folder: Path) -> list[bytes]:
    """An image, a multi-frame image, a segmentation and a parametric map."""
    mask, slices = soft_series(folder / "images", "axial")
    soft_series(folder / "enhanced", "oblique", enhanced=True)
    with needing_dicom():
        fractional_segmentation(mask, slices, MADE_BY).save_as(folder / "soft.dcm")
        parametric_map(mask, slices, MADE_BY).save_as(folder / "map.dcm")
    names = ("images/IM0001", "enhanced/IM0", "soft.dcm", "map.dcm")
    return [(folder / name).read_bytes() for name in names]


def mangled(raw: bytes, chance: random.Random) -> bytes:
    """A file after one to ten accidents."""
    changed = bytearray(raw)
    for _ in range(chance.choice((1, 1, 3, 10))):
        end = min(len(changed), _HEADER[1])
        if end <= _HEADER[0]:
            break
        at, kind = chance.randrange(_HEADER[0], end), chance.randrange(4)
        if kind == 0:
            changed[at] = chance.randrange(256)
        elif kind == 1:
            del changed[at:]
        elif kind == 2:
            changed[at : at + 4] = chance.choice(_SENSELESS)
        else:
            del changed[at : at + chance.randrange(1, 9)]
    return bytes(changed)


def read_every_way(path: Path) -> int:
    """Read a file in every way; errors of ours are right, any other is raised.

    Returns:
        How many ways ended in a sentence.
    """

    def slices():
        with needing_dicom():
            source_slices([path])

    sentences = 0
    for read in (lambda: series_among([path], Progress()), slices, lambda: read_dicom_mask(path)):
        try:
            read()
        except SoftCordSegError:
            sentences += 1
    return sentences
