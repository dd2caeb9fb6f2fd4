"""Unpacking an archive that is not trusted: only into its folder, only files of known kinds, only
up to a size.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ..errors import ModelError, OutputError
from ..progress import Progress

# The files of a model; everything else in an archive (scripts, pictures, logs) is not unpacked.
KINDS = (".ckpt", ".pth", ".safetensors", ".json", ".yaml", ".yml")
# The largest known release is well below 1 GiB; a fivefold nnU-Net with its optimisers stays below
# this.
MAX_BYTES = 8 << 30
MAX_FILES = 5000
# Weights hardly compress; text does, but not like this.
_MAX_RATIO = 200
_SMALL = 1 << 20
_BLOCK = 1 << 20


def unpack(
    archive: str | Path,
    folder: str | Path,
    progress: Progress | None = None,
    max_bytes: int = MAX_BYTES,
) -> list[Path]:
    """Unpack the files of a model from a zip.

    Args:
        archive: ``.zip``.
        folder: an existing folder.
        progress: receives progress; checked for cancellation at every megabyte.
        max_bytes: of all files together.

    Returns:
        The files written.

    Raises:
        ModelError: not a zip, corrupt, or unsafe: it would write elsewhere or fill the disk.
        OutputError: the disk is full.
        Cancelled: the user stopped it.
    """
    archive, folder, progress = Path(archive), Path(folder), progress or Progress()
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _checked(opened.infolist(), archive, max_bytes)
            total = max(sum(member.file_size for member in members), 1)
            written, done = [], 0
            for member in members:
                target = folder / PurePosixPath(member.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                _copy(
                    opened,
                    member,
                    target,
                    archive,
                    progress.part(done / total, (done + member.file_size) / total),
                )
                done += member.file_size
                written.append(target)
            return written
    except FileNotFoundError as error:
        raise ModelError(
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
        raise ModelError(
            f"The file is not a zip archive, or it is corrupt ({error}).",
            path=archive,
            hint="Get it again.",
        ) from error
    except OSError as error:
        raise OutputError(
            f"The archive cannot be unpacked: {error.strerror or error}. Nothing was installed.",
            path=archive,
            hint="Free some space, and try again.",
        ) from error


def _checked(
    members: list[zipfile.ZipInfo], archive: Path, max_bytes: int
) -> list[zipfile.ZipInfo]:
    """The files to unpack; every entry of the archive is checked, also those that are not
    unpacked.
    """
    if len(members) > MAX_FILES:
        raise ModelError(
            f"The archive has {len(members)} files; a model has far fewer.",
            path=archive,
            hint="Do not use it.",
        )
    seen: set[str] = set()
    wanted = []
    for member in members:
        name = member.filename
        path = PurePosixPath(name)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if (
            path.is_absolute()
            or ".." in path.parts
            or "\\" in name
            or ":" in name
            or "\0" in member.orig_filename
        ):
            raise ModelError(
                f"The archive would write outside its folder ('{name}').",
                path=archive,
                hint="Do not use it.",
            )
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ModelError(
                f"The archive contains a link or a device ('{name}').",
                path=archive,
                hint="Do not use it.",
            )
        if (
            not name
            or member.is_dir()
            or path.suffix.lower() not in KINDS
            or any(part.startswith((".", "__MACOSX")) for part in path.parts)
        ):
            continue
        if member.file_size > _SMALL and member.file_size > _MAX_RATIO * max(
            member.compress_size, 1
        ):
            raise ModelError(
                f"The archive contains a file that grows suspiciously when unpacked ('{name}').",
                path=archive,
                hint="Do not use it.",
            )
        if str(path).casefold() in seen:
            raise ModelError(
                f"The archive contains '{name}' twice.", path=archive, hint="Do not use it."
            )
        seen.add(str(path).casefold())
        wanted.append(member)
    if sum(member.file_size for member in wanted) > max_bytes:
        raise ModelError(
            f"The archive is larger than {max_bytes / (1 << 30):.1f} GiB when unpacked.",
            path=archive,
            hint="Do not use it.",
        )
    if not wanted:
        raise ModelError(
            f"The archive contains no model: no file that ends in {', '.join(KINDS)}.",
            path=archive,
            hint="Give the archive of a model.",
        )
    return wanted


def _copy(
    opened: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    target: Path,
    archive: Path,
    progress: Progress,
) -> None:
    left = member.file_size
    with opened.open(member) as source, open(target, "xb") as stream:
        while block := source.read(_BLOCK):
            progress.check_cancelled()
            left -= len(block)
            if left < 0:
                raise ModelError(
                    f"A file in the archive is larger than its entry says ('{member.filename}').",
                    path=archive,
                    hint="Do not use it.",
                )
            stream.write(block)
            progress.report(1 - left / max(member.file_size, 1), f"Unpacking {target.name}")
