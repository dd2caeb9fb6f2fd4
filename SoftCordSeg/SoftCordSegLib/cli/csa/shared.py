"""Files that serve all masks of ``softcord csa``: read once, before the first mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ..discs.files import read_discs
from ..guard import naming
from .levels import Levels
from .request import CsaRequest

if TYPE_CHECKING:
    from ...morphometry import Centreline, DiscLabel
    from ...volume import Volume


@dataclass(frozen=True, eq=False)
class Shared:
    """What was in them; None for a file that was not given.

    Attributes:
        levels: where levels come from.
        junction: the pontomedullary junction, world RAS+, mm.
        image: anatomical image.
        centreline: for the angle correction.
    """

    levels: Levels
    junction: Sequence[float] | None
    image: Volume | None
    centreline: Centreline | None


def read_shared(request: CsaRequest) -> Shared:
    """Read them.

    Raises:
        InputError: one cannot be read, or has not in it what it is for.
    """
    from ...volume import read_nifti

    levels = Levels(request.source, request.needs_levels)
    pmj = request.pmj.path
    junction = None if pmj is None else junction_among(read_discs(pmj), pmj)
    image = None if request.image is None else read_nifti(request.image)
    return Shared(
        levels,
        junction,
        image,
        None if request.centreline is None else _centreline_in(request.centreline),
    )


def junction_among(
    discs: Sequence[DiscLabel], path: Path | None = None
) -> tuple[float, float, float]:
    """The position of the pontomedullary junction, world RAS+, mm.

    Raises:
        InputError: it is not among the labels (of the file ``path``).
    """
    from ...morphometry import parse_disc

    found = [disc.position_mm for disc in discs if disc.value == parse_disc("PMJ")]
    if not found:
        where = f"'{path}' has" if path is not None else "The disc labels have"
        raise InputError(
            f"{where} no pontomedullary junction. Mark it as a point PMJ, or in a label image with"
            " the value 50."
        )
    return found[0]


def _centreline_in(path: Path) -> Centreline:
    from ...morphometry import centreline_of
    from ...volume import read_nifti

    with naming(path):
        return centreline_of(read_nifti(path))
