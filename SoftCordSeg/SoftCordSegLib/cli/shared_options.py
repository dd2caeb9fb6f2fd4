"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ..errors import OptionError
from .guard import guarded

if TYPE_CHECKING:
    from ..volume import Box


def known_device(ctx: typer.Context, device: str) -> str:
    """The device itself: one that is not there is said before any work, by every command."""
    as_json = "--json" in sys.argv or bool(ctx.params.get("as_json"))
    with guarded(as_json=as_json):
        if device not in ("auto", "cpu"):
            from ..network.engines import check_device

            check_device(device)
    return device


Model = Annotated[
    Optional[str],
    typer.Option(
        "-m",
        "--model",
        help=(
            "Name of a model ('softcord models list'), or the folder of a bundle; ours by default."
        ),
        metavar="NAME|PATH",
    ),
]
BoxText = Annotated[
    Optional[str],
    typer.Option(
        "--box",
        help="Only this box: X,Y,Z of its middle and its edge lengths, world RAS mm.",
        metavar="X,Y,Z,W,D,H",
    ),
]
TimeText = Annotated[
    Optional[str],
    typer.Option(
        "--time", help="Of a series: the number of the volume (from 0), or mean.", metavar="N|mean"
    ),
]
Device = Annotated[
    str,
    typer.Option(
        callback=known_device,
        help=(
            "Where the network runs: auto, cpu, cuda, cuda:1, …; openvino or pytorch: what runs it"
            " on the CPU."
        ),
    ),
]
Threads = Annotated[
    Optional[int],
    typer.Option(help="Threads of the network on the CPU; all cores by default.", min=1),
]
StandardNames = Annotated[
    bool,
    typer.Option(
        "--bids-standard-names",
        help=(
            "Names that the BIDS validator accepts: the contrast in desc-, the endings _probseg and"
            " _mask."
        ),
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object on stdout; human text stays on stderr."),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")]


def parse_time(text: str | None) -> str | int | None:
    """ "mean", a volume's number, or None.

    Raises:
        OptionError: neither.
    """
    if text is None or text == "mean":
        return text
    if text.isdecimal():
        return int(text)
    raise OptionError(
        f"--time '{text}' is neither the number of a volume nor mean.",
        hint="Count the volumes from 0.",
    )


def parse_crop(text: str | None) -> tuple[int, int, int] | None:
    """Three sizes in voxels from "64x192x-1".

    Raises:
        OptionError: not that.
    """
    if text is None:
        return None
    try:
        sizes = tuple(int(part) for part in text.lower().split("x"))
    except ValueError:
        sizes = ()
    if len(sizes) != 3 or any(n < 1 and n != -1 for n in sizes):
        raise OptionError(
            f"--crop-size '{text}' is not three sizes.",
            hint="Give those from right to left, front to back and top to bottom (-1: all), such as"
            " 64x192x-1.",
        )
    return sizes


def parse_box(text: str | None) -> Box | None:
    """A box along the patient's axes from "X,Y,Z,W,D,H": middle and edge lengths, world RAS+, mm.

    Raises:
        OptionError: not six numbers, or an edge that is not longer than 0.
    """
    if text is None:
        return None
    import numpy as np

    from ..volume import Box

    try:
        numbers = np.array([float(part) for part in text.split(",")])
    except ValueError:
        numbers = np.empty(0)
    if len(numbers) != 6 or not np.isfinite(numbers).all() or (numbers[3:] <= 0).any():
        raise OptionError(
            f"--box '{text}' is not a box.",
            hint="Give six numbers, X,Y,Z,W,D,H: the middle and the edge lengths in mm (world"
            " RAS).",
        )
    return Box(numbers[:3], np.eye(3), numbers[3:])
