"""From a configuration to trained networks and a bundle."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..network import file_sha256
from ..progress import Progress
from .config.reading import ReadConfig
from .config.schema import Machine, NetworkSettings
from .record import check_bundle, network_record, write_bundle, write_centre_crop_bundle
from .sources import SourceContext, build_source, data_files_of, held_out_settings
from .starts import bundle_weights, from_logits, open_bundle

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
    """Train each network of a configuration in ``out/NAME``, and write ``out/bundle``; each goes on where it was if it was stopped.

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
    from ..network.memory import keep_freed_memory

    keep_freed_memory()
    progress = progress or Progress()
    config = read.config
    check_bundle(config)
    contexts = {name: _context(name, settings, read, data) for name, settings in config.networks.items()}
    # A list that is missing should be heard of now, not after the first network's hours.
    sources = {name: _sources(settings, contexts[name]) for name, settings in config.networks.items()}
    total = sum(settings.steps or settings.epochs or 0 for settings in config.networks.values())
    trained: dict[str, Any] = {}
    records: dict[str, dict[str, Any]] = {}
    done = 0
    for name, settings in config.networks.items():
        length = settings.steps or settings.epochs or 0
        part = progress.part(done / total, (done + length) / total)
        begin, origin = _start(settings, trained)
        content = read.content["networks"][name]
        trained[name] = _train(settings, sources[name], out / name, machine or config.machine, begin, content, _named(name, part))
        records[name] = {**network_record(settings, trained[name].history, content), **origin}
        done += length
    if config.bundle is None or not _is_first_process():
        return ChainResult(trained)
    return ChainResult(trained, _write(read, trained, records, contexts, command, out))


def _write(
    read: ReadConfig,
    trained: dict[str, Trained],
    records: dict[str, dict[str, Any]],
    contexts: dict[str, SourceContext],
    command: str,
    out: Path,
) -> tuple[Path, ...]:
    """Write the bundle, or of the paper's pipeline one of each network."""
    config = read.config

    def provenance(names: Collection[str]) -> dict[str, Any]:
        files = {path for name in names for spec in _specs(config.networks[name]) for path in data_files_of(spec, contexts[name])}
        return {
            "command": command,
            "configuration": config.name,
            "seed": config.seed,
            "precision": config.precision,
            "data_sha256": {_relative(path, contexts[next(iter(names))].data): file_sha256(path) for path in sorted(files)},
            "trained_on": config.bundle.trained_on,
            **{name: records[name] for name in names},
        }

    if config.bundle.pipeline == "centre_crop":
        folders = {name: out / "bundle" if len(trained) == 1 else out / name / "bundle" for name in trained}
        return tuple(
            write_centre_crop_bundle(folder, config, name, trained[name].weights, provenance([name]))
            for name, folder in folders.items()
        )
    return (write_bundle(out / "bundle", config, {name: one.weights for name, one in trained.items()}, provenance(list(trained))),)


def _train(settings: NetworkSettings, sources: tuple, folder: Path, machine: Machine, begin: Any, content: Any, progress: Progress):
    from .loop import train

    source, validation = sources
    learnt = {"source": content["source"], "validation_source": content.get("validation"), "start": content.get("start")}
    learnt = {**learnt, "patch": settings.patch, "spacing_mm": settings.spacing_mm}
    return train(
        settings.plan(),
        source,
        folder,
        validation=validation,
        machine=machine,
        start=begin,
        settings=learnt,
        progress=progress,
    )


def _context(name: str, settings: NetworkSettings, read: ReadConfig, data: Path) -> SourceContext:
    where = f"'{read.path}', networks.{name}.source"
    return SourceContext(settings.patch, settings.spacing_mm, data, read.path.parent, where)


def _specs(settings: NetworkSettings) -> list[dict[str, Any]]:
    validation = settings.validation or held_out_settings(settings.source)
    return [settings.source, *([validation] if validation else [])]


def _sources(settings: NetworkSettings, context: SourceContext) -> tuple:
    """Of training, and of validation or None."""
    built = [build_source(spec, context) for spec in _specs(settings)]
    return built[0], built[1] if len(built) > 1 else None


def _start(settings: NetworkSettings, trained: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The weights to begin with, or None, and what the record says of them."""
    start = settings.start
    if start is None:
        return None, {}
    if start.from_:
        weights, origin = trained[start.from_].weights, {"started_from": f"the {start.from_}'s weights"}
        if _shapes(weights) != _shapes_of(settings):
            raise InputError(f"The network '{start.from_}' has another shape than the one that should begin with its weights.")
    else:
        bundle = open_bundle(start.bundle)
        weights = bundle_weights(bundle, start.stage, settings.network)
        origin = {"started_from": {"bundle": bundle.name, "stage": start.stage, "sha256": bundle.sha256}}
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

    return not (distributed.is_available() and distributed.is_initialized()) or distributed.get_rank() == 0


def _relative(path: Path, data: Path) -> str:
    """As it is found below the data, or its bare name: records travel, and where files lay is nobody's business."""
    return path.relative_to(data).as_posix() if data in path.parents else path.name
