"""Archives that are not trusted: no entry may lead out of its folder, be a link or a device, or
fill the disk.
"""

from __future__ import annotations

import contextlib
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from .errors import InputError, OutputError, SoftCordSegError
from .progress import Progress

_BLOCK = 1 << 20
_DO_NOT = "Do not use it."
# Weights and images hardly compress; text does, but not like this.
MAX_RATIO = 200
_SMALL = 1 << 20


@contextlib.contextmanager
def zip_errors(
    archive: Path, error_type: type[SoftCordSegError] = InputError, nothing_done: str = ""
) -> Iterator[None]:
    """What goes wrong with a zip in the block, in which nothing else is done, is a sentence.

    Args:
        archive: ``.zip``.
        error_type: of the error for an archive that is missing or corrupt.
        nothing_done: sentence on what was not done where the disk is full.

    Raises:
        SoftCordSegError: ``error_type``: missing, not a zip, corrupt.
        OutputError: the disk is full.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise error_type(
            "There is no such file.", path=archive, hint="Check the name and the folder."
        ) from error
    except (
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        zlib.error,
    ) as error:
        raise error_type(
            f"The file is not a zip archive, or it is corrupt ({error}).",
            path=archive,
            hint="Get it again.",
        ) from error
    except OSError as error:
        raise OutputError(
            f"The archive cannot be unpacked: {error.strerror or error}. {nothing_done}".rstrip(),
            path=archive,
            hint="Free some space, and try again.",
        ) from error


def check_entries(
    members: Sequence[zipfile.ZipInfo],
    archive: Path,
    error_type: type[SoftCordSegError] = InputError,
) -> None:
    """Refuse an archive with an entry that leads out of its folder, or is a link or a device.

    Raises:
        SoftCordSegError: ``error_type``.
    """
    for member in members:
        name = member.filename
        path = PurePosixPath(name)
        if (
            path.is_absolute()
            or ".." in path.parts
            or "\\" in name
            or ":" in name
            or "\0" in member.orig_filename
        ):
            raise error_type(
                f"The archive would write outside its folder ('{name}').",
                path=archive,
                hint=_DO_NOT,
            )
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise error_type(
                f"The archive contains a link or a device ('{name}').", path=archive, hint=_DO_NOT
            )


def check_wanted(
    members: Sequence[zipfile.ZipInfo],
    archive: Path,
    max_bytes: int,
    error_type: type[SoftCordSegError] = InputError,
    max_ratio: int = MAX_RATIO,
) -> None:
    """Refuse to unpack files that grow beyond measure, two of one name, or too much together.

    Args:
        members: that are to be unpacked.
        archive: that they are in.
        max_bytes: of all together.
        error_type: of the error.
        max_ratio: of a file's size to its size in the archive, where it is over a megabyte.

    Raises:
        SoftCordSegError: ``error_type``.
    """
    seen: set[str] = set()
    for member in members:
        name = member.filename
        if member.file_size > _SMALL and member.file_size > max_ratio * max(
            member.compress_size, 1
        ):
            raise error_type(
                f"The archive contains a file that grows suspiciously when unpacked ('{name}').",
                path=archive,
                hint=_DO_NOT,
            )
        # Some disks do not tell capitals from small letters.
        if str(PurePosixPath(name)).casefold() in seen:
            raise error_type(f"The archive contains '{name}' twice.", path=archive, hint=_DO_NOT)
        seen.add(str(PurePosixPath(name)).casefold())
    if sum(member.file_size for member in members) > max_bytes:
        raise error_type(
            f"The archive is larger than {max_bytes / (1 << 30):.1f} GiB when unpacked.",
            path=archive,
            hint=_DO_NOT,
        )


def copy_entry(
    opened: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    target: Path,
    archive: Path,
    progress: Progress,
    error_type: type[SoftCordSegError] = InputError,
) -> None:
    """Unpack one file, never more of it than its entry says.

    Args:
        opened: the archive.
        member: of it.
        target: where to; must not be there.
        archive: its file.
        progress: receives progress; checked for cancellation at every megabyte.
        error_type: of the error for a file that is larger than its entry says.

    Raises:
        SoftCordSegError: ``error_type``.
        Cancelled: the user stopped it.
    """
    left = member.file_size
    with opened.open(member) as source, open(target, "xb") as stream:
        while block := source.read(_BLOCK):
            progress.check_cancelled()
            left -= len(block)
            if left < 0:
                raise error_type(
                    f"A file in the archive is larger than its entry says ('{member.filename}').",
                    path=archive,
                    hint=_DO_NOT,
                )
            stream.write(block)
            progress.report(1 - left / max(member.file_size, 1), f"Unpacking {target.name}")
