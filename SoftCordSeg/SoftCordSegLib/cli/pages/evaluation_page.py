"""The page of an evaluation: its tables and figures in one file that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ... import __version__
from ...files import write_text_atomically
from . import data_uri, key_figures, page_html

if TYPE_CHECKING:
    from ...evaluation import Evaluation
    from ...evaluation.evaluation_summary import Summary
    from ...evaluation.paper_tables import PaperTable
    from ...reports.evaluation_figures import Drawn

PAGE, TITLE = "index.html", "SoftCordSeg: evaluation"
_MORE_STYLE = """
figure.plot { margin: 28px 0; } figure.plot img { max-width: 100%; display: block; background: #fff; border-radius: 4px; }
td.best { font-weight: 700; } td.word { text-align: left; white-space: normal; }
"""
_MIME = {".png": "image/png", ".svg": "image/svg+xml"}


def write_page(out: Path, result: Evaluation, summary: Summary, figures: Sequence[Drawn]) -> Path:
    """Write ``index.html`` into the folder of the results.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    path = out / PAGE
    write_text_atomically(path, evaluation_html(result, summary, figures))
    return path


def evaluation_html(result: Evaluation, summary: Summary, figures: Sequence[Drawn]) -> str:
    """The page.

    Args:
        result: with what could not be done.
        summary: of it.
        figures: on disk; PNG and SVG files are taken into the page.
    """
    parts = [
        _head(summary),
        *(_paper_table(table) for table in summary.tables),
        _grids(summary),
        _drift(summary),
    ]
    parts += [
        _statistics(summary),
        *(_figure(figure) for figure in figures),
        _remarks(result, summary),
        _origin(summary),
    ]
    return page_html(TITLE, parts, _MORE_STYLE)


def _head(summary: Summary) -> str:
    images = summary.scores.drop_duplicates(["dataset", "participant", "contrast"])
    known = summary.scores[summary.scores["dice"].notna()]
    counts = {
        "methods": len(summary.methods),
        "participants": len(images.drop_duplicates(["dataset", "participant"])),
        "images": len(images),
        "with a reference": len(known.drop_duplicates(["dataset", "participant", "contrast"])),
    }
    figures = key_figures([(name, str(count)) for name, count in counts.items()])
    names = ", ".join(escape(name) for name in summary.methods)
    return f'<h1>How good are the masks?</h1><p class="lead">{names}</p>{figures}'


def _paper_table(table: PaperTable) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in table.headings)
    rows = []
    for cells, marks in zip(table.texts(), table.bold()):
        words = "".join(
            f"<td class=word>{escape(cell)}</td>" for cell in cells[: len(table.labels)]
        )
        numbers = "".join(
            f"<td{' class=best' if best else ''}>{escape(cell)}</td>"
            for cell, best in zip(cells[len(table.labels) :], marks)
        )
        rows.append(f"<tr>{words}{numbers}</tr>")
    return f"<h3>{escape(table.caption)}</h3>{_html_table(head, rows)}"


def _grids(summary: Summary) -> str:
    rows = [
        _row(
            r.grid,
            r.cut,
            r.method,
            r.slices,
            _number(r.area_mm2),
            _number(r.sd_mm2),
            _number(r.sd_percent, 1),
            r.by_contrast,
        )
        for r in summary.grid_spreads.itertuples()
    ]
    columns = ("Grid", "Cut", "Method", "Slices", "CSA, mm²", "SD, mm²", "SD, %", "CSA by contrast")
    caption = (
        "The same cord in several contrasts on one grid: SD over contrasts, median over slices"
    )
    return f"<h3>{caption}</h3>{_html_table(_heads(columns), rows)}" if rows else ""


def _drift(summary: Summary) -> str:
    rows = [
        _row(
            r.release,
            r.previous,
            r.images,
            _number(r.mean_mm2),
            _number(r.sd_mm2),
            _number(r.mean_percent),
            r.flagged,
        )
        for r in summary.drifts.itertuples()
    ]
    if not rows:
        return ""
    flagged = summary.differences[summary.differences["flagged"]].itertuples()
    list_ = "".join(
        f"<li>{escape(r.participant)}, {escape(r.contrast)}: {r.difference_percent:+.1f} % from"
        f" {escape(r.previous)} to {escape(r.release)}</li>"
        for r in flagged
    )
    columns = (
        "Release",
        "Previous",
        "Images",
        "Difference, mm²",
        "SD, mm²",
        "%",
        f"Beyond {summary.drift_limit:g} %",
    )
    return f"<h3>Drift of CSA from release to release</h3>{_html_table(_heads(columns), rows)}" + (
        f"<ul>{list_}</ul>" if list_ else ""
    )


def _statistics(summary: Summary) -> str:
    from ...evaluation.paired_tests import significance_stars

    tests = summary.statistics
    anova = [
        _row(
            t.measure,
            t.method or "between methods",
            t.participants,
            t.conditions,
            _number(t.f),
            _p(t.p),
            t.note,
        )
        for t in tests.anova.itertuples()
    ]
    pairs = [
        _row(
            t.measure, t.method or "between methods", f"{t.a} – {t.b}", t.pairs, _number(t.mean_difference, 3),
            _p(t.p_bonferroni), significance_stars(t.p_bonferroni),
        )
        for t in tests.pairs.itertuples()
        if significance_stars(t.p_bonferroni)
    ]  # fmt: skip
    parts = []
    if anova:
        columns = ("Repeated-measures ANOVA of", "Within", "n", "Conditions", "F", "p", "Note")
        parts.append(_html_table(_heads(columns), anova))
    if len(tests.pairs):
        columns = ("Wilcoxon of", "Within", "Pair", "n", "Mean difference", "p (Bonferroni)", "")
        some = (
            _html_table(_heads(columns), pairs)
            if pairs
            else "<p>No pair differs significantly (p &lt; 0.05, corrected).</p>"
        )
        parts.append(
            some + f'<p class="small">{len(tests.pairs)} pairs were tested; all are in'
            " statistics/wilcoxon.csv.</p>"
        )
    return f"<h2>Tests</h2>{''.join(parts)}" if parts else ""


def _figure(figure: Drawn) -> str:
    path = next((one for one in figure.paths if one.suffix in _MIME), None)
    caption = f"<figcaption>{escape(figure.caption)}</figcaption>"
    if path is None:  # PDF: a browser shows no such picture
        return f"<p>{escape(figure.caption)} <code>{escape(figure.paths[0].name)}</code></p>"
    content = path.read_bytes()
    # All figures at one scale: a browser would show each pixel of a small one as large as it can.
    width = (
        f' width="{round(int.from_bytes(content[16:20], "big") / 2)}"'
        if path.suffix == ".png"
        else ""
    )
    image = (
        f'<img{width} alt="{escape(figure.caption)}" src="{data_uri(content, _MIME[path.suffix])}">'
    )
    return f'<figure class="plot">{image}{caption}</figure>'


def _remarks(result: Evaluation, summary: Summary) -> str:
    sentences = [f"{one.method}, {one.image.name}: {one.sentence}" for one in result.failures]
    sentences += [*result.notes, *summary.notes]
    notes = {*summary.statistics.pairs["note"], *summary.statistics.lines["note"]} - {""}
    items = "".join(f"<li>{escape(one)}</li>" for one in (*sentences, *sorted(notes)))
    return f"<h2>What to know of these numbers</h2><ul>{items}</ul>" if items else ""


def _origin(summary: Summary) -> str:
    cut = (
        "soft, partial volumes counted"
        if summary.cut == "soft"
        else f"of masks cut at {summary.cut}"
    )
    return (
        f"<h2>Where the numbers come from</h2><p>SoftCordSeg {escape(__version__)}. Dice, RVE and"
        f" ASD: mask and reference cut at {summary.threshold:g}; ASD in mm by the image's own voxel"
        " sizes (the paper's own was partly in voxels). CSA: the Spinal Cord Toolbox's, corrected"
        f" for angle, {cut}, at {escape(summary.cord_range.name)}. SD over contrasts with n − 1; violins"
        " show every image, the triangle is the mean.</p><p>Files: images.csv, slices.csv,"
        " csa.csv, csa_participants.csv, contrasts.csv, statistics/, tables/ (CSV and LaTeX),"
        " figures/.</p>"
    )


def _html_table(head: str, rows: Sequence[str]) -> str:
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _heads(columns: Sequence[str]) -> str:
    return "".join(f"<th>{escape(column)}</th>" for column in columns)


def _row(*cells: object) -> str:
    texts = [escape(str(cell)) for cell in cells]
    return f"<tr>{''.join(f'<td{_kind(text)}>{text}</td>' for text in texts)}</tr>"


def _kind(text: str) -> str:
    """Words stand on the left and may be broken, numbers on the right."""
    return " class=word" if text[:1].isalpha() else ""


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def _p(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
