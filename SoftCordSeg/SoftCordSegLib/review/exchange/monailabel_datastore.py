"""MONAILabel's ``datastore_v2.json``: in it, for each label of an image, what its Reviewer says.

MONAILabel Reviewer (Project-MONAI/MONAILabel, ``MONAILabelReviewerLib/SegmentationMeta.py``) stores
``segmentationMeta`` (status "approved", "flagged", "segmented" or "not segmented", approvedBy,
level "easy", "medium" or "hard", comment, editTime) with the versions "final", "original",
"version_1" of a label.  The time is a number of seconds, or, in older stores, a text of it or of
``time.ctime``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ...bids import split_extension
from ...errors import InputError
from ...files import json_text
from ...structured_text import parse_json
from ..verdicts import Judgement, verdict_time
from .case_matching import CaseMatcher
from .foreign_verdicts import (
    ForeignFile,
    ForeignVerdict,
    JudgedCase,
    WriteRequest,
    Written,
    count_note,
    no_such_text,
    read_text,
    utc_of_seconds,
)

DATASTORE = "datastore_v2.json"
SOFTWARE = "MONAILabel"
# What MONAILabel has of a store beside its objects (monailabel/datastore/local.py).
_NEW_STORE = {"name": "softcord", "description": "", "images_dir": "", "labels_dir": "labels"}
META, _FINAL, _ORIGINAL = "segmentationMeta", "final", "original"
_APPROVED, _FLAGGED, _SEGMENTED = "approved", "flagged", "segmented"
_JUDGEMENTS = {_APPROVED: Judgement.PASS, _FLAGGED: Judgement.TO_CORRECT}


def read_datastore(path: Path) -> ForeignFile:
    """Approved is a pass; flagged, which asks for another look, is to be corrected.  Of several
    versions of a label the approved one counts, as in the Reviewer, else the last.

    Raises:
        InputError: it is no such store.
    """
    objects = _objects(read_text(path), path)["objects"]
    verdicts, others = [], 0
    for name, content in objects.items():
        meta = _meta_that_counts(content)
        if meta is None:
            continue
        verdict = _JUDGEMENTS.get(_text(meta, "status"))
        if verdict is None:
            others += 1
            continue
        level = _text(meta, "level")
        verdicts.append(
            ForeignVerdict(
                _file_of(name, content),
                f"object '{name}'",
                verdict,
                rater=_text(meta, "approvedBy"),
                comment=_text(meta, "comment"),
                when=time_of(meta.get("editTime")),
                extra={"level": level} if level else {},
            )
        )
    notes = count_note(
        others,
        "1 image is neither approved nor flagged.",
        "{} images are neither approved nor flagged.",
    )
    return ForeignFile(SOFTWARE, verdicts, notes)


def write_datastore(request: WriteRequest) -> Written:
    """The store with the verdicts in it; all else in an existing one stays.

    Raises:
        InputError: the existing file is no such store.
    """
    before = request.before.get(DATASTORE)
    if before is None:
        store: dict[str, Any] = {**_NEW_STORE, "objects": {}}
    else:
        store = _objects(before, Path(DATASTORE))
    objects = store["objects"]
    matcher = CaseMatcher(one.case for one in request.judged)
    known = {}
    for name, content in objects.items():
        try:
            known[matcher.find(_file_of(name, content)).key] = name
        except InputError:
            continue
    count = twice = blurred = 0
    for one in request.judged:
        if one.judgement is None:
            _take_back(objects.get(known.get(one.case.key, "")), request.rater)
            continue
        stem, extension = split_extension(one.case.image)
        name = known.get(one.case.key, stem)
        if one.case.key not in known and name in objects:
            twice += 1
            continue
        known[one.case.key] = name
        count += 1
        blurred += one.judgement in (Judgement.FAIL, Judgement.ARTEFACT)
        image = {"ext": extension, "info": {"name": one.case.image.name}}
        content = objects.setdefault(name, {"image": image, "labels": {}})
        _store(content, one)
    notes = count_note(
        blurred,
        "MONAILabel has no 'fail' and no 'artefact': 1 such case is flagged.",
        "MONAILabel has no 'fail' and no 'artefact': {} such cases are flagged.",
    ) + count_note(
        twice,
        "MONAILabel knows images by name: 1 whose name another image has is left out.",
        "MONAILabel knows images by name: {} whose name another image has are left out.",
    )
    place = "MONAILabel drops a label that it does not find: masks belong into labels/final, by the"
    notes += (f"{place} names of the images, before it opens the store.",) if before is None else ()
    return Written({DATASTORE: json_text(store)}, count, (*notes, "It has no ranks."))


def time_of(value: Any) -> str:
    """The UTC of an edit time: seconds since 1970, as number or text, or "Thu Apr 28 16:56:36
    2022" of this computer's time; "" for none.
    """
    if type(value) in (int, float):
        return utc_of_seconds(value)
    text = str(value or "").strip()
    if text.isdecimal():
        return utc_of_seconds(int(text[:15]))
    try:
        read = datetime.strptime(text, "%a %b %d %H:%M:%S %Y")
        return read.astimezone(timezone.utc).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _store(content: dict[str, Any], one: JudgedCase) -> None:
    """Put a verdict into an object's label, the one that counts there already."""
    verdict = one.verdict
    assert verdict is not None
    labels = content.get("labels")
    if not isinstance(labels, dict):
        labels = content["labels"] = {}
    versions = [_FINAL, *reversed(list(labels))]
    tag = _tag_that_counts(content) or next((one for one in versions if one in labels), _FINAL)
    mask = one.case.mask
    label = labels.get(tag)
    if not isinstance(label, dict):
        extension = "" if mask is None else split_extension(mask)[1]
        label = labels[tag] = {"ext": extension, "info": {}}
    info = label.get("info")
    if not isinstance(info, dict):
        info = label["info"] = {}
    if mask is not None:
        info.setdefault("name", mask.name)
    before = info.get(META)
    kept = before if isinstance(before, dict) else {}
    when = verdict_time(verdict.when)
    info[META] = {
        **kept,
        "status": _APPROVED if verdict.verdict is Judgement.PASS else _FLAGGED,
        "approvedBy": verdict.rater,
        "level": verdict.extra.get("level", kept.get("level", "")),
        "comment": verdict.comment,
        "editTime": "" if when is None else int(when.timestamp()),
    }


def _take_back(content: Any, rater: str) -> None:
    """Where the rater has taken the verdict back, the label is not judged there any more either."""
    meta = _meta_that_counts(content) if isinstance(content, dict) else None
    if isinstance(meta, dict) and _text(meta, "approvedBy") == rater:
        meta["status"] = _SEGMENTED


def _objects(text: str, path: Path) -> dict[str, Any]:
    try:
        content = parse_json(text)
    except ValueError as error:
        raise no_such_text(path, error) from error
    objects = content.get("objects") if isinstance(content, dict) else None
    if not isinstance(objects, dict) or not all(isinstance(one, dict) for one in objects.values()):
        raise InputError(
            "This file is no datastore of MONAILabel: it has no 'objects'.",
            path=path,
            hint=f"Give a file such as {DATASTORE}.",
        )
    return content


def _tag_that_counts(content: Mapping[str, Any]) -> str | None:
    """The version of the label whose words count."""
    metas = _metas(content)
    approved = [tag for tag, meta in metas.items() if _text(meta, "status") == _APPROVED]
    if approved:
        return approved[0]
    return max(
        metas, key=lambda tag: (time_of(metas[tag].get("editTime")), _number_of(tag)), default=None
    )


def _number_of(tag: str) -> int:
    """Of a version of a label, "version_12"; 0 of "final" and "original"."""
    number = tag.rpartition("_")[2]
    return int(number) if number.isdecimal() and len(number) < 10 else 0


def _meta_that_counts(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    tag = _tag_that_counts(content)
    return None if tag is None else _metas(content)[tag]


def _metas(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    labels = content.get("labels")
    for tag, label in (labels if isinstance(labels, dict) else {}).items():
        info = label.get("info") if isinstance(label, dict) else None
        meta = info.get(META) if isinstance(info, dict) else None
        if isinstance(meta, dict) and meta:
            found[tag] = meta
    return found


def _file_of(name: str, content: Mapping[str, Any]) -> str:
    """The image's file; its id where the store does not name it."""
    image = content.get("image")
    info = image.get("info") if isinstance(image, dict) else None
    return _text(info if isinstance(info, dict) else {}, "name") or name


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""
