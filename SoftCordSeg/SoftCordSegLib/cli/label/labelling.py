"""Discs of one image: found from those that are known, or carried over from another image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...progress import Progress
from ..discs.files import read_discs
from ..discs.placed import CARRIED, FIRST_LANDMARK, FOUND, KNOWN, PlacedDisc, told_apart
from ..guard import UsageProblem, naming

if TYPE_CHECKING:
    from ...morphometry import DiscLabel
    from ...volume import Volume


@dataclass(frozen=True, eq=False)
class Labelling:
    """What was found.

    Attributes:
        discs: from above to below.
        image: what they were found in.
        implausible: the image speaks against the known discs.
        notes: sentences for the user.
    """

    discs: tuple[PlacedDisc, ...]
    image: Volume
    implausible: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Start:
    """Where the discs are found from.

    Attributes:
        discs: known ones.
        files: of known ones.
        fix: an earlier output that somebody worked on.
        from_: discs of another image, to be carried over instead.
    """

    discs: Sequence[DiscLabel] = ()
    files: Sequence[Path] = ()
    fix: Path | None = None
    from_: Path | None = None


def label_image(
    image_path: Path,
    mask_path: Path,
    start: Start,
    time: str | int | None = None,
    progress: Progress | None = None,
) -> Labelling:
    """Read all inputs and find the discs, or carry them over.

    Raises:
        InputError: an input cannot be used, or the discs cannot be found; see
            :func:`SoftCordSegLib.morphometry.propose_discs`.
    """
    from ...morphometry import carry_over_discs, centreline_of, propose_discs
    from ...volume import read_nifti

    image, mask = read_nifti(image_path, time), read_nifti(mask_path)
    with naming(mask_path):
        centreline_of(mask)  # an empty mask and the like are the mask's fault, not the discs'
    if start.from_ is not None:
        others = read_discs(start.from_)
        with naming(start.from_):
            carried, notes = carry_over_discs(others, mask)
        placed = [PlacedDisc(disc, CARRIED) for disc in [*carried, *filter(_is_landmark, others)]]
        return Labelling(_from_above(placed), image, notes=notes)
    known, notes = [*start.discs, *(disc for path in start.files for disc in read_discs(path))], ()
    if start.fix is not None:
        kept, left = told_apart(start.fix)
        known += kept
        notes = (f"Of '{start.fix.name}', kept: {_names(kept)}; found anew: {_names(left)}.",)
    proposals = propose_discs(
        image, mask, [disc for disc in known if not _is_landmark(disc)], progress=progress
    )
    placed = [
        PlacedDisc(disc.label, KNOWN if disc.known else FOUND, disc.confidence)
        for disc in proposals
    ]
    placed += [PlacedDisc(disc, KNOWN) for disc in known if _is_landmark(disc)]
    return Labelling(_from_above(placed), image, proposals.implausible, notes + proposals.notes)


def parse_known(texts: Sequence[str]) -> tuple[list[DiscLabel], list[Path]]:
    """Points as DISC=R,A,S, and files.

    Raises:
        UsageProblem: a point that cannot be read.
    """
    from ...morphometry import DiscLabel, parse_disc

    discs, files = [], []
    for text in texts:
        name, equals, numbers = text.rpartition("=")
        if not equals or Path(text).exists():
            files.append(Path(text))
            continue
        try:
            position = tuple(float(number) for number in numbers.split(","))
            disc = DiscLabel(parse_disc(name), position)
        except InputError as error:
            raise UsageProblem(f"--known {text}: {error}") from error
        except ValueError:
            position = ()
        if len(position) != 3 or not all(map(math.isfinite, position)):
            raise UsageProblem(
                f"'--known {text}' needs three numbers after the =, R,A,S in mm, as 3=1.5,-20,40."
            )
        discs.append(disc)
    return discs, files


def _is_landmark(disc: DiscLabel) -> bool:
    """No disc, but for example the pontomedullary junction: it is passed on as it is."""
    return disc.value >= FIRST_LANDMARK


def _from_above(discs: Sequence[PlacedDisc]) -> tuple[PlacedDisc, ...]:
    """In order; the landmarks of the brainstem (49, 50) lie above C1."""
    return tuple(
        sorted(
            discs,
            key=lambda disc: (
                disc.label.value - 100 if disc.label.value in (49, 50) else disc.label.value
            ),
        )
    )


def _names(discs: Sequence[DiscLabel]) -> str:
    return ", ".join(disc.name for disc in discs) or "none"
