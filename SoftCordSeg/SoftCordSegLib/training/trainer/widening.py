"""A wider network that begins by giving the very outputs of a narrower one (Net2WiderNet, Chen et
al., ICLR 2016).

Channels of the wide network are those of the narrow one, some more than once.  Whatever reads a
channel that is there n times takes an n-th of each, so nothing changes until training tells the
copies apart; instance norm works channel by channel and sees no difference either.
"""

from __future__ import annotations

import torch

from ...errors import InputError
from ...network.unet_config import UNetConfig


def can_widen(narrow: UNetConfig, wide: UNetConfig) -> bool:
    """Whether the networks differ in nothing but more channels."""
    return (
        len(narrow.features) == len(wide.features)
        and _same_but_features(narrow, wide)
        and _no_narrower(narrow, wide)
    )


def widened(
    weights: dict[str, torch.Tensor],
    narrow: UNetConfig,
    wide: UNetConfig,
    noise: float = 0.02,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Weights of the wide network from those of the narrow one.

    Args:
        weights: state of a ``UNet(narrow)``.
        narrow, wide: shapes that differ in their features only, none of which may shrink.
        noise: standard deviation of what is added to the weights of copies, in parts of their own
            standard deviation: copies that are the very same would get the same gradients, and stay
            so for ever.
        seed: of the noise.

    Returns:
        State of a ``UNet(wide)``, float32.

    Raises:
        InputError: the wide network cannot begin with the narrow one.
    """
    if not can_widen(narrow, wide):
        raise InputError(
            f"A network of {wide.features} channels cannot begin with the weights of one of"
            f" {narrow.features}.",
            hint="Give it the same strides and convolutions, and at least as many channels in"
            " every stage.",
        )
    chosen = _channels(narrow, wide)
    random = torch.Generator().manual_seed(seed)
    return {
        name: _wide(name, value.detach().float().cpu(), chosen, noise, random)
        for name, value in weights.items()
    }


def _same_but_features(one: UNetConfig, other: UNetConfig) -> bool:
    return {**vars(one), "features": ()} == {**vars(other), "features": ()}


def _no_narrower(narrow: UNetConfig, wide: UNetConfig) -> bool:
    return all(few <= many for few, many in zip(narrow.features, wide.features))


def _channels(narrow: UNetConfig, wide: UNetConfig) -> dict[str, torch.Tensor]:
    """For "in", "out" and each level: which narrow channel stands at each wide one; the narrow ones
    first, in their order.
    """
    levels = {
        str(n): torch.arange(many) % few
        for n, (few, many) in enumerate(zip(narrow.features, wide.features))
    }
    return {
        "in": torch.arange(narrow.channels_in),
        "out": torch.arange(narrow.channels_out),
        **levels,
    }


def _wide(
    name: str,
    value: torch.Tensor,
    chosen: dict[str, torch.Tensor],
    noise: float,
    random: torch.Generator,
) -> torch.Tensor:
    reads, gives = _ends(name, len(chosen) - 2)
    out = chosen[gives]
    if value.ndim == 1:
        # Bias, or scale and shift of a norm.
        return value[out].clone()
    # Transposed convolutions have the channels that they read first.
    transposed = name.startswith("upsample.")
    grown = value.transpose(0, 1) if transposed else value
    grown = _read(grown, [chosen[one] for one in reads])[out]
    copies = torch.arange(len(out)) >= int(out.max()) + 1
    if noise and copies.any():
        spread = grown[copies].std()
        grown[copies] += noise * spread * torch.randn(grown[copies].shape, generator=random)
    return (grown.transpose(0, 1) if transposed else grown).contiguous()


def _ends(name: str, levels: int) -> tuple[list[str], str]:
    """What a weight reads (one after the other, where two are joined) and which level it gives."""
    part, number, *rest = name.split(".")
    number = int(number)
    if part == "encoder":
        first = rest[0] == "0"
        before = "in" if number == 0 else str(number - 1)
        return [before if first else str(number)], str(number)
    level = levels - 2 - number
    if part == "upsample":
        return [str(level + 1)], str(level)
    if part == "decoder":
        # Of the first block: what comes from below, then what comes across.
        return [str(level)] * (2 if rest[0] == "0" else 1), str(level)
    return [str(level)], "out"


def _read(value: torch.Tensor, sources: list[torch.Tensor]) -> torch.Tensor:
    """(out, in, …) with each channel that is read as often as it is there, and as much less of
    each.
    """
    parts, start = [], 0
    for source in sources:
        count = torch.bincount(source)
        shares = (1.0 / count)[source].reshape(1, -1, *[1] * (value.ndim - 2))
        parts.append(value[:, start + source] * shares)
        start += len(count)
    return torch.cat(parts, dim=1)
