"""SegmentationReview's ``annotations.csv``: no header; file, rating, comment, mask, status of the
mask.

Written by the Slicer module (zapaishchykova/SegmentationReview, ``SegmentationReview.py``,
``save_and_next_clicked``), one row at each press of its button.  The rating is one of five
sentences, in older files its number; files stand there by their names, since 2023 with a slash
before them.  Which images it shows it takes from ``mapping.csv`` (columns img_path, mask_path).
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ...files import safe_cell
from ..verdicts import Judgement
from .cart_cohort import table_text
from .foreign_verdicts import (
    ForeignFile,
    ForeignVerdict,
    WriteRequest,
    Written,
    count_note,
    read_rows,
)

ANNOTATIONS, MAPPING = "annotations.csv", "mapping.csv"
SOFTWARE = "SegmentationReview"
RATINGS = {
    1: "Acceptable with no changes",
    2: "Acceptable with minor changes",
    3: "Unacceptable with major changes",
    4: "Unacceptable and not visible",
    5: "Bad images",
}
_JUDGEMENTS = {
    1: Judgement.PASS,
    2: Judgement.TO_CORRECT,
    3: Judgement.FAIL,
    4: Judgement.FAIL,
    5: Judgement.ARTEFACT,
}
_RATING_OF = {
    Judgement.PASS: 1,
    Judgement.TO_CORRECT: 2,
    Judgement.FAIL: 3,
    Judgement.ARTEFACT: 5,
}
_NO_MASK, _NOT_EDITED, _EDITED = "No mask found", "Mask loaded, no edits", "Mask edited"
# Files of 2023 say "No mask" and "Mask loaded"; others "Cannot load mask".
_NO_MASK_WORD = "No mask"


def read_annotations(path: Path) -> ForeignFile:
    """Minor changes are to be corrected; "bad images" are artefacts; 3 and 4 are fails.

    Raises:
        InputError: it cannot be read.
    """
    verdicts, unclear = [], 0
    for number, row in read_rows(path):
        name, rating, comment, mask, status = (*row, "", "", "", "", "")[:5]
        likert = _likert(rating)
        if likert is None or not name:
            unclear += 1
            continue
        verdicts.append(
            ForeignVerdict(
                name.lstrip("/"),
                f"row {number}",
                _JUDGEMENTS[likert],
                comment=comment,
                mask="" if status.startswith(_NO_MASK_WORD) else mask.lstrip("/"),
                extra={"likert": likert, **({"mask_status": status} if status else {})},
            )
        )
    notes = count_note(
        unclear,
        "1 row has none of the five ratings.",
        "{} rows have none of the five ratings.",
    )
    return ForeignFile(SOFTWARE, verdicts, notes)


def write_annotations(request: WriteRequest) -> Written:
    """The verdicts as ratings, and the mapping that the module reads; both belong into the folder
    of the data set, where the module looks for them.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    mapping, count, failed = [], 0, 0
    for one in request.judged:
        case, verdict = one.case, one.verdict
        if case.problem:
            continue
        image = request.path_of(case.image)
        mask = "" if case.mask is None else request.path_of(case.mask)
        mapping.append({"img_path": image, "mask_path": mask})
        if verdict is None or verdict.verdict is None:
            continue
        count += 1
        failed += verdict.verdict is Judgement.FAIL
        status = _NO_MASK if not mask else _EDITED if one.corrected else _NOT_EDITED
        rating = RATINGS[_rating(verdict.verdict, verdict.extra.get("likert"))]
        cells = (image, rating, verdict.comment, mask, status)
        writer.writerow([safe_cell(cell) for cell in cells])
    files = {
        ANNOTATIONS: stream.getvalue(),
        MAPPING: table_text(("img_path", "mask_path"), mapping),
    }
    notes = count_note(
        failed,
        f"SegmentationReview has no 'fail': 1 such case is '{RATINGS[3]}'.",
        f"SegmentationReview has no 'fail': {{}} such cases are '{RATINGS[3]}'.",
    )
    lost = "It has no raters, ranks and times."
    place = f"Put {ANNOTATIONS} and {MAPPING} into the folder of the data set, where it reads them."
    return Written(files, count, (*notes, lost, place))


def _likert(rating: str) -> int | None:
    """1 to 5 of a rating as a sentence or a number."""
    text = rating.strip()
    for number, sentence in RATINGS.items():
        if text in (sentence, str(number), f"{number}.0"):
            return number
    return None


def _rating(judgement: Judgement, likert: object) -> int:
    """The rating; the one of an imported verdict where it still means the same."""
    if isinstance(likert, int) and _JUDGEMENTS.get(likert) is judgement:
        return likert
    return _RATING_OF[judgement]
