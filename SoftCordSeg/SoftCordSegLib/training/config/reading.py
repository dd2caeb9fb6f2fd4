"""Reading a configuration: a file or a shipped one, with some settings put on the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...resources import resources_folder
from .schema import TrainConfig
from .sections import read_section


@dataclass(frozen=True)
class ReadConfig:
    """A configuration and where it came from.

    Attributes:
        config: what it says.
        content: the same as plain types, settings of the command line included; for the record.
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
        settings: "networks.segmenter.steps=300" and the like; they count more than the file.

    Raises:
        InputError: there is no such configuration, or it says something that cannot be.
    """
    path = _find(name)
    content = _load(path)
    for setting in settings:
        _put(content, setting)
    config = read_section(
        TrainConfig, content, f"'{path}'" + (" (or in --set)" if settings else ""), ""
    )
    networks = {
        name: replace(network, seed=config.seed, precision=config.precision)
        for name, network in config.networks.items()
    }
    config = replace(config, networks=networks)
    _check(config, path)
    return ReadConfig(config, content, path)


def _find(name: str | Path) -> Path:
    shipped = shipped_configs()
    if str(name) in shipped and not Path(name).is_file():
        return shipped[str(name)]
    if not Path(name).is_file():
        raise InputError(
            f"There is no configuration '{name}'. Give a YAML file, or the name of a shipped one"
            f" ({', '.join(shipped) or 'none'})."
        )
    return Path(name)


def _load(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"'{path}' cannot be read as a configuration: {error}. It should be a YAML file."
        ) from error
    if not isinstance(content, dict):
        raise InputError(
            f"'{path}' is not a configuration: it should be a YAML file with the sections name and"
            " networks."
        )
    # Sections that YAML merged into several places become one each, so that --set changes one.
    return json.loads(json.dumps(content, default=str))


def _put(content: dict[str, Any], setting: str) -> None:
    """Write one "path.to.key=value" into ``content``; the value is read as YAML."""
    import yaml

    name, equals, value = setting.partition("=")
    if not equals or not name.strip():
        raise InputError(
            f"--set takes KEY=VALUE, such as networks.segmenter.steps=300; '{setting}' is not that."
        )
    *parents, last = name.strip().split(".")
    section = content
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise InputError(f"--set {setting}: '{parent}' is not a section of this configuration.")
    try:
        section[last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise InputError(f"--set {setting}: the value cannot be read ({error}).") from error


def _check(config: TrainConfig, path: Path) -> None:
    """What one section says of another must be so.

    Raises:
        InputError: it is not.
    """
    from ..loss import check_options

    before: list[str] = []
    for name, network in config.networks.items():
        if (network.steps is None) == (network.epochs is None):
            raise InputError(
                f"In '{path}': 'networks.{name}' needs either steps or epochs, and not both."
            )
        source = network.start.from_ if network.start else None
        if source is not None and source not in before:
            raise InputError(
                f"In '{path}': 'networks.{name}.start.from' is '{source}', which is not a network"
                f" above it ({', '.join(before) or 'there is none'})."
            )
        if any(size % divisor for size, divisor in zip(network.patch, network.network.divisor)):
            raise InputError(
                f"In '{path}': 'networks.{name}.patch' should be multiples of"
                f" {list(network.network.divisor)}, which the strides of its network ask for;"
                f" {list(network.patch)} is not."
            )
        try:
            check_options(network.loss, network.loss_options)
        except ValueError as error:
            raise InputError(f"In '{path}': 'networks.{name}.loss_options': {error}.") from error
        before.append(name)
