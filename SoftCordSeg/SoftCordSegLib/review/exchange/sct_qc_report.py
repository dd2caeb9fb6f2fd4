"""SCT's ``qc_report.json``: what the page of a QC report saves by "Save All" and takes back by
"Upload all" (report-ui 0.2, ``src/components/ImportExport.tsx``): ``datasets``, the entries of the
page with ``qc`` ("✅", "❌", "⚠️" or "") and ``rank`` (a number, "" or null), and ``tableState``.

SCT leaves alone what else an entry has.  Ours has the case, its mask, and who said what and when,
so that nothing is lost on the way there and back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ... import __version__
from ...errors import InputError
from ...files import json_text
from ...structured_text import parse_json
from ..qc_entry import COMMAND, REPORT, SIGNS, entry_id, judgement_word
from ..review_cases import ReviewCase
from ..verdicts import Judgement, Verdict, verdict_time
from .case_matching import CaseMatcher
from .foreign_verdicts import (
    ForeignFile,
    ForeignVerdict,
    JudgedCase,
    WriteRequest,
    Written,
    count_note,
    no_such_text,
    rank_of,
    read_text,
)

SOFTWARE = "SCT"
# Tells whether somebody changed an entry in SCT's page after we wrote it.
_AS_WRITTEN = "judged"
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
        (number, entry)
        for number, entry in enumerate(entries, 1)
        if entry.get("qc") or _rank(entry) is not None or _text(entry, "comment")
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
        entries = there.get(one.case.key)
        # A verdict that was taken back is taken back there too.
        if one.verdict is None or (not one.says_something and entries is None):
            continue
        count += one.says_something
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
    """An entry without pictures, as SCT's page reads it: rows of its table are known by their
    ``id``, and one without a version shows nothing of itself.
    """
    entry = {
        "path": os.path.dirname(request.path_of(case.image)),
        "cmdline": f"{COMMAND} {case.key}",
        "command": COMMAND,
        "sctVersion": f"SoftCordSeg {__version__}",
        "dataset": request.dataset.name,
        "subject": case.participant,
        "contrast": case.contrast,
        "inputFile": case.image.name,
        "plane": "Axial",
        "backgroundImage": "",
        "overlayImage": "",
        "date": "",
        "rank": "",
        "qc": "",
    }
    return {**entry, "id": entry_id(entry)}


def judged_keys(request: WriteRequest, one: JudgedCase) -> dict[str, Any]:
    """What an entry says of a verdict: SCT's own two keys, and ours."""
    verdict = one.verdict
    if verdict is None:
        return {"rank": "", "qc": ""}
    word = "" if verdict.verdict is None else verdict.verdict.value
    qc = SIGNS.get(word, "")
    rank: int | str = "" if verdict.rank is None else verdict.rank
    own = {key: value for key, value in verdict.as_json().items() if key not in verdict.extra}
    return {**own, "verdict": word, "rank": rank, "qc": qc, _AS_WRITTEN: f"{qc}{rank}"}


def _verdict_of(number: int, entry: Mapping[str, Any]) -> ForeignVerdict:
    name = _text(entry, "case") or "/".join(
        part for part in (_text(entry, "path"), _text(entry, "inputFile")) if part
    )
    word, rank = judgement_word(entry), _rank(entry)
    plain = ForeignVerdict(
        name,
        f"entry {number}",
        Judgement(word) if word else _SIGNS_OF_OLD.get(_text(entry, "qc")),
        rater=_text(entry, "rater"),
        rank=rank,
        comment=_text(entry, "comment"),
        mask=_text(entry, "mask"),
        mask_sha256=_text(entry, "mask_sha256"),
        blinded=entry.get("blinded") is True,
        software=_software(entry),
    )
    as_written = entry.get(_AS_WRITTEN, "")
    shown = f"{_text(entry, 'qc')}{'' if rank is None else rank}"
    if as_written not in ("", shown):
        # Changed in SCT's page, which does not say by whom, when, or on which mask.
        return replace(plain, is_author=False)
    own = Verdict.from_json({**entry, "case": name, "rater": "x", "when": "2000-01-01"})
    when = _text(entry, "when")
    return replace(
        plain,
        seconds=own.seconds,
        when=when if verdict_time(when) else "",
        reading=own.reading,
    )


def _keys_of(entry: Mapping[str, Any], matcher: CaseMatcher) -> Iterable[str]:
    try:
        return [matcher.find(_verdict_of(0, entry).name).key]
    except InputError:
        return []


def _software(entry: Mapping[str, Any]) -> str:
    """What the entry names; of our page ours, which stands where SCT's version would."""
    version = _text(entry, "sctVersion")
    page = f"{version} (QC page)" if version.startswith("SoftCordSeg") else ""
    return _text(entry, "software") or page


# Without the character that asks for the coloured picture.
_SIGNS_OF_OLD = {"⚠": Judgement.ARTEFACT}


def _rank(entry: Mapping[str, Any]) -> int | None:
    return rank_of(entry.get("rank", ""))


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""
