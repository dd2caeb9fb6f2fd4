"""``softcord csa MASK… -o FILE.csv``"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import InputError, OptionError
from .console import fail, print_json, say, show_table, warn
from .guard import EXIT_FAILED, guarded, json_of
from .running import import_libraries, watching
from .shared_options import Debug, Json

if TYPE_CHECKING:
    from ..morphometry import MeasureOptions
    from ..workflows.compare_contrasts import Compared
    from ..workflows.csa_measure import Grouping, Measured
    from ..workflows.csa_tables import CsaFiles, CsaTables

# More rows than this are in the file, not in the window.
_SHOWN_ROWS = 40


class TiltChoice(str, enum.Enum):
    """Of --tilt."""

    sct = "sct"
    exact = "exact"


class StretchChoice(str, enum.Enum):
    """Of --stretch."""

    common = "common"
    all = "all"


class RescalingChoice(str, enum.Enum):
    """Of --rescaling."""

    sct = "sct"
    none = "none"


_ROWS, _LEVELS, _MEASURE, _MORE = "Rows", "Levels and landmarks", "How to measure", "More results"


def _option(panel: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel=panel, **settings)


Masks = Annotated[
    list[Path],
    typer.Argument(
        help="Soft or binary masks of the cord, .nii or .nii.gz; or DICOM, .dcm.",
        metavar="MASK…",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "-o",
        "--out",
        help="Table to write: .csv, or .json with every slice; without an ending it is a .csv.",
    ),
]

PerSlice = Annotated[bool, _option(_ROWS, "--perslice", help="One row a slice.")]
PerLevel = Annotated[bool, _option(_ROWS, "--perlevel", help="One row a vertebral level.")]
Vert = Annotated[
    Optional[str],
    _option(_ROWS, "--vert", help="Only these levels: 2:3 or C2:C3 or 2,4.", metavar="LEVELS"),
]
Slices = Annotated[
    Optional[str],
    _option(
        _ROWS,
        "-z",
        "--slices",
        help="Only these slices: 5:15 or 3,5 (0 is lowest).",
        metavar="SLICES",
    ),
]

Discs = Annotated[
    Optional[Path],
    _option(
        _LEVELS,
        "--discs",
        help="Disc labels: an image with SCT's values, or Slicer's points (.mrk.json, .fcsv).",
    ),
]
FindDiscs = Annotated[
    bool,
    _option(
        _LEVELS,
        "--find-discs",
        help="Take each participant's …_label-discs_dlabel from beside its mask.",
    ),
]
Vertfile = Annotated[
    Optional[Path],
    _option(
        _LEVELS,
        "--vertfile",
        help="Instead: a segmentation labelled with levels. A MASK that is labelled so needs none.",
    ),
]
Pmj = Annotated[
    Optional[Path],
    _option(
        _LEVELS,
        "--pmj",
        help=(
            "Pontomedullary junction: an image with the value 50, or a point PMJ. Gives"
            " DistancePMJ."
        ),
    ),
]
PmjDistance = Annotated[
    Optional[float],
    _option(
        _LEVELS,
        "--pmj-distance",
        help="Measure around this distance below the junction, mm along the cord.",
        metavar="MM",
    ),
]
PmjExtent = Annotated[
    float, _option(_LEVELS, "--pmj-extent", help="Length of cord to take there, mm.", metavar="MM")
]

Label = Annotated[
    Optional[int],
    _option(
        _MEASURE,
        "--label",
        help="In a segmentation with several labels: the one that is the cord.",
        metavar="N",
        min=1,
    ),
]
AngleCorr = Annotated[
    bool,
    _option(
        _MEASURE,
        "--angle-corr/--no-angle-corr",
        help="Measure at right angles to the cord, or in the slice's plane.",
    ),
]
Tilt = Annotated[
    TiltChoice,
    _option(
        _MEASURE,
        "--tilt",
        help=(
            "For a cord that leans sideways and forwards at once: sct takes off both cosines, as"
            " SCT does; exact takes off the lean's own (the areas differ by 1 % at 30°, by 3.5 % at"
            " 40°)."
        ),
    ),
]
Threshold = Annotated[
    str,
    _option(
        _MEASURE,
        "--threshold",
        help="soft: partial volumes count; a number: the mask is cut there first.",
        metavar="soft|T",
    ),
]
Rescaling = Annotated[
    RescalingChoice,
    _option(
        _MEASURE,
        "--rescaling",
        help=(
            "sct: each slice is divided by its maximum, as SCT does; none: soft values as they are."
        ),
    ),
]
Image = Annotated[
    Optional[Path],
    _option(
        _MEASURE,
        "--image",
        help="Anatomical image on the mask's grid: adds SCT's quadrants and left-right symmetry.",
    ),
]
Centreline = Annotated[
    Optional[Path],
    _option(
        _MEASURE,
        "--centerline",
        help="Mask or centreline whose angles to use, for example the cord's for its grey matter.",
    ),
]
NormalizePam50 = Annotated[
    bool,
    _option(
        _MEASURE,
        "--normalize-pam50",
        help="Slices are those of the PAM50 template, level by level.",
    ),
]

CompareOut = Annotated[
    Optional[Path],
    _option(
        _MORE,
        "--compare",
        help=(
            "Second table, .csv, for masks of one participant in several contrasts: a row a level"
            " (with --pmj-distance that place; without levels a slice, on one grid), a column a"
            " contrast, then mean, SD over the contrasts (n - 1, as in the paper), CV."
        ),
        metavar="FILE",
    ),
]
Stretch = Annotated[
    StretchChoice,
    _option(
        _MORE,
        "--stretch",
        help=(
            "With --compare, of a level or of slices that a mask shows in part: common takes the"
            " cord that all masks of the participant show; all takes what each shows. A note says"
            " so."
        ),
    ),
]
Subject = Annotated[
    Optional[str],
    _option(
        _MORE,
        "--subject",
        help="With --compare: all masks are of this participant. Else sub-… in the names tells.",
    ),
]
Figure = Annotated[
    Optional[Path],
    _option(
        _MORE,
        "--figure",
        help=(
            "Picture, .png, .pdf or .svg: the area along the cord; with --compare the contrasts by"
            " level."
        ),
        metavar="FILE",
    ),
]
Append = Annotated[
    bool, _option(_MORE, "--append", help="Add the rows to the table that is there.")
]


def csa_command(
    masks: Masks,
    out: Out = Path("csa.csv"),
    perslice: PerSlice = False,
    perlevel: PerLevel = False,
    vert: Vert = None,
    z: Slices = None,
    discs: Discs = None,
    find_discs: FindDiscs = False,
    vertfile: Vertfile = None,
    pmj: Pmj = None,
    pmj_distance: PmjDistance = None,
    pmj_extent: PmjExtent = 20.0,
    angle_corr: AngleCorr = True,
    threshold: Threshold = "soft",
    rescaling: Rescaling = RescalingChoice.sct,
    tilt: Tilt = TiltChoice.sct,
    label: Label = None,
    image: Image = None,
    centerline: Centreline = None,
    normalize_pam50: NormalizePam50 = False,
    compare_out: CompareOut = None,
    subject: Subject = None,
    stretch: Stretch = StretchChoice.common,
    figure: Figure = None,
    append: Append = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure the cord's cross-sectional area and shape, with SCT's columns and units.

    Areas are in mm², lengths in mm, angles in degrees. Without --perslice, --perlevel, --vert and
    -z there is one row a slice; --vert or -z alone give one row, their mean. The columns after
    SCT's are ours: area_low and area_high are the areas within the contours at 0.75 and 0.25 of the
    mask. SCT's own spelling (-i MASK -vert 2:3 -perlevel 1 -discfile FILE) is understood too.
    """
    with guarded(debug, json):
        import_libraries()
        from ..workflows.csa_measure import CsaOptions, JunctionOptions, LevelSource
        from ..workflows.csa_tables import CsaFiles, make_csa_tables

        options = CsaOptions(
            _measure_options(angle_corr, threshold, rescaling, tilt),
            _grouping(z, vert, perslice, perlevel),
            LevelSource(discs, vertfile, find_discs),
            JunctionOptions(pmj, pmj_distance, pmj_extent),
            normalize_pam50,
            image,
            centerline,
            label,
        )
        files = CsaFiles(out, append, compare_out, figure)
        _check_compare(compare_out, subject, len(masks))
        with watching(debug, len(masks) > 1) as (bar, on_failure):
            made = make_csa_tables(
                masks,
                options,
                files,
                subject,
                whole_levels=stretch is StretchChoice.all,
                bar=bar,
                on_failure=on_failure,
            )
        if made.compare_error is not None:
            fail(str(made.compare_error))
        _report(made, json)


def _report(made: CsaTables, as_json: bool) -> None:
    """What was made, in the window and as JSON.

    Raises:
        typer.Exit: a mask, or the comparison, failed.
    """
    if made.measured:
        _show(made.measured, made.compared, made.files)
    errors = _errors(made)
    if as_json:
        print_json(_summary(made.files, made.measured, made.compared, errors))
    if errors:
        raise typer.Exit(EXIT_FAILED)


def _errors(made: CsaTables) -> list[dict[str, Any]]:
    errors = [
        {"input": str(failure.item), **json_of(failure.error, failure.item)}
        for failure in made.failures
    ]
    if made.compare_error is not None:
        errors.append({"input": "--compare", **json_of(made.compare_error)})
    return errors


def _measure_options(
    angle_corr: bool, threshold: str, rescaling: RescalingChoice, tilt: TiltChoice
) -> MeasureOptions:
    """The options of :func:`SoftCordSegLib.morphometry.measure`.

    Raises:
        OptionError: no threshold, or options that contradict each other.
    """
    from ..morphometry import MeasureOptions

    if tilt is TiltChoice.exact and not angle_corr:
        raise OptionError(
            "--tilt is a way of angle correction, which --no-angle-corr leaves out.",
            hint="Give one of them.",
        )
    try:
        cut = None if threshold == "soft" else float(threshold)
        return MeasureOptions(
            angle_correction=angle_corr, rescaling=rescaling.value, threshold=cut, tilt=tilt.value
        )
    except ValueError as error:
        raise OptionError(
            f"--threshold '{threshold}' is neither soft nor a number above 0 and up to 1.",
            hint="Give soft, or a number such as 0.5.",
        ) from error


def _grouping(z: str | None, vert: str | None, per_slice: bool, per_level: bool) -> Grouping:
    """The rows that were asked for.

    Raises:
        OptionError: ranges that cannot be read.
    """
    from ..morphometry import parse_levels, parse_slices
    from ..workflows.csa_measure import Grouping

    try:
        return Grouping(
            parse_slices(z) if z else None,
            parse_levels(vert) if vert else None,
            per_slice or None,
            per_level,
        )
    except InputError as error:
        raise OptionError(error.sentence, hint=error.hint) from error


def _check_compare(path: Path | None, subject: str | None, masks: int) -> None:
    """Refuse a comparison that has nothing to compare.

    Raises:
        OptionError: one mask only.
    """
    if path is None and subject is not None:
        raise OptionError(
            "--subject names the participant in the table of --compare.",
            hint="Give --compare FILE.csv too.",
        )
    if path is not None and masks < 2:
        raise OptionError(
            "--compare needs several masks of one participant.",
            hint="Give one for each contrast.",
        )


def _show(measured: Sequence[Measured], compared: Sequence[Compared], files: CsaFiles) -> None:
    """Notes and results in the window."""
    from ..morphometry import slice_ranges
    from ..workflows.compare_contrasts import mean_sd
    from ..workflows.csa_tables import mask_names

    rows = []
    for one, name in zip(measured, mask_names(measured)):
        for note in one.notes:
            warn(f"'{name}': {note}")
        for row in one.summary:
            if row.count:
                mean, std = row.mean, row.std
                area = f"{mean['area']:.2f}" + (f" ± {std['area']:.2f}" if row.count > 1 else "")
                interval = f"{mean['area_low']:.2f} to {mean['area_high']:.2f}"
                level = row.name if row.levels else ""
                rows.append((name, level, slice_ranges(row.slices), row.count, area, interval))
    title = f"Cross-sectional area, in {files.table}" + (
        f" (first {_SHOWN_ROWS} of {len(rows)} rows)" if len(rows) > _SHOWN_ROWS else ""
    )
    columns = ("Mask", "Level", "Slices", "Count", "Area, mm²", "Interval, mm²")
    show_table(title, columns, rows[:_SHOWN_ROWS])
    if compared:
        headings, cells = _compared_rows(compared)
        show_table(f"Area in mm² by contrast, in {files.compare}", headings, cells[:_SHOWN_ROWS])
        for one in compared:
            for spread in one.spreads:
                if one.problem or spread.is_part:
                    where = " ".join(filter(None, (one.subject, spread.name)))
                    warn(f"{where}: {spread.notes}" if where else spread.notes)
        for level, sd, subjects in mean_sd(compared)[:_SHOWN_ROWS]:
            if subjects > 1:
                say(
                    f"{level}: the SD over contrasts is {sd:.2f} mm² on average over {subjects}"
                    " participants."
                )
    if files.figure is not None:
        say(f"Figure: {files.figure}")


def _compared_rows(compared: Sequence[Compared]) -> tuple[list[str], list[list[str]]]:
    """Columns and cells of the comparison for the window."""
    contrasts = list(compared[0].spreads[0].values)
    rows = []
    for one in compared:
        for spread in one.spreads:
            values = [*(spread.values[name] for name in contrasts), spread.mean, spread.sd]
            cells = [_shown(value) for value in (*values, spread.cv_percent)]
            rows.append([one.subject, spread.name, *cells])
    first = {"levels": "Level", "slices": "Slices", "pmj": "From PMJ"}[compared[0].spreads[0].by]
    return ["Participant", first, *contrasts, "Mean", "SD", "CV, %"], rows


def _shown(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"


def _summary(
    files: CsaFiles,
    measured: Sequence[Measured],
    compared: Sequence[Compared],
    errors: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    from ..workflows.csa_tables import masks_json

    summary: dict[str, Any] = {
        "table": str(files.table) if measured else None,
        "masks": masks_json(measured),
        "errors": list(errors),
    }
    if compared:
        rows = [row for one in compared for row in one.as_json()]
        summary["compare"] = {"table": str(files.compare), "rows": rows}
    if files.figure is not None:
        summary["figure"] = str(files.figure) if measured else None
    return summary
