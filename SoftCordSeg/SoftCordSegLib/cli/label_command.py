"""``softcord label IMAGE MASK -o FILE``"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import InputError, OptionError
from .console import interruptible, print_json, progress_bars, say, show_table, warn
from .guard import guarded
from .shared_options import Debug, Json, StandardNames, TimeText, parse_time

if TYPE_CHECKING:
    from ..morphometry import DiscLabel
    from ..workflows.label_discs import Labelling

CarryFrom = Annotated[
    Optional[Path],
    typer.Option(
        "--from",
        help="Carry over the discs of another image of the session (for thick axial slices).",
    ),
]
LikelyNames = Annotated[
    bool,
    typer.Option(
        "--likely-names",
        help=(
            "Where no disc is known and the names are not certain, write the most likely ones."
            " Without this option nothing is written then."
        ),
    ),
]


def label_command(
    image: Annotated[
        Path,
        typer.Argument(
            help="Image that shows the vertebrae, any contrast, .nii or .nii.gz.", metavar="IMAGE"
        ),
    ],
    mask: Annotated[Path, typer.Argument(help="Mask of the cord, soft or binary.", metavar="MASK")],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help=(
                "Discs to write: .nii.gz (SCT's label image) or .mrk.json (Slicer's points); or a"
                " folder, for NAME_label-discs_dlabel.nii.gz."
            ),
            metavar="FILE|DIR",
        ),
    ],
    known: Annotated[
        Optional[list[str]],
        typer.Option(
            help=(
                "A disc that you know: 3=R,A,S or C2/C3=R,A,S (mm, posterior tip), or a file of"
                " discs. May be given again."
            ),
            metavar="DISC|FILE",
        ),
    ] = None,
    fix: Annotated[
        Optional[Path],
        typer.Option(
            help=(
                "An earlier output in which you moved, renamed or added points: they stay, the rest"
                " is found anew."
            )
        ),
    ] = None,
    from_: CarryFrom = None,
    likely_names: LikelyNames = False,
    time: TimeText = None,
    bids_standard_names: StandardNames = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Find the intervertebral discs along the cord.

    Without a known disc they are named by the image, and written if these names are certain. Each
    disc gets a confidence: the probability that it lies within 2.5 mm along the cord, given that
    the names are right.
    """
    with guarded(debug, json):
        from ..workflows.label_discs import LabelOptions, label_files

        discs, files = _parse_known(known or [])
        options = LabelOptions(
            discs, files, fix, from_, likely_names, parse_time(time), bids_standard_names
        )
        with (
            interruptible() as interrupt,
            progress_bars(interrupt) as bars,
            bars.bar(image.name) as progress,
        ):
            labelling = label_files(image, mask, out, options, progress)
        _show(labelling)
        if json:
            print_json(_summary(labelling))


def _parse_known(texts: Sequence[str]) -> tuple[list[DiscLabel], list[Path]]:
    """Points as DISC=R,A,S, and files.

    Raises:
        OptionError: a point that cannot be read.
    """
    from ..morphometry import DiscLabel, parse_disc

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
            raise OptionError(f"--known {text}: {error.sentence}", hint=error.hint) from error
        except ValueError:
            position = ()
        if len(position) != 3 or not all(map(math.isfinite, position)):
            raise OptionError(
                f"'--known {text}' has no three numbers after the =.",
                hint="Give R,A,S in mm, as 3=1.5,-20,40.",
            )
        discs.append(disc)
    return discs, files


def _show(labelling: Labelling) -> None:
    """Notes and discs in the window."""
    from ..morphometry.disc_files import FOUND

    for note in labelling.notes:
        warn(note)
    rows = [
        (
            disc.label.name,
            disc.label.value,
            *disc.label.position_mm,
            disc.source,
            f"{disc.confidence:.2f}" if disc.source == FOUND else "",
        )
        for disc in labelling.discs
    ]
    show_table(
        f"Discs, in {labelling.files[0]}",
        ("Disc", "Value", "R, mm", "A, mm", "S, mm", "Source", "Confidence"),
        rows,
    )
    if labelling.implausible:
        say(
            "The image speaks against the known discs (see above). Look at them before you use"
            " these levels.",
            "bold red",
        )
    if labelling.unsure:
        warn(
            f"Less sure than not: {', '.join(labelling.unsure)}. Look there first; move what is"
            " wrong, and run again with --fix."
        )


def _summary(labelling: Labelling) -> dict[str, Any]:
    return {
        "file": str(labelling.files[0]),
        "discs": [disc.as_json() for disc in labelling.discs],
        "implausible": labelling.implausible,
        "certain": labelling.certain,
        "namings": [
            {
                "probability": round(naming.probability, 3),
                "discs": [disc.as_json() for disc in naming.discs],
            }
            for naming in labelling.namings
        ],
        "notes": list(labelling.notes),
    }
