"""What the numbers in a model's files may be.  A model may come from a stranger, and its numbers
decide how much memory and time a run takes.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import ModelError

# Far beyond any network for images of this kind (nnU-Net's largest plans: 8 stages, 512 channels,
# 6 blocks a stage, a patch of 320 voxels).
STAGES = (2, 12)
FEATURES = (1, 2048)
STRIDE = (1, 8)
KERNEL = (1, 15)
CONVOLUTIONS = (1, 24)
CHANNELS = (1, 128)
PARAMETERS = 1 << 30
# Of the product of all strides along one axis.
DIVISOR = 512
TILE = (1, 1024)
# Voxels of a tile times channels, at the stage where that is the most: 2 GiB in float32, sixteen
# times that of the paper's network.
TILE_VALUES = 1 << 29
CROP = (1, 4096)
SPACING_MM = (0.1, 20.0)
MARGIN_MM = (0.0, 2000.0)
# At 0.9 each voxel is already in a thousand tiles.
OVERLAP = (0.0, 0.9)
FLOOR = (0.0, 0.99)
# Those of float32.
INTENSITY = (-3e38, 3e38)
NETWORKS = 20
# Of the grid on which a network works, all its channels together: 2 GiB in float32.
WORKING_VALUES = 1 << 29
# A run of this many tiles takes many hours on any computer.
TILES = 20_000
_PLAIN_DEPTH, _PLAIN_VALUES, _PLAIN_NUMBER, _PLAIN_TEXT = 8, 4000, 10_000, 500


def number(value: Any, name: str, limits: tuple[float, float]) -> float:
    """A number within limits.

    Raises:
        ValueError: it is another thing, NaN, infinite, or outside the limits.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"{name} is {_short(value)}, not a number")
    plain: Any = value
    # Written this way, NaN is refused too; integers of any size can be compared.
    if not limits[0] <= plain <= limits[1]:
        raise ValueError(f"{name} is {_short(value)}, and can be {limits[0]} to {limits[1]}")
    return float(plain)


def whole(value: Any, name: str, limits: tuple[int, int]) -> int:
    """A whole number within limits.

    Raises:
        ValueError: it is another thing, or outside the limits.
    """
    plain = number(value, name, limits)
    if plain != math.floor(plain):
        raise ValueError(f"{name} is {_short(value)}, not a whole number")
    return int(plain)


def wholes(value: Any, name: str, limits: tuple[int, int]) -> tuple[int, ...]:
    """A list of whole numbers within limits.

    Raises:
        ValueError: it is another thing, or one of them is outside the limits.
    """
    return tuple(whole(one, name, limits) for one in listed(value, name))


def three(value: Any, name: str, limits: tuple[int, int]) -> tuple[int, int, int]:
    """Whole numbers within limits, along three axes.

    Raises:
        ValueError: not three, or one of them is outside the limits.
    """
    plain = wholes(value, name, limits)
    if len(plain) != 3:
        raise ValueError(f"{name} is {_short(value)}, not three numbers")
    return plain[0], plain[1], plain[2]


def listed(value: Any, name: str) -> Sequence[Any]:
    """A list that is not long.

    Raises:
        ValueError: it is another thing, or long.
    """
    if not isinstance(value, (list, tuple)) or len(value) > _PLAIN_VALUES:
        raise ValueError(f"{name} is {_short(value)}, not a list")
    return value


def text(value: Any, name: str) -> str:
    """A short text that can be printed, and stand in the name of a file.

    Raises:
        ValueError: it is another thing, or cannot.
    """
    if not isinstance(value, str) or not value or len(value) > _PLAIN_TEXT:
        raise ValueError(f"{name} is {_short(value)}, not a text")
    if not value.isprintable():  # NUL, other control characters, halves of surrogate pairs
        raise ValueError(f"{name} has characters that cannot be printed")
    return value


def truth(value: Any, name: str) -> bool:
    """True or False.

    Raises:
        ValueError: it is another thing.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {_short(value)}, neither true nor false")
    return value


def check_plain(value: Any, name: str, depth: int = 0) -> int:
    """Check options that another library interprets: few, not deep, no large number.

    Returns:
        How many values there are.

    Raises:
        ValueError: something is beyond the limits.
    """
    if depth > _PLAIN_DEPTH:
        raise ValueError(f"{name} is nested too deeply")
    count = 1
    if isinstance(value, dict):
        for key, one in value.items():
            count += check_plain(one, text(key, f"a key of {name}"), depth + 1)
    elif isinstance(value, (list, tuple)):
        count += sum(check_plain(one, name, depth + 1) for one in listed(value, name))
    elif isinstance(value, str):
        if value:
            text(value, name)
    elif value is not None and not isinstance(value, bool):
        number(value, name, (-_PLAIN_NUMBER, _PLAIN_NUMBER))
    if count > _PLAIN_VALUES:
        raise ValueError(f"{name} has {count} values")
    return count


def check_tile(tile: Sequence[int], features: Sequence[int], strides: Sequence[Any]) -> None:
    """Check what the activations of one tile take, before any is computed.

    Args:
        tile: voxels along its axes.
        features, strides: of the network's stages, from full resolution down.

    Raises:
        ValueError: more than :data:`TILE_VALUES`.
    """
    size = [float(n) for n in tile]
    for width, stride in zip(features, strides):
        size = [max(n / step, 1) for n, step in zip(size, stride)]
        if math.prod(size) * width > TILE_VALUES:
            raise ValueError(
                f"the tile of {'x'.join(map(str, tile))} voxels needs more memory with {width}"
                " channels than any known model"
            )


def check_working_size(
    shape: Iterable[int], spacing_mm: Iterable[float], channels: int = 1
) -> None:
    """Check the size of the grid on which a network would work, before it is made.

    Raises:
        ModelError: more than :data:`WORKING_VALUES`.
    """
    shape = [int(n) for n in shape]
    if math.prod(shape) * channels > WORKING_VALUES:
        spacing = " x ".join(f"{step:.3g}" for step in spacing_mm)
        raise ModelError(
            f"The model works on voxels of {spacing} mm, of which this image would have"
            f" {' x '.join(map(str, shape))}: more than can be computed.",
            hint="Crop the image to the cord, or use another model.",
        )


def check_tiles(count: int) -> None:
    """Check the number of tiles in which an image would be looked at.

    Raises:
        ModelError: more than :data:`TILES`.
    """
    if count > TILES:
        raise ModelError(
            f"The model would look at this image in {count} tiles, which takes many hours.",
            hint="Crop the image to the cord, or use another model.",
        )


def _short(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 64:
        return "a very large number"  # printing it may be refused, or take long
    if isinstance(value, (dict, list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    shown = ascii(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
