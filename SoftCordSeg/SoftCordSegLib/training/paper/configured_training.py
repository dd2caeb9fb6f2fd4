"""From a configuration to trained networks and their bundles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...files import file_sha256
from ...network import save_centre_crop_bundle
from ...progress import Progress
from ..trainer.run_export import bundle_metadata
from .listed_cases import Listed, read_part
from .train_config import Machine, NetworkSettings, ReadConfig

if TYPE_CHECKING:
    from .lightning_callbacks import History
    from .lightning_training import Trained

_WORDS = (
    "name",
    "version",
    "changelog",
    "task",
    "description",
    "authors",
    "copyright",
    "license",
    "intended_use",
    "data_source",
)


@dataclass(frozen=True)
class TrainedNetworks:
    """The result of a configuration.

    Attributes:
        networks: what was trained, by name.
        bundles: folders of the bundles; none where the configuration asks for none.
    """

    networks: dict[str, Trained]
    bundles: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class _Task:
    """One network of a configuration.

    Attributes:
        name: of the network.
        read: the configuration.
        data: folder that paths are looked for in.
    """

    name: str
    read: ReadConfig
    data: Path

    @property
    def settings(self) -> NetworkSettings:
        return self.read.config.networks[self.name]

    @property
    def content(self) -> dict[str, Any]:
        """The settings as plain types, for records."""
        return self.read.content["networks"][self.name]

    @cached_property
    def list_file(self) -> Path:
        """The list of cases, as it stands, beside the configuration or in the data.

        Raises:
            InputError: it is in none of them.
        """
        name, beside = self.settings.source.list, self.read.path.parent
        for path in (Path(name), beside / name, self.data / name):
            if path.is_file():
                return path
        raise InputError(
            f"In networks.{self.name}.source there is no file '{name}', neither here nor in"
            f" '{beside}' or '{self.data}'.",
            path=self.read.path,
            hint="Correct the path.",
        )

    @property
    def list_name(self) -> str:
        """The list's name in records, which travel: below the data, or with its folder."""
        path, data = self.list_file, self.data
        inside = path.relative_to(data) if data in path.parents else Path(*path.parts[-2:])
        return inside.as_posix()

    @cached_property
    def training(self) -> Listed:
        return self._part("training", self.settings.source.augmentation)

    @cached_property
    def validation(self) -> Listed:
        return self._part("validation", "none")

    def _part(self, part: str, augmentation: str) -> Listed:
        source, settings = self.settings.source, self.settings
        cache = Path(source.cache) if source.cache else None
        cases = read_part(self.list_file, part, source.contrasts)
        return Listed(
            cases, settings.patch, settings.spacing_mm, augmentation, source.padding, cache
        )

    @cached_property
    def labels_sha256(self) -> list[str]:
        """Of the labels, sorted, without names: a list stays the same when labels are made anew."""
        found = {*self.training.label_files, *self.validation.label_files}
        return sorted(map(file_sha256, found))

    def fixed(self) -> dict[str, Any]:
        """What must not change between the sessions of a run, beside the plan; plain types."""
        source = {name: value for name, value in self.content["source"].items() if name != "cache"}
        return {
            "source": source,
            "patch": self.settings.patch,
            "spacing_mm": self.settings.spacing_mm,
            "lists": {self.list_name: file_sha256(self.list_file)},
            "labels": self.labels_sha256,
        }

    def record(self, history: History) -> dict[str, Any]:
        """How the network was trained: its settings as configured, and what was measured."""
        settings = self.settings
        return {
            **{name: value for name, value in self.content.items() if name != "stage"},
            "loss": settings.loss,
            "batch": settings.batch,
            "learning_rate": settings.learning_rate,
            "seconds": round(history.seconds),
            "steps_done": len(history.losses),
            "stopped_early": history.stopped_early,
            "labels_sha256": self.labels_sha256,
            "cases": {"training": len(self.training), "validation": len(self.validation)},
            "validation_soft_dice_by_step": [
                [step, round(dice, 4)] for step, dice, _ in history.validation
            ],
        }


def train_networks(
    read: ReadConfig,
    data: Path,
    out: Path,
    *,
    machine: Machine | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> TrainedNetworks:
    """Train the networks of a configuration, or go on with them, and write their bundles.

    Args:
        read: the configuration.
        data: folder that paths of lists are looked for in.
        out: folder of the run; each network has a folder in it.
        machine: where to train; that of the configuration where None.
        command: as it was typed, for the record.
        progress: receives progress; checked for cancellation.

    Raises:
        InputError: a list or a label cannot be used, or a run of other settings is there.
        OutputError: the folder cannot be written.
        Cancelled: through ``progress``; the same call goes on from the last saved state.
    """
    from .lightning_training import train

    progress, config = progress or Progress(), read.config
    tasks = [_Task(name, read, data) for name in config.networks]
    for task in tasks:
        # A missing list should be known now, not after the first network's hours.
        _ = task.training, task.validation
    total, done = sum(task.settings.epochs for task in tasks), 0
    trained: dict[str, Trained] = {}
    for task in tasks:
        end = done + task.settings.epochs
        trained[task.name] = train(
            config.plan(task.name),
            task.training,
            task.validation,
            out / task.name,
            machine=machine or config.machine,
            settings=task.fixed(),
            progress=_named(task.name, progress.part(done / total, end / total)),
        )
        done = end
    if config.bundle is None or not _is_first_process():
        return TrainedNetworks(trained)
    folders = []
    for task in tasks:
        folders.append(out / "bundle" if len(tasks) == 1 else out / task.name / "bundle")
        _write_bundle(folders[-1], task, trained[task.name], command)
    return TrainedNetworks(trained, tuple(folders))


def _write_bundle(folder: Path, task: _Task, trained: Trained, command: str) -> None:
    config, network = task.read.config, task.settings
    settings = config.bundle
    provenance = {
        "command": command,
        "configuration": config.name,
        "seed": config.seed,
        "precision": config.precision,
        "data_sha256": {task.list_name: file_sha256(task.list_file)},
        "trained_on": settings.trained_on,
        task.name: task.record(trained.history),
    }
    words = {word: getattr(settings, word) for word in _WORDS}
    if len(config.networks) > 1:
        words["name"] = f"{settings.name} {task.name}"
    save_centre_crop_bundle(
        folder,
        bundle_metadata(words, provenance),
        {key: value.half() if settings.half else value for key, value in trained.weights.items()},
        network.network,
        orientation="LAS",
        spacing_mm=network.spacing_mm,
        # Along the spine nothing is cut off, as in the paper's inference.
        crop=(*network.patch[:2], -1),
        divisible_by=max(network.network.divisor),
        padding=network.source.padding,
        tile=network.stage.tile or network.patch,
        overlap=network.stage.overlap,
        activation=network.stage.activation,
    )


def _named(name: str, progress: Progress) -> Progress:
    def report(fraction: float, message: str) -> None:
        progress.report(fraction, f"{name}: {message}")
        progress.check_cancelled()

    return Progress(report)


def _is_first_process() -> bool:
    import torch.distributed as distributed

    return (
        not (distributed.is_available() and distributed.is_initialized())
        or distributed.get_rank() == 0
    )
