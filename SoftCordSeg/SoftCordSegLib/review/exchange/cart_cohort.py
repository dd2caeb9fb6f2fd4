"""CART's cohort: a table of cases; its first column is ``uid`` ("sub-01__ses-1"), the others are
their files.

CART (neuropoly/slicer-cart, ``CARTLib/utils/cohort.py`` and ``CARTLib/utils/data.py``) takes a
column for a volume, a segmentation or a markup by the word in its name; paths are relative to the
data set.  Beside the table it may keep a JSON file of its filters, which it makes anew.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ...bids import contrast_of
from ...files import safe_cell
from .case_matching import uid_of
from .foreign_verdicts import (
    ForeignFile,
    ForeignVerdict,
    WriteRequest,
    Written,
    read_records,
    records_of,
)

COHORT = "cohort.csv"
SOFTWARE = "CART (cohort)"
UID = "uid"
_IMAGE, _MASK, _DISCS = "volume_reference", "SC_segmentation_editable", "discs_markup"


def read_cohort(path: Path) -> ForeignFile:
    """The cases of a cohort, without verdicts: it has none.

    Raises:
        InputError: it is no such table.
    """
    cases = [
        ForeignVerdict(image_of(record), f"row {record['']}")
        for record in read_records(path, [UID])
        if record.get(UID)
    ]
    note = "A cohort lists cases; it has no verdicts."
    return ForeignFile(SOFTWARE, cases, (note,))


def write_cohort(request: WriteRequest) -> Written:
    """All cases that can be opened, one a row: image, images of other contrasts, mask, discs."""
    rows: list[dict[str, str]] = []
    cases = [one.case for one in request.judged]
    for case in cases:
        if case.problem:
            continue
        row = {UID: uid_of(case, cases), _IMAGE: request.path_of(case.image)}
        for other in case.others:
            row[f"{contrast_of(other)}_volume"] = request.path_of(other)
        if case.mask is not None:
            row[_MASK] = request.path_of(case.mask)
        if case.discs is not None:
            row[_DISCS] = request.path_of(case.discs)
        rows.append(row)
    found = {column for row in rows for column in row}
    others = sorted(found - {UID, _IMAGE, _MASK, _DISCS})
    columns = [UID, _IMAGE, *others, *(name for name in (_MASK, _DISCS) if name in found)]
    note = "CART edits masks of whole numbers: of a soft mask it sees 0 and 1."
    return Written({COHORT: table_text(columns, rows)}, len(rows), (note,))


def image_of(record: dict[str, str]) -> str:
    """What says which image a row of a cohort is of: the reference volume, else the only volume,
    else the uid.
    """
    volumes = {name: path for name, path in record.items() if "volume" in name and path}
    reference = [path for name, path in volumes.items() if _IMAGE in name]
    if reference:
        return reference[0]
    return next(iter(volumes.values())) if len(volumes) == 1 else record[UID]


def rows_before(
    request: WriteRequest, name: str, columns: Sequence[str], delimiter: str = ","
) -> list[dict[str, str]]:
    """The rows of a table that is there already, those with a uid; none where there is no table.

    Args:
        request: what is written, with the texts of the files that are there.
        name: of the file.
        columns: that it must have, and that are kept.
        delimiter: of its cells.

    Raises:
        InputError: it has other columns.
    """
    text = request.before.get(name)
    records = () if text is None else records_of(text, Path(name), columns, delimiter=delimiter)
    return [{column: row[column] for column in columns} for row in records if row[UID]]


def table_text(columns: Sequence[str], rows: Sequence[dict[str, str]], delimiter: str = ",") -> str:
    """The text of a table with a header."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(
        stream, list(columns), restval="", delimiter=delimiter, lineterminator="\n"
    )
    writer.writeheader()
    for row in rows:
        writer.writerow({name: safe_cell(value) for name, value in row.items()})
    return stream.getvalue()
