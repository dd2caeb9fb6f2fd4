"""``softcord csa MASK… -o FILE.csv``"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import Cancelled
from ..progress import Progress
from .console import fail, print_json, progress_bars, show_table, warn
from .disc_files import read_discs
from .guard import EXIT_FAILED, UsageProblem, guarded, sentence_of
from .interrupt import interruptible
from .options import Debug, Json
from .outputs import check_folder, check_not_an_input

if TYPE_CHECKING:
    from ..morphometry import CordShape, MeasureOptions, Summary

# More rows than this are in the file, not in the window.
_SHOWN_ROWS = 40


@dataclass(frozen=True)
class Grouping:
    """Which rows the table has; see :func:`SoftCordSegLib.morphometry.aggregate`."""

    slices: list[int] | None = None
    levels: list[int] | None = None
    per_slice: bool = False
    per_level: bool = False

    @property
    def needs_levels(self) -> bool:
        """True if the slices' vertebral levels must be known."""
        return self.per_level or self.levels is not None


def csa_command(
    masks: Annotated[
        list[Path], typer.Argument(help="Soft or binary masks of the cord, .nii or .nii.gz.", metavar="MASK…", show_default=False)
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Table to write, .csv.", show_default=False)],
    perslice: Annotated[bool, typer.Option("--perslice", help="One row a slice.")] = False,
    perlevel: Annotated[bool, typer.Option("--perlevel", help="One row a vertebral level (needs --discs or --vertfile).")] = False,
    discs: Annotated[
        Optional[Path], typer.Option(help="Disc labels: an image with SCT's values, or Slicer's points (.mrk.json, .fcsv).")
    ] = None,
    vertfile: Annotated[Optional[Path], typer.Option(help="Instead of discs: an image labelled with vertebral levels.")] = None,
    vert: Annotated[Optional[str], typer.Option(help="Only these levels: 2:3 or C2:C3 or 2,4.", metavar="LEVELS")] = None,
    z: Annotated[Optional[str], typer.Option("-z", help="Only these slices: 5:15 or 3,5 (0 is lowest).", metavar="SLICES")] = None,
    angle_corr: Annotated[
        bool, typer.Option("--angle-corr/--no-angle-corr", help="Measure at right angles to the cord, or in the slice's plane.")
    ] = True,
    threshold: Annotated[
        str, typer.Option(help="soft: partial volumes count; a number: the mask is cut there first.", metavar="soft|T")
    ] = "soft",
    rescaling: Annotated[
        str, typer.Option(help="sct: each slice is divided by its maximum, as SCT does; none: soft values as they are.")
    ] = "sct",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure the cord's cross-sectional area and shape, with SCT's columns and units (areas mm², lengths mm, angles degrees).

    Without --perslice, --perlevel, --vert and -z there is one row a slice; --vert or -z alone give one row, their mean.
    """
    with guarded(debug, as_json):
        options, grouping = _options(angle_corr, threshold, rescaling), _grouping(z, vert, perslice, perlevel)
        if grouping.needs_levels and discs is None and vertfile is None:
            raise UsageProblem("Vertebral levels need --discs (disc labels) or --vertfile (an image of levels).")
        if discs is not None and vertfile is not None:
            raise UsageProblem("Give either --discs or --vertfile, not both.")
        check_not_an_input([out], [*masks, *(path for path in (discs, vertfile) if path)])
        if out.is_dir():
            raise UsageProblem(f"'{out}' is a folder. Give -o the name of the table, for example {out / 'csa.csv'}.")
        check_folder(out.parent)
        labels = read_discs(discs) if discs is not None else None
        measured, errors = [], []
        with interruptible() as interrupt, progress_bars(interrupt) as bars:
            for mask in masks:
                try:
                    with bars.bar(mask.name) as progress:
                        measured.append((mask, *_measure(mask, options, grouping, labels, vertfile, progress)))
                except Cancelled:
                    raise
                except Exception as error:
                    errors.append({"input": str(mask), "error": sentence_of(error, debug, mask)})
                    fail(errors[-1]["error"])
        if measured:
            _write(out, measured)
            _show(measured, out)
        if as_json:
            print_json(_as_json(out, measured, errors))
        if errors:
            raise typer.Exit(EXIT_FAILED)


def _measure(
    path: Path, options: MeasureOptions, grouping: Grouping, discs: Any, vertfile: Path | None, progress: Progress
) -> tuple[CordShape, Summary]:
    from ..errors import InputError
    from ..morphometry import add_levels, add_levels_from_mask, aggregate, measure
    from ..volume import read_nifti

    progress.report(0.0, "Reading")
    progress.check_cancelled()
    mask = read_nifti(path)
    shape = measure(mask, options, progress=progress.part(0.1, 1.0))
    if discs is not None:
        shape = add_levels(shape, discs, mask)
    elif vertfile is not None:
        shape = add_levels_from_mask(shape, read_nifti(vertfile))
    per_slice = True if grouping.per_slice else None
    summary = aggregate(shape, slices=grouping.slices, levels=grouping.levels, per_slice=per_slice, per_level=grouping.per_level)
    if not any(row.count for row in summary):
        raise InputError(" ".join(summary.notes) or "The mask has no cord in the slices that were asked for. Check -z.")
    return shape, summary


def _write(out: Path, measured: list) -> None:
    """All masks' rows in one table, written at once."""
    from ..files import write_text_atomically
    from ..morphometry import csv_text

    names = [mask.name for mask, _, _ in measured]
    texts = [
        # Two masks of one name are told apart by their folders.
        csv_text(shape, summary, mask.name if names.count(mask.name) == 1 else str(mask))
        for mask, shape, summary in measured
    ]
    # The header is the same for all: every mask was measured with the same options.
    body = "".join(text.split("\r\n", 1)[1] for text in texts)
    write_text_atomically(out, texts[0].split("\r\n", 1)[0] + "\r\n" + body)


def _show(measured: list, out: Path) -> None:
    from ..morphometry import slice_ranges

    rows = []
    for mask, shape, summary in measured:
        for note in (*shape.notes, *summary.notes):
            warn(f"'{mask.name}': {note}")
        for row in summary:
            if row.count:
                area = f"{row.mean['area']:.2f} ± {row.std['area']:.2f}" if row.count > 1 else f"{row.mean['area']:.2f}"
                rows.append((mask.name, row.name if row.levels else "", slice_ranges(row.slices), row.count, area))
    hidden = len(rows) - _SHOWN_ROWS
    title = f"Cross-sectional area, in {out}" + (f" (first {_SHOWN_ROWS} of {len(rows)} rows)" if hidden > 0 else "")
    show_table(title, ("Mask", "Level", "Slices", "Count", "Area, mm²"), rows[:_SHOWN_ROWS])


def _as_json(out: Path, measured: list, errors: list) -> dict[str, Any]:
    from ..morphometry import to_json

    return {
        "table": str(out) if measured else None,
        "masks": [to_json(shape, summary, mask.name) for mask, shape, summary in measured],
        "errors": errors,
    }


def _options(angle_corr: bool, threshold: str, rescaling: str) -> MeasureOptions:
    from ..morphometry import MeasureOptions

    try:
        cut = None if threshold == "soft" else float(threshold)
        return MeasureOptions(angle_correction=angle_corr, rescaling=rescaling, threshold=cut)
    except ValueError as error:
        if rescaling not in ("sct", "none"):
            raise UsageProblem(f"--rescaling is sct or none, not '{rescaling}'.") from error
        raise UsageProblem(f"--threshold is soft, or a number above 0 and up to 1; '{threshold}' is neither.") from error


def _grouping(z: str | None, vert: str | None, per_slice: bool, per_level: bool) -> Grouping:
    from ..errors import InputError
    from ..morphometry import parse_levels, parse_slices

    if per_slice and per_level:
        raise UsageProblem("Give either --perslice or --perlevel, not both.")
    try:
        return Grouping(parse_slices(z) if z else None, parse_levels(vert) if vert else None, per_slice, per_level)
    except InputError as error:
        raise UsageProblem(str(error)) from error
