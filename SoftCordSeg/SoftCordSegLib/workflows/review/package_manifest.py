"""The list of what is in a package for correction, and reading packages: a zip, or the folder that
one was unpacked into.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from ... import __version__
from ...errors import InputError
from ...files import is_plain_path
from ...progress import Progress
from ...structured_text import MAX_BYTES, read_json
from ...zip_files import check_entries, check_wanted, copy_entry, zip_errors

MANIFEST = "package.json"
FORMAT, VERSION = "SoftCordSeg package for correction", 1
IMAGE, MASK, EDITS, DISCS, SIDECAR = "image", "mask", "edits", "discs", "sidecar"
KINDS = (IMAGE, MASK, EDITS, DISCS, SIDECAR)
_MOST_FILES = 100_000
# Masks hardly need a byte in a thousand once they are compressed: what bounds them is their grid.
_MAX_RATIO = 1 << 20
_MOST_BYTES = 1 << 40


@dataclass(frozen=True)
class PackedFile:
    """A file of a package.

    Attributes:
        path: in the data set and in the package, with "/".
        kind: one of :data:`KINDS`.
        sha256: as it was packed.
        source_sha256: as it lay in the data set; another one where the header had texts, which are
            left out.
    """

    path: str
    kind: str
    sha256: str
    source_sha256: str


@dataclass(frozen=True)
class Manifest:
    """What is in a package: key of each case -> its files."""

    cases: Mapping[str, tuple[PackedFile, ...]]

    def as_json(self) -> dict[str, Any]:
        """The content of ``package.json``."""
        return {
            "Format": FORMAT,
            "Version": VERSION,
            "Software": f"SoftCordSeg {__version__}",
            "Cases": {
                key: {
                    one.path: {
                        "Kind": one.kind,
                        "SHA256": one.sha256,
                        "SourceSHA256": one.source_sha256,
                    }
                    for one in sorted(files, key=lambda file: file.path)
                }
                for key, files in sorted(self.cases.items())
            },
        }

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """The manifest in a file.

        Raises:
            InputError: it cannot be read, is none, or names a file outside the package.
        """
        try:
            content = read_json(path)
        except (OSError, ValueError) as error:
            raise _no_manifest(path) from error
        if not isinstance(content, Mapping) or content.get("Format") != FORMAT:
            raise _no_manifest(path)
        if content.get("Version") != VERSION:
            raise InputError(
                f"This package is of version {content.get('Version')}, which is not known here.",
                path=path,
                hint="Update SoftCordSeg.",
            )
        cases = content.get("Cases")
        if not isinstance(cases, Mapping):
            raise _no_manifest(path)
        return cls({str(key): _files(files, path) for key, files in cases.items()})


class PackageSource(Protocol):
    """Where a package is read from."""

    @property
    def names(self) -> frozenset[str]:
        """Paths of all files, with "/", relative to the manifest's folder."""
        ...

    def copy(self, name: str, target: Path, max_bytes: int = MAX_BYTES) -> None:
        """Copy a file out of the package.

        Raises:
            InputError: it is a link, too large, or corrupt.
        """
        ...


@contextlib.contextmanager
def open_package(path: Path) -> Iterator[PackageSource]:
    """Open a package.

    Args:
        path: ``.zip``, or the folder that has ``package.json`` in it.

    Raises:
        InputError: it is none, corrupt, or has entries that lead out of it.
    """
    if path.is_dir():
        yield _Folder(path)
        return
    with contextlib.ExitStack() as stack:
        with zip_errors(path):
            opened = stack.enter_context(zipfile.ZipFile(path))
        yield _Zip(path, opened)


class _Folder:
    def __init__(self, folder: Path):
        self._folder = folder
        if not (folder / MANIFEST).is_file():
            raise _no_manifest(folder)
        found: list[str] = []
        for parent, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            there = Path(parent).relative_to(folder)
            found += [(there / name).as_posix() for name in names if name[0] != "."]
        self.names = frozenset(found)

    def copy(self, name: str, target: Path, max_bytes: int = MAX_BYTES) -> None:
        path, parts = self._folder / name, PurePosixPath(name).parts
        if any(self._folder.joinpath(*parts[: n + 1]).is_symlink() for n in range(len(parts))):
            raise InputError("This is a link, not a file of the package.", path=path)
        if path.stat().st_size > max_bytes:
            raise _too_large(path)
        shutil.copyfile(path, target)


class _Zip:
    def __init__(self, path: Path, opened: zipfile.ZipFile):
        self._path, self._opened = path, opened
        members = opened.infolist()
        if len(members) > _MOST_FILES:
            raise InputError(
                f"The archive has {len(members)} files; a package has far fewer.", path=path
            )
        check_entries(members, path)
        files = [
            member
            for member in members
            if member.filename
            and not member.is_dir()
            and not any(
                part.startswith((".", "__MACOSX")) for part in PurePosixPath(member.filename).parts
            )
        ]
        check_wanted(files, path, _MOST_BYTES, max_ratio=_MAX_RATIO)
        # A folder that is packed again may be packed with the folder around it.
        manifests = sorted(
            (PurePosixPath(member.filename) for member in files),
            key=lambda one: (one.name != MANIFEST, len(one.parts)),
        )
        if not manifests or manifests[0].name != MANIFEST:
            raise _no_manifest(path)
        top = manifests[0].parent
        self._members = {
            PurePosixPath(member.filename).relative_to(top).as_posix(): member
            for member in files
            if top in PurePosixPath(member.filename).parents
        }
        self.names = frozenset(self._members)

    def copy(self, name: str, target: Path, max_bytes: int = MAX_BYTES) -> None:
        member = self._members[name]
        if member.file_size > max_bytes:
            raise _too_large(Path(name))
        with zip_errors(self._path):
            copy_entry(self._opened, member, target, self._path, Progress())


def _files(content: Any, path: Path) -> tuple[PackedFile, ...]:
    if not isinstance(content, Mapping):
        raise _no_manifest(path)
    files = []
    for name, about in content.items():
        texts = [
            about.get(key) if isinstance(about, Mapping) else None
            for key in ("Kind", "SHA256", "SourceSHA256")
        ]
        if not all(isinstance(text, str) for text in texts) or texts[0] not in KINDS:
            raise _no_manifest(path)
        if not is_plain_path(str(name)):
            raise InputError(
                f"The package would write outside its folder ('{name}').",
                path=path,
                hint="Do not use it.",
            )
        files.append(PackedFile(str(name), *map(str, texts)))
    return tuple(files)


def _no_manifest(path: Path) -> InputError:
    return InputError(
        f"This is no package for correction: it has no {MANIFEST} that tells what was packed.",
        path=path,
        hint="Give the zip that was sent back, or its folder.",
    )


def _too_large(path: Path) -> InputError:
    return InputError("This file is larger than a mask of this image can be.", path=path)
