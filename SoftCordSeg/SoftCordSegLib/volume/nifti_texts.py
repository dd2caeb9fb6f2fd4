"""Copying NIfTI files without what their headers say in words: programs put names of patients,
times of scans and whole DICOM headers there (``descrip``, extensions).

NIfTI-1.1 and NIfTI-2 data formats (nifti.nimh.nih.gov); gzip file format, RFC 1952.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from ..errors import InputError

_NAME_FLAG, _EXTRA_FLAG, _COMMENT_FLAG = 0x08, 0x04, 0x10
_LEVEL = 6


@dataclass(frozen=True)
class _Layout:
    """Where a header has its texts and the place of the first voxel, in bytes."""

    size: int
    texts: tuple[tuple[int, int], ...]
    offset_at: int
    offset_type: str


_LAYOUTS = {
    348: _Layout(348, ((4, 14), (14, 32), (148, 228), (228, 252), (328, 344)), 108, "f"),
    540: _Layout(540, ((240, 320), (320, 344), (508, 524)), 168, "q"),
}


def copy_without_texts(source: Path, target: Path) -> bool:
    """Copy a NIfTI file, voxels and geometry bit for bit, without the texts of its header and its
    extensions; the bytes as they are where it has none.  The same file always gives the same bytes.

    Args:
        source: ``.nii`` or ``.nii.gz``.
        target: of the same ending; replaced.

    Returns:
        Whether there was something to leave out.

    Raises:
        InputError: it is no NIfTI file, or cannot be read.
    """
    with _opened(source) as (raw, stream):
        compressed = stream is not raw
        named = compressed and _says_a_name(raw)
        raw.seek(0)
        clean, skipped = _clean_header(stream, source)
        if clean is None and not named:
            shutil.copyfile(source, target)
            return False
        _write(skipped if clean is None else clean, stream, target, compressed)
        return True


def header_texts(source: Path) -> tuple[list[str], bytes]:
    """What a NIfTI file says in words: the texts of its header that are not empty, and its
    extensions as they are; no voxel is read.

    Args:
        source: ``.nii`` or ``.nii.gz``.

    Raises:
        InputError: it is no NIfTI file, or cannot be read.
    """
    with _opened(source) as (_, stream):
        _, layout, header, extensions = _read_header(stream, source)
    parts = (header[start:end].split(b"\0", 1)[0] for start, end in layout.texts)
    texts = [part.decode("latin-1").strip() for part in parts]
    return [text for text in texts if text], extensions


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[tuple[BinaryIO, Any]]:
    """The file, and the stream of its content: another object where it is compressed.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with open(source, "rb") as raw:
            compressed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            yield raw, gzip.GzipFile(fileobj=raw) if compressed else raw
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"The file cannot be read ({reason}).", path=source, hint="Copy the file again."
        ) from error


def _read_header(stream: IO[bytes], path: Path) -> tuple[str, _Layout, bytes, bytes]:
    """Byte order, layout, header and extensions; the stream stands at the first voxel."""
    begin = stream.read(4)
    order = next(
        (o for o in "<>" if len(begin) == 4 and struct.unpack(f"{o}i", begin)[0] in _LAYOUTS), ""
    )
    if not order:
        raise InputError(
            "The file is not a NIfTI image.", path=path, hint="Convert it to .nii or .nii.gz."
        )
    layout = _LAYOUTS[struct.unpack(f"{order}i", begin)[0]]
    header = begin + stream.read(layout.size)
    if len(header) < layout.size + 4:
        raise EOFError("it ends in its header")
    offset = int(struct.unpack_from(f"{order}{layout.offset_type}", header, layout.offset_at)[0])
    return order, layout, header, stream.read(max(offset - len(header), 0))


def _clean_header(stream: IO[bytes], path: Path) -> tuple[bytes | None, bytes]:
    """The header without texts (None where it has none), and what was read; the stream stands at
    the first voxel.
    """
    order, layout, header, extensions = _read_header(stream, path)
    clean = bytearray(header)
    for start, end in layout.texts:
        clean[start:end] = bytes(end - start)
    clean[layout.size :] = bytes(4)
    struct.pack_into(f"{order}{layout.offset_type}", clean, layout.offset_at, layout.size + 4)
    unchanged = bytes(clean) == header
    return (None if unchanged and not extensions else bytes(clean)), header


def _write(header: bytes, stream: IO[bytes], target: Path, compressed: bool) -> None:
    with open(target, "wb") as raw:
        if not compressed:
            raw.write(header)
            shutil.copyfileobj(stream, raw, 1 << 20)
            return
        # Without a name and a time, so that the bytes depend on the voxels alone.
        with gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed:
            packed.write(header)
            shutil.copyfileobj(stream, packed, 1 << 20)


def _says_a_name(raw: BinaryIO) -> bool:
    """Whether the gzip header has a comment, or another name than one of ours."""
    header = raw.read(10)
    if len(header) < 10 or header[3] & (_EXTRA_FLAG | _COMMENT_FLAG):
        return True
    if not header[3] & _NAME_FLAG:
        return False
    name = raw.read(4096).split(b"\0", 1)[0]
    own = os.path.basename(str(getattr(raw, "name", "")))
    return not name.startswith(b".softcord-") and name.decode("latin-1") not in (
        own,
        own[: -len(".gz")],
    )
