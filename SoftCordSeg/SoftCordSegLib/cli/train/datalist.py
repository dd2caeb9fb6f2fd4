"""``softcord datalist DATASET -o FILE``"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from ...errors import InputError
from ...files import file_stem
from ..console import print_json, show_table, warn
from ..guard import UsageProblem, guarded
from ..options import Debug, Json
from ..outputs import json_text

_LABELS = ("soft", "soft_bin", "hard")


def datalist_command(
    dataset: Annotated[
        Path,
        typer.Argument(
            help="Folder of a BIDS data set: sub-* and derivatives.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The list, .json.", show_default=False)],
    label: Annotated[str, typer.Option(help="Labels to learn: soft, soft_bin or hard.")] = "soft",
    contrasts: Annotated[
        str,
        typer.Option(
            help=(
                "all, or names as in the files or the paper, separated by commas:"
                " T1w,T2w,T2*,MT-on,GRE-T1w,DWI."
            )
        ),
    ] = "all",
    seed: Annotated[
        int, typer.Option(help="Of the split; the same seed gives the same split.", min=0)
    ] = 15,
    split: Annotated[
        str, typer.Option(help="Parts of the participants for training, validation and test.")
    ] = "60/20/20",
    labels: Annotated[
        Optional[Path],
        typer.Option(
            help="Folder whose derivatives hold the labels, if not DATASET (softcord softgt's DIR)."
        ),
    ] = None,
    exclude: Annotated[
        Optional[Path],
        typer.Option(
            help="List of participants or images to leave out, as for softcord softgt.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List a data set for training: images and labels, split by participant, in the form of the
    Medical Segmentation Decathlon.
    """
    with guarded(debug, as_json):
        if label not in _LABELS:
            raise UsageProblem(f"--label is one of {', '.join(_LABELS)}; '{label}' is not.")
        if out.suffix != ".json":
            raise UsageProblem(
                f"The list is a JSON file; give --out a name that ends in .json, not '{out.name}'."
            )
        if not dataset.is_dir():
            raise InputError(f"There is no folder '{dataset}'. Give the folder of a BIDS data set.")
        from ...files import write_text_atomically
        from ...training.cases import make_datalist

        content, notes = make_datalist(
            dataset,
            out.parent,
            label=label,
            contrasts=[name.strip() for name in contrasts.split(",")],
            seed=seed,
            fractions=_fractions(split),
            exclude=_excluded(exclude, dataset),
            labels_of=labels,
        )
        write_text_atomically(out, json_text(content))
        _report(content, notes, out, as_json)


def _fractions(text: str) -> Sequence[float]:
    numbers = re.fullmatch(r"(\d+)/(\d+)/(\d+)", text.strip())
    parts = [int(number) for number in numbers.groups()] if numbers else []
    if sum(parts) != 100:
        raise UsageProblem(f"--split is three parts of 100, such as 60/20/20; '{text}' is not.")
    return [part / 100 for part in parts]


def _excluded(path: Path | None, dataset: Path) -> set[str]:
    """Participants, and names of images without their endings, that the list leaves out; of a
    session, its images.

    Raises:
        InputError: the list cannot be read.
    """
    from ...groundtruth import read_exclusions

    names = set() if path is None else {entry.name for entry in read_exclusions(path).entries}
    sessions = [name.split("_") for name in names if re.fullmatch(r"sub-[^_]+_ses-[^_]+", name)]
    return names.union(
        file_stem(image)
        for parts in sessions
        for image in dataset.joinpath(*parts).rglob("sub-*.nii*")
    )


def _report(content: dict[str, Any], notes: list[str], out: Path, as_json: bool) -> None:
    from ...training.cases.datalist import PARTS

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
