"""``softcord datalist DATASET -o FILE``"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from ..errors import OptionError
from .console import print_json, show_table, warn
from .guard import guarded
from .shared_options import Debug, Json


class LabelKind(str, Enum):
    """Labels to learn."""

    SOFT = "soft"
    SOFT_BIN = "soft_bin"
    HARD = "hard"


Dataset = Annotated[
    Path,
    typer.Argument(help="Folder of a BIDS data set: sub-* and derivatives.", show_default=False),
]
Out = Annotated[Path, typer.Option("-o", "--out", help="The list, .json.", show_default=False)]
Label = Annotated[LabelKind, typer.Option(help="Labels to learn.")]
Contrasts = Annotated[
    str,
    typer.Option(
        help=(
            "all, or names as in the files or the paper, separated by commas:"
            " T1w,T2w,T2*,MT-on,GRE-T1w,DWI."
        )
    ),
]
Seed = Annotated[int, typer.Option(help="Of the split; the same seed gives the same split.", min=0)]
Split = Annotated[
    str, typer.Option(help="Parts of the participants for training, validation and test.")
]
Labels = Annotated[
    Optional[Path],
    typer.Option(
        help="Folder whose derivatives hold the labels, if not DATASET (softcord softgt's DIR)."
    ),
]
Exclude = Annotated[
    Optional[Path],
    typer.Option(
        help="List of participants or images to leave out, as for softcord softgt.",
        show_default=False,
    ),
]


def datalist_command(
    dataset: Dataset,
    out: Out,
    label: Label = LabelKind.SOFT,
    contrasts: Contrasts = "all",
    seed: Seed = 15,
    split: Split = "60/20/20",
    labels: Labels = None,
    exclude: Exclude = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List a data set for training: images and labels, split by participant, in the form of the
    Medical Segmentation Decathlon.
    """
    with guarded(debug, as_json):
        from ..workflows.training_list import ListOptions, write_training_list

        if out.suffix != ".json":
            raise OptionError(
                f"The list is a JSON file, and --out '{out.name}' does not end in .json.",
                hint="Give it a name that ends in .json.",
            )
        names = [name.strip() for name in contrasts.split(",")]
        options = ListOptions(label.value, names, seed, _fractions(split), labels, exclude)
        content, notes = write_training_list(dataset, out, options)
        _report(content, notes, out, as_json)


def _fractions(text: str) -> Sequence[float]:
    numbers = re.fullmatch(r"(\d+)/(\d+)/(\d+)", text.strip())
    parts = [int(number) for number in numbers.groups()] if numbers else []
    if sum(parts) != 100:
        raise OptionError(
            f"--split '{text}' is not three parts of 100.", hint="Give it as 60/20/20."
        )
    return [part / 100 for part in parts]


def _report(content: dict[str, Any], notes: list[str], out: Path, as_json: bool) -> None:
    from ..training.paper.datalist import PARTS

    for note in notes:
        warn(note)
    rows = [(part, len(content["participants"][part]), len(content[part])) for part in PARTS]
    show_table(f"'{out}'", ("Part", "Participants", "Images"), rows)
    if as_json:
        counts = {
            part: {"participants": participants, "images": images}
            for part, participants, images in rows
        }
        print_json(
            {
                "list": str(out),
                **counts,
                "contrasts": content["numImagesPerContrast"],
                "notes": notes,
            }
        )
