"""``softcord csa MASK… -o FILE.csv``"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from ...errors import Cancelled, InputError
from ..console import fail, print_json, progress_bars, say, show_table, warn
from ..guard import EXIT_FAILED, guarded, sentence_of
from ..interrupt import interruptible
from ..options import Debug, Json
from . import options as how
from .compare import Compared, compare, compare_json, compare_rows, compared_by, mean_sd
from .files import CsaFiles, as_json, check_files, file_names, write_files
from .measure import Measured, measure_mask
from .request import (
    CsaRequest,
    LevelSource,
    PmjRequest,
    check_compare,
    check_figure,
    check_together,
    grouping_of,
    measure_options,
)
from .shared import read_shared

# More rows than this are in the file, not in the window.
_SHOWN_ROWS = 40


def csa_command(
    masks: how.Masks,
    out: how.Out = Path("csa.csv"),
    perslice: how.PerSlice = False,
    perlevel: how.PerLevel = False,
    vert: how.Vert = None,
    z: how.Slices = None,
    discs: how.Discs = None,
    find_discs: how.FindDiscs = False,
    vertfile: how.Vertfile = None,
    pmj: how.Pmj = None,
    pmj_distance: how.PmjDistance = None,
    pmj_extent: how.PmjExtent = 20.0,
    angle_corr: how.AngleCorr = True,
    threshold: how.Threshold = "soft",
    rescaling: how.Rescaling = "sct",
    tilt: how.Tilt = "sct",
    image: how.Image = None,
    centerline: how.Centreline = None,
    normalize_pam50: how.NormalizePam50 = False,
    compare_out: how.CompareOut = None,
    subject: how.Subject = None,
    figure: how.Figure = None,
    append: how.Append = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure the cord's cross-sectional area and shape, with SCT's columns and units (areas mm²,
    lengths mm, angles degrees).

    Without --perslice, --perlevel, --vert and -z there is one row a slice; --vert or -z alone give
    one row, their mean. The columns after SCT's are ours: area_low and area_high are the areas
    within the contours at 0.75 and 0.25 of the mask. SCT's own spelling (-i MASK -vert 2:3
    -perlevel 1 -discfile FILE) is understood too.
    """
    with guarded(debug, json):
        request = CsaRequest(
            measure_options(angle_corr, threshold, rescaling, tilt),
            grouping_of(z, vert, perslice, perlevel),
            LevelSource(discs, vertfile, find_discs),
            PmjRequest(pmj, pmj_distance, pmj_extent),
            normalize_pam50,
            image,
            centerline,
        )
        files = CsaFiles(out, append, compare_out, figure)
        check_together(request)
        check_compare(compare_out, subject, len(masks))
        check_figure(figure)
        check_files(files, [*masks, *request.inputs])
        measured, errors = _measure_all(masks, request, debug)
        compared = []
        if measured and compare_out is not None:
            try:
                compared = compare(measured, subject, compared_by(request))
            except InputError as error:  # the table of the rest is worth having
                errors.append({"input": "--compare", "error": str(error)})
                fail(str(error))
                files = CsaFiles(out, append)
        if measured:
            write_files(files, measured, compared)
            _show(measured, compared, files)
        if json:
            print_json(_summary(files, measured, compared, errors))
        if errors:
            raise typer.Exit(EXIT_FAILED)


def _measure_all(
    masks: Sequence[Path], request: CsaRequest, debug: bool
) -> tuple[list[Measured], list[dict[str, str]]]:
    """What could be measured, and an entry for each mask that could not; one bad mask does not stop
    the others.

    Raises:
        InputError: a file that is for all masks cannot be used.
        Cancelled: the user stopped the work.
    """
    shared = read_shared(request)
    measured, errors = [], []
    with interruptible() as interrupt, progress_bars(interrupt) as bars:
        for mask in masks:
            try:
                with bars.bar(mask.name) as progress:
                    measured.append(measure_mask(mask, request, shared, progress))
            except Cancelled:
                raise
            except Exception as error:
                errors.append({"input": str(mask), "error": sentence_of(error, debug, mask)})
                fail(errors[-1]["error"])
    return measured, errors


def _show(measured: Sequence[Measured], compared: Sequence[Compared], files: CsaFiles) -> None:
    """Notes and results in the window."""
    from ...morphometry import slice_ranges

    rows = []
    for one, name in zip(measured, file_names(measured)):
        for note in one.notes:
            warn(f"'{name}': {note}")
        for row in one.summary:
            if row.count:
                area = (
                    f"{row.mean['area']:.2f} ± {row.std['area']:.2f}"
                    if row.count > 1
                    else f"{row.mean['area']:.2f}"
                )
                interval = f"{row.mean['area_low']:.2f} to {row.mean['area_high']:.2f}"
                rows.append(
                    (
                        name,
                        row.name if row.levels else "",
                        slice_ranges(row.slices),
                        row.count,
                        area,
                        interval,
                    )
                )
    hidden = len(rows) - _SHOWN_ROWS
    title = f"Cross-sectional area, in {files.table}" + (
        f" (first {_SHOWN_ROWS} of {len(rows)} rows)" if hidden > 0 else ""
    )
    show_table(
        title,
        ("Mask", "Level", "Slices", "Count", "Area, mm²", "Interval, mm²"),
        rows[:_SHOWN_ROWS],
    )
    if compared:
        columns, cells = compare_rows(compared)
        show_table(f"Area in mm² by contrast, in {files.compare}", columns, cells[:_SHOWN_ROWS])
        for level, sd, subjects in mean_sd(compared)[:_SHOWN_ROWS]:
            if subjects > 1:
                say(
                    f"{level}: the SD over contrasts is {sd:.2f} mm² on average over {subjects}"
                    " subjects."
                )
    if files.figure is not None:
        say(f"Figure: {files.figure}")


def _summary(
    files: CsaFiles,
    measured: Sequence[Measured],
    compared: Sequence[Compared],
    errors: Sequence[dict[str, str]],
) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "table": str(files.table) if measured else None,
        "masks": as_json(measured),
        "errors": list(errors),
    }
    if compared:
        summary["compare"] = {"table": str(files.compare), "rows": compare_json(compared)}
    if files.figure is not None:
        summary["figure"] = str(files.figure) if measured else None
    return summary
