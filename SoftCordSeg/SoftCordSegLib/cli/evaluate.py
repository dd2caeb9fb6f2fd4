"""``softcord evaluate CASES -m NAME=MASKS_OR_BUNDLE … -o DIR``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from .console import fail, print_json, progress_bars, say, warn
from .evaluate_methods import open_methods
from .evaluate_show import show
from .evaluate_write import write_tables
from .guard import EXIT_FAILED, UsageProblem, guarded, sentence_of
from .interrupt import interruptible
from .options import Debug, Device, Json, Threads
from .outputs import check_folder
from .tools import Tools, limit_threads

Cases = Annotated[
    Path,
    typer.Argument(
        help="Table of images, .csv, .tsv or .json: participant, contrast, image; and where known reference (mask), discs or "
        "levels, grid (images of one participant on one grid), whole_field (yes or no), dataset.",
        metavar="CASES",
        show_default=False,
    ),
]
Methods = Annotated[
    list[str],
    typer.Option(
        "-m",
        "--method",
        help="A method by its name: a folder of its masks (found by the image's name), or a model bundle, which segments the "
        "images now. Repeat it for each method.",
        metavar="NAME=FOLDER|BUNDLE",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option("-o", "--out", help="Folder for tables, figures and masks.", show_default=False)]
Root = Annotated[Optional[Path], typer.Option(help="Folder that paths in CASES start from; by default that of CASES.")]
Suffix = Annotated[
    Optional[list[str]],
    typer.Option(
        help="What masks in folders are called after the image's name, as _seg; of one method: NAME=_seg.",
        metavar="[NAME=]ENDING",
    ),
]
Threshold = Annotated[
    float, typer.Option(help="Where masks are cut for Dice, volume error, distance and pieces.", min=1e-6, max=1.0)
]


def evaluate_command(
    ctx: typer.Context,
    cases: Cases,
    method: Methods,
    out: Out,
    root: Root = None,
    suffix: Suffix = None,
    threshold: Threshold = 0.5,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Hold methods against references, and against themselves in other contrasts of the same cord.

    Writes images.csv (Dice, soft Dice, relative volume error, average surface distance in mm, pieces, time), slices.csv (areas)
    and contrasts.csv (SD over the contrasts on one grid, median over slices) into the output folder.
    """
    tools: Tools = ctx.obj
    with guarded(debug, json):
        from ..evaluation import Options, evaluate, grid_spreads, read_cases
        from .disc_files import read_discs

        table = read_cases(cases, root)
        check_folder(out)
        limit_threads(threads)
        methods = open_methods(method, suffix or [], out / "masks", tools, device)
        if any(one.folder.resolve() in (out.resolve(), *out.resolve().parents) for one in methods):
            raise UsageProblem(f"The output folder '{out}' lies within a folder of masks. Choose another one.")
        options = Options(threshold, read_discs=read_discs, describe=lambda error, path: sentence_of(error, debug, path))
        with interruptible() as interrupt, progress_bars(interrupt) as bars, bars.bar(cases.name) as progress:
            result = evaluate(table, methods, options, progress)
        spreads = grid_spreads(result.slices, _grids(table))
        files = write_tables(out, result, spreads)
        for note in result.notes:
            warn(note)
        for name, image, sentence in result.errors:
            fail(f"{name}: {sentence}" if image.name in sentence else f"{name}, '{image.name}': {sentence}")
        show(result, spreads)
        say(f"Tables: {', '.join(str(path) for path in files)}")
        if json:
            print_json(_summary(result, spreads, files))
        if result.errors:
            raise typer.Exit(EXIT_FAILED)


def _grids(table) -> dict[str, list[str]]:
    """The contrasts of each grid."""
    grids: dict[str, list[str]] = {}
    for case in table:
        if case.grid:
            grids.setdefault(case.grid, []).append(case.contrast)
    return grids


def _summary(result, spreads, files) -> dict:
    from .evaluate_write import plain

    return {
        "tables": [str(path) for path in files],
        "images": [plain(row) for row in result.images],
        "contrasts": [plain(row) for row in spreads],
        "notes": result.notes,
        "errors": [{"method": name, "input": str(image), "error": sentence} for name, image, sentence in result.errors],
    }
