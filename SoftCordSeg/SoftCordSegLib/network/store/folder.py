"""The folder of installed models: one bundle a sub-folder, each whole or not there."""

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

from ...errors import ModelError, OutputError
from ...files import write_text_atomically
from ..bundle import ModelBundle, load_bundle

_VARIABLE = "SOFTCORDSEG_MODELS"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
# Names that Windows keeps for devices.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
# Of a model that is being written, of one that makes room for another, and of one that is being
# removed.
_UNFINISHED, _OLD, _GONE = ".new-", ".old-", ".gone-"
_LEFT_BEHIND_S = 24 * 3600


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
        """The folders of the models, by name."""
        return self._bundles_in(self.folder)

    def path(self, name: str) -> Path:
        """Where the model of that name is, or would be.

        Raises:
            ModelError: it cannot be the name of a folder on every system.
        """
        if not _NAME.fullmatch(name) or _DEVICES.fullmatch(name) or name.endswith("."):
            raise ModelError(
                f"'{name}' cannot be a model's name: use letters, digits, '.', '_', '+' and '-', 64"
                " at most."
            )
        return self.folder / name

    def installed(self, name: str) -> Path:
        """The folder of the installed model of that name.

        Raises:
            ModelError: there is none.
        """
        path = self.path(name)
        if not (path / "configs" / "metadata.json").is_file():
            names = ", ".join(folder.name for folder in self.bundles()) or "none"
            raise ModelError(f"No model '{name}' is installed in '{self.folder}' (there: {names}).")
        return path

    @contextlib.contextmanager
    def place_for(self, name: str, replace: bool = False) -> Iterator[Path]:
        """A new, empty folder that takes the place of the model's at the end of the block, and is
        gone if anything went wrong.

        Args:
            name: of the model.
            replace: a model of that name gives way.

        Raises:
            ModelError: the name cannot be used, or is taken, or what was written is not a sound
                bundle.
            OutputError: the store cannot be written.
        """
        target = self.path(name)
        if target.exists() and not replace:
            raise ModelError(
                f"A model '{name}' is installed already. Remove it first, or install under another"
                " name."
            )
        with self.workplace() as work:
            new = work / name
            new.mkdir()
            yield new
            load_bundle(new)
            self._swap(new, target)

    @contextlib.contextmanager
    def workplace(self) -> Iterator[Path]:
        """An empty folder beside the models, gone after the block.

        Raises:
            OutputError: the store cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
            work = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        except OSError as error:
            raise OutputError(
                f"Cannot write into the models' folder '{self.folder}': {error.strerror or error}."
            ) from error
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def remove(self, name: str) -> None:
        """Delete a model.

        Raises:
            ModelError: it is not installed.
            OutputError: it cannot be deleted.
        """
        shutil.rmtree(self._aside(self.installed(name), _GONE), ignore_errors=True)

    def verify(self, name: str) -> ModelBundle:
        """Read a model, its weights against their SHA-256, and fill its networks with them.

        Raises:
            ModelError: something is not as it was installed.
        """
        bundle = load_bundle(self.installed(name))
        fill(bundle)
        return bundle

    def remembered(self, name: str) -> str | None:
        """SHA-256 of the archive that a release came with the first time; None before that."""
        return self._memory().get(name)

    def remember(self, name: str, sha256: str) -> None:
        """Keep the SHA-256 of a release's archive, also for when the model is removed and
        downloaded again.

        Raises:
            OutputError: the store cannot be written.
        """
        text = json.dumps({**self._memory(), name: sha256}, indent=2, sort_keys=True) + "\n"
        write_text_atomically(self.folder / "known-archives.json", text)

    def _memory(self) -> dict[str, Any]:
        try:
            content = json.loads((self.folder / "known-archives.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            raise ModelError(
                f"'{self.folder / 'known-archives.json'}' is damaged, so downloads cannot be"
                " compared with earlier ones. Delete it if you trust the source."
            ) from error
        return content if isinstance(content, dict) else {}

    @staticmethod
    def _bundles_in(folder: Path) -> list[Path]:
        return sorted(path.parent.parent for path in folder.glob("[!.]*/configs/metadata.json"))

    def _sweep(self) -> None:
        """Delete what a run left behind that was killed, long enough ago that none can still be at
        it.

        A model that made room for one which never came goes back to its place.
        """
        for prefix in (_UNFINISHED, _OLD, _GONE):
            for path in self.folder.glob(f"{prefix}*"):
                if time.time() - path.stat().st_mtime <= _LEFT_BEHIND_S:
                    continue
                for model in self._bundles_in(path) if prefix == _OLD else ():
                    if not (self.folder / model.name).exists():
                        os.replace(model, self.folder / model.name)
                shutil.rmtree(path, ignore_errors=True)

    def _swap(self, new: Path, target: Path) -> None:
        """Put ``new`` into the place of ``target``; what was there comes back if that fails."""
        old = self._aside(target, _OLD) if target.exists() else None
        try:
            os.replace(new, target)
        except OSError as error:
            if old is not None:
                with contextlib.suppress(
                    OSError
                ):  # what cannot be put back now is by a later sweep
                    os.replace(old / target.name, target)
                    old.rmdir()
            raise OutputError(
                f"Cannot put the model into '{target}': {error.strerror or error}."
            ) from error
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)

    def _aside(self, path: Path, prefix: str) -> Path:
        """Rename a model away, so that no half-deleted one is ever in its place; the folder in
        which it lies now.
        """
        try:
            old = Path(tempfile.mkdtemp(prefix=prefix, dir=self.folder))
            os.replace(path, old / path.name)
        except OSError as error:
            raise OutputError(
                f"Cannot remove '{path}': {error.strerror or error}. Close programs that use it."
            ) from error
        return old


def fill(bundle: ModelBundle) -> None:
    """Build every network of a bundle and fill it with its weights.

    Raises:
        ModelError: they do not fit.
    """
    if bundle.plan is None:
        for stage in (bundle.locator, bundle.segmenter):
            bundle.network(stage)
    else:
        for _network in bundle.networks(bundle.plan.network):
            pass
