"""A table of cases and methods -> the paper's numbers: CSV and LaTeX tables, figures, a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import pandas as pd

from ..errors import OptionError
from ..evaluation import (
    BundleMethod,
    Case,
    CordRange,
    Evaluation,
    FolderMethod,
    ScoreOptions,
    compare_resolutions,
    evaluate,
    read_cases,
    usual_range,
)
from ..evaluation.evaluation_summary import Summary, summarise
from ..evaluation.paper_tables import frame_csv
from ..evaluation.resolutions import Spacing
from ..files import check_folder, check_not_an_input, real_path, text_writer, write_together
from ..network import store
from ..progress import Progress
from ..reports.evaluation_figures import Drawn, FigureOptions, draw_figures
from ..reports.evaluation_page import (
    EVALUATION_PAGE,
    EVALUATION_TITLE,
    write_evaluation_page,
)
from ..reports.html_page import check_own_page

AnyMethod = Union[FolderMethod, BundleMethod]

# Frames by the file they are written to, beside tables/, figures/ and masks/.
_FILES = {
    "images.csv": lambda summary: summary.images,
    "slices.csv": lambda summary: summary.slices,
    "contrasts.csv": lambda summary: summary.grid_spreads,
    "csa.csv": lambda summary: summary.areas,
    "csa_participants.csv": lambda summary: summary.spreads,
    "resolutions.csv": lambda summary: summary.resolutions,
    "drift.csv": lambda summary: summary.drifts,
    "drift_images.csv": lambda summary: summary.differences,
    "statistics/anova.csv": lambda summary: summary.statistics.anova,
    "statistics/wilcoxon.csv": lambda summary: summary.statistics.pairs,
    "statistics/regression.csv": lambda summary: summary.statistics.lines,
}


@dataclass(frozen=True)
class StudyOptions:
    """What is evaluated.

    Attributes:
        scores: settings of scores and areas.
        csa_threshold: of the CSA in tests, tables and figures; None is the soft mask.
        cord_range: where CSA is averaged; None for the usual range.
        resolutions: further voxel sizes, mm.
        drift_limit: per cent; None where the methods are not releases of one model.
        figures: what to draw; None draws nothing and writes no page.
    """

    scores: ScoreOptions = ScoreOptions()
    csa_threshold: float | None = None
    cord_range: CordRange | None = None
    resolutions: tuple[Spacing, ...] = ()
    drift_limit: float | None = None
    figures: FigureOptions | None = None


@dataclass(frozen=True, eq=False)
class Study:
    """A study that was evaluated.

    Attributes:
        evaluation: with failures and notes.
        summary: all numbers.
        figures: that were drawn.
        files: that were written, the page among them, but for figures and masks.
    """

    evaluation: Evaluation
    summary: Summary
    figures: tuple[Drawn, ...]
    files: tuple[Path, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that a reader of the numbers has to know."""
        return (*self.evaluation.notes, *self.summary.notes)


def open_method(
    name: str, location: str, out: Path, suffix: str | None = None, device: str = "auto"
) -> AnyMethod:
    """A method by its name and where it comes from.

    Args:
        name: of the method.
        location: the folder of its masks; or a model: the folder of a bundle, or the name of a
            shipped or installed one.
        out: folder of the results; masks that a model makes go into ``masks/<name>`` below it.
        suffix: the ending of masks in a folder; None tries every usual name.
        device: of the network.

    Raises:
        OptionError: the results would be written among the masks.
        ModelError: the bundle cannot be used.
    """
    path = Path(location)
    is_name = not path.is_dir() and path.name == location
    if is_name or (path / "configs" / "metadata.json").is_file():
        return BundleMethod(name, store.open_bundle(location), out / "masks" / name, device)
    if real_path(path) in (real_path(out), *real_path(out).parents):
        raise OptionError(
            f"This output folder lies within '{location}', the masks of {name}.",
            path=out,
            hint="Choose another one.",
        )
    return FolderMethod(name, path, suffix)


def evaluate_study(
    table: Path,
    methods: Sequence[AnyMethod],
    out: Path,
    options: StudyOptions | None = None,
    *,
    root: Path | None = None,
    progress: Progress | None = None,
) -> Study:
    """Compare methods with references, and with themselves in other contrasts of the same cord.

    Args:
        table: of cases; see :func:`~SoftCordSegLib.evaluation.read_cases`.
        methods: their names differ.
        out: folder of the page, tables, statistics, figures and masks.
        options: what is evaluated.
        root: folder that paths in the table start from; its own where None.
        progress: receives progress; checked for cancellation.

    Returns:
        With the images that could not be evaluated among its failures.

    Raises:
        InputError: the table, or a method, cannot be used.
        OptionError: an input, another method's masks, or a file that is not a page of an evaluation
            would be overwritten, or the options do not fit the study.
        OutputError: the folder cannot be written.
        Cancelled: the user stopped the work.
    """
    options, progress = options or StudyOptions(), progress or Progress()
    cases = read_cases(table, root)
    _check_options(options, cases, methods)
    if options.figures is not None:
        check_own_page(out / EVALUATION_PAGE, EVALUATION_TITLE)
    check_folder(out)
    _check_outputs(out, table, cases, methods)
    share = 1.0 / (1 + len(options.resolutions))
    result = evaluate(cases, methods, options.scores, progress.part(0.0, share))
    at_sizes = []
    if options.resolutions:
        at_sizes = compare_resolutions(
            result,
            cases,
            methods,
            options.resolutions,
            options.cord_range or usual_range(cases),
            options.scores,
            progress.part(share, 1.0),
        )
    summary = summarise(
        result,
        cases,
        [method.name for method in methods],
        threshold=options.scores.threshold,
        csa_threshold=options.csa_threshold,
        cord_range=options.cord_range,
        drift_limit=options.drift_limit,
        resolutions=at_sizes,
    )
    files = write_tables(out, summary)
    figures = []
    if options.figures is not None and result.images:
        figures = draw_figures(summary, result, cases, out / "figures", options.figures)
        files.append(write_evaluation_page(out, result, summary, figures))
    return Study(result, summary, tuple(figures), tuple(files))


def write_tables(out: Path, summary: Summary) -> list[Path]:
    """Write a file for each table that has rows; an empty cell is a number that has no meaning
    there.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    texts = {
        name: frame_csv(frame)
        for name, frame in ((name, frame_of(summary)) for name, frame_of in _FILES.items())
        if len(frame)
    }
    for table in summary.tables:
        texts[f"tables/{table.name}.csv"] = table.csv_text()
        texts[f"tables/{table.name}.tex"] = table.latex_text()
    write_together({out / name: text_writer(text) for name, text in texts.items()})
    return [out / name for name in texts]


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """The rows in plain types; None where a number has no meaning."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def _check_options(
    options: StudyOptions, cases: Sequence[Case], methods: Sequence[AnyMethod]
) -> None:
    if options.drift_limit is not None and len(methods) < 2:
        raise OptionError(
            "Drift is between releases of a model.",
            hint="Give at least two methods, the oldest release first.",
        )
    contrasts = dict.fromkeys(case.contrast for case in cases)
    pair = () if options.figures is None else options.figures.pair or ()
    missing = [name for name in pair if name not in contrasts]
    if missing:
        raise OptionError(
            f"There is no contrast '{missing[0]}' in the table of cases.",
            hint=f"The contrasts are {', '.join(contrasts)}.",
        )


def _check_outputs(
    out: Path, table: Path, cases: Sequence[Case], methods: Sequence[AnyMethod]
) -> None:
    """Refuse to write over the table of cases, an image, a reference, or another method's masks."""
    models = [method for method in methods if isinstance(method, BundleMethod)]
    written = [out / name for name in _FILES]
    written += [model.mask_path(case) for model in models for case in cases]
    inputs = [
        path
        for case in cases
        for path in (case.image, case.reference, case.discs, case.levels)
        if path is not None
    ]
    check_not_an_input(written, [table, *inputs])
    folders = {real_path(method.folder) for method in methods if method not in models}
    for model in models:
        if real_path(model.folder) in folders:
            raise OptionError(
                f"This folder holds another method's masks, which {model.name} would overwrite.",
                path=model.folder,
                hint="Rename one of the methods.",
            )
