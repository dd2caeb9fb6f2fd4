"""From an archive to an installed model: unpack, recognise, convert, write; whole or not at all."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import Any

from ..errors import ModelError, OutputError
from ..files import file_sha256
from ..progress import Progress
from ..provenance import now
from .archive import unpack
from .bundle import load_bundle, save_plan_bundle, shipped_bundles
from .checkpoint import Converted, convert_checkpoint, find_checkpoint
from .download import SCHEMES, alone_with, download, has_part
from .nnunet_folder import convert_result_folder, find_result_folder
from .releases import Release, releases
from .store import Store, fill


def install_release(
    release: Release,
    store: Store | None = None,
    *,
    sha256: str | None = None,
    replace: bool = False,
    progress: Progress | None = None,
    schemes: tuple[str, ...] = SCHEMES,
) -> Path:
    """Download a release and install it.  Where no SHA-256 of its archive is known, that of the
    first download is recorded.

    Args:
        release: which.
        store: to install into; the user's where None.
        sha256: of the archive, where known.
        replace: an installed one is replaced.
        progress: receives progress; checked for cancellation.
        schemes: see :func:`~.download.download`.

    Returns:
        The folder of the bundle.

    Raises:
        ModelError: it cannot be downloaded, its SHA-256 is another one than expected or
            recorded, or it is not the release.
        OutputError: the store cannot be written.
        Cancelled: the user stopped it; the part of the download stays, to be resumed.
    """
    store, progress = store or Store(), progress or Progress()
    if store.has(release.name) and not replace:
        raise ModelError(
            f"The release '{release.name}' is installed already. Nothing was downloaded.",
            hint="Remove it first to install it again.",
        )
    expected = sha256 or release.sha256 or store.remembered(release.name)
    archive = store.downloads / release.file

    fetch = functools.partial(
        download,
        release.url,
        archive,
        sha256=expected,
        progress=progress.part(0.0, 0.8),
        schemes=schemes,
    )
    install = functools.partial(
        _install_fetched, archive, store, release, expected, replace, progress.part(0.8, 1.0)
    )
    with alone_with(archive):
        found = _downloaded_before(archive, expected)
        if found is not None:
            try:
                return install(found)
            except ModelError:
                if expected is not None:
                    raise
        resumes = has_part(archive)
        try:
            return install(fetch())
        except ModelError:
            # What was resumed may be halves of two files.
            if expected is not None or not resumes or has_part(archive):
                raise
        return install(fetch())


def _install_fetched(
    archive: Path,
    store: Store,
    release: Release,
    expected: str | None,
    replace: bool,
    progress: Progress,
    found: str,
) -> Path:
    """Install a release from its archive, whose SHA-256 is ``found``, and delete that."""
    try:
        folder = install_archive(
            archive,
            store,
            name=release.name,
            sha256=found,
            replace=replace,
            release=release,
            progress=progress,
        )
    except ModelError:
        if expected is None:
            # No SHA-256 is known for these bytes: next time they are fetched anew.
            archive.unlink(missing_ok=True)
        raise
    store.remember(release.name, found)
    archive.unlink(missing_ok=True)
    return folder


def install_archive(
    archive: str | Path,
    store: Store | None = None,
    *,
    name: str | None = None,
    sha256: str | None = None,
    replace: bool = False,
    release: Release | None = None,
    progress: Progress | None = None,
) -> Path:
    """Install a model from a zip: a release of the authors, another checkpoint or nnU-Net folder,
    or a bundle.

    Args:
        archive: ``.zip``, a folder with the same content, or a ``.ckpt`` by itself.
        store: to install into; the user's where None.
        name: of the installed model; that of the release, or of the file, where None.
        sha256: expected, of the archive.
        replace: an installed one is replaced.
        release: which one it is; recognised by its name or its file's where None.
        progress: receives progress; checked for cancellation.

    Returns:
        The folder of the bundle.

    Raises:
        ModelError: not a model, an unsafe archive, or another SHA-256 than expected.
        OutputError: the store cannot be written.
        Cancelled: the user stopped it; nothing was installed.
    """
    archive, store, progress = Path(archive), store or Store(), progress or Progress()
    release = release or _release_of(archive, name)
    name = name or (
        release.name if release is not None else archive.stem if archive.suffix else archive.name
    )
    if name in [folder.name for folder in shipped_bundles()]:
        raise ModelError(
            f"'{name}' is the name of a model that comes with SoftCordSeg.",
            hint="Install this one under another name.",
        )
    source = _source(archive, release, sha256, store)
    with store.new_bundle(name, replace) as target, store.workplace() as work:
        if archive.is_file() and archive.suffix == ".ckpt":
            shutil.copyfile(archive, work / archive.name)
        elif not archive.is_dir():
            unpack(archive, work, progress.part(0.0, 0.5))
        converted_from = archive if archive.is_dir() else work
        part = progress.part(0.5, 1.0)
        try:
            _convert(converted_from, target, name, release, source, part)
        except ModelError as error:
            if error.path is not None and work in error.path.parents:
                error.path = error.path.relative_to(work)  # inside the archive
            error.in_file(archive)
            raise
    return store.path(name)


def _downloaded_before(archive: Path, expected: str | None) -> str | None:
    """SHA-256 of an archive that was downloaded before and could not be installed; None where there
    is none, or another one than expected.
    """
    found = file_sha256(archive) if archive.is_file() else None
    return found if expected is None or expected.lower() == found else None


def _release_of(archive: Path, name: str | None) -> Release | None:
    """The known release that this is, by its name or by that of its file."""
    known = releases()
    by_name = [release for release in known if release.name == name]
    by_file = [release for release in known if release.file == archive.name]
    return next(iter([*by_name, *by_file]), None)


def _source(
    archive: Path, release: Release | None, sha256: str | None, store: Store
) -> dict[str, Any]:
    """Where a model comes from, for its provenance; the archive is checked against the expected
    SHA-256.
    """
    source: dict[str, Any] = {"file": archive.name, "installed": now()}
    if archive.is_file():
        source["sha256"] = found = file_sha256(archive)
        remembered = store.remembered(release.name) if release is not None else None
        expected = sha256 or (release.sha256 if release is not None else None) or remembered
        if expected is not None and found != expected.lower():
            raise ModelError(
                f"The archive is not the expected one (SHA-256 is {found}, expected {expected})."
                " Nothing was installed.",
                path=archive,
                hint="Get it again.",
            )
    if release is not None:
        source["url"] = release.url
    return source


def _convert(
    folder: Path, target: Path, name: str, release: Release | None, source: dict, progress: Progress
) -> None:
    progress.report(0.0, "Converting")
    progress.check_cancelled()
    bundle = _bundle_in(folder)
    if bundle is not None:
        _copy_bundle(bundle, target)
        return
    result, checkpoint = find_result_folder(folder), find_checkpoint(folder)
    settings = release.settings if release is not None else {}
    if result is not None:
        converted = convert_result_folder(
            result, cropped=release is not None and release.cropped, **settings
        )
    elif checkpoint is not None:
        features = release.max_features if release is not None else None
        converted = convert_checkpoint(checkpoint, features, **settings)
    else:
        raise ModelError(
            "The file contains no model of a known kind: neither a checkpoint (.ckpt), nor an"
            " nnU-Net v2 result folder (plans.json, dataset.json, fold_*), nor a bundle"
            " (configs/metadata.json).",
            hint="Check that it is the right file.",
        )
    save_plan_bundle(
        target,
        _metadata(name, release, converted, source),
        converted.orientation,
        converted.plan,
        converted.states,
    )
    progress.check_cancelled()
    progress.report(1.0, "Installed")


def _bundle_in(folder: Path) -> Path | None:
    found = sorted(path.parent.parent for path in folder.rglob("configs/metadata.json"))
    return found[0] if found else None


def _copy_bundle(bundle: Path, target: Path) -> None:
    """Only the files of a bundle, after it was verified."""
    loaded = load_bundle(bundle)
    fill(loaded)
    try:
        for name in ("configs/metadata.json", "configs/inference.json", *loaded.weight_files):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle / name, target / name)
    except OSError as error:
        raise OutputError(
            f"The model cannot be written: {error.strerror or error}. Nothing was installed.",
            path=target,
            hint="Free some space, or choose another folder.",
        ) from error


def _metadata(
    name: str, release: Release | None, converted: Converted, source: dict
) -> dict[str, Any]:
    about = {
        "name": name,
        "version": "unknown",
        "license": "not stated",
        "description": "Installed from a file.",
        "authors": "unknown",
        "citation": "",
    }
    if release is not None:
        licence = release.licence
        about = {
            "name": "contrast-agnostic-softseg-spinalcord",
            "version": release.name,
            "license": licence["name"] or f"not stated; see {licence['url']}",
            "description": release.about,
            "authors": "sct-pipeline/contrast-agnostic-softseg-spinalcord",
            "citation": release.citation,
        }
    return {
        **about,
        "intended_use": "Research. Not for diagnosis.",
        "task": "Soft segmentation of the spinal cord on MRI",
        "provenance": {"converted_from": {**source, **converted.facts}},
    }
