"""The HTML page of an evaluation: its tables, tests and figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SoftCordSegError
from ..files import write_text_atomically
from .html_page import ABSENT, data_uri, number, page_html, signed

if TYPE_CHECKING:
    from ..evaluation import Evaluation, FailedImage
    from ..evaluation.evaluation_summary import Summary
    from ..evaluation.paper_tables import PaperTable
    from .evaluation_figures import Drawn

EVALUATION_PAGE, EVALUATION_TITLE = "index.html", "SoftCordSeg: evaluation"
_MIME = {".png": "image/png", ".svg": "image/svg+xml"}
# Figures are written at twice the resolution of a screen.
_PIXELS_PER_PIXEL = 2


def write_evaluation_page(
    out: Path, evaluation: Evaluation, summary: Summary, figures: Sequence[Drawn]
) -> Path:
    """Write ``index.html`` into the folder of the results.

    Args:
        out: the folder.
        evaluation: with the images that could not be evaluated.
        summary: all numbers.
        figures: on disk; PNG and SVG files become part of the page.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    path = out / EVALUATION_PAGE
    write_text_atomically(path, evaluation_html(evaluation, summary, figures))
    return path


def evaluation_html(evaluation: Evaluation, summary: Summary, figures: Sequence[Drawn]) -> str:
    """The page; arguments as for :func:`write_evaluation_page`."""
    tests = summary.statistics
    notes = {*tests.pairs["note"], *tests.lines["note"]} - {""}
    return page_html(
        "evaluation.html.j2",
        title=EVALUATION_TITLE,
        summary=summary,
        key_figures=_counts(summary),
        tables=[_paper_table(table) for table in summary.tables],
        grids=_grids(summary),
        drifts=_drifts(summary),
        flagged=_flagged(summary),
        anova=_anova(summary),
        pairs=_significant_pairs(summary),
        tested=len(tests.pairs),
        figures=[_figure(figure) for figure in figures],
        remarks=[
            *map(_failure, evaluation.failures),
            *evaluation.notes,
            *summary.notes,
            *sorted(notes),
        ],
    )


def _counts(summary: Summary) -> list[tuple[str, str]]:
    participant = ["dataset", "participant"]
    images = summary.scores.drop_duplicates([*participant, "contrast"])
    known = summary.scores.dropna(subset=["dice"]).drop_duplicates([*participant, "contrast"])
    counts = {
        "methods": len(summary.methods),
        "participants": len(images.drop_duplicates(participant)),
        "images": len(images),
        "with a reference": len(known),
    }
    return [(name, str(count)) for name, count in counts.items()]


def _paper_table(table: PaperTable) -> dict[str, Any]:
    """Caption, headings, and rows of words and of (number, whether it is the best)."""
    words = len(table.labels)
    rows = [
        (cells[:words], list(zip(cells[words:], marks)))
        for cells, marks in zip(table.texts(), table.bold())
    ]
    return {"caption": table.caption, "headings": table.headings, "rows": rows}


def _grids(summary: Summary) -> list[list[Any]]:
    return [
        [
            row.grid,
            row.cut,
            row.method,
            row.slices,
            number(row.area_mm2),
            number(row.sd_mm2),
            number(row.sd_percent, 1),
            row.by_contrast,
        ]
        for row in summary.grid_spreads.itertuples()
    ]


def _drifts(summary: Summary) -> list[list[Any]]:
    return [
        [
            row.release,
            row.previous,
            row.images,
            number(row.mean_mm2),
            number(row.sd_mm2),
            number(row.mean_percent),
            row.flagged,
        ]
        for row in summary.drifts.itertuples()
    ]


def _flagged(summary: Summary) -> list[str]:
    """Sentences on images whose area changed too much from one release to the next."""
    return [
        f"{row.participant}, {row.contrast}: {signed(row.difference_percent)} % from"
        f" {row.previous} to {row.release}"
        for row in summary.differences.itertuples()
        if row.flagged
    ]


def _anova(summary: Summary) -> list[list[Any]]:
    return [
        [
            row.measure,
            row.method or "between methods",
            row.participants,
            row.conditions,
            number(row.f),
            _p(row.p),
            row.note,
        ]
        for row in summary.statistics.anova.itertuples()
    ]


def _significant_pairs(summary: Summary) -> list[list[Any]]:
    from ..evaluation.paired_tests import significance_stars

    return [
        [
            row.measure,
            row.method or "between methods",
            f"{row.a} – {row.b}",
            row.pairs,
            number(row.mean_difference, 3),
            _p(row.p_bonferroni),
            significance_stars(row.p_bonferroni),
        ]
        for row in summary.statistics.pairs.itertuples()
        if significance_stars(row.p_bonferroni)
    ]


def _figure(figure: Drawn) -> dict[str, Any]:
    """The picture as an address, with its width; without one where only a PDF was written, which
    browsers do not show as a picture.
    """
    path = next((one for one in figure.paths if one.suffix in _MIME), None)
    if path is None:
        return {"caption": figure.caption, "file": figure.paths[0].name, "source": None}
    content = path.read_bytes()
    # All figures at one scale: without a width, a browser enlarges the small ones. A PNG file has
    # its width at this position.
    width = int.from_bytes(content[16:20], "big") if path.suffix == ".png" else None
    return {
        "caption": figure.caption,
        "source": data_uri(content, _MIME[path.suffix]),
        "width": None if width is None else round(width / _PIXELS_PER_PIXEL),
    }


def _failure(failure: FailedImage) -> str:
    """A sentence that names files without their folders, since pages travel."""
    path = failure.error.path if isinstance(failure.error, SoftCordSegError) else None
    file = "" if path in (None, failure.image) else f"'{path.name}': "
    return f"{failure.method}, {failure.image.name}: {file}{failure.sentence}"


def _p(value: float) -> str:
    if not math.isfinite(value):
        return ABSENT
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
