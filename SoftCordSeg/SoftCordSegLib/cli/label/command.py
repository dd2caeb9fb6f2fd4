"""``softcord label IMAGE MASK -o FILE``"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from ..console import print_json, progress_bars, say, show_table, warn
from ..discs.placed import FOUND
from ..guard import UsageProblem, guarded
from ..interrupt import interruptible
from ..options import Debug, Json, TimeText, parse_time
from ..outputs import check_folder, check_not_an_input
from .labelling import Labelling, Start, label_image, parse_known
from .outputs import check_kind, files_of, write_discs

# Below it the user should look.
_UNSURE = 0.5


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
            help="Discs to write: .nii.gz (SCT's label image) or .mrk.json (Slicer's points).",
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
    from_: Annotated[
        Optional[Path],
        typer.Option(
            "--from",
            help="Carry over the discs of another image of the visit (for thick axial slices).",
        ),
    ] = None,
    time: TimeText = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Find the intervertebral discs along the cord, from one that is known, or from none where
    C2/C3 and the dens are in view.

    Each disc gets a confidence: the probability that it lies within 2.5 mm along the cord, given
    that the known ones are right.
    """
    with guarded(debug, json):
        check_kind(out)
        if from_ is not None and (known or fix is not None):
            raise UsageProblem(
                "--from takes all discs from the other image. Leave --known and --fix out."
            )
        discs, files = parse_known(known or [])
        check_not_an_input(
            files_of(out),
            [image, mask, *files, *(path for path in (fix, from_) if path is not None)],
        )
        check_folder(out.parent)
        start = Start(discs, files, fix, from_)
        with (
            interruptible() as interrupt,
            progress_bars(interrupt) as bars,
            bars.bar(image.name) as progress,
        ):
            labelling = label_image(image, mask, start, parse_time(time), progress)
        more = write_discs(out, labelling.discs, labelling.image, _about(labelling, image, mask))
        _show(labelling, more, out)
        if json:
            print_json(_summary(labelling, more, out))


def _show(labelling: Labelling, more: Sequence[str], out: Path) -> None:
    """Notes and discs in the window."""
    for note in (*labelling.notes, *more):
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
        f"Discs, in {out}",
        ("Disc", "Value", "R, mm", "A, mm", "S, mm", "Source", "Confidence"),
        rows,
    )
    if labelling.implausible:
        say(
            "The image speaks against the known discs (see above). Look at them before you use"
            " these levels.",
            "bold red",
        )
    unsure = [disc.label.name for disc in labelling.discs if disc.confidence < _UNSURE]
    if unsure:
        warn(
            f"Less sure than not: {', '.join(unsure)}. Look there first; move what is wrong, and"
            " run again with --fix."
        )


def _about(labelling: Labelling, image: Path, mask: Path) -> dict[str, Any]:
    """For the sidecar of a label image."""
    return {
        "SpatialReference": "orig",
        "Source": image.name,
        "Mask": mask.name,
        "Implausible": labelling.implausible,
        "Notes": list(labelling.notes),
    }


def _summary(labelling: Labelling, more: Sequence[str], out: Path) -> dict[str, Any]:
    return {
        "file": str(out),
        "discs": [disc.as_json() for disc in labelling.discs],
        "implausible": labelling.implausible,
        "notes": [*labelling.notes, *more],
    }
