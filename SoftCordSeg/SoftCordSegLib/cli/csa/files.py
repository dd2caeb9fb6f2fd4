"""What ``softcord csa`` writes: the table, the comparison and the figure, all of them or none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ..bids_names import short_names
from ..guard import UsageProblem
from ..outputs import check_folder, check_not_an_input, text_writer, write_together
from .compare import Compared, compare_text
from .measure import Measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class CsaFiles:
    """Where to write.

    Attributes:
        table: .csv, or .json for all that is known of each mask.
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


def check_files(files: CsaFiles, inputs: Sequence[Path]) -> None:
    """Refuse outputs that cannot be written, before any work is done.

    Raises:
        UsageProblem: an output is an input, another output or a folder, or rows are to be added to
            JSON.
        OutputError: a folder cannot be made or written.
    """
    check_not_an_input(files.all, inputs)
    for path in files.all:
        if path.is_dir():
            raise UsageProblem(
                f"'{path}' is a folder. Give the name of a file, for example {path / 'csa.csv'}."
            )
    if len({path.resolve() for path in files.all}) < len(files.all):
        raise UsageProblem("The table, the comparison and the figure need files of their own.")
    if files.append and files.table.suffix.lower() == ".json":
        raise UsageProblem("--append adds rows to a .csv table, not to .json.")
    for path in files.all:
        check_folder(path.parent)


def write_files(
    files: CsaFiles, measured: Sequence[Measured], compared: Sequence[Compared]
) -> None:
    """Write what was asked for.

    Raises:
        InputError: rows to be added to a table with other columns.
        OutputError: a folder is not writable or the disk is full; nothing was written then.
    """
    from ...reports.figure_style import write_figure

    text = (
        _json_text(measured)
        if files.table.suffix.lower() == ".json"
        else _csv_text(files, measured)
    )
    writers = {files.table: text_writer(text)}
    if files.compare is not None:
        writers[files.compare] = text_writer(compare_text(compared))
    if files.figure is not None:
        figure = _figure(measured, compared)
        writers[files.figure] = lambda path: write_figure(figure, path)
    write_together(writers)


def as_json(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """All that is known of each mask, in plain types."""
    from ...morphometry import to_json

    return [
        to_json(one.shape, one.summary, name, notes=one.level_notes)
        for one, name in zip(measured, file_names(measured))
    ]


def file_names(measured: Sequence[Measured]) -> list[str]:
    """The masks' names; two masks of one name are told apart by their folders."""
    names = [one.path.name for one in measured]
    return [name if names.count(name) == 1 else str(one.path) for name, one in zip(names, measured)]


def _csv_text(files: CsaFiles, measured: Sequence[Measured]) -> str:
    from ...morphometry import csv_text

    texts = [
        csv_text(one.shape, one.summary, name) for one, name in zip(measured, file_names(measured))
    ]
    # The header is the same for all: every mask was measured with the same options.
    header, rows = texts[0].split("\r\n", 1)
    rows += "".join(text.split("\r\n", 1)[1] for text in texts[1:])
    if not (files.append and files.table.exists()):
        return f"{header}\r\n{rows}"
    with open(files.table, encoding="utf-8", newline="") as stream:
        before = stream.read()
    if before.splitlines()[:1] != [header]:
        raise InputError(
            f"'{files.table}' has other columns than the new rows, so they cannot be added to it."
            " Give a new file."
        )
    return before.rstrip("\r\n") + f"\r\n{rows}"


def _json_text(measured: Sequence[Measured]) -> str:
    return (
        json.dumps({"masks": as_json(measured)}, indent=1, allow_nan=False, ensure_ascii=False)
        + "\n"
    )


def _figure(measured: Sequence[Measured], compared: Sequence[Compared]) -> Figure:
    """The contrasts side by side where they were compared, else the area along the cord."""
    from ...reports.area_figure import contrasts_figure, profile_figure

    if compared:
        several = len(compared) > 1
        spreads = [
            replace(spread, name=f"{one.subject}\n{spread.name}") if several else spread
            for one in compared
            for spread in one.spreads
        ]
        return contrasts_figure(spreads, title="" if several else compared[0].subject)
    if len(measured) == 1:
        return profile_figure(measured[0].shape, title=measured[0].path.name)
    return profile_figure(
        dict(zip(short_names([one.path for one in measured]), (one.shape for one in measured)))
    )
