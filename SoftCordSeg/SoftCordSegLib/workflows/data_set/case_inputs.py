"""What a result was made from: size, time of change and SHA-256 of a file, noted beside the result
and held against the file when a run is taken up again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...files import file_sha256

BYTES, CHANGED, SHA256 = "Bytes", "Changed", "SHA256"


def noted(path: Path, sha256: str | None = None) -> dict[str, Any]:
    """Name, size in bytes, time of change in nanoseconds, and SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    status = path.stat()
    return {
        "Name": path.name,
        BYTES: status.st_size,
        CHANGED: status.st_mtime_ns,
        SHA256: file_sha256(path) if sha256 is None else sha256,
    }


def is_as_noted(path: Path, note: Any, verify: bool = False) -> bool:
    """Whether a file is the one that was noted: by size and time of change; where the time differs,
    as after copying, by SHA-256.

    Args:
        path: the file.
        note: of :func:`noted`.
        verify: always by SHA-256.
    """
    if not isinstance(note, Mapping):
        return False
    try:
        status = path.stat()
        if status.st_size != note.get(BYTES, status.st_size):
            return False
        same_time = BYTES in note and note.get(CHANGED) == status.st_mtime_ns
        return (same_time and not verify) or file_sha256(path) == note.get(SHA256)
    except OSError:
        return False
