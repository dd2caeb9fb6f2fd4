"""Measured masks -> tables and figures: one table of all masks, the contrasts of each participant
side by side with the SD over them, and the figure of areas.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bids import short_names
from ..errors import InputError, OptionError
from ..files import check_folder, check_not_an_input, locked, real_path, text_writer, write_together
from .compare_contrasts import Compared, compare_masks
from .csa_measure import CsaOptions, Measured, measure_file, read_shared
from .run_each import Bar, Failure, OnFailure, no_bar, run_each, say_nothing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE_ENDINGS = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class CsaFiles:
    """Where to write.

    Attributes:
        table: .csv, or .json for all that is known of each mask; without an ending the rows of a
            .csv, as SCT writes them.
        append: add to the rows that are in the table.
        compare: .csv of the contrasts side by side; None for none.
        figure: .png, .pdf or .svg; None for none.
    """

    table: Path
    append: bool = False
    compare: Path | None = None
    figure: Path | None = None

    @property
    def all(self) -> list[Path]:
        """Every file that will be written."""
        return [path for path in (self.table, self.compare, self.figure) if path is not None]

    def check(self, inputs: Sequence[Path]) -> None:
        """Refuse outputs that cannot be written, before any work is done.

        Raises:
            OptionError: an output is an input, another output or a folder, or has an ending that
                cannot be written.
            OutputError: a folder cannot be made or written.
        """
        check_not_an_input(self.all, inputs)
        for path in self.all:
            if path.is_dir():
                raise OptionError(
                    "The output is a folder.",
                    path=path,
                    hint=f"Give the name of a file, for example {path / 'csa.csv'}.",
                )
        if len({real_path(path) for path in self.all}) < len(self.all):
            raise OptionError(
                "The table, the comparison and the figure need files of their own.",
                hint="Give each another name.",
            )
        for table, endings in ((self.table, (".csv", ".json", "")), (self.compare, (".csv",))):
            if table is not None and table.suffix.lower() not in endings:
                raise OptionError(
                    "A table cannot be written in this format.",
                    path=table,
                    hint=f"Give a name that ends in {' or '.join(filter(None, endings))};"
                    " spreadsheet programs open .csv.",
                )
        if self.append and self.table.suffix.lower() == ".json":
            raise OptionError(
                "Rows can be added to a .csv table only.", path=self.table, hint="Give a .csv file."
            )
        if self.figure is not None and self.figure.suffix.lower() not in FIGURE_ENDINGS:
            raise OptionError(
                "A figure cannot be written in this format.",
                path=self.figure,
                hint=f"Give a name that ends in {', '.join(FIGURE_ENDINGS)}.",
            )
        for path in self.all:
            check_folder(path.parent)


@dataclass(frozen=True)
class CsaTables:
    """What was made of several masks.

    Attributes:
        files: that were written; without table where no mask could be measured.
        measured: the masks that could be measured.
        compared: participants, contrasts side by side; empty where that was not wanted.
        failures: masks that could not be measured.
        compare_error: why there is no comparison though it was wanted; None else.
    """

    files: CsaFiles
    measured: list[Measured]
    compared: list[Compared]
    failures: list[Failure[Path]]
    compare_error: InputError | None = None


def make_csa_tables(
    masks: Sequence[Path],
    options: CsaOptions,
    files: CsaFiles,
    subject: str | None = None,
    *,
    whole_levels: bool = False,
    bar: Bar = no_bar,
    on_failure: OnFailure = say_nothing,
) -> CsaTables:
    """Measure masks, and write their table, comparison and figure; a mask that fails does not stop
    the others.

    Args:
        masks: of the cord, soft or binary.
        options: what to measure, and which rows to make of it.
        files: where to write.
        subject: all masks are of this participant; see :func:`.compare_contrasts.compare_masks`.
        whole_levels: compare all that each mask shows of a level, not only what all of them show.
        bar, on_failure: as in :func:`.run_each.run_each`.

    Raises:
        OptionError: options contradict each other, or an input would be overwritten.
        InputError: a file that serves all masks cannot be used.
        OutputError: a file cannot be written; nothing was written then.
        Cancelled: through a bar's progress; nothing was written then.
    """
    options.check()
    files.check([*masks, *options.inputs])
    shared = read_shared(options)
    outcomes = run_each(
        masks,
        lambda mask, progress: measure_file(mask, options, shared, progress),
        bar=bar,
        on_failure=on_failure,
    )
    measured, compared, compare_error = outcomes.results, [], None
    if measured and files.compare is not None:
        try:
            compared = compare_masks(measured, options, subject, whole=whole_levels)
        except InputError as error:  # the table of the rest is worth having
            compare_error, files = error, CsaFiles(files.table, files.append)
    if measured:
        write_csa(files, measured, compared)
    return CsaTables(files, measured, compared, outcomes.failures, compare_error)


def write_csa(files: CsaFiles, measured: Sequence[Measured], compared: Sequence[Compared]) -> None:
    """Write what was asked for, all files or none.

    Raises:
        InputError: rows to be added to a table with other columns.
        OutputError: a folder is not writable or the disk is full; nothing was written then.
    """
    from ..reports.figure_style import write_figure

    writers = {}
    if files.compare is not None:
        writers[files.compare] = text_writer(_compared_text(compared))
    if files.figure is not None:
        figure = _figure(measured, compared)
        writers[files.figure] = lambda path: write_figure(figure, path)
    as_json = files.table.suffix.lower() == ".json"
    # Other processes may be adding to the same table.
    with locked(files.table) if files.append else contextlib.nullcontext():
        text = _json_text(measured) if as_json else _csv_text(files, measured)
        write_together({files.table: text_writer(text), **writers})


def masks_json(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """All that is known of each mask, in plain types."""
    from ..morphometry import to_json

    return [
        to_json(one.shape, one.summary, str(one.path), notes=one.source_notes) for one in measured
    ]


def mask_names(measured: Sequence[Measured]) -> list[str]:
    """The masks' names; two masks of one name are told apart by their folders."""
    names = [one.path.name for one in measured]
    return [name if names.count(name) == 1 else str(one.path) for name, one in zip(names, measured)]


def _compared_text(compared: Sequence[Compared]) -> str:
    """One CSV table of all participants, header first."""
    from ..morphometry import contrasts_csv_text

    texts = [contrasts_csv_text(one.spreads, one.subject) for one in compared]
    return texts[0] + "".join(text.split("\r\n", 1)[1] for text in texts[1:])


def _csv_text(files: CsaFiles, measured: Sequence[Measured]) -> str:
    from ..morphometry import csv_text, text_added_to

    # The path as given, as SCT: a name alone does not say who it is about.
    texts = [csv_text(one.shape, one.summary, str(one.path)) for one in measured]
    # The header is the same for all: every mask was measured with the same options.
    text = texts[0] + "".join(text.split("\r\n", 1)[1] for text in texts[1:])
    return text_added_to(files.table, text) if files.append and files.table.exists() else text


def _json_text(measured: Sequence[Measured]) -> str:
    return (
        json.dumps({"masks": masks_json(measured)}, indent=1, allow_nan=False, ensure_ascii=False)
        + "\n"
    )


def _figure(measured: Sequence[Measured], compared: Sequence[Compared]) -> Figure:
    """The contrasts side by side where they were compared, else the area along the cord."""
    from ..reports.area_figure import contrasts_figure, profile_figure

    if compared:
        several = len(compared) > 1
        spreads = [
            replace(spread, name=f"{one.subject}\n{spread.name}") if several else spread
            for one in compared
            if not one.problem
            for spread in one.spreads
        ]
        return contrasts_figure(spreads, title="" if several else compared[0].subject)
    if len(measured) == 1:
        return profile_figure(measured[0].shape, title=measured[0].path.name)
    return profile_figure(
        dict(zip(short_names([one.path for one in measured]), (one.shape for one in measured)))
    )
