"""Unpacking the archive of a model, which is not trusted: only into its folder, only files of known
kinds, only up to a size.
"""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from ..errors import ModelError
from ..progress import Progress
from ..zip_files import check_entries, check_wanted, copy_entry, zip_errors

# The files of a model; everything else in an archive (scripts, pictures, logs) is not unpacked.
KINDS = (".ckpt", ".pth", ".safetensors", ".json", ".yaml", ".yml")
# The largest known release is well below 1 GiB; a fivefold nnU-Net with its optimisers stays below
# this.
MAX_BYTES = 8 << 30
MAX_FILES = 5000


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
    nothing = "Nothing was installed."
    with zip_errors(archive, ModelError, nothing), zipfile.ZipFile(archive) as opened:
        members = _checked(opened.infolist(), archive, max_bytes)
        total = max(sum(member.file_size for member in members), 1)
        written, done = [], 0
        for member in members:
            target = folder / PurePosixPath(member.filename)
            target.parent.mkdir(parents=True, exist_ok=True)
            part = progress.part(done / total, (done + member.file_size) / total)
            copy_entry(opened, member, target, archive, part, ModelError)
            done += member.file_size
            written.append(target)
        return written


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
    check_entries(members, archive, ModelError)
    wanted = [
        member
        for member in members
        if member.filename
        and not member.is_dir()
        and PurePosixPath(member.filename).suffix.lower() in KINDS
        and not any(
            part.startswith((".", "__MACOSX")) for part in PurePosixPath(member.filename).parts
        )
    ]
    check_wanted(wanted, archive, max_bytes, ModelError)
    if not wanted:
        raise ModelError(
            f"The archive contains no model: no file that ends in {', '.join(KINDS)}.",
            path=archive,
            hint="Give the archive of a model.",
        )
    return wanted
