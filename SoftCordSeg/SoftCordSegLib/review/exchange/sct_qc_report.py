"""SCT's ``qc_report.json``: what the page of a QC report saves by "Save All" and takes back by
"Upload all" (report-ui 0.2, ``src/components/ImportExport.tsx``): ``datasets``, the entries of the
page with ``qc`` ("✅", "❌", "⚠️" or "") and ``rank`` (a number, "" or null), and ``tableState``.

SCT leaves alone what else an entry has.  Ours has the case, its mask, and who said what and when, so
that nothing is lost on the way there and back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...bids import contrast_of
from ...errors import InputError
from ...files import json_text
from ...structured_text import parse_json
from ..review_cases import ReviewCase
from ..verdicts import Judgement, Verdict, verdict_time
from .case_matching import CaseMatcher
from .foreign_verdicts import (
    ForeignFile,
    ForeignVerdict,
    JudgedCase,
    Written,
    WriteRequest,
    count_note,
    no_such_text,
    rank_of,
    read_text,
)

REPORT = "qc_report.json"
SOFTWARE = "SCT"
COMMAND = "softcord_qc"
PASSED, FAILED, ARTEFACT = "✅", "❌", "⚠️"
MARKS = {
    Judgement.PASS: PASSED,
    Judgement.FAIL: FAILED,
    Judgement.TO_CORRECT: FAILED,
    Judgement.ARTEFACT: ARTEFACT,
}
_JUDGEMENTS = {PASSED: Judgement.PASS, FAILED: Judgement.FAIL, "⚠": Judgement.ARTEFACT}
# Commands whose entries show a mask of the cord; sct_deepseg does many other things too.
_OF_THE_CORD = ("sct_deepseg_sc", "sct_propseg", "sct_deepseg")
_OTHER_TASKS = (
    *("lesion", "gm", "graymatter", "canal", "rootlets", "spine", "totalspineseg", "tumor"),
    *("vertebrae", "csf", "tsct"),
)


def read_qc_report(path: Path) -> ForeignFile:
    """Read ``qc_report.json``; of several entries on one image the last that was judged counts.

    Raises:
        InputError: it is no such file.
    """
    entries = entries_of(read_text(path), path)["datasets"]
    judged = [
        (number, entry) for number, entry in enumerate(entries, 1) if entry.get("qc") or _rank(entry)
    ]
    of_the_cord = [one for one in judged if is_of_the_cord(one[1])]
    of_the_cord.sort(key=lambda one: _text(one[1], "date"))
    versions = sorted({_text(entry, "sctVersion") for _, entry in of_the_cord} - {""})
    notes = count_note(
        len(judged) - len(of_the_cord),
        "1 verdict is on something else than a mask of the cord, and left out.",
        "{} verdicts are on something else than a mask of the cord, and left out.",
    )
    return ForeignFile(
        f"{SOFTWARE} {versions[-1] if versions else ''}".strip(),
        [_verdict_of(number, entry) for number, entry in of_the_cord],
        notes,
    )


def write_qc_report(request: WriteRequest) -> Written:
    """The report with the verdicts in it.  Where the file is there already, its entries on masks of
    the cord get them, all else in it stays; a case without an entry gets one without pictures.

    Raises:
        InputError: the existing file is no such report.
    """
    before = request.before.get(REPORT)
    report = {"datasets": []} if before is None else entries_of(before, Path(REPORT))
    matcher = CaseMatcher(one.case for one in request.judged)
    there: dict[str, list[dict[str, Any]]] = {}
    for entry in report["datasets"]:
        if is_of_the_cord(entry):
            for key in _keys_of(entry, matcher):
                there.setdefault(key, []).append(entry)
    bare = count = 0
    for one in request.judged:
        if one.judgement is None and (one.verdict is None or one.verdict.rank is None):
            continue
        count += 1
        entries = there.get(one.case.key)
        if entries is None:
            bare += 1
            entries = [new_entry(request, one.case)]
            report["datasets"] += entries
        latest = max(entries, key=lambda entry: _text(entry, "date"))
        latest.update(judged_keys(request, one))
    notes = count_note(
        bare,
        "1 case has no entry with pictures: SCT's page shows its verdict only.",
        "{} cases have no entry with pictures: SCT's page shows their verdicts only.",
    )
    return Written({REPORT: json_text(report)}, count, notes)


def entries_of(text: str, path: Path) -> dict[str, Any]:
    """The content of a report's text; ``datasets`` is a list of objects.

    Raises:
        InputError: it is no such report.
    """
    try:
        content = parse_json(text)
    except ValueError as error:
        raise no_such_text(path, error) from error
    entries = content.get("datasets") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(
            "This file is no report of SCT's QC page: it has no list 'datasets'.",
            path=path,
            hint="Give what the page's button Save All wrote.",
        )
    return content


def is_of_the_cord(entry: Mapping[str, Any]) -> bool:
    """Whether an entry shows a mask of the cord."""
    if _text(entry, "case"):
        return True
    command, words = _text(entry, "command"), _text(entry, "cmdline").split()
    if command != "sct_deepseg":
        return command in _OF_THE_CORD
    # "sct_deepseg spinalcord -i …", before SCT 7 "sct_deepseg -i … -task seg_sc_contrast_agnostic".
    at = words.index("-task") + 1 if "-task" in words else 1
    task = words[at] if at < len(words) else ""
    return not set(task.casefold().split("_")) & set(_OTHER_TASKS)


def new_entry(request: WriteRequest, case: ReviewCase) -> dict[str, Any]:
    """An entry without pictures, as SCT's page reads it."""
    return {
        "path": os.path.dirname(request.path_of(case.image)),
        "cmdline": f"{COMMAND} {case.key}",
        "command": COMMAND,
        "sctVersion": "",
        "dataset": request.dataset.name,
        "subject": case.participant,
        "contrast": contrast_of(case.image),
        "inputFile": case.image.name,
        "plane": "Axial",
        "backgroundImage": "",
        "overlayImage": "",
        "date": "",
        "rank": "",
        "qc": "",
    }


def judged_keys(request: WriteRequest, one: JudgedCase) -> dict[str, Any]:
    """What an entry says of a verdict: SCT's own two keys, and ours."""
    verdict = one.verdict
    if verdict is None:
        return {"rank": "", "qc": ""}
    qc = "" if verdict.verdict is None else MARKS[verdict.verdict]
    rank: int | str = "" if verdict.rank is None else verdict.rank
    return {
        "rank": rank,
        "qc": qc,
        "case": one.case.key,
        "mask": verdict.mask,
        "mask_sha256": verdict.mask_sha256,
        "rater": verdict.rater,
        "verdict": None if verdict.verdict is None else verdict.verdict.value,
        "comment": verdict.comment,
        "seconds": verdict.seconds,
        "when": verdict.when,
        "reading": verdict.reading,
        "blinded": verdict.blinded,
        "software": verdict.software,
        # Tells whether somebody changed the entry in SCT's page since.
        "judged": f"{qc}{rank}",
    }


def _verdict_of(number: int, entry: Mapping[str, Any]) -> ForeignVerdict:
    qc, rank = _text(entry, "qc"), _rank(entry)
    verdict = _JUDGEMENTS.get(qc.replace("\ufe0f", ""))
    name = _text(entry, "case") or "/".join(
        part for part in (_text(entry, "path"), _text(entry, "inputFile")) if part
    )
    plain = ForeignVerdict(
        name,
        f"entry {number}",
        verdict,
        rater=_text(entry, "rater"),
        rank=rank,
        comment=_text(entry, "comment"),
        mask=_text(entry, "mask"),
    )
    judged = entry.get("judged")
    if isinstance(judged, str) and judged != f"{qc}{'' if rank is None else rank}":
        return plain  # changed in SCT's page: when, and on which mask, it does not say
    own = Verdict.from_json({**entry, "case": name, "rater": "x", "when": "2000-01-01"})
    as_shown = own.verdict is not None and MARKS[own.verdict] == MARKS.get(verdict)
    when = _text(entry, "when")
    return ForeignVerdict(
        name,
        plain.where,
        own.verdict if as_shown else verdict,
        plain.rater,
        rank,
        plain.comment,
        own.seconds,
        when if verdict_time(when) else "",
        own.mask,
        own.mask_sha256,
        own.reading,
        own.blinded,
    )


def _keys_of(entry: Mapping[str, Any], matcher: CaseMatcher) -> Iterable[str]:
    try:
        return [matcher.find(_verdict_of(0, entry).name).key]
    except InputError:
        return []


def _rank(entry: Mapping[str, Any]) -> int | None:
    return rank_of(entry.get("rank", ""))


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""
