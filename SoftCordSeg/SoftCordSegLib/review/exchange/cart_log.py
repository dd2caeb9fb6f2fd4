"""CART's log of its segmentation task, ``{job}_log.tsv``: who saved which segmentations of a case
and when; the next rater's row replaces the last.  And the CSV logs of its other tasks, which are
read only.

Written by CART (neuropoly/slicer-cart, ``examples/Segmentation/SegmentationIO.py``): columns uid,
author, timestamp (local time), saved_segmentations, failed_segmentations, version.  "Failed" means
that a file could not be written.

``cart_segmentation_log.csv`` (``examples/SegmentationReview``) and ``segmentation_review_log.csv``,
also with the profile's name behind (``examples/MultiContrastSegmentation``), have a row a uid and
author for what was saved: uid, author, timestamp, segmentation_path, sidecar_path,
original_segmentation_path, version, the second also output_mode and processing_notes.  "Author" is
the name of the job, or of the profile.
"""

from __future__ import annotations

from pathlib import Path

from ..verdicts import Judgement
from .cart_cohort import UID, rows_before, table_text
from .case_matching import uid_of
from .foreign_verdicts import (
    ForeignFile,
    ForeignVerdict,
    WriteRequest,
    Written,
    count_note,
    local_of_utc,
    read_records,
    utc_of_local,
)

SOFTWARE = "CART"
_SAVED, _FAILED = "saved_segmentations", "failed_segmentations"
COLUMNS = (UID, "author", "timestamp", _SAVED, _FAILED, "version")
# Of CART's segmentation task, and what its cohort of ours calls the mask.
VERSION, _MASK = "0.04", "SC"


# Of a CSV log, by which it is told from a cohort.
CSV_COLUMNS = (UID, "author", "timestamp", "segmentation_path")


def log_name(job: str) -> str:
    """The name of the log of a job."""
    return f"{job}_log.tsv"


def read_cart_log(path: Path) -> ForeignFile:
    """A case whose segmentations were saved passed; CART does not say more.

    Raises:
        InputError: it is no such log.
    """
    is_csv = path.suffix.casefold() == ".csv"
    columns, saved_in = (CSV_COLUMNS, "segmentation_path") if is_csv else (COLUMNS[:4], _SAVED)
    verdicts, failed = [], 0
    for record in read_records(path, columns, delimiter="," if is_csv else "\t"):
        if record.get(_FAILED):
            failed += 1
        elif record.get(UID) and record.get(saved_in):
            verdicts.append(
                ForeignVerdict(
                    record[UID],
                    f"row {record['']}",
                    Judgement.PASS,
                    rater=record["author"],
                    is_author=not is_csv,
                    when=utc_of_local(record["timestamp"]),
                )
            )
    saved = ("CART's log says that masks were saved, not how good they are: they count as passed.",)
    notes = (saved if verdicts else ()) + count_note(
        failed,
        "1 mask could not be saved by CART, and is left out.",
        "{} masks could not be saved by CART, and are left out.",
    )
    return ForeignFile(SOFTWARE, verdicts, notes)


def write_cart_log(request: WriteRequest) -> Written:
    """The cases that passed, as saved; rows of an existing log stay, but for those of these cases,
    and for those of the rater on cases that do not pass any more.

    Raises:
        InputError: the existing file is no such log.
    """
    name = log_name(request.job)
    rows = {row[UID]: row for row in rows_before(request, name, COLUMNS, delimiter="\t")}
    cases = [one.case for one in request.judged]
    passed = [one for one in request.judged if one.judgement is Judgement.PASS]
    others = sum(one.judgement not in (None, Judgement.PASS) for one in request.judged)
    for one in request.judged:
        uid = uid_of(one.case, cases)
        if one.judgement is not Judgement.PASS and rows.get(uid, {}).get("author") == request.rater:
            del rows[uid]
    for one in passed:
        verdict = one.verdict
        assert verdict is not None
        uid = uid_of(one.case, cases)
        cells = (uid, verdict.rater, local_of_utc(verdict.when), _MASK, "", VERSION)
        rows[uid] = dict(zip(COLUMNS, cells))
    notes = count_note(
        others,
        "CART's log has cases that are done: 1 case that did not pass is left out.",
        "CART's log has cases that are done: {} cases that did not pass are left out.",
    )
    text = table_text(COLUMNS, list(rows.values()), delimiter="\t")
    return Written({name: text}, len(passed), (*notes, "It has no comments and no ranks."))
