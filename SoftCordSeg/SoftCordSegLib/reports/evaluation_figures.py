"""All figures of an evaluation: violins, agreement, drift, times and outlines, as files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..colours import INK, SERIES
from ..colours import REFERENCE as GREY
from ..errors import InputError
from ..evaluation import REFERENCE, Case, Evaluation, ImageScore, Summary, on_grid
from ..evaluation.areas.slices import SOFT
from ..evaluation.methods import read_image
from ..evaluation.statistics.rows import PairRow
from ..evaluation.tables.table import MeanSd
from ..volume import read_nifti
from .agreement_figures import agreement_figure, all_pairs_figure, participants
from .figure_style import new_figure, write_figure
from .mask_panels_figure import Panel, panels_figure
from .violin_figures import drift_figure, violin_panels_figure, violins_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_USUAL_PAIR = ("T1w", "T2w")
_DPI = 200
# Methods that differ by more than this are drawn on a logarithmic axis.
_MOST_APART = 20.0


@dataclass(frozen=True)
class FigureOptions:
    """What to draw.

    Attributes:
        kinds: of files, "png", "svg" or "pdf".
        drop_outliers: leave values with |z| ≥ 3 out of violins, as the paper did.
        pair: contrasts of the scatter; None takes T1w and T2w, or the first two there are.
        panels: most images in the qualitative figure.
    """

    kinds: tuple[str, ...] = ("png", "svg")
    drop_outliers: bool = False
    pair: tuple[str, str] | None = None
    panels: int = 6


@dataclass(frozen=True)
class Drawn:
    """A figure on disk: what it shows, and its files."""

    caption: str
    paths: tuple[Path, ...]


def draw_figures(
    summary: Summary,
    result: Evaluation,
    cases: Sequence[Case],
    folder: Path,
    options: FigureOptions | None = None,
) -> list[Drawn]:
    """Draw every figure that the numbers allow, and write it; ``result`` gets a note on what they
    do not.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    options = options or FigureOptions()
    palette = method_colours(summary.methods)
    drawn = []
    for maker in (_csa, _agreement, _agreements, _scores, _drift):
        try:
            for name, caption, figure in maker(summary, palette, options):
                drawn.append(_written(figure, folder, name, caption, options.kinds))
        except InputError as error:  # the numbers of hours must not be lost for one figure
            result.notes.append(str(error))
    panels, left_out = _panels(summary, result, cases, options.panels)
    if panels:
        figure = panels_figure(panels, summary.methods, palette, summary.threshold)
        caption = " ".join(
            ["Axial slices in the middle of the cord, patient's right on the left.", *left_out]
        )
        drawn.append(_written(figure, folder, "panels", caption, options.kinds))
    return drawn


def _written(figure: Figure, folder: Path, name: str, caption: str, kinds: Sequence[str]) -> Drawn:
    paths = tuple(folder / f"{name}.{kind}" for kind in kinds)
    for path in paths:
        write_figure(figure, path, _DPI)
    return Drawn(caption, paths)


def method_colours(methods: Sequence[str]) -> dict[str, str]:
    """A colour for each method, the same in all figures; the reference is grey. Methods beyond the
    eighth share colours with the first ones.
    """
    compared = [method for method in methods if method != REFERENCE]
    colours = {method: SERIES[index % len(SERIES)] for index, method in enumerate(compared)}
    return {**colours, REFERENCE: GREY}


def timing_figure(scores: Sequence[ImageScore], colours: Mapping[str, str]) -> Figure | None:
    """Mean inference time with its SD, by contrast and method; None where no time is known."""
    timed = [row for row in scores if math.isfinite(row.seconds)]
    if not timed:
        return None
    contrasts, methods = (
        list(dict.fromkeys(getattr(row, key) for row in timed)) for key in ("contrast", "method")
    )
    figure, (axes,) = new_figure(max(4.2, 0.26 * len(contrasts) * (len(methods) + 0.8) + 1.6), 3.8)
    width = 0.8 / len(methods)
    means = []
    for number, method in enumerate(methods):
        bars = [
            MeanSd.of([r.seconds for r in timed if (r.method, r.contrast) == (method, name)])
            for name in contrasts
        ]
        places = [at + (number - (len(methods) - 1) / 2) * width for at in range(len(contrasts))]
        means += [bar.mean for bar in bars if bar.count]
        axes.bar(
            places, [bar.mean for bar in bars], 0.92 * width, color=colours[method], label=method
        )
        spread = [(place, bar) for place, bar in zip(places, bars) if math.isfinite(bar.sd)]
        if spread:
            x, y = [place for place, _ in spread], [bar.mean for _, bar in spread]
            low = [min(bar.sd, 0.98 * bar.mean) for _, bar in spread]  # no time is below 0
            high = [bar.sd for _, bar in spread]
            axes.errorbar(x, y, [low, high], fmt="none", ecolor=INK, capsize=2.5, linewidth=1)
    if max(means) > _MOST_APART * min(means):
        axes.set_yscale("log")
    long = any(len(name) > 10 for name in contrasts)
    turned = {"rotation": 25, "ha": "right", "rotation_mode": "anchor"} if long else {}
    axes.set_xticks(range(len(contrasts)), contrasts, **turned)
    axes.set_ylabel("Inference time (s)")
    if len(methods) > 1:
        axes.legend(
            frameon=False,
            fontsize=9,
            ncols=min(len(methods), 3),
            loc="lower left",
            bbox_to_anchor=(0, 1),
        )
    else:
        axes.set_title(methods[0], loc="left", fontweight="bold")
    return figure


# Name, caption and figure, one after the other.
_Figures = Iterator[tuple[str, str, "Figure"]]


def _csa(summary: Summary, palette: Mapping[str, str], options: FigureOptions) -> _Figures:
    areas, drop = summary.cut_areas, options.drop_outliers
    what = f"{summary.place.name}, {'soft' if summary.cut == SOFT else f'cut at {summary.cut}'}"
    order = [
        name for name in (REFERENCE, *summary.methods) if any(row.method == name for row in areas)
    ]
    if areas:
        panels = {
            name: _by("contrast", "area_mm2", [row for row in areas if row.method == name])
            for name in order
        }
        figure = violin_panels_figure(panels, palette, "CSA (mm²)", drop_outliers=drop)
        yield (
            "csa_by_contrast",
            f"CSA by contrast ({what}). Triangle: mean over participants.",
            figure,
        )
    spreads = [name for name in order if any(row.method == name for row in summary.cut_spreads)]
    if spreads:
        groups = {
            name: [row.sd_mm2 for row in summary.cut_spreads if row.method == name]
            for name in spreads
        }
        pairs = _pairs(summary, "SD of CSA over contrasts")
        label = "SD of CSA over contrasts (mm²)"
        figure = violins_figure(
            groups, palette, label, pairs=pairs, drop_outliers=drop, from_zero=True, magnify=True
        )
        yield (
            "csa_sd_by_method",
            f"SD of CSA over the contrasts of each participant ({what}). {_STARS}",
            figure,
        )
    known = [row for row in areas if math.isfinite(row.absolute_error_mm2)]
    if known:
        groups = {name: _values("absolute_error_mm2", name, known) for name in summary.methods}
        label, pairs = "Absolute CSA error (mm²)", _pairs(summary, "absolute CSA error")
        figure = violins_figure(
            groups, palette, label, pairs=pairs, drop_outliers=drop, from_zero=True, magnify=True
        )
        yield (
            "csa_error_by_method",
            f"Absolute CSA error against the reference ({what}), a point an image. {_STARS}",
            figure,
        )
        panels = {
            name: _by(
                "contrast", "absolute_error_mm2", [row for row in known if row.method == name]
            )
            for name in summary.methods
        }
        figure = violin_panels_figure(panels, palette, label, drop_outliers=drop, from_zero=True)
        yield "csa_error_by_contrast", f"Absolute CSA error by contrast ({what}).", figure


_STARS = "Triangle: mean; * p < 0.05, ** p < 0.01, *** p < 0.001 (Wilcoxon, Bonferroni)."


def _agreement(summary: Summary, palette: Mapping[str, str], options: FigureOptions) -> _Figures:
    values = participants([row for row in summary.cut_areas if row.method != REFERENCE])
    contrasts = list(dict.fromkeys(name for groups in values.values() for name in groups))
    pair = options.pair
    if pair is None and len(contrasts) > 1:
        pair = _USUAL_PAIR if set(_USUAL_PAIR) <= set(contrasts) else (contrasts[0], contrasts[1])
    if pair is None:
        return
    absent = [name for name in pair if name not in contrasts]
    if absent:
        raise InputError(
            f"There is no contrast '{absent[0]}' with a CSA. The contrasts are:"
            f" {', '.join(contrasts)}."
        )
    yield (
        "csa_agreement",
        f"CSA on {pair[1]} over CSA on {pair[0]}, a point a participant; dashed: agreement.",
        agreement_figure(values, *pair, palette),
    )


def _agreements(summary: Summary, palette: Mapping[str, str], options: FigureOptions) -> _Figures:
    for method, contrasts in participants(summary.cut_areas).items():
        if len(contrasts) > 2:
            name = (
                f"csa_agreement_{''.join(c if c.isalnum() or c in '-_.' else '_' for c in method)}"
            )
            yield (
                name,
                f"CSA of all pairs of contrasts, {method}.",
                all_pairs_figure(contrasts, palette[method], method),
            )


def _scores(summary: Summary, palette: Mapping[str, str], options: FigureOptions) -> _Figures:
    known = [row for row in summary.scores if math.isfinite(row.dice)]
    if known:
        groups = {name: _values("dice", name, known) for name in summary.methods}
        label = f"Dice at {summary.threshold:g}"
        pairs, drop = _pairs(summary, "Dice"), options.drop_outliers
        figure = violins_figure(
            groups, palette, label, pairs=pairs, drop_outliers=drop, ceiling=1.0, digits=3
        )
        yield (
            "dice_by_method",
            (
                f"Dice with the reference, both cut at {summary.threshold:g}, a point an image."
                f" {_STARS}"
            ),
            figure,
        )
    figure = timing_figure(summary.scores, palette)
    if figure is not None:
        yield "inference_time", "Inference time, mean and SD over images.", figure


def _drift(summary: Summary, palette: Mapping[str, str], options: FigureOptions) -> _Figures:
    if summary.drifts:
        figure = drift_figure(
            summary.cut_areas, summary.differences, summary.methods, palette, summary.drift_limit
        )
        yield (
            "csa_drift",
            "CSA by release, and the difference of each image to the release before.",
            figure,
        )


def _panels(
    summary: Summary, result: Evaluation, cases: Sequence[Case], most: int
) -> tuple[list[Panel], list[str]]:
    """The images to show, and sentences on those that cannot be: their masks were good enough to be
    measured.
    """
    there = [
        case
        for case in cases
        if case.image.is_file()
        and any((name, case.image) in result.masks for name in summary.methods)
    ]
    # Those with a reference first, and one of each contrast before a second of any.
    there.sort(key=lambda case: case.reference is None)
    turns: list[int] = []
    seen: dict[str, int] = {}
    for case in there:
        turns.append(seen.get(case.contrast, 0))
        seen[case.contrast] = turns[-1] + 1
    panels: list[Panel] = []
    left_out = []
    for _, case in sorted(zip(turns, there), key=lambda pair: pair[0]):
        if len(panels) == most:
            break
        try:
            panels.append(_panel(case, summary, result))
        except InputError as error:
            left_out.append(f"Not shown: {case.image.name}. {error}")
    return panels, left_out


def _panel(case: Case, summary: Summary, result: Evaluation) -> Panel:
    image = read_image(case.image)

    def mask(name: str):
        return on_grid(
            read_nifti(result.masks[name, case.image]), image.grid, name, f"'{case.image.name}'"
        )

    masks = {name: mask(name) for name in summary.methods if (name, case.image) in result.masks}
    reference = mask(REFERENCE) if (REFERENCE, case.image) in result.masks else None
    return Panel(f"{case.participant}\n{case.contrast}", image, masks, reference)


def _pairs(summary: Summary, measure: str) -> list[PairRow]:
    """The tests between methods; none where there are several data sets, each with its own."""
    tests = [
        test for test in summary.statistics.pairs if test.measure == measure and not test.method
    ]
    return [test.row for test in tests] if len({test.dataset for test in tests}) == 1 else []


def _by(key: str, value: str, rows: Sequence) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(getattr(row, key), []).append(getattr(row, value))
    return groups


def _values(value: str, method: str, rows: Sequence) -> list[float]:
    return [getattr(row, value) for row in rows if row.method == method]
