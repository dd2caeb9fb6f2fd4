"""All figures of an evaluation: violins, agreement, drift, times and outlines, as files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..colours import INK, SERIES
from ..colours import REFERENCE as GREY
from ..errors import InputError
from ..evaluation import REFERENCE, SOFT, Case, Evaluation, on_grid, read_image
from ..evaluation.csa_frames import comparable
from ..evaluation.paired_tests import PairRow, paired_table
from ..evaluation.study_statistics import DICE, ERROR, SPREAD
from ..volume import Volume, read_nifti
from .agreement_figures import agreement_figure, all_pairs_figure
from .figure_style import new_figure, write_figure
from .mask_panels_figure import Panel, panels_figure
from .violin_figures import drift_figure, violin_panels_figure, violins_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ..evaluation.evaluation_summary import Summary

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


def timing_figure(scores: pd.DataFrame, colours: Mapping[str, str]) -> Figure | None:
    """Mean inference time with its SD, by contrast and method; None where no time is known."""
    timed = scores[scores["seconds"].notna()]
    if timed.empty:
        return None
    contrasts, methods = (list(timed[key].unique()) for key in ("contrast", "method"))
    bars = timed.groupby(["method", "contrast"])["seconds"].agg(["mean", "std"])
    figure, (axes,) = new_figure(max(4.2, 0.26 * len(contrasts) * (len(methods) + 0.8) + 1.6), 3.8)
    width = 0.8 / len(methods)
    for number, method in enumerate(methods):
        own = bars.loc[method].reindex(contrasts)
        own["at"] = [at + (number - (len(methods) - 1) / 2) * width for at in range(len(contrasts))]
        axes.bar(own["at"], own["mean"], 0.92 * width, color=colours[method], label=method)
        spread = own.dropna()
        if len(spread):
            low = spread["std"].clip(upper=0.98 * spread["mean"])  # no time is below 0
            limits = [low, spread["std"]]
            error = {"fmt": "none", "ecolor": INK, "capsize": 2.5, "linewidth": 1}
            axes.errorbar(spread["at"], spread["mean"], limits, **error)
    means = bars["mean"]
    if means.max() > _MOST_APART * means.min():
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
    areas, spreads, drop = summary.cut_areas, summary.cut_spreads, options.drop_outliers
    cut = "soft" if summary.cut == SOFT else f"cut at {summary.cut}"
    what = f"{summary.cord_range.name}, {cut}"
    order = (REFERENCE, *summary.methods)
    if len(areas):
        figure = violin_panels_figure(
            _by_contrast(areas, order, "area_mm2"), palette, "CSA (mm²)", drop_outliers=drop
        )
        yield (
            "csa_by_contrast",
            f"CSA by contrast ({what}). Triangle: mean over participants.",
            figure,
        )
    settings = {"drop_outliers": drop, "from_zero": True}
    if len(spreads):
        groups = _by_method(spreads, order, "sd_mm2")
        label, pairs = "SD of CSA over contrasts (mm²)", _pairs(summary, SPREAD)
        figure = violins_figure(groups, palette, label, pairs=pairs, magnify=True, **settings)
        yield (
            "csa_sd_by_method",
            f"SD of CSA over the contrasts of each participant ({what}). {_STARS}",
            figure,
        )
    known = areas[areas["absolute_error_mm2"].notna()]
    if len(known):
        groups = {name: [] for name in summary.methods}
        groups.update(_by_method(known, summary.methods, "absolute_error_mm2"))
        label, pairs = "Absolute CSA error (mm²)", _pairs(summary, ERROR)
        figure = violins_figure(groups, palette, label, pairs=pairs, magnify=True, **settings)
        yield (
            "csa_error_by_method",
            f"Absolute CSA error against the reference ({what}), a point an image. {_STARS}",
            figure,
        )
        panels = {name: {} for name in summary.methods}
        panels.update(_by_contrast(known, summary.methods, "absolute_error_mm2"))
        figure = violin_panels_figure(panels, palette, label, **settings)
        yield "csa_error_by_contrast", f"Absolute CSA error by contrast ({what}).", figure


_STARS = "Triangle: mean; * p < 0.05, ** p < 0.01, *** p < 0.001 (Wilcoxon, Bonferroni)."


def _agreement(summary: Summary, palette: Mapping[str, str], options: FigureOptions) -> _Figures:
    values = areas_by_participant(summary.cut_areas)
    values.pop(REFERENCE, None)
    contrasts = list(dict.fromkeys(name for table in values.values() for name in table))
    pair = options.pair
    if pair is None and len(contrasts) > 1:
        pair = _USUAL_PAIR if set(_USUAL_PAIR) <= set(contrasts) else (contrasts[0], contrasts[1])
    if pair is None:
        return
    absent = [name for name in pair if name not in contrasts]
    if absent:
        raise InputError(
            f"There is no contrast '{absent[0]}' with a CSA.",
            hint=f"The contrasts are: {', '.join(contrasts)}.",
        )
    yield (
        "csa_agreement",
        f"CSA on {pair[1]} over CSA on {pair[0]}, a point a participant; dashed: agreement.",
        agreement_figure(values, *pair, palette),
    )


def _agreements(summary: Summary, palette: Mapping[str, str], options: FigureOptions) -> _Figures:
    for method, table in areas_by_participant(summary.cut_areas).items():
        if table.shape[1] > 2:
            name = (
                f"csa_agreement_{''.join(c if c.isalnum() or c in '-_.' else '_' for c in method)}"
            )
            yield (
                name,
                f"CSA of all pairs of contrasts, {method}.",
                all_pairs_figure(table, palette[method], method),
            )


def _scores(summary: Summary, palette: Mapping[str, str], options: FigureOptions) -> _Figures:
    known = summary.scores[summary.scores["dice"].notna()]
    if len(known):
        groups = {name: [] for name in summary.methods}
        groups.update(_by_method(known, summary.methods, "dice"))
        label = f"Dice at {summary.threshold:g}"
        pairs, drop = _pairs(summary, DICE), options.drop_outliers
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
    if summary.drift_limit is not None and len(summary.drifts):
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

    def mask(name: str) -> Volume:
        return on_grid(
            read_nifti(result.masks[name, case.image]), image.grid, name, f"'{case.image.name}'"
        )

    masks = {name: mask(name) for name in summary.methods if (name, case.image) in result.masks}
    reference = mask(REFERENCE) if (REFERENCE, case.image) in result.masks else None
    return Panel(f"{case.participant}\n{case.contrast}", image, masks, reference)


def areas_by_participant(areas: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By method the areas that can be compared: a row for each participant, a column for each
    contrast.
    """
    return {
        method: paired_table(own, "contrast", ["dataset", "participant"], "area_mm2")
        for method, own in comparable(areas).groupby("method", sort=False)
    }


def _pairs(summary: Summary, measure: str) -> list[PairRow]:
    """The tests between methods; none where there are several data sets, each with its own."""
    tests = summary.statistics.pairs
    tests = tests[(tests["measure"] == measure) & (tests["method"] == "")]
    if tests["dataset"].nunique() != 1:
        return []
    rows = tests.drop(columns=["dataset", "measure", "method"]).to_dict("records")
    return [PairRow(**row) for row in rows]


def _by_method(rows: pd.DataFrame, order: Sequence[str], value: str) -> dict[str, list[float]]:
    """The values of those methods that have any."""
    groups = dict(list(rows.groupby("method")[value]))
    return {name: groups[name].tolist() for name in order if name in groups}


def _by_contrast(
    rows: pd.DataFrame, order: Sequence[str], value: str
) -> dict[str, dict[str, list[float]]]:
    groups = dict(list(rows.groupby("method")))
    return {
        name: {
            contrast: own.tolist()
            for contrast, own in groups[name].groupby("contrast", sort=False)[value]
        }
        for name in order
        if name in groups
    }
