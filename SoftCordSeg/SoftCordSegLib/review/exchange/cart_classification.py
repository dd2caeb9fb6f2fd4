"""CART's table of classes, ``cart_classifications.csv``: any words for a case, and remarks.

Written by CART's classification task (neuropoly/slicer-cart,
``examples/GenericClassification/GenericClassificationOutputManager.py``): columns uid, job_name,
timestamp (local time), version, classifications, other_remarks; one row a case and job.  The
classes stand there as Python prints a set, ``{'fail', 'motion'}``; there is no author.
"""

from __future__ import annotations

import ast
from pathlib import Path

from ..verdicts import Judgement, Verdict
from .cart_cohort import UID, rows_before, table_text
from .case_matching import uid_of
from .foreign_verdicts import (
    ForeignFile,
    ForeignVerdict,
    WriteRequest,
    Written,
    count_note,
    local_of_utc,
    rank_of,
    read_records,
    utc_of_local,
)

CLASSIFICATIONS = "cart_classifications.csv"
SOFTWARE = "CART (classification)"
_JOB, _TIME, _CLASSES, _REMARKS = "job_name", "timestamp", "classifications", "other_remarks"
COLUMNS = (UID, _JOB, _TIME, "version", _CLASSES, _REMARKS)
VERSION = "0.01"
_RANK = "rank "
_WORDS = {
    **{judgement.value: judgement for judgement in Judgement},
    "passed": Judgement.PASS,
    "failed": Judgement.FAIL,
    "artifact": Judgement.ARTEFACT,
    "to_correct": Judgement.TO_CORRECT,
}
_LONGEST = 10_000


def read_classifications(path: Path) -> ForeignFile:
    """A class that is one of our words is the verdict; the others go before the remarks.

    Raises:
        InputError: it is no such table.
    """
    verdicts, unclear = [], 0
    for record in read_records(path, (UID, _CLASSES)):
        classes = classes_of(record[_CLASSES])
        judgements = {_WORDS[word.casefold()] for word in classes if word.casefold() in _WORDS}
        if len(judgements) != 1 or not record[UID]:
            unclear += 1
            continue
        ranks = [rank_of(word[len(_RANK) :]) for word in classes if word.startswith(_RANK)]
        others = [
            word for word in classes if word.casefold() not in _WORDS and not word.startswith(_RANK)
        ]
        verdicts.append(
            ForeignVerdict(
                record[UID],
                f"row {record['']}",
                judgements.pop(),
                rater=record.get(_JOB, ""),
                is_author=False,
                rank=ranks[0] if ranks else None,
                comment=": ".join(
                    part for part in (", ".join(others), record.get(_REMARKS, "")) if part
                ),
                when=utc_of_local(record.get(_TIME, "")),
            )
        )
    job = ("CART writes no author of a class: the job's name is taken for the rater's.",)
    notes = (job if verdicts else ()) + count_note(
        unclear,
        "1 row has none of the classes pass, fail, artefact, to correct, or several.",
        "{} rows have none of the classes pass, fail, artefact, to correct, or several.",
    )
    return ForeignFile(SOFTWARE, verdicts, notes)


def write_classifications(request: WriteRequest) -> Written:
    """Verdict and rank as classes, the comment as remarks, the rater as the job; rows of other jobs
    and cases of an existing table stay.

    Raises:
        InputError: the existing file is no such table.
    """
    rows = {(row[UID], row[_JOB]): row for row in rows_before(request, CLASSIFICATIONS, COLUMNS)}
    cases = [one.case for one in request.judged]
    count = 0
    for one in request.judged:
        verdict = one.verdict
        uid = uid_of(one.case, cases)
        if verdict is None or verdict.verdict is None:
            rows.pop((uid, request.rater), None)
            continue
        count += 1
        rows[uid, verdict.rater] = dict(
            zip(
                COLUMNS,
                (
                    *(uid, verdict.rater, local_of_utc(verdict.when), VERSION),
                    *(_classes_text(verdict), verdict.comment),
                ),
            )
        )
    text = table_text(COLUMNS, list(rows.values()))
    return Written({CLASSIFICATIONS: text}, count, ("The rater stands there as the job.",))


def classes_of(text: str) -> list[str]:
    """The words of a set as Python prints it, in order; of another text its words between
    commas.
    """
    if len(text) > _LONGEST:
        return []
    try:
        value = ast.literal_eval(text) if text.startswith(("{", "[", "(")) else text.split(",")
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        value = text.strip("{}").split(",")
    return sorted({str(word).strip().strip("'\"") for word in value} - {""})


def _classes_text(verdict: Verdict) -> str:
    assert verdict.verdict is not None
    words = [verdict.verdict.value]
    if verdict.rank is not None:
        words.append(f"{_RANK}{verdict.rank}")
    return "{" + ", ".join(map(repr, words)) + "}"
