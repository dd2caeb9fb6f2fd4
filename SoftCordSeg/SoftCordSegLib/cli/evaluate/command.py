"""``softcord evaluate CASES -m NAME=MASKS_OR_BUNDLE … -o DIR``"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..console import fail, print_json, progress_bars, say, warn
from ..guard import EXIT_FAILED, UsageProblem, guarded, sentence_of
from ..interrupt import interruptible
from ..options import Debug, Device, Json, Threads
from ..outputs import check_folder, check_not_an_input
from ..pages import check_own_page
from ..tools import Tools, limit_threads
from . import options as how
from .methods import open_methods
from .page import PAGE, TITLE, write_page
from .show import show
from .write import TABLES, plain, write_tables

if TYPE_CHECKING:
    from ...evaluation import Case, Evaluation, Options, Place, ResolutionArea, Summary


def evaluate_command(
    ctx: typer.Context,
    cases: how.Cases,
    method: how.Methods,
    out: how.Out,
    root: how.Root = None,
    suffix: how.Suffix = None,
    drift: how.Drift = False,
    drift_limit: how.DriftLimit = 5.0,
    threshold: how.Threshold = 0.5,
    thresholds: how.Thresholds = None,
    csa_threshold: how.CsaThreshold = "soft",
    rescaling: how.Rescaling = "none",
    resolutions: how.Resolutions = None,
    vert: how.Vert = None,
    slices: how.Slices = None,
    figures: how.Figures = True,
    kinds: how.Kinds = "png,svg",
    pair: how.Pair = None,
    panels: how.Panels = 6,
    drop_outliers: how.DropOutliers = False,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Hold methods against references, and against themselves in other contrasts of the same cord.

    Dice, soft Dice, relative volume error, average surface distance (mm), pieces and time of each
    image; CSA by level, its error and its SD over contrasts; the paper's tests, tables (CSV and
    LaTeX) and figures; and a page, index.html, with all of it.
    """
    tools: Tools = ctx.obj
    with guarded(debug, json):
        from ...evaluation import Options, read_cases, summarise
        from ..discs.files import read_discs

        cut, place = how.parse_csa_threshold(csa_threshold), how.parse_place(vert, slices)
        further = (*how.parse_thresholds(thresholds), *([] if cut is None else [cut]))
        spacings = how.parse_resolutions(resolutions)
        if drift and len(method) < 2:
            raise UsageProblem(
                "--drift is between releases of a model: give at least two with -m, the oldest"
                " first."
            )
        if rescaling not in ("none", "sct"):
            raise UsageProblem(f"--rescaling is none or sct, not '{rescaling}'.")
        table = read_cases(cases, root)
        drawing = how.parse_figures(
            kinds, drop_outliers, pair, panels, {case.contrast for case in table}
        )
        if figures:
            check_own_page(out / PAGE, TITLE)
        check_folder(out)
        limit_threads(threads)
        methods = open_methods(method, suffix or [], out, tools, device)
        _check_outputs(out, cases, table, methods)
        options = Options(
            threshold,
            further,
            rescaling,
            read_discs,
            lambda error, path: sentence_of(error, debug, path),
        )
        result, at_sizes = _evaluate(cases.name, table, methods, spacings, place, options)
        summary = summarise(
            result,
            table,
            [one.name for one in methods],
            threshold=threshold,
            csa_threshold=cut,
            place=place,
            drift_limit=drift_limit if drift else None,
            resolutions=at_sizes,
        )
        files = write_tables(out, result, summary)
        if figures and result.images:
            files.append(_draw(out, result, summary, table, drawing))
        _tell(result, summary, out)
        if json:
            print_json(_as_json(result, summary, files))
        if result.errors:
            raise typer.Exit(EXIT_FAILED)


def _check_outputs(out: Path, cases: Path, table: Sequence[Case], methods: Sequence[Any]) -> None:
    """Refuse to write over the table of cases, an image, a reference, or another method's masks.

    Raises:
        UsageProblem: it would.
    """
    from ...evaluation import BundleMethod

    written = [out / name for name in TABLES]
    models = [method for method in methods if isinstance(method, BundleMethod)]
    written += [model.mask_path(case) for model in models for case in table]
    inputs = [
        cases,
        *(
            path
            for case in table
            for path in (case.image, case.reference, case.discs, case.levels)
            if path is not None
        ),
    ]
    check_not_an_input(written, inputs)
    folders = {method.folder.resolve() for method in methods if method not in models}
    for model in models:
        if model.folder.resolve() in folders:
            raise UsageProblem(
                f"'{model.folder}' holds another method's masks, which {model.name} would write"
                " over. Rename one."
            )


def _evaluate(
    name: str,
    table: Sequence[Case],
    methods: Sequence[Any],
    spacings: Sequence[Any],
    place: Place | None,
    options: Options,
) -> tuple[Evaluation, list[ResolutionArea]]:
    """Every method on every image, and once more at each voxel size, with a bar."""
    from ...evaluation import compare_resolutions, evaluate, usual_place

    share = 1.0 / (1 + len(spacings))
    with interruptible() as interrupt, progress_bars(interrupt) as bars, bars.bar(name) as progress:
        result = evaluate(table, methods, options, progress.part(0.0, share))
        if not spacings:
            return result, []
        where = place or usual_place(table)
        return result, compare_resolutions(
            result, table, methods, spacings, where, options, progress.part(share, 1.0)
        )


def _draw(
    out: Path, result: Evaluation, summary: Summary, table: Sequence[Any], drawing: Any
) -> Path:
    """Figures, and the page that shows them; its path."""
    from ...reports.evaluation_figures import draw_figures

    return write_page(
        out, result, summary, draw_figures(summary, result, table, out / "figures", drawing)
    )


def _tell(result: Evaluation, summary: Summary, out: Path) -> None:
    """Notes, errors and the main tables in the window."""
    for note in (*result.notes, *summary.notes):
        warn(note)
    for name, image, sentence in result.errors:
        fail(
            f"{name}: {sentence}"
            if image.name in sentence
            else f"{name}, '{image.name}': {sentence}"
        )
    show(result, summary)
    say(f"Everything is in '{out}'.")


def _as_json(result: Evaluation, summary: Summary, files: Sequence[Path]) -> dict[str, Any]:
    return {
        "files": [str(path) for path in files],
        "images": [plain(row) for row in result.images],
        "contrasts": [plain(row) for row in summary.grid_spreads],
        "csa": [plain(row) for row in summary.areas],
        "csa_participants": [plain(row) for row in summary.spreads],
        "drift": [plain(row) for row in summary.drifts],
        "resolutions": [plain(row) for row in summary.resolutions],
        "anova": [plain(row) for row in summary.statistics.anova],
        "wilcoxon": [plain(row) for row in summary.statistics.pairs],
        "regression": [plain(row) for row in summary.statistics.lines],
        "notes": [*result.notes, *summary.notes],
        "errors": [
            {"method": name, "input": str(image), "error": sentence}
            for name, image, sentence in result.errors
        ],
    }
