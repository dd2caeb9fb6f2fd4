"""The authors' pipelines, as configuration.

The key ``pipeline`` in ``configs/inference.json`` of a bundle names one; without that key the
pipeline is ours, a locator and a segmenter (:class:`~.bundle.Stage`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from . import limits
from .activations import ACTIVATIONS
from .nnunet_builder import check_library
from .unet_config import Size, UNetConfig

CENTRE_CROP, NNUNET = "centre_crop", "nnunet"
PADDINGS = ("constant", "edge")
NORMALISATIONS = (
    "ZScoreNormalization",
    "CTNormalization",
    "NoNormalization",
    "RescaleTo01Normalization",
)


@dataclass(frozen=True)
class NetworkSpec:
    """One network, or several of one shape whose raw outputs are averaged.

    Attributes:
        weights: files below the bundle's folder, one for each network.
        config: of our U-Net; None where another library builds the network.
        library: what that library builds it from: ``class``, ``kwargs``, ``imports`` (which of the
            kwargs name Python objects), ``channels_in``, ``channels_out``.
    """

    weights: tuple[str, ...]
    config: UNetConfig | None
    library: dict[str, Any] | None = None

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> NetworkSpec:
        """From the key ``network`` of a pipeline.

        Raises:
            KeyError, TypeError, ValueError: it cannot be used.
        """
        weights = tuple(
            limits.text(name, "weights") for name in limits.listed(entry["weights"], "weights")
        )
        if not 0 < len(weights) <= limits.NETWORKS:
            raise ValueError("weights is a list of files")
        library = entry.get("library")
        if library is not None:
            check_library(library)
        config = None if library else UNetConfig.from_json(entry["unet"])
        return cls(weights, config, library)

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        shape = (
            {"unet": self.config.to_json()}
            if self.config is not None
            else {"library": self.library}
        )
        return {"weights": list(self.weights), **shape}


@dataclass(frozen=True)
class CentreCrop:
    """The paper's pipeline: crop the middle of the image, z-score, sliding window, NormReLU,
    inverse.

    Attributes:
        network: one U-Net, one channel in and out.
        spacing_mm: of its isotropic working grid.
        crop: voxels of that grid around the image's middle, along the working axes; -1: all.
        divisible_by: the crop is padded to multiples of this.
        padding: of that padding: "constant" (0) or "edge".
        tile, overlap: of the sliding window.
        activation: of the whole volume's raw outputs, a name in ``activations.ACTIVATIONS``.
        floor: lower values of the mask become 0.
    """

    network: NetworkSpec
    spacing_mm: float = 1.0
    crop: Size = (64, 192, -1)
    divisible_by: int = 32
    padding: str = "edge"
    tile: Size = (64, 192, 320)
    overlap: float = 0.5
    activation: str = "normrelu"
    floor: float = 0.1

    def __post_init__(self) -> None:
        _check_window(self.tile, self.overlap, self.floor)
        limits.number(self.spacing_mm, "spacing_mm", limits.SPACING_MM)
        limits.whole(self.divisible_by, "divisible_by", (1, limits.DIVISOR))
        limits.three([1 if n == -1 else n for n in self.crop], "crop", limits.CROP)
        if self.padding not in PADDINGS or self.activation not in ACTIVATIONS:
            raise ValueError(f"unknown padding {self.padding} or activation {self.activation}")
        config = self.network.config
        if config is None or (config.channels_in, config.channels_out) != (1, 1):
            raise ValueError("a network with one channel in and one out is needed")
        if any(n % d for n, d in zip(self.tile, config.divisor)):
            raise ValueError(f"the tile is not a multiple of {config.divisor}")
        limits.check_tile(self.tile, config.features, config.strides)

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> CentreCrop:
        """From ``inference.json``; keys that are left out have their defaults."""
        given = _given(cls, entry)
        given["network"] = NetworkSpec.from_json(entry["network"])
        for key, most in (("crop", (-1, limits.CROP[1])), ("tile", limits.TILE)):
            if key in given:
                given[key] = limits.three(given[key], key, most)
        for key in ("padding", "activation"):
            limits.text(given.get(key, "default"), key)
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """Plain types, without the orientation."""
        return _plain(self, CENTRE_CROP)


@dataclass(frozen=True)
class Resampling:
    """nnU-Net's change of spacing.

    Attributes:
        order: of the spline within the slices, or in all directions.
        order_z: across thick slices.
        separate_z: True or False, or None: where one axis is more than three times as coarse as
            another.
    """

    order: int
    order_z: int = 0
    separate_z: bool | None = None

    def __post_init__(self) -> None:
        limits.whole(self.order, "the order of a spline", (0, 5))
        limits.whole(self.order_z, "the order of a spline", (0, 5))
        if self.separate_z is not None:
            limits.truth(self.separate_z, "separate_z")


@dataclass(frozen=True)
class Margins:
    """Margins around the located cord, mm."""

    superior: float = 40.0
    inferior: float = 100.0
    left: float = 15.0
    right: float = 15.0
    anterior: float = 15.0
    posterior: float = 22.0

    def __post_init__(self) -> None:
        for face, margin in vars(self).items():
            limits.number(margin, f"the margin {face}", limits.MARGIN_MM)


@dataclass(frozen=True)
class NnUNet:
    """An nnU-Net v2 configuration.  "Its axes" are the image's axes in reverse order, and then
    ``transpose_forward``.

    Attributes:
        network: one U-Net for each fold.
        spacing_mm, patch: along its axes.
        transpose_forward: order of the reversed axes.
        normalisation: nnU-Net's name of the scheme.
        use_mask: the scheme uses only voxels that are not 0.
        intensities: of the training images, for the scheme of CT.
        data, probabilities: resampling of the image, and of the result back to its grid.
        foreground: output channels that are cord.
        mirror_axes: of its axes, along which the image may be flipped.
        step: of the sliding window, as part of a patch.
        margins: around the cord, as in training; None: the whole image.
        floor: lower values of the mask become 0.
    """

    network: NetworkSpec
    spacing_mm: tuple[float, float, float]
    patch: Size
    transpose_forward: Size = (0, 1, 2)
    normalisation: str = "ZScoreNormalization"
    use_mask: bool = False
    intensities: dict[str, float] = field(default_factory=dict)
    data: Resampling = Resampling(3)
    probabilities: Resampling = Resampling(1)
    foreground: tuple[int, ...] = (1,)
    mirror_axes: tuple[int, ...] = ()
    step: float = 0.5
    margins: Margins | None = None
    floor: float = 0.1

    def __post_init__(self) -> None:
        _check_window(self.patch, 1 - limits.number(self.step, "step", (0.1, 1.0)), self.floor)
        for spacing in self.spacing_mm:
            limits.number(spacing, "spacing_mm", limits.SPACING_MM)
        if len(self.spacing_mm) != 3 or sorted(self.transpose_forward) != [0, 1, 2]:
            raise ValueError("spacing or axes out of range")
        if self.normalisation not in NORMALISATIONS:
            raise ValueError(f"unknown normalisation {self.normalisation}")
        self._check_scheme()
        if not self.foreground or min(self.foreground) < 1 or max(self.foreground) >= self.channels:
            raise ValueError("the foreground is not among the network's outputs")
        if not set(self.mirror_axes) <= {0, 1, 2} or len(set(self.mirror_axes)) != len(
            self.mirror_axes
        ):
            raise ValueError("an image has axes 0 to 2")
        config = self.network.config
        if config is not None:
            if any(n % d for n, d in zip(self.patch, config.divisor)):
                raise ValueError(f"the patch is not a multiple of {config.divisor}")
            limits.check_tile(self.patch, config.features, config.strides)
        limits.check_tile(self.patch, (self.channels,), ((1, 1, 1),))

    def _check_scheme(self) -> None:
        limits.truth(self.use_mask, "use_mask")
        for name, value in self.intensities.items():
            limits.number(value, f"the intensity {name}", limits.INTENSITY)
        if self.normalisation == "CTNormalization" and not (
            {"mean", "std", "percentile_00_5", "percentile_99_5"} <= set(self.intensities)
            and self.intensities["std"] > 0
            and self.intensities["percentile_00_5"] <= self.intensities["percentile_99_5"]
        ):
            raise ValueError("the intensities that the scheme needs are missing or contradictory")

    @property
    def channels(self) -> int:
        """Output channels of the network, background included."""
        network = self.network
        if network.config is not None:
            return network.config.channels_out
        assert network.library is not None
        return int(network.library["channels_out"])

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> NnUNet:
        """From ``inference.json``; keys that are left out have their defaults."""
        given = _given(cls, entry)
        read: dict[str, Callable[[Any], Any]] = {
            "network": NetworkSpec.from_json,
            "spacing_mm": lambda value: tuple(limits.listed(value, "spacing_mm")),
            "patch": lambda value: limits.three(value, "patch", limits.TILE),
            "transpose_forward": lambda value: limits.three(value, "transpose_forward", (0, 2)),
            "normalisation": lambda value: limits.text(value, "normalisation"),
            "foreground": lambda value: limits.wholes(value, "foreground", limits.CHANNELS),
            "mirror_axes": lambda value: limits.wholes(value, "mirror_axes", (0, 2)),
            "data": lambda value: Resampling(**value),
            "probabilities": lambda value: Resampling(**value),
            "margins": lambda value: Margins(**value) if value is not None else None,
        }
        values: dict[str, Any] = {
            key: read[key](value) if key in read else value for key, value in given.items()
        }
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Plain types, without the orientation."""
        return _plain(self, NNUNET)


PIPELINES: dict[str, type[CentreCrop] | type[NnUNet]] = {CENTRE_CROP: CentreCrop, NNUNET: NnUNet}


def _check_window(tile: Size, overlap: float, floor: float) -> None:
    limits.three(tile, "the tile", limits.TILE)
    limits.number(overlap, "overlap", limits.OVERLAP)
    limits.number(floor, "floor", limits.FLOOR)


def _given(cls: Any, entry: dict[str, Any]) -> dict[str, Any]:
    return {field.name: entry[field.name] for field in fields(cls) if field.name in entry}


def _plain(plan: Any, name: str) -> dict[str, Any]:
    plain: dict[str, Any] = {"pipeline": name}
    for key, value in vars(plan).items():
        if isinstance(value, NetworkSpec):
            plain[key] = value.to_json()
        elif isinstance(value, (Resampling, Margins)):
            plain[key] = dict(vars(value))
        else:
            plain[key] = list(value) if isinstance(value, tuple) else value
    return plain
