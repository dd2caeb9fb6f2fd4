"""The folder of installed models, one bundle a sub-folder, each complete; and the look-up of a
model by its name.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ModelError, OutputError
from ..files import locked, write_text_atomically
from ..processes import exclusive_lock, is_locked
from ..structured_text import read_json
from .bundle import ModelBundle, load_bundle, shipped_bundles
from .releases import releases
from .unet_config import UNetConfig
from .weights import read_weights

_VARIABLE = "SOFTCORDSEG_MODELS"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
# Names that Windows reserves for devices.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
# Prefixes of a model that is being written, of one that is being replaced, and of one that is being
# removed.
_UNFINISHED, _OLD, _GONE = ".new-", ".old-", ".gone-"
# In a model's workplace; held as long as that is used.
_IN_USE = ".in-use"
# Between making a workplace and taking its lock.
_STARTING_S = 60
_MEMORY = "known-archives.json"
# A model of one of these names would stand where the store keeps its own.
_OWN_FILES = (_MEMORY,)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def models_folder() -> Path:
    """Where installed models are: ``$SOFTCORDSEG_MODELS``, or the user's data folder of this
    system.
    """
    chosen = os.environ.get(_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "SoftCordSeg" / "models"


def installed_bundles() -> list[Path]:
    """The folders of the installed models, by name; nothing is created."""
    return Store(models_folder()).bundles()


class Store:
    """A folder of models.

    Args:
        folder: made when something is installed.
    """

    def __init__(self, folder: str | Path | None = None):
        self.folder = Path(folder) if folder is not None else models_folder()

    @property
    def downloads(self) -> Path:
        """Where archives and parts of them are kept until they are installed."""
        return self.folder / ".downloads"

    def bundles(self) -> list[Path]:
        """The folders of the models, by name.

        A model whose replacement was killed between two renames is where it was moved aside.
        """
        aside = {path.name: path for old in self._old() for path in self._bundles_in(old)}
        there = {path.name: path for path in self._bundles_in(self.folder)}
        return [path for _, path in sorted({**aside, **there}.items())]

    def path(self, name: str) -> Path:
        """Where the model of that name is, or would be.

        Raises:
            ModelError: it cannot be the name of a folder on every system.
        """
        if (
            not _NAME.fullmatch(name)
            or _DEVICES.fullmatch(name)
            or name.endswith(".")
            or name.casefold() in _OWN_FILES
        ):
            raise ModelError(
                f"'{name}' is not a valid name of a model.",
                hint="Use letters, digits, '.', '_', '+' and '-', at most 64.",
            )
        return self.folder / name

    def installed(self, name: str) -> Path:
        """The folder of the installed model of that name.

        Raises:
            ModelError: there is none.
        """
        self.path(name)
        known = {folder.name: folder for folder in self.bundles()}
        if name not in known:
            raise ModelError(
                f"No model '{name}' is installed here (installed: {', '.join(known) or 'none'}).",
                path=self.folder,
                hint="Install it first.",
            )
        return known[name]

    def has(self, name: str) -> bool:
        """Whether the name is taken.

        Raises:
            ModelError: it is not a valid name of a model.
        """
        return os.path.lexists(self.path(name)) or name in [path.name for path in self.bundles()]

    @contextlib.contextmanager
    def new_bundle(self, name: str, replace: bool = False) -> Iterator[Path]:
        """A new, empty folder that becomes the model's at the end of the block, and is deleted if
        anything fails.

        Args:
            name: of the model.
            replace: a model of that name is replaced.

        Raises:
            ModelError: the name is invalid or taken, or what was written is not a valid bundle.
            OutputError: the store cannot be written.
        """
        target = self.path(name)
        if not replace and self.has(name):
            raise ModelError(
                f"A model '{name}' is installed already.",
                hint="Remove it first, or install under another name.",
            )
        with self.workplace() as work:
            new = work / name
            new.mkdir()
            yield new
            load_bundle(new)
            self._swap(new, target)

    @contextlib.contextmanager
    def workplace(self) -> Iterator[Path]:
        """A temporary folder beside the models, deleted after the block.

        Raises:
            OutputError: the store cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
            work = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
            in_use = exclusive_lock(work / _IN_USE)
            in_use.__enter__()
        except OSError as error:
            raise OutputError(
                f"The models' folder cannot be written: {error.strerror or error}.",
                path=self.folder,
                hint="Free some space, or choose another folder.",
            ) from error
        try:
            yield work
        finally:
            in_use.__exit__(None, None, None)
            shutil.rmtree(work, ignore_errors=True)

    def remove(self, name: str) -> None:
        """Delete a model.

        Raises:
            ModelError: it is not installed.
            OutputError: it cannot be deleted.
        """
        installed = self.installed(name)
        with self._renaming():
            gone = self._aside(installed, _GONE)
        shutil.rmtree(gone, ignore_errors=True)

    def verify(self, name: str) -> ModelBundle:
        """Read a model, its weights against their SHA-256, and fill its networks with them.

        Raises:
            ModelError: something is missing or was changed.
        """
        bundle = load_bundle(self.installed(name))
        fill(bundle)
        return bundle

    def remembered(self, name: str) -> str | None:
        """SHA-256 of a release's archive at its first download; None before that."""
        known = self._memory().get(name)
        return known if isinstance(known, str) and _SHA256.fullmatch(known) else None

    def remember(self, name: str, sha256: str) -> None:
        """Record the SHA-256 of a release's archive, to be compared when it is downloaded again.

        Raises:
            OutputError: the store cannot be written.
        """
        path = self.folder / _MEMORY
        with locked(path):
            text = json.dumps({**self._memory(), name: sha256}, indent=2, sort_keys=True) + "\n"
            write_text_atomically(path, text)

    def _memory(self) -> dict[str, Any]:
        try:
            content = read_json(self.folder / _MEMORY)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            raise ModelError(
                "The file is corrupt, so downloads cannot be compared with earlier ones.",
                path=self.folder / _MEMORY,
                hint="Delete it if you trust the source.",
            ) from error
        return content if isinstance(content, dict) else {}

    @staticmethod
    def _bundles_in(folder: Path) -> list[Path]:
        return sorted(path.parent.parent for path in folder.glob("[!.]*/configs/metadata.json"))

    def _old(self) -> list[Path]:
        """Folders of models that were moved aside for new ones."""
        return sorted(self.folder.glob(f"{_OLD}*"))

    @contextlib.contextmanager
    def _renaming(self) -> Iterator[None]:
        """Hold the names in the store, which takes moments: what is moved aside outside of this was
        left by a killed run.
        """
        with exclusive_lock(self.folder / ".renaming.lock"):
            yield

    def _sweep(self) -> None:
        """Delete what killed runs left behind.

        A model that was moved aside for one that was never installed is put back.
        """
        with self._renaming():
            for path in self._old():
                for model in self._bundles_in(path):
                    if not os.path.lexists(self.folder / model.name):
                        os.replace(model, self.folder / model.name)
                shutil.rmtree(path, ignore_errors=True)
            for path in self.folder.glob(f"{_GONE}*"):
                shutil.rmtree(path, ignore_errors=True)
        for path in self.folder.glob(f"{_UNFINISHED}*"):
            with contextlib.suppress(OSError):  # its own run may just delete it
                lock = path / _IN_USE
                begun = lock.exists() or time.time() - path.stat().st_mtime > _STARTING_S
                if begun and not is_locked(lock):
                    shutil.rmtree(path, ignore_errors=True)

    def _swap(self, new: Path, target: Path) -> None:
        """Replace ``target`` by ``new``; the old one is put back if that fails."""
        with self._renaming():
            old = self._replaced(new, target)
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)

    def _replaced(self, new: Path, target: Path) -> Path | None:
        """As :meth:`_swap`; the folder in which the old one is now, None where there was none."""
        old = self._aside(target, _OLD) if target.exists() else None
        try:
            os.replace(new, target)
        except OSError as error:
            if old is not None:
                with contextlib.suppress(OSError):  # a later sweep puts it back
                    os.replace(old / target.name, target)
                    old.rmdir()
            raise OutputError(
                f"The model cannot be written: {error.strerror or error}.",
                path=target,
                hint="Close programs that use it, or choose another folder.",
            ) from error
        return old

    def _aside(self, path: Path, prefix: str) -> Path:
        """Move a model aside, so that it is never seen half-deleted; the folder that it is in
        now.
        """
        try:
            old = Path(tempfile.mkdtemp(prefix=prefix, dir=self.folder))
            os.replace(path, old / path.name)
        except OSError as error:
            raise OutputError(
                f"The model cannot be removed: {error.strerror or error}.",
                path=path,
                hint="Close programs that use it.",
            ) from error
        return old


def fill(bundle: ModelBundle) -> None:
    """Check the weights of every network of a bundle; those of another library's are built for it.

    Raises:
        ModelError: they do not fit.
    """
    if bundle.plan is None:
        for stage in bundle.stages:
            read_weights(bundle.folder / stage.weights, UNetConfig(stage.features, stage.strides))
    elif bundle.plan.network.config is not None:
        for name in bundle.plan.network.weights:
            read_weights(bundle.folder / name, bundle.plan.network.config)
    else:
        for _network in bundle.networks(bundle.plan.network):
            pass


def find_bundle(model: str | Path | None = None) -> Path:
    """The folder of a bundle.

    Args:
        model: a folder, or the name of a shipped or an installed model; the first shipped one where
            None.

    Raises:
        ModelError: there is none; the hint says which there are, or how to get it.
    """
    shipped = shipped_bundles()
    if model is None:
        if not shipped:
            raise ModelError(
                "No model comes with this installation.",
                hint="Name a model, or install SoftCordSeg again.",
            )
        return shipped[0]
    name, path = str(model), Path(model).expanduser()
    named = next((one for one in (*shipped, *installed_bundles()) if one.name == name), None)
    # Any folder may have the name of a model.
    if path.is_dir() and (named is None or (path / "configs" / "metadata.json").is_file()):
        return _checked(path)
    if named is not None:
        return named
    if path.is_file():
        raise ModelError(
            "This is a file, not an installed model.",
            path=path,
            hint=f"Install it first: softcord models install '{path}'.",
        )
    if name in [release.name for release in releases()]:
        raise ModelError(
            f"The release '{name}' is not installed.",
            hint=f"Download it first: softcord models download {name}.",
        )
    names = ", ".join(folder.name for folder in (*shipped, *installed_bundles())) or "none"
    raise ModelError(
        f"There is no model bundle '{model}'.",
        hint=f"Give the folder of one, or the name of an installed one ({names});"
        " 'softcord models list' shows more.",
    )


def open_bundle(model: str | Path | None = None) -> ModelBundle:
    """The verified bundle that :func:`find_bundle` finds.

    Raises:
        ModelError: there is none, or it is corrupt.
    """
    return load_bundle(find_bundle(model))


def _checked(path: Path) -> Path:
    if (
        not (path / "configs" / "metadata.json").is_file()
        and next(path.rglob("plans.json"), None) is not None
    ):
        raise ModelError(
            "This is a result folder of nnU-Net, not a model bundle.",
            path=path,
            hint=f"Install it first: softcord models install '{path}'.",
        )
    return path
