"""Model bundles in the MONAI Bundle layout: a folder with its configuration, its provenance and its
weights.

::

    <bundle>/configs/metadata.json   name, version, licence, provenance, SHA-256 of the weight files
    <bundle>/configs/inference.json  networks, spacings, tiles: what inference needs; see ``plans``
    <bundle>/models/*.safetensors    weights, read without unpickling
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ModelError, is_out_of_memory
from ..files import atomic_path, file_sha256, real_path, write_text_atomically
from ..resources import resources_folder
from ..structured_text import read_json
from . import limits
from .activations import ACTIVATIONS
from .engines import OPENVINO, Check, Engine, Predict
from .plans import PIPELINES, CentreCrop, NetworkSpec, NnUNet
from .unet_config import PAPER, UNetConfig
from .weights import misfit, not_finite

if TYPE_CHECKING:
    import torch

    from .unet import UNet

    State = dict[str, torch.Tensor]
    _Network = TypeVar("_Network", bound=torch.nn.Module)

# Of weights, in a safetensors file.
_TYPES = ("F16", "BF16", "F32", "F64")
_REQUIRED = ("name", "version", "license", "weights")

# Contracts by which intensities are scaled before a network of ours sees them;
# see ``volume.intensities``.
WHOLE_IMAGE, AROUND_CORD = "whole_image", "around_cord"
INTENSITIES = (WHOLE_IMAGE, AROUND_CORD)
# The least distance of the two outputs of an edge.
_LEAST_EDGE = 0.1


@dataclass(frozen=True)
class Stage:
    """One network of a bundle and its settings.

    Attributes:
        weights: file below the bundle's folder.
        features, strides: of the U-Net.
        spacing_mm: of its isotropic working grid.
        tile: voxels along (Left, Anterior, Superior).
        overlap: of neighbouring tiles, 0 to below 1.
        activation: of the whole volume's raw outputs, a name in ``activations.ACTIVATIONS``.
        fields: voxels of the fields of view that it was trained on, where it sees whole images:
            a smaller image is padded to one of them, as its instance norm hangs on how much of a
            field is body and how much is air.
        edge: the two values of what it was trained to answer that its last layer, changed since,
            spreads over 0 to 1; with them the program keeps areas (``segmentation.soft_shares``).
            None where outputs are shares of a voxel as they are.
    """

    weights: str
    features: tuple[int, ...]
    strides: tuple[tuple[int, int, int], ...]
    spacing_mm: float
    tile: tuple[int, int, int]
    overlap: float
    activation: str
    fields: tuple[tuple[int, int, int], ...] = ()
    edge: tuple[float, float] | None = None


@dataclass(frozen=True)
class ModelBundle:
    """A verified bundle; weights are read when a network is requested.

    Attributes:
        folder: of the bundle.
        metadata: ``metadata.json`` as it is.
        orientation: of the working grid, nibabel letters.
        locator: finds the cord in the whole field of view; None in a bundle with a plan.
        segmenter: segments it; None likewise.
        plan: the pipeline of one of the authors' releases; None in a bundle of ours.
        intensities: the contract by which both networks' input is scaled, one of
            :data:`INTENSITIES`; unused with a plan.
    """

    folder: Path
    metadata: dict[str, Any]
    orientation: str
    locator: Stage | None
    segmenter: Stage | None
    plan: CentreCrop | NnUNet | None = None
    intensities: str = WHOLE_IMAGE

    @property
    def name(self) -> str:
        """Name and version, as they stand in results."""
        return f"{self.metadata['name']} {self.metadata['version']}"

    @property
    def sha256(self) -> dict[str, str]:
        """SHA-256 of each weight file, by its path below the folder."""
        return dict(self.metadata["weights"])

    @property
    def stages(self) -> tuple[Stage, Stage]:
        """Locator and segmenter, of a bundle without a plan."""
        assert self.locator is not None
        assert self.segmenter is not None
        return self.locator, self.segmenter

    @property
    def weight_files(self) -> tuple[str, ...]:
        """The weight files that the configuration names, below the folder."""
        if self.plan is not None:
            return self.plan.network.weights
        return tuple(stage.weights for stage in self.stages)

    @property
    def needs_pytorch(self) -> bool:
        """Whether a network of it is one that only PyTorch runs."""
        return self.plan is not None and self.plan.network.config is None

    def predictor(self, stage: Stage, engine: Engine, check: Check) -> Predict:
        """The network of ``stage`` as a function of one tile.

        Args:
            stage: one of :attr:`stages`.
            engine: that runs it.
            check: called while it runs; what it raises stops the run.

        Raises:
            ModelError: the weights do not fit the configuration.
        """
        config = UNetConfig(stage.features, stage.strides)
        if engine.library == OPENVINO:
            from .openvino_engine import openvino_predict

            return openvino_predict(self.folder / stage.weights, config, check, rounded=True)
        from .pytorch_engine import pytorch_predict

        return pytorch_predict(self.network(stage), engine.device, check, channels_last=True)

    def prepare(
        self, engine: Engine, stage: Stage | None = None, tile: tuple[int, ...] | None = None
    ) -> None:
        """Let the engine make a network ready in the background, where it takes time; a caller
        that needs the network waits for it.

        Args:
            engine: that will run it.
            stage: one of :attr:`stages`; the segmenter where None.
            tile: that it will see; the stage's own where None.
        """
        stage = stage or self.segmenter
        if stage is None or engine.library != OPENVINO:
            return
        from .openvino_engine import openvino_prepare

        config = UNetConfig(stage.features, stage.strides)
        openvino_prepare(self.folder / stage.weights, config, tile or stage.tile, rounded=True)

    def release_layers(self, engine: Engine, stage: Stage) -> None:
        """Give back the memory of a network's layers, where the engine keeps it between tiles.

        Args:
            engine: that ran it.
            stage: one of :attr:`stages`.
        """
        if engine.library == OPENVINO:
            from .openvino_engine import release_layers

            release_layers(self.folder / stage.weights)

    def predictors(self, spec: NetworkSpec, engine: Engine, check: Check) -> Iterator[Predict]:
        """The networks of a ``plan`` as functions of one tile, one after the other; as
        :meth:`predictor`.

        Raises:
            ModelError: the weights do not fit the configuration, or the library that builds the
                network is missing.
        """
        if engine.library == OPENVINO:
            from .openvino_engine import openvino_predict

            assert spec.config is not None
            for name in spec.weights:
                # As by the authors' own program.
                yield openvino_predict(self.folder / name, spec.config, check)
            return
        from .pytorch_engine import pytorch_predict

        for network in self.networks(spec):
            yield pytorch_predict(network, engine.device, check)

    def network(self, stage: Stage) -> UNet:
        """The network of ``stage`` in evaluation mode, on the CPU.

        Raises:
            ModelError: the weights do not fit the configuration.
        """
        from .unet import UNet

        return self._filled(lambda: UNet(UNetConfig(stage.features, stage.strides)), stage.weights)

    def networks(self, spec: NetworkSpec) -> Iterator[torch.nn.Module]:
        """The networks of a ``plan``, one after the other, in evaluation mode, on the CPU.

        Raises:
            ModelError: the weights do not fit the configuration, or the library that builds the
                network is missing.
        """
        from .nnunet_builder import build_network
        from .unet import UNet

        def build() -> torch.nn.Module:
            if spec.config is not None:
                return UNet(spec.config)
            assert spec.library is not None
            return build_network(spec.library)

        for name in spec.weights:
            yield self._filled(build, name)

    def _filled(self, build: Callable[[], _Network], name: str) -> _Network:
        """The network with its weights; nothing is allocated for one that they do not fit."""
        import safetensors.torch
        import torch

        path = self.folder / name
        try:
            with torch.device("meta"):
                expected = {key: tuple(one.shape) for key, one in build().state_dict().items()}
            if _shapes(path) != expected:
                raise ValueError("other parameters, or other shapes")
            network = build()
            state = safetensors.torch.load_file(path)
            network.load_state_dict(state)
        except ModelError:
            raise
        except Exception as error:  # safetensors and torch raise many kinds, all meaning the same
            if is_out_of_memory(error):
                raise
            raise misfit(path) from error
        if not all(bool(value.isfinite().all()) for value in network.state_dict().values()):
            raise not_finite(path)
        return network.eval()


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor, as the head of the file says.

    Raises:
        ValueError: a tensor is not of real numbers.
    """
    import safetensors

    shapes = {}
    with safetensors.safe_open(path, "pt") as opened:
        # What was opened is no dictionary.
        for key in opened.keys():  # noqa: SIM118
            tensor = opened.get_slice(key)
            if tensor.get_dtype() not in _TYPES:
                raise ValueError(f"'{key}' is of type {tensor.get_dtype()}")
            shapes[key] = tuple(tensor.get_shape())
    return shapes


def load_bundle(folder: str | Path) -> ModelBundle:
    """Read and verify a bundle.

    Raises:
        ModelError: not a bundle, or a weight file is missing or not the one that was published.
    """
    folder = Path(folder)
    metadata = _read_json(folder / "configs" / "metadata.json")
    inference = _read_json(folder / "configs" / "inference.json")
    absent = [key for key in _REQUIRED if key not in metadata]
    if absent:
        raise ModelError(
            f"The model bundle has no {', '.join(absent)} in configs/metadata.json.",
            path=folder,
            hint="Install it again.",
        )
    try:
        orientation = _letters(inference["orientation"])
        pipeline = inference.get("pipeline")
        if pipeline is None:
            stages = _stage(inference["locator"]), _stage(inference["segmenter"])
            bundle = ModelBundle(
                folder,
                metadata,
                orientation,
                *stages,
                intensities=inference.get("intensities", WHOLE_IMAGE),
            )
        else:
            bundle = ModelBundle(
                folder, metadata, orientation, None, None, PIPELINES[pipeline].from_json(inference)
            )
        sums = dict(metadata["weights"])
        for key in _REQUIRED[:-1]:
            limits.text(metadata[key], key)
    except ModelError as error:
        error.in_file(folder)
        raise
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ModelError(
            f"The model bundle has an invalid configuration ({error!r}).",
            path=folder,
            hint="Install it again.",
        ) from error
    _check_contract(bundle.intensities, folder)
    for name in bundle.weight_files:
        _verify(folder, name, sums)
    return bundle


def shipped_bundles() -> list[Path]:
    """The folders of the bundles that come with the program, the recommended one first."""
    folder = resources_folder() / "Models"
    return sorted(path.parent.parent for path in folder.glob("*/configs/metadata.json"))


def save_bundle(
    folder: str | Path,
    metadata: dict[str, Any],
    inference: dict[str, Any],
    weights: dict[str, dict[str, torch.Tensor]],
) -> None:
    """Write a bundle; SHA-256 of the weights are added to the metadata.

    Args:
        folder: of the bundle.
        metadata: name, version, license, provenance.
        inference: as read by :func:`load_bundle`; stages may be :class:`Stage`.  Without
            ``intensities`` it is :data:`WHOLE_IMAGE`.  Of a plan: ``{"orientation": …,
            **plan.to_json()}``.
        weights: state dictionaries by path below the folder, ending in ``.safetensors``.

    Raises:
        ModelError: the contract of the intensities is not one of :data:`INTENSITIES`.
        OutputError: the folder cannot be written.
    """
    import safetensors.torch

    folder = Path(folder)
    if "pipeline" not in inference:  # the authors' pipelines have their own scaling
        _check_contract(inference.get("intensities", WHOLE_IMAGE), folder)
    sums = {}
    for name, state in weights.items():
        tensors = {key: value.detach().contiguous().cpu() for key, value in state.items()}
        with atomic_path(folder / name) as path:
            safetensors.torch.save_file(tensors, path)
        sums[name] = file_sha256(folder / name)
    plain = {
        key: _plain_stage(value) if isinstance(value, Stage) else value
        for key, value in inference.items()
    }
    write_text_atomically(folder / "configs" / "inference.json", json.dumps(plain, indent=2) + "\n")
    write_text_atomically(
        folder / "configs" / "metadata.json",
        json.dumps({**metadata, "weights": sums}, indent=2) + "\n",
    )


def _plain_stage(stage: Stage) -> dict[str, Any]:
    """For JSON; what a stage does not have is left out."""
    optional = ("fields", "edge")
    return {key: value for key, value in asdict(stage).items() if key not in optional or value}


def _letters(value: Any) -> str:
    letters = str(value)
    if len(letters) != 3 or any(len(set(letters) & set(pair)) != 1 for pair in ("RL", "AP", "IS")):
        raise ValueError(f"{letters} is not an orientation")
    return letters


def _stage(entry: dict[str, Any]) -> Stage:
    shape = UNetConfig(entry["features"], entry["strides"])
    stage = Stage(
        weights=limits.text(entry["weights"], "weights"),
        features=shape.features,
        strides=shape.strides,
        spacing_mm=limits.number(entry["spacing_mm"], "spacing_mm", limits.SPACING_MM),
        tile=limits.three(entry["tile"], "tile", limits.TILE),
        overlap=limits.number(entry["overlap"], "overlap", limits.OVERLAP),
        activation=limits.text(entry["activation"], "activation"),
        fields=tuple(
            limits.three(field, "fields", limits.TILE)
            for field in limits.listed(entry.get("fields", ()), "fields")
        ),
        edge=_edge(entry.get("edge")),
    )
    if stage.activation not in ACTIVATIONS:
        raise ValueError(f"unknown activation {stage.activation}")
    if stage.edge is not None and stage.activation != "clip":
        raise ValueError(f"an edge needs outputs that are clipped, not {stage.activation}")
    if any(n % step for n, step in zip(stage.tile, shape.divisor)):
        raise ValueError(f"the tile is not a multiple of {shape.divisor}")
    for size in (stage.tile, *stage.fields):
        limits.check_tile(size, stage.features, stage.strides)
    return stage


def _edge(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = (limits.number(one, "edge", (0.0, 1.0)) for one in limits.listed(value, "edge"))
    if high - low < _LEAST_EDGE:
        raise ValueError(f"{value} is no edge")
    return low, high


def _check_contract(name: Any, folder: Path) -> None:
    if name not in INTENSITIES:
        raise ModelError(
            f"The model bundle scales intensities by {name!r}, which this version does not"
            f" support (supported: {', '.join(INTENSITIES)}).",
            path=folder,
            hint="Update SoftCordSeg.",
        )


def _verify(folder: Path, name: str, sums: dict[str, str]) -> None:
    path = folder / name
    # A bundle is untrusted: its configuration must not reach files outside its folder, or formats
    # that run code.
    try:
        inside = real_path(folder) in real_path(path).parents
    except (OSError, ValueError):  # names that no system has
        inside = False
    if not inside or path.suffix != ".safetensors":
        raise ModelError(
            f"The model bundle names '{name}' as weights, which is not a .safetensors file"
            " inside its folder.",
            path=folder,
            hint="Do not use it.",
        )
    if not os.path.isfile(path):
        raise ModelError(
            f"The model bundle has no weights '{name}'.", path=folder, hint="Install it again."
        )
    try:
        found = file_sha256(path)
    except OSError as error:
        raise ModelError(
            f"The weights cannot be read: {error.strerror or error}.",
            path=path,
            hint="Permit reading them, or install the model again.",
        ) from error
    if sums.get(name) != found:
        raise ModelError(
            "The weights are not the ones that the bundle was published with (SHA-256 differs).",
            path=path,
            hint="Install it again.",
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
        if not isinstance(content, dict):
            raise ValueError("not an object")
    except FileNotFoundError as error:
        raise ModelError(
            f"There is no model bundle in this folder: configs/{path.name} is missing.",
            path=path.parent.parent,
            hint="Choose another folder.",
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(
            "The file cannot be read: the model bundle is corrupt.",
            path=path,
            hint="Install it again.",
        ) from error
    return content


# The weights of a bundle with one network.
WEIGHTS = "models/network.safetensors"


def save_plan_bundle(
    folder: str | Path,
    metadata: dict[str, Any],
    orientation: str,
    plan: CentreCrop | NnUNet,
    states: dict[str, State],
) -> None:
    """Write a bundle with the pipeline ``plan``.

    Args:
        folder: of the bundle.
        metadata: name, version, license, provenance.
        orientation: of the working grid, nibabel letters (where the axes point **to**).
        plan: the configuration.
        states: state dictionaries by the names in ``plan.network.weights``.

    Raises:
        OutputError: the folder cannot be written.
    """
    save_bundle(folder, metadata, {"orientation": orientation, **plan.to_json()}, states)


def save_centre_crop_bundle(
    folder: str | Path,
    metadata: dict[str, Any],
    state: State,
    config: UNetConfig = PAPER,
    *,
    orientation: str = "LAS",
    **settings: Any,
) -> None:
    """Turn a network trained by the paper's recipe into a bundle.

    Args:
        folder: of the bundle.
        metadata: name, version, license, provenance.
        state: of ``network.unet.UNet(config)``.
        config: the network's shape.
        orientation: the one that it was trained in, nibabel letters: "LAS" (SCT's RPI) for our
            training, "RPI" for the authors' releases.
        settings: other than the defaults of :class:`~.plans.CentreCrop` (``crop``, ``padding``,
            ``tile``, ``activation``, …).

    Raises:
        ValueError: the settings do not fit the network.
        OutputError: the folder cannot be written.
    """
    plan = CentreCrop(NetworkSpec((WEIGHTS,), config), **settings)
    save_plan_bundle(folder, metadata, orientation, plan, {WEIGHTS: state})
