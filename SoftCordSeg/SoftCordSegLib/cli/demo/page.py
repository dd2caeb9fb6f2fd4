"""The page of a demonstration: pictures, plots and tables in one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ..pages import data_uri, key_figures, page_html
from .area_plot import area_svg
from .study import LevelError, Study
from .study_scene import Views

# An error beyond this (the demonstration's own goal, percent) is marked in the tables.
_FAR_PERCENT = 3.0
PAGE, TITLE = "index.html", "SoftCordSeg: demonstration"
_CAPTIONS = {
    "Axial": "Axial",
    "Sagittal": "Sagittal",
    "Coronal": "Coronal",
    "3D": "Surface of the mask at 0.5, from the patient's right",
}


def demo_html(
    studies: Sequence[tuple[Study, Views]],
    failures: Sequence[tuple[str, str]],
    bundle: Any,
    folder: Path,
    command: str,
) -> str:
    """The page.

    Args:
        studies: what was done, with its pictures.
        failures: (name, sentence) of what could not be done at all.
        bundle: the model.
        folder: where the page lies, for links to the files beside it.
        command: as the user typed it.
    """
    truth = any(study.phantom is not None for study, _ in studies)
    parts = [_head(studies, failures, bundle, truth)]
    if truth and len(studies) > 1:
        parts.append(_overview(studies))
    parts += [_section(study, views, folder) for study, views in studies]
    parts += [_limits(studies, failures, truth), _origin(bundle, command)]
    return page_html(TITLE, parts)


def mean_absolute_percent(errors: Sequence[LevelError]) -> float:
    """Mean of the levels' absolute errors, percent."""
    return sum(abs(error.percent) for error in errors) / len(errors)


def _head(studies, failures, bundle: Any, truth: bool) -> str:
    errors = [error for study, _ in studies for error in study.errors]
    if truth:
        lead = (
            "A digital neck, drawn by formula, so that the cord's cross-sectional area is known"
            f" everywhere. Each scan was segmented by {escape(bundle.name)} and measured; nothing"
            " was adjusted by hand."
        )
    else:
        lead = (
            f"Segmented by {escape(bundle.name)} and measured; nothing was adjusted by hand. The"
            " truth is not known here."
        )
    figures = []
    if errors:
        worst = max(errors, key=lambda error: abs(error.percent))
        figures = [
            ("mean area error per level", f"{mean_absolute_percent(errors):.1f} %"),
            (f"largest ({worst.name})", f"{_signed(worst.percent)} %"),
            ("levels compared", f"{len(errors)}"),
        ]
    if truth:
        figures.append(("scans", f"{len(studies)} of {len(studies) + len(failures)}"))
    elif studies[0][0].shape is not None:
        figures = _size(studies[0][0])
    return (
        f'<h1>The spinal cord, softly outlined</h1><p class="lead">{lead}</p>{key_figures(figures)}'
    )


def _size(study: Study) -> list[tuple[str, str]]:
    """What there is to say of a cord without a truth."""
    columns = study.shape.columns
    return [
        ("cord, mL", f"{study.outcome['volume_ml']:.2f}"),
        ("length, mm", f"{np.nansum(columns['length']):.0f}"),
        ("mean area, mm²", f"{np.nanmean(columns['area']):.1f}"),
    ]


def _overview(studies) -> str:
    names = list(dict.fromkeys(error.name for study, _ in studies for error in study.errors))
    names.sort(key=lambda name: ("CTLS".index(name[0]), int(name[1:])))
    rows = []
    for name in names:
        cells = [next((e for e in study.errors if e.name == name), None) for study, _ in studies]
        rows.append(f"<tr><td>{name}</td>{''.join(_percent_cell(error) for error in cells)}</tr>")
    means = "".join(
        f"<td>{mean_absolute_percent(s.errors):.1f}</td>" if s.errors else "<td>–</td>"
        for s, _ in studies
    )
    dice = "".join(
        f"<td>{study.dice:.3f}</td>" if study.dice is not None else "<td>–</td>"
        for study, _ in studies
    )
    head = "".join(f"<th>{escape(study.title)}</th>" for study, _ in studies)
    return (
        '<h2>Area error by level, %</h2><div class="scroll"><table>'
        f"<tr><th>Level</th>{head}</tr>{''.join(rows)}<tr><td>mean, without sign</td>{means}</tr>"
        f"<tr><td>Dice at 0.5</td>{dice}</tr></table></div>"
        '<p class="small">Measured minus known, of the known mean area at right angles to the cord,'
        " over the same slices.</p>"
    )


def _percent_cell(error: LevelError | None) -> str:
    if error is None:
        return "<td>–</td>"
    return f"<td{' class=far' if abs(error.percent) > _FAR_PERCENT else ''}>{_signed(error.percent)}</td>"


def _signed(percent: float) -> str:
    """One decimal with its sign; no sign where it rounds to nothing."""
    text = f"{percent:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "−")


def _section(study: Study, views: Views, folder: Path) -> str:
    shape = " × ".join(str(n) for n in study.image.shape)
    spacing = " × ".join(f"{size:.3g}" for size in study.image.spacing)
    facts = [
        f"{shape} voxels of {spacing} mm",
        f"stored {study.image.letters}",
        study.outcome["message"],
    ]
    facts.append(f"{study.outcome['seconds']:.1f} s from file to mask")
    parts = [f'<h2>{escape(study.title)}</h2><p class="facts">{escape(" · ".join(facts))}</p>']
    if views.pictures:
        figures = "".join(_figure(name, png, study.title) for name, png in views.pictures)
        parts.append(f'<div class="views">{figures}</div>')
    if study.shape is not None:
        parts.append(f'<div class="plot">{area_svg(study.shape, study.phantom, study.title)}</div>')
        parts.append(_level_table(study))
    parts.append(_remarks((*study.remarks, *views.remarks)))
    files = [*study.files.values(), *([views.bundle] if views.bundle else [])]
    links = " · ".join(_link(path, folder) for path in files)
    parts.append(f'<p class="small">{links}</p>')
    return f"<section>{''.join(parts)}</section>"


def _figure(name: str, png: bytes, title: str) -> str:
    return (
        f'<figure><img alt="{escape(title)}, {name}" src="{data_uri(png)}">'
        f"<figcaption>{_CAPTIONS.get(name, name)}</figcaption></figure>"
    )


def _level_table(study: Study) -> str:
    if study.levels is None:
        return ""
    known = {error.name: error for error in study.errors}
    head = (
        "<th>Level</th><th>Slices</th>"
        + ("<th>Known, mm²</th>" if known else "")
        + "<th>Measured, mm²</th><th>SD, mm²</th>"
    )
    head += "<th>Error, %</th>" if known else ""
    rows = []
    for row in study.levels:
        if not row.count:
            continue
        error = known.get(row.name)
        cells = f"<td>{row.name}</td><td>{row.count}</td>" + (
            f"<td>{error.known_mm2:.1f}</td>" if error else ""
        )
        cells += f"<td>{row.mean['area']:.1f}</td><td>{row.std['area']:.1f}</td>" + (
            _percent_cell(error) if error else ""
        )
        rows.append(f"<tr>{cells}</tr>")
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _remarks(sentences: Sequence[str]) -> str:
    unique = list(dict.fromkeys(sentences))
    return (
        f'<ul class="remark small">{"".join(f"<li>{escape(s)}</li>" for s in unique)}</ul>'
        if unique
        else ""
    )


def _link(path: Path, folder: Path) -> str:
    relative = path.relative_to(folder) if folder in path.parents else None
    return (
        f'<a href="{escape(relative.as_posix())}">{escape(path.name)}</a>'
        if relative
        else f"<code>{escape(path.name)}</code>"
    )


def _limits(studies, failures, truth: bool) -> str:
    items = [f"{name}: {sentence}" for name, sentence in failures]
    items += [
        f"{study.title}: no cord was found." for study, _ in studies if not study.outcome["found"]
    ]
    for sentence in dict.fromkeys(remark for _, views in studies for remark in views.remarks):
        items.append(sentence)
    for study, _ in studies:
        far = [error.name for error in study.errors if abs(error.percent) > _FAR_PERCENT]
        if far:
            items.append(
                f"{study.title}: off by more than {_FAR_PERCENT:.0f} % at {', '.join(far)}."
            )
    if truth:
        items.append(
            "A phantom is smooth and healthy: it says nothing about lesions, compression, metal or"
            " motion."
        )
        items.append(
            "The disc levels were given, not found: the program does not label discs by itself."
        )
    else:
        items.append(
            "Without a known truth the numbers here cannot be judged by themselves: look at the"
            " outlines."
        )
        if all(study.levels is None for study, _ in studies):
            items.append("No vertebral levels: give disc labels with --discs.")
    return (
        "<h2>What it could not"
        f" do</h2><ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
    )


def _origin(bundle: Any, command: str) -> str:
    metadata = bundle.metadata
    sums = "".join(
        f"<li><code>{escape(name)}</code><br><code>{escape(value)}</code></li>"
        for name, value in bundle.sha256.items()
    )
    licence = f", licence {escape(str(metadata['license']))}" if metadata.get("license") else ""
    return (
        f"<h2>Where the numbers come from</h2><p>Model {escape(str(metadata['name']))}, version"
        f" {escape(str(metadata['version']))}{licence}. SoftCordSeg {escape(__version__)}. Areas by"
        " the Spinal Cord Toolbox's definitions: partial volumes count, corrected for the angle of"
        f" the cord; levels from disc labels.</p><p>Made by <code>{escape(command)}</code>. SHA-256"
        f" of the weights:</p><ul>{sums}</ul>"
    )
