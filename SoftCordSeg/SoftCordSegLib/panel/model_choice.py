"""Which model segments, and on what it is computed: choices of this computer."""

from __future__ import annotations

import json
from pathlib import Path

from .controls import setting, store_setting

DEVICES = ("auto", "cpu", "cuda")
_MODEL, _DEVICE = "Model", "Device"


class ModelChoice:
    """Args:
    logic: the module's logic, which knows the models that came with it.
    """

    def __init__(self, logic):
        self._logic = logic

    @property
    def models(self) -> list[Path]:
        """The folders of the shipped and installed models, and of the last chosen one; the
        recommended one first.
        """
        from ..network.store import installed_bundles

        models = [*self._logic.models(), *installed_bundles()]
        last = setting(_MODEL)
        if last and Path(last) not in models and _is_model(Path(last)):
            models.append(Path(last))
        return models

    @property
    def model(self) -> Path | None:
        """The folder of the chosen model; None where there is none."""
        models, last = self.models, setting(_MODEL)
        if last and Path(last) in models:
            return Path(last)
        return models[0] if models else None

    @model.setter
    def model(self, folder: Path) -> None:
        store_setting(_MODEL, str(folder))

    @property
    def device(self) -> str:
        """One of :data:`DEVICES`."""
        device = setting(_DEVICE, DEVICES[0])
        return device if device in DEVICES else DEVICES[0]

    @device.setter
    def device(self, device: str) -> None:
        store_setting(_DEVICE, device)


def model_name(folder: Path) -> str:
    """Name and version of a model; its folder's name where they are missing."""
    try:
        metadata = json.loads(_metadata(folder).read_text(encoding="utf-8"))
        return f"{metadata['name']} {metadata['version']}"
    except (OSError, ValueError, KeyError, TypeError):
        return folder.name


def _is_model(folder: Path) -> bool:
    return _metadata(folder).is_file()


def _metadata(folder: Path) -> Path:
    return folder / "configs" / "metadata.json"
