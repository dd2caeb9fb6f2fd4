"""Configurations of training: YAML files, read strictly; what is unknown, missing or invalid is
refused in a sentence.

A file with ``base: NAME`` holds only what differs from another configuration: each of its networks
is the base's one network with some settings changed.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, get_args

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError, WrapValidator

from ...errors import InputError
from ...network.unet_config import COMPACT, PAPER, UNetConfig
from ...resources import resources_folder
from ...yaml_text import parse_yaml, read_yaml

NETWORKS = {"compact": COMPACT, "paper": PAPER}
# Its keys belong to another setting, the loss: a variant gives it as a whole.
_WHOLE = "loss_options"


def _network(value: Any) -> UNetConfig:
    if isinstance(value, UNetConfig):
        return value
    if isinstance(value, str) and value in NETWORKS:
        return NETWORKS[value]
    try:
        return UNetConfig(**value)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"one of {', '.join(NETWORKS)}, or a section of features, strides and convolutions"
        ) from error


def _text(value: Any) -> str:
    # A version may look like a number.
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value)
    raise ValueError("text")


def _integer(least: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        # Neither infinity nor what is not a number becomes an integer: they come first.
        whole = (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and math.isfinite(value)
            and value == int(value)
        )
        if not whole or value < least:
            raise ValueError(f"a whole number, at least {least}")
        return int(value)

    return parse


def _number(least: float, most: float = float("inf")) -> Callable[[Any], float]:
    limits = f"at least {least:g}" if most == float("inf") else f"from {least:g} to {most:g}"

    def parse(value: Any) -> float:
        # YAML takes 1e-3 for a word; here it is a number.
        try:
            result = float("nan") if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            result = float("nan")
        if not least <= result <= most:
            raise ValueError(f"a number, {limits}")
        return result

    return parse


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("true or false")


def _sizes(value: Any) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        raise ValueError("three values, for the axes to the Left, Anterior and Superior")
    return tuple(_integer(1)(one) for one in value)


def _section(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError("a section of named settings")
    return dict(value)


def _names(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(name) for name in value]


Text = Annotated[str, PlainValidator(_text)]
Flag = Annotated[bool, PlainValidator(_boolean)]
Count = Annotated[int, PlainValidator(_integer(1))]
Whole = Annotated[int, PlainValidator(_integer(0))]
Positive = Annotated[float, PlainValidator(_number(0))]
Sizes = Annotated[tuple[int, int, int], PlainValidator(_sizes)]
Section = Annotated[dict[str, Any], PlainValidator(_section)]
Shape = Annotated[UNetConfig, PlainValidator(_network)]
# Those of training.loss, which loads torch.
Loss = Literal[
    "adaptive_wing", "squared_error", "squared_and_area_error", "dice", "dice_and_cross_entropy"
]
Activation = Literal["clip", "sigmoid", "normrelu"]
Precision = Literal["fp32", "bf16"]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class _Learning(_Settings):
    network: Shape
    epochs: Count
    loss: Loss = "adaptive_wing"
    loss_options: Section = {}
    batch: Count = 2
    learning_rate: Positive = 1e-3
    schedule: Literal["step", "epoch"] = "step"
    schedule_length: Optional[Count] = None
    gradient_clip: Optional[Positive] = 1.0
    averaging: Optional[Annotated[float, PlainValidator(_number(0, 1))]] = 0.998
    validate_every: Count = 5
    activation: Activation = "clip"
    dice: Literal["squared", "plain"] = "squared"
    patience: Optional[Count] = None
    skip_empty: Flag = False
    save_every: Count = 1
    result: Literal["last", "best_loss", "best_soft_dice"] = "last"


class Plan(_Learning):
    """One network's training: two runs of one plan, on one kind of processor, give the same
    numbers.

    Attributes:
        network: its shape.
        epochs: passes over the cases.
        loss: a name in ``loss.LOSSES``.
        loss_options: of the loss, beside outputs, label and weight.
        batch: images a step, over all processes together.
        learning_rate: of Adam at the start; cosine to 0 (paper section 2.3.5).
        schedule: "step" or "epoch", how often the cosine falls.
        schedule_length: steps or epochs to 0; the whole training where None.
        gradient_clip: norm that gradients are cut to; None for none.
        averaging: how much of the averaged weights is kept at each step; None for no averaging.
        validate_every: epochs.
        activation: that makes validation's outputs soft values.
        dice: "squared" or "plain", the denominator of validation's soft Dice.
        patience: validations without a lower loss before training stops; None for never.
        skip_empty: leave out batches in which an image has no cord (the authors' code).
        save_every: epochs between saved states.
        result: which weights are the result: the last, or those of the best of all validations.
        seed: of weights, order and augmentations.
        precision: "fp32", or "bf16" where the processor multiplies bfloat16 faster.
    """

    seed: int = 1
    precision: str = "fp32"


class SourceSettings(_Settings):
    """Where images come from: whole images of a list, as the paper trains on them.

    Attributes:
        kind: "cases".
        list: file of ``softcord datalist``.
        contrasts: as files or the paper call them, or "all".
        augmentation: see :func:`.monai_transforms.augmentation_transforms`.
        padding: of an image that is smaller than the patch: zeros, or its edge.
        cache: folder for preprocessed images.
    """

    kind: Literal["cases"]
    list: Text
    contrasts: Annotated[Sequence[str], PlainValidator(_names)] = ("all",)
    augmentation: Literal["paper", "code", "none"] = "paper"
    padding: Literal["constant", "edge"] = "constant"
    cache: Optional[Text] = None


class StageSettings(_Settings):
    """How the bundle runs the network.

    Attributes:
        activation: of the whole volume's raw outputs.
        tile: voxels; the patch of training where None.
        overlap: of tiles.
    """

    activation: Activation = "normrelu"
    tile: Optional[Sizes] = None
    overlap: Annotated[float, PlainValidator(_number(0, 0.95))] = 0.5


class NetworkSettings(_Learning):
    """One network: all of :class:`Plan` but seed and precision, and

    Attributes:
        patch: voxels along (Left, Anterior, Superior).
        spacing_mm: isotropic.
        source: where images come from.
        stage: how the bundle runs it.
    """

    patch: Sizes
    spacing_mm: Annotated[float, PlainValidator(_number(0.05, 20))]
    source: SourceSettings
    stage: StageSettings = StageSettings()


class BundleSettings(_Settings):
    """What the bundles say of themselves, one of each network: for ``metadata.json``, and

    Attributes:
        half: store weights in half precision.
        pipeline: "centre_crop", the paper's.
    """

    name: Text
    version: Text
    license: Text
    changelog: Section = {}
    description: Text = ""
    task: Text = "Soft segmentation of the spinal cord on MRI of any contrast"
    authors: Text = "The SoftCordSeg contributors"
    copyright: Text = "The SoftCordSeg contributors"
    intended_use: Text = "Research. Not for diagnosis."
    data_source: Text = ""
    trained_on: Text = ""
    half: Flag = True
    pipeline: Literal["centre_crop"] = "centre_crop"


class Machine(_Settings):
    """What may differ between the sessions of one run: it does not change what is learnt.

    Attributes:
        workers: processes that make images.
        threads: that train, on a CPU; torch's choice where None.
        accelerator, devices, nodes, strategy: Lightning's; a batch is shared out over all devices.
    """

    workers: Whole = 1
    threads: Optional[Count] = 1
    accelerator: Text = "auto"
    devices: Count = 1
    nodes: Count = 1
    strategy: Text = "auto"


def _named_sections(value: Any, parse: Callable[[Any], Any]) -> Any:
    if not isinstance(value, Mapping) or not value:
        raise ValueError("a section of at least one named network")
    return parse({str(name): one for name, one in value.items()})


class TrainConfig(_Settings):
    """Networks to train, in the order of the file, and the bundles to write of them.

    Attributes:
        name: of the configuration.
        networks: by name.
        bundle: what to write at the end; nothing where None.
        seed, precision: of all networks; see :class:`Plan`.
        machine: where to train.
    """

    name: Text
    networks: Annotated[dict[str, NetworkSettings], WrapValidator(_named_sections)]
    bundle: Optional[BundleSettings] = None
    seed: Whole = 1
    precision: Precision = "fp32"
    machine: Machine = Machine()

    def plan(self, name: str) -> Plan:
        """What decides the mathematics of one network's training."""
        settings = self.networks[name]
        learning = {key: getattr(settings, key) for key in _Learning.model_fields}
        return Plan(**learning, seed=self.seed, precision=self.precision)


@dataclass(frozen=True)
class ReadConfig:
    """A configuration and where it came from.

    Attributes:
        config: the settings.
        content: the same as plain types, those of a base and changed settings included; for the
            record.
        path: of the file.
    """

    config: TrainConfig
    content: dict[str, Any]
    path: Path


def shipped_configs() -> dict[str, Path]:
    """The configurations that come with the program, by name."""
    return {path.stem: path for path in sorted((resources_folder() / "Training").glob("*.yaml"))}


def read_config(name: str | Path, settings: Sequence[str] = ()) -> ReadConfig:
    """A configuration from a YAML file, or a shipped one by name.

    Args:
        name: a file, or a name in :func:`shipped_configs`.
        settings: "networks.soft_all.epochs=300" and the like; they count more than the file.

    Raises:
        InputError: there is no such configuration, or a setting in it is invalid.
    """
    path = _find(name)
    content = _with_base(path)
    for setting in settings:
        _put(content, setting)
    try:
        config = TrainConfig.model_validate(content)
    except ValidationError as error:
        raise _refusal(error, path) from error
    for network, one in config.networks.items():
        _check_network(network, one, path)
    return ReadConfig(config, content, path)


def _find(name: str | Path) -> Path:
    shipped = shipped_configs()
    if str(name) in shipped and not Path(name).is_file():
        return shipped[str(name)]
    if not Path(name).is_file():
        raise InputError(
            f"There is no configuration '{name}'.",
            hint="Give a YAML file, or the name of a shipped one"
            f" ({', '.join(shipped) or 'none'}).",
        )
    return Path(name)


def _load(path: Path) -> dict[str, Any]:
    try:
        content = read_yaml(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"This file cannot be read as a configuration: {error}.",
            path=path,
            hint="Give a YAML file.",
        ) from error
    if not isinstance(content, dict):
        raise InputError(
            "This file is not a configuration.",
            path=path,
            hint="Give a YAML file with the sections name and networks.",
        )
    # Sections that YAML merged into several places become one each, so that a changed setting
    # changes one.
    return json.loads(json.dumps(content, default=str))


def _with_base(path: Path) -> dict[str, Any]:
    """The content of a file, with what it leaves out from its base."""
    content = _load(path)
    name = content.pop("base", None)
    if name is None:
        return content
    beside = path.parent / str(name)
    base = _with_base(beside if beside.is_file() else _find(str(name)))
    networks = base.pop("networks", {})
    if len(networks) != 1 or not isinstance(content.get("networks"), Mapping):
        raise InputError(
            f"The base '{name}' should have one network, and this file should name its networks.",
            path=path,
            hint="Correct the file.",
        )
    (network,) = networks.values()
    own = content.pop("networks")
    merged = _merged(base, content)
    merged["networks"] = {str(key): _merged(network, one or {}) for key, one in own.items()}
    return merged


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = json.loads(json.dumps(base))
    for name, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(result.get(name), Mapping)
        result[name] = _merged(result[name], value) if both and name != _WHOLE else value
    return result


def _put(content: dict[str, Any], setting: str) -> None:
    """Write one "path.to.key=value" into ``content``; the value is read as YAML."""
    name, equals, value = setting.partition("=")
    if not equals or not name.strip():
        raise InputError(
            f"'{setting}' does not change a setting.",
            hint="Give KEY=VALUE, such as networks.soft_all.epochs=300.",
        )
    *parents, last = name.strip().split(".")
    section = content
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise InputError(
                f"'{parent}' in '{setting}' is not a section of this configuration.",
                hint="Correct the name of the setting.",
            )
    try:
        section[last] = parse_yaml(value)
    except ValueError as error:
        raise InputError(
            f"The value in '{setting}' cannot be read ({error}).", hint="Correct the value."
        ) from error


def _refusal(error: ValidationError, path: Path) -> InputError:
    """The sentence about the first thing that is wrong."""
    # A key that does not exist explains one that is missing.
    found = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")[0]
    name = ".".join(map(str, found["loc"])) or "the file"
    if found["type"] == "extra_forbidden":
        known = list(_model_at(found["loc"][:-1]).model_fields)
        near = difflib.get_close_matches(str(found["loc"][-1]), known, 1)
        hint = f"Did you mean '{near[0]}'?" if near else f"Known here: {', '.join(sorted(known))}."
        return InputError(f"'{name}' is not a setting.", path=path, hint=hint)
    if found["type"] == "missing":
        return InputError(f"'{name}' is missing.", path=path, hint="Add it.")
    expected = str(found.get("ctx", {}).get("error", "a section of named settings"))
    if found["type"] == "literal_error":
        model = _model_at(found["loc"][:-1])
        expected = "one of " + ", ".join(_choices(model.model_fields[found["loc"][-1]].annotation))
    return InputError(
        f"'{name}' should be {expected}, not {found['input']!r}.",
        path=path,
        hint="Correct it.",
    )


def _model_at(location: Sequence[int | str]) -> type[BaseModel]:
    """The model of a section."""
    sections = {
        (): TrainConfig,
        ("bundle",): BundleSettings,
        ("machine",): Machine,
        ("source",): SourceSettings,
        ("stage",): StageSettings,
    }
    within = tuple(location[2:] if location[:1] == ("networks",) else location)
    return NetworkSettings if len(location) == 2 else sections[within]


def _choices(annotation: Any) -> list[str]:
    found: list[str] = []
    for one in get_args(annotation):
        found += [one] if isinstance(one, str) else _choices(one)
    return found


def _check_network(name: str, network: NetworkSettings, path: Path) -> None:
    """What one setting says of another must be so.

    Raises:
        InputError: it is not.
    """
    from ..loss import check_options

    if any(size % divisor for size, divisor in zip(network.patch, network.network.divisor)):
        raise InputError(
            f"'networks.{name}.patch' should be multiples of {list(network.network.divisor)}, the"
            f" product of the strides of its network, not {list(network.patch)}.",
            path=path,
            hint="Correct it.",
        )
    try:
        check_options(network.loss, network.loss_options)
    except ValueError as error:
        raise InputError(
            f"'networks.{name}.loss_options': {error}.", path=path, hint="Correct them."
        ) from error
