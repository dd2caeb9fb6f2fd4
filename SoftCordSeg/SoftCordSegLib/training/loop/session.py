"""One session of a training: a Lightning trainer and all that it needs."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch.utils.data import DataLoader

from ...errors import Cancelled, InputError
from ...progress import Progress
from ..config.plan import Plan
from ..config.schema import Machine
from ..pairs import Source
from .averaging import AveragedWeights
from .callbacks import Recorder, Reporter, SavedState
from .checkpoints import AtomicCheckpoints, Best, Settings
from .course import course
from .data import Cases, Chunks, Endless, HeldOut, Positions, Shuffled, loader, one_thread
from .history import History
from .module import Training

_LOG_EVERY = 25


class Session:
    """From a plan to trained weights; arguments as for :func:`.train.train`."""

    def __init__(
        self,
        plan: Plan,
        source: Source,
        validation: Source,
        folder: Path,
        machine: Machine,
        start: dict[str, torch.Tensor] | None,
        settings: dict[str, Any],
        progress: Progress,
    ):
        if machine.threads:
            torch.set_num_threads(machine.threads)
        world = machine.devices * machine.nodes
        if plan.batch % world:
            raise InputError(
                f"A batch of {plan.batch} cannot be shared out evenly over {world} devices. Change"
                " batch or devices."
            )
        if plan.skip_empty and world > 1:
            raise InputError(
                "With skip_empty, processes would wait for the one that leaves a batch out. Train"
                " on one device."
            )
        self._plan, self._source, self._machine, self._folder = plan, source, machine, folder
        self._held_out = HeldOut(validation, plan.validation_images)
        if len(self._held_out) < world:
            raise InputError(
                f"{len(self._held_out)} images for validation are fewer than {world} devices. Add"
                " images, or use fewer."
            )
        self._listed = hasattr(source, "case")
        self._course = course(plan, len(source) if self._listed else None)
        self._module = Training(plan, start)
        self._averaged = AveragedWeights(self._module.network, plan.averaging)
        self._recorder = Recorder(self._course.validate_every)
        self._state = SavedState(folder, self._course.save_every, self._recorder)
        self._callbacks = [
            self._averaged,
            self._recorder,
            Settings(settings),
            Reporter(progress, self._course.batches, self._recorder),
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
            chunks = Chunks(
                lambda done: self._loader(trainer, done),
                lambda: self._module.batches,
                self._course.chunk,
            )
            held_out = self._validation_loader(trainer)
            try:
                trainer.fit(self._module, chunks, held_out, ckpt_path=state)
            except InputError as error:
                raise InputError(_sentence(error)) from error
            except Cancelled as error:
                raise Cancelled(
                    f"Stopped at step {self._module.batches}. The state of step {self._state.saved}"
                    f" is in '{self._folder}': the same command goes on from there, to the same"
                    " result."
                ) from error
        return self._result()

    def _loader(self, trainer: lightning.Trainer, done: int) -> DataLoader:
        plan, share = self._plan, (trainer.global_rank, trainer.world_size)
        if self._listed:
            dataset = Cases(self._source, plan.seed)
            key = Shuffled(plan.seed, len(self._source), self._course.chunk * plan.batch)
        else:
            dataset, key = Endless(self._source, plan.seed), int
        return loader(
            dataset,
            Positions(done, self._course.batches, plan.batch, *share, key),
            self._machine.workers,
        )

    def _validation_loader(self, trainer: lightning.Trainer) -> DataLoader:
        workers = self._machine.workers if self._held_out.workers_help else 0
        share = _share(len(self._held_out), trainer)
        return DataLoader(
            self._held_out,
            batch_size=1,
            sampler=share,
            num_workers=workers,
            worker_init_fn=one_thread,
        )

    def _trainer(self) -> lightning.Trainer:
        machine, plan = self._machine, self._plan
        folder = str(self._folder)
        return lightning.Trainer(
            accelerator=machine.accelerator,
            devices=machine.devices,
            num_nodes=machine.nodes,
            strategy=machine.strategy,
            precision="bf16-mixed" if plan.precision == "bf16" else "32-true",
            max_epochs=self._course.epochs,
            gradient_clip_val=plan.gradient_clip,
            check_val_every_n_epoch=self._course.validate_every,
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


def _share(count: int, trainer: lightning.Trainer) -> list[int]:
    """Which held-out images are this process's."""
    return list(range(count))[trainer.global_rank :: trainer.world_size]


def _sentence(error: InputError) -> str:
    """What an error says; one that a worker raised comes with the worker's traceback before it."""
    text = str(error)
    return (
        text.rsplit(f"{InputError.__name__}: ", 1)[-1].strip()
        if "Original Traceback" in text
        else text
    )


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
