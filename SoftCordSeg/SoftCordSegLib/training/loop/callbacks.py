"""What happens beside learning: the record of the run, its saved states, and the word to whoever
waits.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
from lightning.pytorch.callbacks import Checkpoint

from ...progress import Progress
from .history import History


class Recorder(lightning.Callback):
    """Keeps the :class:`History`, in the checkpoint too.

    Args:
        validate_every: epochs of Lightning between validations.
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
        every: epochs of Lightning between saved states; the last is saved in any case.
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
    """Tells a :class:`Progress` of every step, and stops when it is asked to.

    Args:
        progress: told and asked.
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
