"""``softcord evaluate CASES -m NAME=MASKS_OR_BUNDLE … -o DIR``: options and printing."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..errors import OptionError
from .console import (
    fail,
    interruptible,
    plain_text,
    print_json,
    print_table,
    progress_bars,
    say,
    warn,
)
from .guard import EXIT_FAILED, for_user, guarded
from .running import prepare_process
from .shared_options import Debug, Device, Json, Threads

if TYPE_CHECKING:
    import pandas as pd

    from ..evaluation.evaluation_summary import Summary
    from ..workflows.evaluate_study import AnyMethod, Study
    from ..workflows.evaluation_settings import EvaluationSettings

# More rows than this are in the files, not in the window.
_SHOWN_ROWS = 60

Cases = Annotated[
    Path,
    typer.Argument(
        help=(
            "Table of images, .csv, .tsv or .json: participant, contrast, image; and where known"
            " reference (mask), discs or levels, grid (images of one participant on one grid),"
            " whole_field (yes or no), dataset."
        ),
        metavar="CASES",
        show_default=False,
    ),
]
Methods = Annotated[
    list[str],
    typer.Option(
        "-m",
        "--method",
        help=(
            "A method by its name: a folder of its masks (found by the image's name), or a model"
            " bundle, which segments the images now. Repeat it for each method."
        ),
        metavar="NAME=FOLDER|BUNDLE",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "-o", "--out", help="Folder for tables, figures, masks and index.html.", show_default=False
    ),
]
Root = Annotated[
    Optional[Path],
    typer.Option(help="Folder that paths in CASES start from; by default that of CASES."),
]
SettingsFile = Annotated[
    Optional[Path],
    typer.Option(
        "--settings",
        help=(
            "YAML file: thresholds, rescaling, voxel sizes, slices, names of masks, figures. By"
            " default the paper's (Resources/Evaluation/paper.yaml, which explains each)."
        ),
        metavar="FILE",
    ),
]
Vert = Annotated[
    Optional[str],
    typer.Option(
        "--vert",
        help=(
            "CSA at these levels: 2:3 or C2:C3. By default C2:C3 if all images have discs or"
            " levels."
        ),
        metavar="LEVELS",
    ),
]
CsaThreshold = Annotated[
    Optional[str],
    typer.Option(
        "--csa-threshold",
        help=(
            "Which CSA tests, tables and figures are of: cut at a number (0.5 by default: what the"
            " paper published), or soft, partial volumes counted. The CSV files have both."
        ),
        metavar="soft|T",
    ),
]
Drift = Annotated[
    bool, typer.Option("--drift", help="The methods are releases of one model, the oldest first.")
]
FailAbove = Annotated[
    Optional[float],
    typer.Option(
        "--fail-above",
        help=(
            "With --drift: end with exit code 1 where the mean CSA of a data set moves by more than"
            " so many per cent from one release to the next."
        ),
        min=0.0,
        metavar="PERCENT",
    ),
]
Figures = Annotated[
    bool,
    typer.Option(
        "--figures/--no-figures",
        help="Draw figures and the page index.html, or write numbers only.",
    ),
]


def evaluate_command(
    cases: Cases,
    method: Methods,
    out: Out,
    root: Root = None,
    settings: SettingsFile = None,
    vert: Vert = None,
    csa_threshold: CsaThreshold = None,
    drift: Drift = False,
    fail_above: FailAbove = None,
    figures: Figures = True,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare methods with references, and with themselves in other contrasts of the same cord.

    Dice, soft Dice, relative volume error, average surface distance (mm), pieces and time of each
    image; CSA by level, its error and its SD over contrasts; the paper's tests, tables (CSV and
    LaTeX) and figures; and a page, index.html, with all of it.
    """
    with guarded(debug, json):
        _check_packages()
        if fail_above is not None and not drift:
            raise OptionError(
                "--fail-above is of drift from release to release.", hint="Add --drift."
            )
        from ..workflows.evaluate_study import evaluate_study
        from ..workflows.evaluation_settings import read_settings

        changes = {"vert": vert, "slices": "" if vert else None, "csa_threshold": csa_threshold}
        chosen = read_settings(
            settings, {key: value for key, value in changes.items() if value is not None}
        )
        methods = _open_methods(method, chosen, out, device)
        prepare_process(None, threads)
        options = chosen.options(drift=drift, figures=figures)
        with interruptible() as interrupt, progress_bars(interrupt) as bars:
            bar = bars.bar(cases.name)
            with bar as progress:
                study = evaluate_study(cases, methods, out, options, root=root, progress=progress)
        failures = [
            (one, for_user(one.error, debug, one.image)) for one in study.evaluation.failures
        ]
        for note in study.notes:
            warn(note)
        for one, error in failures:
            fail(f"{one.method}: {error}")
        _show(study.summary)
        say(f"Everything is in '{out}'.")
        beyond = _beyond(study.summary, fail_above)
        if json:
            errors = [
                {"method": one.method, "input": str(one.image), "error": str(error)}
                for one, error in failures
            ]
            print_json({**_as_json(study), "drift_beyond": beyond, "errors": errors})
        if failures or beyond:
            raise typer.Exit(EXIT_FAILED)


def _beyond(summary: Summary, limit: float | None) -> list[str]:
    """Say, and give, the drifts beyond a limit; none without one."""
    if limit is None:
        return []
    from ..evaluation.area_drift import drifts_beyond

    beyond = drifts_beyond(summary.drifts.itertuples(index=False), limit)
    for sentence in beyond:
        fail(sentence)
    return beyond


def _check_packages() -> None:
    """Say what to install where a package that only evaluating needs is missing."""
    for package in ("pandas", "pydantic", "yaml"):
        if importlib.util.find_spec(package) is None:
            raise OptionError(
                f"Evaluating needs the package '{package}', which is not installed.",
                hint="Install SoftCordSeg with its extra 'evaluation': pip install"
                " 'softcordseg[evaluation]'.",
            )


def _open_methods(
    texts: Sequence[str], settings: EvaluationSettings, out: Path, device: str
) -> list[AnyMethod]:
    from ..evaluation import BundleMethod
    from ..workflows.evaluate_study import open_method

    locations: dict[str, str] = {}
    for text in texts:
        name, _, location = (part.strip() for part in text.partition("="))
        if not name or not location or any(sign in name for sign in "/\\:"):
            raise OptionError(
                f"'{text}' is not a method.",
                hint="Give each as NAME=FOLDER or NAME=BUNDLE, with a name without / and \\.",
            )
        if name in locations:
            raise OptionError(f"Two methods are called '{name}'.", hint="Give each its own name.")
        locations[name] = location
    settings.check_methods(list(locations))
    methods = [
        open_method(name, location, out, settings.suffix_of(name), device)
        for name, location in locations.items()
    ]
    for method in methods:
        if isinstance(method, BundleMethod):
            prepare_process(method.bundle, None)
    return methods


def _as_json(study: Study) -> dict[str, Any]:
    from ..workflows.evaluate_study import records

    summary = study.summary
    return {
        "files": [str(path) for path in study.files],
        "images": records(summary.images),
        "contrasts": records(summary.grid_spreads),
        "csa": records(summary.areas),
        "csa_participants": records(summary.spreads),
        "drift": records(summary.drifts),
        "resolutions": records(summary.resolutions),
        "anova": records(summary.statistics.anova),
        "wilcoxon": records(summary.statistics.pairs),
        "regression": records(summary.statistics.lines),
        "notes": list(study.notes),
    }


# Title, column of the frame, digits after the point (None: as it is).
_Columns = Sequence[tuple[str, str, Optional[int]]]
_IMAGE_COLUMNS: _Columns = (
    ("Participant", "participant", None),
    ("Contrast", "contrast", None),
    ("Method", "method", None),
    ("Dice", "dice", 3),
    ("soft Dice", "soft_dice", 3),
    ("RVE, %", "volume_error_percent", 1),
    ("ASD, mm", "surface_distance_mm", 2),
    ("soft ratio", "volume_ratio", 3),
    ("Cord, mL", "volume_ml", 2),
    ("Pieces", "components", None),
    ("False", "false_positives", 0),
    ("Time, s", "seconds", 1),
)
_MEAN_COLUMNS: _Columns = (
    ("Method", "method", None),
    ("With reference", "known", None),
    ("Failed", "failed", None),
    ("Dice", "dice", 3),
    ("lowest", "lowest", 3),
    ("soft Dice", "soft_dice", 3),
    ("RVE, %", "volume_error_percent", 1),
    ("ASD, mm", "surface_distance_mm", 2),
    ("soft ratio", "volume_ratio", 3),
    ("False", "false_positives", 0),
    ("Time, s", "seconds", 1),
)
_GRID_COLUMNS: _Columns = (
    ("Grid", "grid", None),
    ("Cut", "cut", None),
    ("Method", "method", None),
    ("Slices", "slices", None),
    ("CSA, mm²", "area_mm2", 2),
    ("SD, mm²", "sd_mm2", 2),
    ("SD, %", "sd_percent", 1),
    ("CSA by contrast", "by_contrast", None),
)


def _show(summary: Summary) -> None:
    """Images (methods side by side), their means, and what CSA does over contrasts and releases."""
    scores = summary.scores
    if scores.empty:
        return
    image = scores.groupby(["dataset", "participant", "contrast"], sort=False).ngroup()
    scores = scores.iloc[image.argsort(kind="stable")]
    _show_frame(f"Masks cut at {summary.threshold:g}", _IMAGE_COLUMNS, scores)
    title = "Means over images with a reference; false pieces in all"
    _show_frame(title, _MEAN_COLUMNS, _means(scores, summary.outcomes))
    grids = summary.grid_spreads
    if len(grids):
        order = grids.assign(binary=grids["cut"] != "soft").sort_values(
            ["grid", "binary", "cut"], kind="stable"
        )
        title = "Same cord, several contrasts: SD over contrasts, median over slices"
        _show_frame(title, _GRID_COLUMNS, order)
    for table in summary.tables:
        if table.name in ("table4_csa", "thresholds", "resolutions"):
            _show_table(table.caption, table.headings, table.texts(), range(len(table.labels), 99))
    if summary.drift_limit is not None and len(summary.drifts):
        columns: _Columns = (
            ("Release", "release", None),
            ("Previous", "previous", None),
            ("Images", "images", None),
            ("Missing", "missing", None),
            ("Difference, mm²", "mean_mm2", 2),
            ("SD, mm²", "sd_mm2", 2),
            ("%", "mean_percent", 2),
            (f"Beyond {summary.drift_limit:g} %", "flagged", None),
        )
        _show_frame("Drift of CSA from release to release", columns, summary.drifts)


def _means(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """A row for each method: in how many images it failed, means over its images with a reference,
    the lowest Dice, the sum of false positives.
    """
    import pandas as pd

    rows = []
    for method, expected in outcomes.groupby("method", sort=False):
        own = scores[scores["method"] == method]
        known = own[own["dice"].notna()]
        row = {
            column: known[column].mean()
            for _, column, digits in _MEAN_COLUMNS
            if digits is not None and column in known
        }
        row.update(method=method, known=f"{len(known)} of {len(own)}", lowest=known["dice"].min())
        row.update(failed=f"{int(expected['failed'].sum())} of {len(expected)}")
        row.update(false_positives=own["false_positives"].sum(), seconds=own["seconds"].mean())
        rows.append(row)
    return pd.DataFrame(rows)


def _show_frame(title: str, columns: _Columns, frame: pd.DataFrame) -> None:
    from pandas.api.types import is_numeric_dtype

    rows = [
        [_cell(row[column], digits) for _, column, digits in columns]
        for row in frame.to_dict("records")
    ]
    numbers = [
        at for at, (_, column, _) in enumerate(columns) if is_numeric_dtype(frame[column].dtype)
    ]
    _show_table(title, [heading for heading, _, _ in columns], rows, numbers)


def _cell(value: Any, digits: int | None) -> str:
    if digits is None:
        return str(value)
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def _show_table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Container[int]
) -> None:
    """A table on stderr, a line a row where the window has room; what is too long for it is in the
    files.
    """
    hidden = len(rows) - _SHOWN_ROWS
    title += f" (first {_SHOWN_ROWS} of {len(rows)} rows)" if hidden > 0 else ""
    table = Table(
        title=plain_text(title),
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for index, heading in enumerate(headings):
        justify: Literal["left", "right"] = "right" if index in numbers else "left"
        table.add_column(plain_text(heading), justify=justify, overflow="fold")
    for row in rows[:_SHOWN_ROWS]:
        table.add_row(*map(plain_text, row))
    print_table(table)
