"""From a configuration to trained networks and a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..network import file_sha256
from ..progress import Progress
from .config.reading import ReadConfig
from .config.schema import Machine, NetworkSettings, TrainConfig
from .record import check_bundle, write_bundle, write_centre_crop_bundle
from .starts import bundle_weights, from_logits, open_bundle
from .task import Task, tasks

if TYPE_CHECKING:
    from .loop import Trained


@dataclass(frozen=True)
class ChainResult:
    """What came of a configuration.

    Attributes:
        networks: what was trained, by name.
        bundles: folders of the bundles; none where the configuration asks for none.
    """

    networks: dict[str, Trained]
    bundles: tuple[Path, ...] = ()

    @property
    def bundle(self) -> Path | None:
        """The one bundle, or the first."""
        return self.bundles[0] if self.bundles else None


def train_chain(
    read: ReadConfig,
    data: Path,
    out: Path,
    *,
    machine: Machine | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> ChainResult:
    """Train each network of a configuration in ``out/NAME``, and write ``out/bundle``; each goes on
    where it was if it was stopped.

    Args:
        read: by :func:`.config.read_config`.
        data: folder of anatomy and images.
        out: folder of the run.
        machine: where to train; as the configuration says where None.
        command: as it was typed, for the record.
        progress: told of every step.

    Raises:
        InputError: data are missing, or the run in ``out`` is of another configuration.
        Cancelled: through ``progress``.
    """
    from ..processes import keep_freed_memory
    from .loop import train

    keep_freed_memory()
    progress = progress or Progress()
    config, todo = read.config, tasks(read, data)
    check_bundle(config)
    for task in todo:
        # A list that is missing should be heard of now, not after the first network's hours.
        _ = task.source, task.validation
    total, done = sum(task.length for task in todo), 0
    trained: dict[str, Trained] = {}
    records: dict[str, dict[str, Any]] = {}
    for task in todo:
        start, origin = _start(task.settings, trained)
        trained[task.name] = train(
            task.settings.plan(),
            task.source,
            out / task.name,
            validation=task.validation,
            machine=machine or config.machine,
            start=start,
            # A parent that was trained anew makes another run, and so would labels made by it.
            settings={**task.fixed(), **origin},
            progress=_named(task.name, progress.part(done / total, (done + task.length) / total)),
        )
        records[task.name] = {**task.record(trained[task.name].history), **origin}
        done += task.length
    if config.bundle is None or not _is_first_process():
        return ChainResult(trained)
    return ChainResult(trained, _write(config, todo, trained, records, command, out))


def _write(
    config: TrainConfig,
    todo: Sequence[Task],
    trained: dict[str, Trained],
    records: dict[str, dict[str, Any]],
    command: str,
    out: Path,
) -> tuple[Path, ...]:
    """Write the bundle, or of the paper's pipeline one of each network."""

    def provenance(of: Sequence[Task]) -> dict[str, Any]:
        files = {path: name for task in of for path, name in task.files.items()}
        return {
            "command": command,
            "configuration": config.name,
            "seed": config.seed,
            "precision": config.precision,
            "data_sha256": {files[path]: file_sha256(path) for path in sorted(files)},
            "trained_on": config.bundle.trained_on,
            **{task.name: records[task.name] for task in of},
        }

    if config.bundle.pipeline == "centre_crop":
        folders = [
            out / "bundle" if len(todo) == 1 else out / task.name / "bundle" for task in todo
        ]
        for folder, task in zip(folders, todo):
            write_centre_crop_bundle(
                folder, config, task.name, trained[task.name].weights, provenance([task])
            )
        return tuple(folders)
    weights = {name: one.weights for name, one in trained.items()}
    return (write_bundle(out / "bundle", config, weights, provenance(todo)),)


def _start(settings: NetworkSettings, trained: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The weights to begin with, or None, and what the record says of them.

    Raises:
        InputError: they are of another network.
    """
    start = settings.start
    if start is None:
        return None, {}
    if start.from_:
        weights, origin = (
            trained[start.from_].weights,
            {"started_from": f"the {start.from_}'s weights"},
        )
        if _shapes(weights) != _shapes_of(settings):
            raise InputError(
                f"The network '{start.from_}' has another shape than the one that should begin with"
                " its weights."
            )
    else:
        bundle = open_bundle(start.bundle)
        weights = bundle_weights(bundle, start.stage, settings.network)
        origin = {
            "started_from": {"bundle": bundle.name, "stage": start.stage, "sha256": bundle.sha256}
        }
    return (from_logits(weights) if start.convert == "from_logits" else weights), origin


def _shapes(weights: dict[str, Any]) -> dict[str, tuple]:
    return {name: tuple(value.shape) for name, value in weights.items()}


def _shapes_of(settings: NetworkSettings) -> dict[str, tuple]:
    from ..network.unet import UNet

    return _shapes(UNet(settings.network).state_dict())


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
