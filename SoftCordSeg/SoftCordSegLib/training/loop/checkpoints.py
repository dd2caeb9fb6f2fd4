"""Checkpoints: written whole or not at all, read without running code, and only taken up by the run
they belong to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ...errors import InputError
from ...files import write_atomically


class AtomicCheckpoints(TorchCheckpointIO):
    """Lightning's checkpoints through :func:`write_atomically`."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write, or leave what was there."""
        write_atomically(path, lambda temporary: torch.save(checkpoint, temporary))

    def load_checkpoint(self, path: Any, *_args: Any, **_options: Any) -> dict[str, Any]:
        """Read tensors and plain types only."""
        return torch.load(path, map_location="cpu", weights_only=True)


class Best(ModelCheckpoint):
    """The checkpoint of the best validation so far, ``best_loss.ckpt`` or ``best_soft_dice.ckpt``.

    Args:
        folder: of the run.
        name: "loss" or "soft_dice".
        mode: "min" or "max".
    """

    def __init__(self, folder: Path, name: str, mode: str):
        super().__init__(
            folder,
            f"best_{name}",
            monitor=f"val_{name}",
            mode=mode,
            save_top_k=1,
            save_on_train_epoch_end=False,
            enable_version_counter=False,
            auto_insert_metric_name=False,
        )

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From the checkpoint; a run whose folder was moved still knows its best."""

        def here(path: str) -> str:
            return str(Path(self.dirpath) / Path(path).name) if path else path

        paths = {
            name: here(state[name])
            for name in ("best_model_path", "kth_best_model_path", "last_model_path")
        }
        best = {here(path): score for path, score in state["best_k_models"].items()}
        super().load_state_dict({**state, **paths, "best_k_models": best, "dirpath": self.dirpath})


class Settings(lightning.Callback):
    """Keeps a run's settings in its checkpoints, so that another run's are not mixed up with
    them.
    """

    def __init__(self, settings: dict[str, Any]):
        self.settings = settings

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return self.settings

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """They were compared by :func:`check_settings` before."""


def check_settings(path: Path, settings: dict[str, Any]) -> None:
    """Refuse the checkpoint of a run that was begun with other settings.

    Raises:
        InputError: it was; the sentence names them.
    """
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    begun = state["callbacks"].get("Settings", {})
    # A setting that came with a later version of the program had its default.
    changed = sorted(name for name in begun if begun[name] != settings.get(name))
    if changed:
        raise InputError(
            f"The run in '{path.parent}' was begun with other settings ({', '.join(changed)}). "
            "Choose another folder, or take back the change."
        )
