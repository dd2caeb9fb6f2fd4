"""``softcord pseudolabel CASES -o DIR``"""

from __future__ import annotations

import json as json_module
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..console import print_json, progress_bars, say, show_table
from ..guard import UsageProblem, guarded
from ..interrupt import interruptible
from ..options import Debug, Device, Json, Model, Threads
from ..outputs import check_folder, check_not_an_input
from ..tools import Tools, limit_threads

if TYPE_CHECKING:
    from ...evaluation import Case
    from ...progress import Progress
    from ...volume import Volume


def pseudolabel_command(
    ctx: typer.Context,
    cases: Annotated[
        Path,
        typer.Argument(
            help="Table of images as for softcord evaluate; references in it are not read.",
            metavar="CASES",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="Folder for labels, weights and their list.", show_default=False
        ),
    ],
    model: Model = None,
    root: Annotated[
        Optional[Path],
        typer.Option(help="Folder that paths in CASES start from; by default that of CASES."),
    ] = None,
    without: Annotated[
        Optional[list[str]],
        typer.Option(
            help="A participant, or the stem of an image, to leave out; may be given again.",
            metavar="NAME",
        ),
    ] = None,
    only: Annotated[
        Optional[list[str]],
        typer.Option(
            help="A participant, or the stem of an image, to label and no other.", metavar="NAME"
        ),
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Label images with a model, for training it again: what its predictions agree on and the
    images' edges speak for.

    Each image is segmented as it is and mirrored; images of one participant on one grid share one
    label. Writes NAME_label.nii.gz (soft), NAME_weight.nii.gz (0 where the predictions disagree)
    and cases.json, a list for training.
    """
    tools: Tools = ctx.obj
    with guarded(debug, json):
        from ...evaluation import read_cases

        table = _chosen(read_cases(cases, root), set(without or ()), set(only or ()))
        groups = _groups(table)
        files = [path for name in groups for path in _files(name, out)]
        check_not_an_input([*files, out / "cases.json"], [cases, *(case.image for case in table)])
        check_folder(out)
        limit_threads(threads)
        bundle = tools.open_bundle(model)
        rows, entries = [], []
        with (
            interruptible() as interrupt,
            progress_bars(interrupt) as bars,
            bars.bar(cases.name) as progress,
        ):
            for number, (name, members) in enumerate(groups.items()):
                part = progress.part(number / len(groups), (number + 1) / len(groups))
                trusted, listed = _label_group(name, members, out, tools, bundle, device, part)
                rows.append((name, str(len(members)), f"{100 * trusted:.0f}"))
                entries += listed
        from ...files import write_text_atomically

        write_text_atomically(
            out / "cases.json", json_module.dumps({"training": entries}, indent=2) + "\n"
        )
        show_table(
            "Labels that predictions agree on", ("Grid", "Images", "Slices trusted, %"), rows
        )
        say(f"List: {out / 'cases.json'}")
        if json:
            print_json(
                {
                    "list": str(out / "cases.json"),
                    "trusted_percent": {name: float(part) for name, _, part in rows},
                }
            )


def _chosen(table: list[Case], without: set[str], only: set[str]) -> list[Case]:
    """The images that are to be labelled.

    Raises:
        UsageProblem: no image of the table has a name that was given, or none is left.
    """
    names = {name for case in table for name in (case.participant, case.stem)}
    for option, given in (("--without", without), ("--only", only)):
        for name in sorted(given - names):
            raise UsageProblem(
                f"{option} {name}: there is no such participant or image in the table."
            )
    chosen = [
        case
        for case in table
        if not {case.participant, case.stem} & without
        and (not only or {case.participant, case.stem} & only)
    ]
    if not chosen:
        raise UsageProblem("Every image is left out by --without and --only. Leave some in.")
    return chosen


def _groups(table: list[Case]) -> dict[str, list[Case]]:
    """Images that share a label, by the name of their label: those of one grid; others are alone.

    Raises:
        UsageProblem: labels of different images would have one name.
    """
    groups: dict[str, list[Case]] = {}
    owners: dict[str, Case] = {}
    for case in table:
        name = case.grid or case.stem
        owner = owners.setdefault(
            name.casefold(), case
        )  # some disks do not tell capitals from small letters
        if owner is not case and not (case.grid and owner.grid == case.grid):
            raise UsageProblem(
                f"The labels of '{owner.image}' and '{case.image}' would have the same name,"
                f" {name}_label. Label them into two folders, or give one of them a grid of another"
                " name."
            )
        groups.setdefault(name, []).append(case)
    return groups


def _files(name: str, out: Path) -> tuple[Path, Path]:
    """Where a label and its weight go."""
    return out / f"{name}_label.nii.gz", out / f"{name}_weight.nii.gz"


def _label_group(
    name: str,
    members: list[Case],
    out: Path,
    tools: Tools,
    bundle: Any,
    device: str,
    progress: Progress,
) -> tuple[float, list[dict[str, str]]]:
    """Write one label and its weight; returns the part of trusted slices, and the entries for the
    list.
    """
    import numpy as np

    from ...training.real import consensus
    from ...volume import read_nifti, time_points, write_nifti

    images, predictions = [], []
    for number, case in enumerate(members):
        image = read_nifti(case.image, "mean" if time_points(case.image) > 1 else None)
        images.append(image)
        predictions += _views(
            image,
            tools,
            bundle,
            device,
            progress.part(number / len(members), (number + 1) / len(members)),
        )
    agreed = consensus(predictions, images)
    label, weight = _files(name, out)
    write_nifti(agreed.label, label, np.float32)
    write_nifti(agreed.weight, weight, np.float32)
    entries = [
        {
            "image": os.path.relpath(case.image, out),
            "label": label.name,
            "weight": weight.name,
            "participant": case.participant,
        }
        for case in members
    ]
    return agreed.trusted, entries


def _views(
    image: Volume, tools: Tools, bundle: Any, device: str, progress: Progress
) -> list[Volume]:
    """The soft masks of an image as it is, and of its mirror image brought back."""
    plain = tools.segment(
        image, bundle, box=None, progress=progress.part(0, 0.5), device=device
    ).volume
    # A mirrored body on the same grid: left and right of a cord are alike, so the answer must be
    # the mirrored one.
    axis = image.grid.letters.index(next(letter for letter in image.grid.letters if letter in "LR"))
    flipped = image.with_data(_mirrored(image.data, axis))
    mirrored = tools.segment(
        flipped, bundle, box=None, progress=progress.part(0.5, 1), device=device
    ).volume
    return [plain, plain.with_data(_mirrored(mirrored.data, axis))]


def _mirrored(data: Any, axis: int) -> Any:
    import numpy as np

    return np.ascontiguousarray(np.flip(data, axis))
