"""The page of a participant: one file to look at and judge the ground truth by."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ... import __version__
from ..guard import naming
from ..pages import data_uri, key_figures, page_html
from .areas import HARD, SOFT, SOFT_BIN, spread
from .index import largest_motion
from .pictures import MASK_COLOUR, SOFT_COLOUR, mosaic_png, motion_png
from .verdicts import (
    STYLE_OF_VERDICTS,
    in_pane_script,
    row_attributes,
    verdict_bar,
    verdict_button,
    verdict_script,
)

if TYPE_CHECKING:
    from ...groundtruth import ContrastTruth
    from ...volume import Volume
    from .done import Done, Request

_METHODS = {"centermassrot": "shift and rotation", "centermass": "shift only"}
_KINDS = {SOFT: "soft ground truth", SOFT_BIN: "soft, at or above 0.5", HARD: "input mask"}
_MORE_STYLE = f"""
.mosaic {{ width: 100%; display: block; border-radius: 4px; background: #000; margin: 10px 0 4px; }}
.motion {{ width: 100%; display: block; margin: 12px 0; }}
.key::before {{ content: ""; display: inline-block; width: 16px; height: 3px; margin-right: 6px; vertical-align: middle; }}
.key.soft::before {{ background: {SOFT_COLOUR}; }} .key.mask::before {{ background: {MASK_COLOUR}; }}
.key {{ margin-right: 18px; }}
h2.contrast {{ margin-top: 44px; }}
"""


def participant_html(done: Done, request: Request, files: dict[str, str]) -> str:
    """The page, self-contained.

    Args:
        done: what was made.
        request: how.
        files: written, by kind and contrast, to be named on the page.

    Raises:
        InputError: an image for the page cannot be read.
    """
    # Those of a data set are judged side by side, on the page over all of them.
    alone = not request.layout.as_dataset
    parts = [
        _head(done, request),
        _notes(done),
        _motion(done),
        _numbers(done),
        _areas(done),
        _legend(),
    ]
    parts += [verdict_bar()] if alone else []
    parts += [_contrast(done, one, index, alone) for index, one in enumerate(done.truth.contrasts)]
    parts += [_origin(done, request, files), verdict_script() if alone else in_pane_script()]
    return page_html(
        f"Soft ground truth: {done.participant.name}", parts, _MORE_STYLE + STYLE_OF_VERDICTS
    )


def _head(done: Done, request: Request) -> str:
    figures = [("contrasts averaged", str(len(done.truth.contrasts)))]
    shift, angle = largest_motion(done.truth.contrasts)
    figures += [("largest shift, mm", f"{shift:.1f}")] if shift is not None else []
    figures += [("largest rotation", f"{angle:.1f}°")] if angle is not None else []
    before, after = spread(done.areas, HARD), spread(done.areas, SOFT)
    if before is not None and after is not None:
        figures.append(("SD of the area over contrasts, mm²", f"{before:.2f} → {after:.2f}"))
    method = _METHODS[request.options.registration.method]
    return (
        f"<h1>{escape(done.participant.name)}</h1>"
        '<p class="lead">One soft ground truth of the cord from'
        f" {_listed([one.name for one in done.truth.contrasts])}, "
        f"laid on {escape(done.truth.reference)} slice by slice ({method}) and averaged where each"
        " of them reaches.</p>"
        f"{key_figures(figures)}"
    )


def _notes(done: Done) -> str:
    left_out = [
        f"{name} was left out{': ' + reason if reason else ''}."
        for name, reason in done.participant.left_out
    ]
    unique = list(dict.fromkeys([*left_out, *done.notes]))
    return (
        f'<ul class="remark small">{"".join(f"<li>{escape(note)}</li>" for note in unique)}</ul>'
        if unique
        else ""
    )


def _motion(done: Done) -> str:
    png = motion_png(done.truth)
    if png is None:
        return ""
    return (
        '<h2>How the slices were moved</h2><img class="motion" alt="Shift and rotation along the'
        f' cord" src="{data_uri(png)}"><p class="small">From the reference to each contrast, by the'
        " reference's slices. Pale: carried from neighbours.</p>"
    )


def _numbers(done: Done) -> str:
    rows = []
    for one in done.truth.contrasts:
        if one.is_reference:
            cells = ["reference", *["–"] * 4]
        else:
            shift, angle = one.shift_mm, one.angle_deg
            cells = [
                f"{one.used.sum()} of {len(one.used)}",
                _range(shift[:, 0]),
                _range(shift[:, 1]),
                _range(angle),
            ]
            cells.append(str(one.trimmed) if one.trimmed else "none")
        cells += [f"{100 * one.coverage:.0f}", str(len(one.without)) if one.without else "none"]
        rows.append(
            f"<tr><td>{escape(one.name)}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        )
    head = "".join(
        f"<th>{name}</th>"
        for name in (
            "Contrast",
            "Registered",
            "Left, mm",
            "Anterior, mm",
            "Rotation, °",
            "Trimmed",
            "Covers, %",
            "Without truth",
        )
    )
    return (
        f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div><p'
        ' class="small">Registered: slices of the reference in which the shift was measured.'
        " Trimmed: left out of the average at each end. Covers: part of the averaged cord to which"
        " the contrast contributed. Without truth: its own segmented slices for which there is no"
        " ground truth.</p>"
    )


def _areas(done: Done) -> str:
    if not done.areas:
        return '<p class="small">No areas: there are no disc labels.</p>'
    names = [one.name for one in done.truth.contrasts]
    rows = []
    for kind, title in _KINDS.items():
        known = {area.contrast: area.mean for area in done.areas if area.mask == kind}
        deviation = spread(done.areas, kind)
        cells = "".join(
            f"<td>{known[name]:.2f}</td>" if name in known else "<td>–</td>" for name in names
        )
        rows.append(
            f"<tr><td>{title}</td>{cells}<td>{'–' if deviation is None else f'{deviation:.2f}'}</td></tr>"
        )
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    levels = escape(done.areas[0].levels)
    return (
        f"<h2>Area, mm²</h2>"
        '<div class="scroll"><table><tr><th>Mean over levels'
        f" {levels}</th>{head}<th>SD</th></tr>{''.join(rows)}</table></div>"
        '<p class="small">Levels as SCT numbers them (2:3 is C2–C3), from the discs carried to'
        " every contrast. "
        "SD over contrasts, ddof 1.</p>"
    )


def _legend() -> str:
    return (
        '<h2>Slices</h2><p class="small"><span class="key soft">soft ground truth at'
        ' 0.5</span><span class="key mask">input mask</span>Below each slice the soft values, 0'
        " black to 1 white. Patient's right on the left, anterior on top; numbers count slices"
        " from the lowest.</p>"
    )


def _contrast(done: Done, one: ContrastTruth, index: int, judged: bool) -> str:
    image = _image(done, one.name)
    png = mosaic_png(one.soft, done.contrasts[index].mask, image)
    spacing = " × ".join(f"{size:.3g}" for size in one.soft.spacing)
    facts = f"{spacing} mm, stored {one.soft.letters}" + (
        "" if image is not None else " · no image was given"
    )
    who = f'<span class="who">{escape(done.participant.name)}, </span>'  # for the pane
    attributes, button = (row_attributes(done, one.name), verdict_button()) if judged else ("", "")
    return (
        f'<section id="{escape(one.name)}"{attributes}><h2 class="contrast">{who}{escape(one.name)}'
        f' {button}</h2><p class="facts">{escape(facts)}</p><img class="mosaic" alt="Axial slices'
        f' of {escape(one.name)} with the outlines" src="{data_uri(png)}"></section>'
    )


def _image(done: Done, name: str) -> Volume | None:
    from ...volume import read_nifti, time_points

    path = done.participant.images.get(name)
    if path is None:
        return None
    with naming(path):
        return read_nifti(path, "mean" if time_points(path) > 1 else None)


def _origin(done: Done, request: Request, files: dict[str, str]) -> str:
    options = request.options
    masks = "".join(
        f"<li>{escape(name)}: <code>{escape(path.name)}</code></li>"
        for name, path in done.participant.masks.items()
    )
    written = "".join(
        f"<li><code>{escape(Path(path).name)}</code></li>"
        for path in files.values()
        if path.endswith(".nii.gz")
    )
    how = (
        "Method: Bédard et al., “Towards contrast-agnostic soft segmentation of the spinal cord”,"
        f" section 2.2. Reference {escape(options.reference)}; registration"
        f" {escape(options.registration.method)}; SoftCordSeg {escape(__version__)}."
    )
    return (
        f"<h2>Where it comes from</h2><p>{how}</p><p>Masks:</p><ul>{masks}</ul>"
        f"<p>Written beside this page or below it:</p><ul>{written}</ul>"
    )


def _range(values) -> str:
    if not len(values):
        return "–"
    low, high = f"{values.min() + 0.0:+.1f}", f"{values.max() + 0.0:+.1f}"
    low, high = (("0.0" if float(text) == 0 else text.replace("-", "−")) for text in (low, high))
    return low if low == high else f"{low} to {high}"


def _listed(names: list[str]) -> str:
    names = [escape(name) for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
