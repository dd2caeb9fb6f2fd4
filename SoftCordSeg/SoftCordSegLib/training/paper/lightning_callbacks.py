"""What happens beside learning: the record of a run, its saved states, and its progress.

Checkpoints are written whole or not at all, read without unpickling code, and only taken up by the
run they belong to.
"""

from __future__ import annotations

import csv
import io
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ...errors import InputError
from ...files import write_atomically, write_text_atomically
from ...progress import Progress


@dataclass
class History:
    """What a run has measured so far.

    Attributes:
        losses: of every step.
        validation: (step, soft Dice, loss) of every validation.
        seconds: spent training, over all resumed sessions.
        finished: True once the last step is done, or training stopped early.
        stopped_early: True where the loss of validation no longer fell.
    """

    losses: list[float] = field(default_factory=list)
    validation: list[tuple[int, float, float]] = field(default_factory=list)
    seconds: float = 0.0
    finished: bool = False
    stopped_early: bool = False

    def write(self, path: Path) -> None:
        """As CSV: step, loss, and soft Dice and loss of validation where there was one."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("step", "loss", "validation soft Dice", "validation loss"))
        found = {step: (f"{dice:.4f}", f"{loss:.6g}") for step, dice, loss in self.validation}
        writer.writerows(
            (n, f"{loss:.6g}", *found.get(n, ("", "")))
            for n, loss in enumerate(self.losses, start=1)
        )
        write_text_atomically(path, text.getvalue())


class Recorder(lightning.Callback):
    """Keeps the :class:`History`, in the checkpoint too.

    Args:
        validate_every: epochs between validations.
    """

    def __init__(self, validate_every: int):
        self.history = History()
        self._every = validate_every
        self._began = 0.0

    def on_train_start(self, _trainer: Any, _module: Any) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def on_train_epoch_start(self, trainer: Any, _module: Any) -> None:
        """The last epoch is validated in any case."""
        last = trainer.current_epoch + 1 == trainer.max_epochs
        trainer.check_val_every_n_epoch = 1 if last else self._every

    def on_train_batch_end(self, trainer: Any, _module: Any, outputs: Any, *_batch: Any) -> None:
        """Note the loss of the whole batch; one that was left out has none."""
        if outputs:
            loss = float(trainer.strategy.reduce(outputs["loss"].detach(), reduce_op="mean"))
            self.history.losses.append(loss)
            if trainer.loggers and trainer.global_step % trainer.log_every_n_steps == 0:
                rate = trainer.optimizers[0].param_groups[0]["lr"]
                for logger in trainer.loggers:
                    logger.log_metrics(
                        {"loss": loss, "learning_rate": rate}, step=trainer.global_step
                    )

    def on_validation_end(self, trainer: Any, _module: Any) -> None:
        """Note what was found."""
        if trainer.sanity_checking:
            return
        found = trainer.callback_metrics
        self.history.validation.append(
            (trainer.global_step, float(found["val_soft_dice"]), float(found["val_loss"]))
        )

    def on_train_epoch_end(self, trainer: Any, _module: Any) -> None:
        """Note the time, and whether this was the end."""
        now = time.perf_counter()
        self.history.seconds += now - self._began
        self._began = now
        self.history.stopped_early = bool(trainer.should_stop)
        self.history.finished = (
            self.history.stopped_early or trainer.current_epoch + 1 == trainer.max_epochs
        )

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return asdict(self.history)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.history = History(
            **{**state, "validation": [tuple(point) for point in state["validation"]]}
        )


class SavedState(Checkpoint):
    """Saves the whole state, from which a run goes on, and the history beside it.

    Args:
        folder: of the run.
        every: epochs between saved states; the last is saved in any case.
        recorder: whose history is written.

    Attributes:
        saved: batches that the last saved state has learnt.
    """

    def __init__(self, folder: Path, every: int, recorder: Recorder):
        self._folder, self._every, self._recorder = folder, every, recorder
        self.saved = 0

    def on_train_start(self, _trainer: Any, module: Any) -> None:
        """What a resumed run begins with is saved already."""
        self.saved = module.batches

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        """Save, if it is time."""
        if (trainer.current_epoch + 1) % self._every == 0 or self._recorder.history.finished:
            trainer.save_checkpoint(self._folder / "state.ckpt")
            self.saved = module.batches
            if trainer.is_global_zero:
                self._recorder.history.write(self._folder / "history.csv")


class Reporter(lightning.Callback):
    """Reports every step to a :class:`Progress`, and stops where the user cancelled.

    Args:
        progress: receives progress; checked for cancellation.
        batches: in all.
        recorder: knows the last loss.
    """

    def __init__(self, progress: Progress, batches: int, recorder: Recorder):
        self._progress, self._batches, self._recorder = progress, batches, recorder

    def on_train_batch_end(self, _trainer: Any, module: Any, *_batch: Any) -> None:
        """Report; raises :class:`Cancelled` where the user asked to stop."""
        history = self._recorder.history
        loss = f", loss {history.losses[-1]:.4f}" if history.losses else ""
        dice = f", soft Dice {history.validation[-1][1]:.3f}" if history.validation else ""
        self._progress.report(
            module.batches / self._batches, f"step {module.batches} of {self._batches}{loss}{dice}"
        )
        self._progress.check_cancelled()


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


# In the state of Lightning's ModelCheckpoint.
_PATHS = ("best_model_path", "kth_best_model_path", "last_model_path")


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

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint, which may be passed on: without the folders of this computer."""
        state = super().state_dict()
        paths = {name: Path(state[name]).name for name in _PATHS}
        best = {Path(path).name: score for path, score in state["best_k_models"].items()}
        return {**state, **paths, "best_k_models": best, "dirpath": ""}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From the checkpoint; a run whose folder was moved still knows its best."""

        def here(path: str) -> str:
            return str(Path(self.dirpath) / Path(path).name) if path else path

        paths = {name: here(state[name]) for name in _PATHS}
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
    # Other versions of the program have settings that this one lacks, or lack some of its.
    changed = sorted(name for name in begun if name in settings and begun[name] != settings[name])
    if changed:
        raise InputError(
            f"The run was begun with other settings ({', '.join(changed)}).",
            path=path.parent,
            hint="Choose another folder, or take back the change.",
        )
