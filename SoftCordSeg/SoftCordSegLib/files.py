"""Files: written completely or not at all, and the stems of image names."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import OutputError

NIFTI_ENDINGS = (".nii.gz", ".nii")


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path in the folder of ``path``; on success the file there replaces ``path``.

    The temporary file has all suffixes of ``path`` (writers choose the format by them).  It is
    flushed to disk before the rename, and removed if anything fails.

    Raises:
        OutputError: the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    suffix = "".join(path.suffixes)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".softcord-", suffix=suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise OutputError(
            f"Cannot write into this folder: {_reason(error)}.",
            path=path.parent,
            hint="Choose another folder.",
        ) from error
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())
        # mkstemp makes private files; a result should get the permissions any new file gets.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"Cannot write the file: {_reason(error)}. Nothing was left there.",
            path=path,
            hint="Free some space, or choose another folder.",
        ) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Call ``write(temporary)`` and replace ``path`` by the file that it wrote; see
    :func:`atomic_path`.
    """
    with atomic_path(path) as temporary:
        write(temporary)


def write_text_atomically(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8; see :func:`atomic_path`."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def file_stem(path: Path) -> str:
    """A file's name without ``.nii`` or ``.nii.gz`` (or, of another file, its last ending)."""
    for ending in NIFTI_ENDINGS:
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return path.stem


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
