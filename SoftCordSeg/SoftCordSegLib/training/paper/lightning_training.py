"""Training one network on a list of cases with Lightning: seeded by index and resumable, so that a
killed run goes on as if it had not been.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from ...errors import Cancelled, InputError
from ...progress import Progress
from .lightning_callbacks import (
    AtomicCheckpoints,
    Best,
    History,
    Recorder,
    Reporter,
    SavedState,
    Settings,
    check_settings,
)
from .lightning_module import AveragedWeights, Training
from .listed_batches import (
    CaseLoader,
    Cases,
    EpochBatches,
    Epochs,
    HeldOut,
    Positions,
    Shuffled,
    Source,
)
from .train_config import Machine, Plan

_LOG_EVERY = 25


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Attributes:
        weights: averaged, on the CPU.
        history: of the run.
    """

    weights: dict[str, torch.Tensor]
    history: History


def train(
    plan: Plan,
    source: Source,
    validation: Source,
    folder: Path,
    *,
    machine: Machine | None = None,
    settings: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train, or go on training, in ``folder``: ``state.ckpt``, ``history.csv`` and ``logs`` are
    written there.

    Args:
        plan: must be the one the folder was begun with.
        source: of training images.
        validation: of held-out images.
        folder: of the run.
        machine: where to train.
        settings: what else must not change between sessions, for the check of a resumed run; plain
            types.
        progress: receives progress; checked for cancellation at every step.

    Raises:
        InputError: the folder holds a run of other settings, or the loss is not a number any more.
        Cancelled: through ``progress``; the same call goes on from the last saved state.
    """
    state = folder / "state.ckpt"
    every = {**dict(plan), "network": asdict(plan.network), **(settings or {})}
    # How often a state is saved does not change what is learnt.
    every.pop("save_every")
    every = _plain(every)
    if state.exists():
        check_settings(state, every)
    session = Session(
        plan, source, validation, folder, machine or Machine(), every, progress or Progress()
    )
    return Trained(*session.run(state if state.exists() else None))


def _plain(content: Any) -> Any:
    """Tuples as lists: what a checkpoint gives back must compare equal to what was put in."""
    if isinstance(content, dict):
        return {str(name): _plain(value) for name, value in content.items()}
    return [_plain(value) for value in content] if isinstance(content, (list, tuple)) else content


class Session:
    """From a plan to trained weights; arguments as for :func:`train`."""

    def __init__(
        self,
        plan: Plan,
        source: Source,
        validation: Source,
        folder: Path,
        machine: Machine,
        settings: dict[str, Any],
        progress: Progress,
    ):
        if machine.threads:
            torch.set_num_threads(machine.threads)
        world = machine.devices * machine.nodes
        if plan.batch % world:
            raise InputError(
                f"A batch of {plan.batch} cannot be shared out evenly over {world} devices.",
                hint="Change batch or devices.",
            )
        if plan.skip_empty and world > 1:
            raise InputError(
                "With skip_empty, processes would wait for the one that leaves a batch out.",
                hint="Train on one device.",
            )
        if len(validation) < world:
            raise InputError(
                f"{len(validation)} images for validation are fewer than {world} devices.",
                hint="Add images, or use fewer devices.",
            )
        self._plan, self._source, self._machine, self._folder = plan, source, machine, folder
        self._held_out = HeldOut(validation)
        self._epochs = Epochs.of(plan, len(source))
        self._module = Training(plan, self._epochs.total)
        self._averaged = AveragedWeights(self._module.network, plan.averaging)
        self._recorder = Recorder(plan.validate_every)
        self._state = SavedState(folder, plan.save_every, self._recorder)
        self._callbacks = [
            self._averaged,
            self._recorder,
            Settings(settings),
            Reporter(progress, self._epochs.total, self._recorder),
            *_stopping(plan),
            Best(folder, "loss", "min"),
            Best(folder, "soft_dice", "max"),
            self._state,
        ]

    def run(self, state: Path | None) -> tuple[dict[str, torch.Tensor], History]:
        """Train from ``state``, or from the start; averaged weights on the CPU, and the history."""
        if state is not None and self._is_finished(state):
            return self._result()
        self._folder.mkdir(parents=True, exist_ok=True)
        with _without_chatter():
            trainer = self._trainer()
            batches = EpochBatches(
                lambda done: self._loader(trainer, done),
                lambda: self._module.batches,
                self._epochs.batches,
            )
            held_out = self._validation_loader(trainer)
            try:
                trainer.fit(self._module, batches, held_out, ckpt_path=state)
            except Cancelled as error:
                raise Cancelled(
                    f"Stopped at step {self._module.batches}. The state of step {self._state.saved}"
                    f" is in '{self._folder}'.",
                    hint="The same command goes on from there, to the same result.",
                ) from error
        return self._result()

    def _loader(self, trainer: lightning.Trainer, done: int) -> CaseLoader:
        plan, count = self._plan, len(self._source)
        positions = Positions(
            done,
            self._epochs.total,
            plan.batch,
            trainer.global_rank,
            trainer.world_size,
            Shuffled(plan.seed, count, self._epochs.batches * plan.batch),
        )
        return CaseLoader(
            Cases(self._source, plan.seed), self._machine.workers, batch_sampler=positions
        )

    def _validation_loader(self, trainer: lightning.Trainer) -> CaseLoader:
        share = list(range(len(self._held_out)))[trainer.global_rank :: trainer.world_size]
        return CaseLoader(self._held_out, self._machine.workers, batch_size=1, sampler=share)

    def _trainer(self) -> lightning.Trainer:
        machine, plan = self._machine, self._plan
        folder = str(self._folder)
        _leave_out_the_computers_name()
        return lightning.Trainer(
            accelerator=machine.accelerator,
            devices=machine.devices,
            num_nodes=machine.nodes,
            strategy=machine.strategy,
            precision="bf16-mixed" if plan.precision == "bf16" else "32-true",
            max_epochs=plan.epochs,
            gradient_clip_val=plan.gradient_clip,
            check_val_every_n_epoch=plan.validate_every,
            num_sanity_val_steps=0,
            callbacks=self._callbacks,
            plugins=[AtomicCheckpoints()],
            logger=[
                CSVLogger(folder, name="logs/csv"),
                TensorBoardLogger(folder, name="logs", version="tensorboard"),
            ],
            log_every_n_steps=_LOG_EVERY,
            use_distributed_sampler=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )

    def _is_finished(self, state: Path) -> bool:
        checkpoint = torch.load(state, map_location="cpu", weights_only=True)
        for callback in (self._averaged, self._recorder):
            callback.load_state_dict(checkpoint["callbacks"][callback.state_key])
        return self._recorder.history.finished

    def _result(self) -> tuple[dict[str, torch.Tensor], History]:
        """The weights that go on: the averaged ones of the end, or of the best validation."""
        average = self._averaged.average
        if self._plan.result != "last":
            best = torch.load(
                self._folder / f"{self._plan.result}.ckpt", map_location="cpu", weights_only=True
            )
            average = best["callbacks"][self._averaged.state_key]["average"]
        return {name: value.cpu() for name, value in average.items()}, self._recorder.history


def _leave_out_the_computers_name() -> None:
    """TensorBoard puts it into the names of its files, which may be passed on with the run."""
    from tensorboard.summary.writer import event_file_writer

    # Only this module's own name for the library is replaced.
    event_file_writer.socket = SimpleNamespace(gethostname=lambda: "run")


def _stopping(plan: Plan) -> list[lightning.Callback]:
    if not plan.patience:
        return []
    return [
        EarlyStopping(
            "val_loss",
            patience=plan.patience,
            min_delta=0.0,
            mode="min",
            check_on_train_epoch_end=False,
        )
    ]


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Leave out Lightning's hints and its list of devices; its warnings about what we do on purpose
    too.
    """
    names = (
        "lightning.pytorch",
        "lightning.fabric",
        "lightning.pytorch.utilities.rank_zero",
        "lightning.fabric.utilities.rank_zero",
    )
    loggers = [logging.getLogger(name) for name in names]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning.*")
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        try:
            yield
        finally:
            for one, level in zip(loggers, levels):
                one.setLevel(level)
