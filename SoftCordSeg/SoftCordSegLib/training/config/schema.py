"""What a configuration may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ...network import INTENSITIES
from .plan import Plan
from .sections import section, sections
from .values import Refused, boolean, choice, integer, key, mapping, number, optional, text, triple


@dataclass(frozen=True)
class StartSettings:
    """Where weights begin, if not at random.

    Attributes:
        from_: a network of this configuration, trained before; "from" in the file.
        bundle: folder of a bundle, or the name of a shipped one.
        stage: of that bundle.
        convert: "from_logits" turns a network of logits into one of soft values; "none".
    """

    from_: str | None = None
    bundle: str | None = None
    stage: str = "segmenter"
    convert: str = "none"


def start(value: Any) -> StartSettings:
    """``{from: NETWORK}`` or ``{bundle: FOLDER, stage: STAGE}``, and how to convert."""
    names = {"from", "bundle", "stage", "convert"}
    if (
        not isinstance(value, Mapping)
        or not set(value) <= names
        or ("from" in value) == ("bundle" in value)
    ):
        raise Refused(
            "{from: a network of this file} or {bundle: a folder, stage: locator or segmenter},"
            " with convert if needed"
        )
    content = {("from_" if name == "from" else name): str(one) for name, one in value.items()}
    result = StartSettings(**content)
    if result.convert not in ("none", "from_logits"):
        raise Refused("a start whose convert is none or from_logits")
    if result.stage not in ("locator", "segmenter"):
        raise Refused("a start whose stage is locator or segmenter")
    return result


@dataclass(frozen=True)
class StageSettings:
    """How the bundle runs the network; see ``network.Stage``.

    Attributes:
        activation: of the whole volume's raw outputs.
        tile: voxels; the patch of training where None.
        overlap: of tiles.
    """

    activation: str = key(choice("normrelu", "clip", "sigmoid"))
    tile: tuple[int, int, int] | None = key(optional(triple(integer(1))), None)
    overlap: float = key(number(0, 0.95), 0.25)


@dataclass(frozen=True)
class _Required:
    patch: tuple[int, int, int] = key(triple(integer(1)))
    spacing_mm: float = key(number(0.05, 20))
    source: dict[str, Any] = key(mapping)


@dataclass(frozen=True)
class _Optional:
    validation: dict[str, Any] | None = key(optional(mapping), None)
    start: StartSettings | None = key(optional(start), None)
    stage: StageSettings | None = key(section(StageSettings), None)


# The fields of later bases come first, and what is required must.
@dataclass(frozen=True)
class NetworkSettings(_Optional, Plan, _Required):
    """One network: all of :class:`.plan.Plan`, and

    Attributes:
        patch: voxels along (Left, Anterior, Superior).
        spacing_mm: isotropic.
        source: where images come from; see ``training.sources``.
        validation: where held-out images come from; the same source where None.
        start: what the weights begin with; random where None.
        stage: how the bundle runs it.
    """

    def plan(self) -> Plan:
        """Only what decides the mathematics."""
        return Plan(**{field.name: getattr(self, field.name) for field in fields(Plan)})


@dataclass(frozen=True)
class BundleSettings:
    """What the bundle says of itself.

    Attributes:
        name, version, changelog, description, authors, copyright, license, intended_use,
        data_source, trained_on, task:
            for ``metadata.json``.
        parent: bundle whose stages are taken where this configuration does not train them.
        mean_with: bundle whose weights are averaged with those that are trained here, each counting
            one half.
        half: store weights in half precision.
        intensities: the input contract, one of ``network.INTENSITIES``; where None that of the
            bundles it goes on from, else "whole_image".
        pipeline: "locator_segmenter", one bundle of the networks of these names, or "centre_crop"
            (the paper's), one of each.
    """

    name: str = key(text)
    version: str = key(text)
    license: str = key(text)
    changelog: dict[str, Any] = key(mapping, {})
    description: str = key(text, "")
    task: str = key(text, "Soft segmentation of the spinal cord on MRI of any contrast")
    authors: str = key(text, "The SoftCordSeg contributors")
    copyright: str = key(text, "The SoftCordSeg contributors")
    intended_use: str = key(text, "Research. Not for diagnosis.")
    data_source: str = key(text, "")
    trained_on: str = key(text, "")
    parent: str | None = key(optional(text), None)
    mean_with: str | None = key(optional(text), None)
    half: bool = key(boolean, True)
    intensities: str | None = key(optional(choice(*INTENSITIES)), None)
    pipeline: str = key(choice("locator_segmenter", "centre_crop"), "locator_segmenter")


@dataclass(frozen=True)
class Machine:
    """What may differ between the sessions of one run: it does not change what is learnt.

    Attributes:
        workers: processes that make images.
        threads: that train, on a CPU; torch's choice where None.
        accelerator, devices, nodes, strategy: Lightning's; a batch is shared out over all devices.
    """

    workers: int = key(integer(0), 1)
    threads: int | None = key(optional(integer(1)), 1)
    accelerator: str = key(text, "auto")
    devices: int = key(integer(1), 1)
    nodes: int = key(integer(1), 1)
    strategy: str = key(text, "auto")


@dataclass(frozen=True)
class TrainConfig:
    """A chain of networks to train, in the order of the file, and the bundle to write of them.

    Attributes:
        name: of the configuration.
        networks: by name.
        bundle: what to write at the end; nothing where None.
        seed, precision: of all networks; see :class:`.plan.Plan`.
        machine: where to train.
        source: the file it was read from, for errors and records.
    """

    name: str = key(text)
    networks: dict[str, NetworkSettings] = key(sections(NetworkSettings))
    bundle: BundleSettings | None = key(section(BundleSettings), None)
    seed: int = key(integer(0), 1)
    precision: str = key(choice("fp32", "bf16"), "fp32")
    machine: Machine = key(section(Machine), Machine())
