"""Files: written completely or not at all, never over an input."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from .errors import OptionError, OutputError
from .processes import LockError, exclusive_lock, owner_is_dead, owner_mark

_IMAGE_ENDINGS = (".nii", ".nii.gz")
_PREFIX = ".softcord-"
# Names the files of a run that are all written and wait to be put in place.
_COMMIT = ".commit"
# What a spreadsheet program takes for a formula; with apostrophes before it, it was made safe.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
# A temporary file is written in minutes; what is a day old was left by a run that was killed, also
# where its process cannot be asked for (another computer's, on a shared drive).
_LONGEST_RUN_S = 24 * 3600.0


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path in the folder of ``path``; on success the file there replaces ``path``.

    The temporary file has all suffixes of ``path`` (writers choose the format by them).  It is
    flushed to disk before the rename, and removed if anything fails.

    Raises:
        OutputError: the folder cannot be made or written, the disk is full, or what is there is
            write-protected or no file (a device, a pipe, a link to somewhere else).
    """
    path = Path(path)
    with _temporary(path) as temporary:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A temporary file in the folder of ``path``, removed at the end where it is still there."""
    _check_replaceable(path)
    suffix = "".join(path.suffixes)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        finish_killed_runs(path.parent)
        temporary = path.parent / f"{_PREFIX}{owner_mark()}-{secrets.token_hex(8)}{suffix}"
        # Made with the permissions that any new file gets, which tempfile's are not.
        with open(temporary, "xb"):
            pass
    except OSError as error:
        raise _not_writable(path.parent, error) from error
    try:
        yield temporary
    except OSError as error:
        raise OutputError(
            f"Cannot write this file: {_reason(error)}. Nothing half-written was left.",
            path=path,
            hint="Free some space, or choose another folder.",
        ) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _flush(temporary: Path) -> None:
    """Bring a written file to the disk."""
    with open(temporary, "rb+") as stream:
        os.fsync(stream.fileno())


def finish_killed_runs(folder: Path) -> None:
    """Put in place what runs that were killed had written completely, and remove the rest of their
    temporary files: their process is gone, or they are older than any run can be.

    A mask without the sidecar that says who made it would else be kept for ever.
    """
    for path in folder.glob(f"{_PREFIX}*{_COMMIT}"):
        if owner_is_dead(path.name[len(_PREFIX) :].rpartition("-")[0]):
            with contextlib.suppress(OSError, ValueError, OutputError):
                _put_in_place(path)
    limit = time.time() - _LONGEST_RUN_S
    for path in folder.glob(f"{_PREFIX}*"):
        mark = path.name[len(_PREFIX) :].rpartition("-")[0]
        with contextlib.suppress(OSError):
            if path.is_file() and (owner_is_dead(mark) or path.stat().st_mtime < limit):
                path.unlink()


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Call ``write(temporary)`` and replace ``path`` by the file that it wrote; see
    :func:`atomic_path`.
    """
    with atomic_path(path) as temporary:
        write(temporary)


def write_text_atomically(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8, ends of lines as they are; see :func:`atomic_path`."""
    write_atomically(path, text_writer(text))


def write_together(files: dict[Path, Callable[[Path], object]]) -> None:
    """Write all the files, or none: the first is put in place only after the last is written.

    They are put in place in their order, so that what vouches for the others, a sidecar, is to be
    the last.

    Args:
        files: for each path a function that writes to the temporary path it is given (of the same
            endings).

    Raises:
        OutputError: the folder is not writable or the disk is full; what was there before is
            untouched.
    """
    with contextlib.ExitStack() as stack:
        written = []
        for path, write in files.items():
            temporary = stack.enter_context(_temporary(Path(path)))
            try:
                write(temporary)
                _flush(temporary)
            except OutputError as error:
                if error.path == temporary:
                    error.path = path  # the file that the user knows
                raise
            written.append((temporary, path))
        with _written_down(written):
            for temporary, path in written:
                os.replace(temporary, path)


@contextlib.contextmanager
def _written_down(written: list[tuple[Path, Path]]) -> Iterator[None]:
    """While files, all of them on the disk by now, are put in place: write down in each folder
    which ones of it belong together.
    """
    commits: list[Path] = []
    try:
        for folder in dict.fromkeys(path.parent for _, path in written):
            rows = [
                [temporary.name, path.name, _state(path)]
                for temporary, path in written
                if path.parent == folder
            ]
            if len(rows) > 1:
                name = f"{_PREFIX}{owner_mark()}-{secrets.token_hex(8)}{_COMMIT}"
                commits.append(folder / name)
                commits[-1].write_text(json.dumps(rows), encoding="utf-8")
                _flush(commits[-1])
        yield
    finally:
        for commit in commits:
            with contextlib.suppress(FileNotFoundError):
                commit.unlink()


def _put_in_place(commit: Path) -> None:
    """Go on where a killed run stopped, unless what it was to replace has changed since.

    Raises:
        OSError, ValueError, OutputError: it cannot be gone on with.
    """
    waiting = []
    for row in json.loads(commit.read_text(encoding="utf-8")):
        temporary, end = (commit.parent / Path(str(name)).name for name in row[:2])
        if temporary.name.startswith(_PREFIX) and temporary.is_file():
            _check_replaceable(end)
            if end.name.startswith(_PREFIX) or _state(end) != row[2]:
                return
            waiting.append((temporary, end))
    for temporary, end in waiting:
        os.replace(temporary, end)


def _state(path: Path) -> list[int] | None:
    """Size and time of change of a file; None where there is none."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def text_of(path: str | Path) -> str:
    """The text of a file that another program may have written: UTF-8, with or without a byte order
    mark, or UTF-16 with one (Excel's "Unicode text").

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is no text.
    """
    raw = Path(path).read_bytes()
    coding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    text = raw.decode(coding)
    if "\0" in text:
        raise UnicodeDecodeError(coding, raw, 0, len(raw), "it has NUL characters")
    return text


def real_path(path: str | Path) -> Path:
    """The absolute path without links; of one that cannot be followed (a loop of links) as it is,
    so that it costs its own file only, when that is opened.
    """
    return Path(os.path.realpath(path))


def is_plain_path(text: str) -> bool:
    """Whether a path leads down into a folder, on every system, past nothing hidden."""
    path = PurePosixPath(text)
    return bool(
        text
        and not path.is_absolute()
        and path.as_posix() == text
        and not any(part == ".." or part.startswith(".") for part in path.parts)
        and not any(letter in text for letter in '\\:*?"<>|')
        and text.isprintable()
    )


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def text_writer(text: str) -> Callable[[Path], object]:
    """For :func:`write_together`: a function that writes ``text`` as UTF-8, ends of lines as they
    are.

    The bytes of a name that is not UTF-8 become ``\\udcff``, which JSON reads as it was.
    """
    return lambda path: path.write_bytes(text.encode("utf-8", "backslashreplace"))


def safe_cell(value: Any) -> Any:
    """The value of a table's cell; where a spreadsheet program would run a text as a formula
    (``=…``, ``+…``, ``-…``, ``@…``), the text with an apostrophe before it.

    Numbers stay as they are, written as text too.  :func:`text_of_cell` gives the text back.
    """
    if not isinstance(value, str) or not _FORMULA.match(value):
        return value
    try:
        float(value)
        return value
    except ValueError:
        return f"'{value}"


def text_of_cell(cell: str) -> str:
    """The text for which :func:`safe_cell` gave this cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def json_text(content: dict[str, Any]) -> str:
    """The text of our JSON files."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file that is read and then replaced, so that of several processes none loses what
    another has written; waits while another one holds it.

    The lock is a file beside ``path``, removed at the end, so that it serves on a network drive
    too.

    Raises:
        OutputError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(path.parent, error) from error
    try:
        with exclusive_lock(path.with_name(f".{path.name}.lock")):
            yield
    except LockError as error:
        raise _not_writable(path.parent, error) from error


def check_folder(folder: Path) -> None:
    """Make the folder and try to write into it, before any work is done.

    Raises:
        OutputError: it is a file, is named like an image, or cannot be made or written.
    """
    if folder.is_file():
        raise OutputError("This is a file, not a folder.", path=folder, hint="Choose another name.")
    if folder.name.endswith(_IMAGE_ENDINGS) and not folder.exists():
        raise OutputError(
            "This is the name of an image, and results go into a folder.",
            path=folder,
            hint="Name a folder; the files in it get their names from the images.",
        )
    with contextlib.suppress(_ProbeDone), atomic_path(folder / "probe"):
        raise _ProbeDone  # leaves nothing behind


def check_not_an_input(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse to write over an input.

    Raises:
        OptionError: an output is one of the inputs, by whatever name or link.
    """
    originals = {real_path(path) for path in inputs}
    for output in outputs:
        if real_path(output) in originals:
            raise OptionError(
                "This file is an input and would be overwritten.",
                path=output,
                hint="Choose another output.",
            )


def _check_replaceable(path: Path) -> None:
    """Refuse to put a file in the place of what was protected, or is none."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if stat.S_ISLNK(mode):
        raise OutputError(
            "This is a link, which would be replaced by a file.",
            path=path,
            hint="Give the name of the file it leads to, or another name.",
        )
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OutputError(
            "This is a device or a pipe, not a file.", path=path, hint="Choose another name."
        )
    if stat.S_ISREG(mode) and not mode & stat.S_IWUSR:
        raise OutputError(
            "This file is write-protected.",
            path=path,
            hint="Choose another name, or permit writing to it.",
        )


class _ProbeDone(Exception):
    pass


def _not_writable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Cannot write into this folder: {_reason(error)}.",
        path=folder,
        hint="Choose another folder.",
    )


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
