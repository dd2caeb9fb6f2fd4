"""The list that manual-correction works through, ``FILES_SEG``, and those that it has done,
``CORR_SEG``.

Its scripts (spinalcordtoolbox/manual-correction, ``manual_correction.py``: ``-config``;
``utils.track_corrections``) read names or paths of images, also with ``*``, under ``FILES_SEG``,
``FILES_LABEL`` and others, and move a name to ``CORR_…`` in the same file when its label was
corrected.
"""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ...errors import InputError
from ..verdicts import Judgement
from .foreign_verdicts import (
    ForeignFile,
    ForeignVerdict,
    WriteRequest,
    Written,
    count_note,
)
from .sct_qc_lists import MASKS_KEY, lists_of, read_lists, yaml_lists

LIST = "manual_correction.yml"
CORRECTED_KEY = "CORR_SEG"
SOFTWARE = "manual-correction"
_JUDGEMENTS = (Judgement.FAIL, Judgement.TO_CORRECT)


def read_correction_list(path: Path) -> ForeignFile:
    """The images of ``FILES_SEG`` are to be corrected; that one is in ``CORR_SEG`` says nothing of
    how good its mask is now.

    Raises:
        InputError: it is no such list.
    """
    lists = read_lists(path)
    if MASKS_KEY not in lists and CORRECTED_KEY not in lists:
        raise InputError(
            f"This list has no {MASKS_KEY}.", path=path, hint="Give a list of manual-correction."
        )
    corrected = {_base(name) for name in lists.get(CORRECTED_KEY, [])}
    verdicts = [
        ForeignVerdict(
            name,
            f"{MASKS_KEY}, entry {number}",
            Judgement.TO_CORRECT,
            extra={"not": sorted(corrected)} if is_pattern(name) else {},
        )
        for number, name in enumerate(lists.get(MASKS_KEY, []), 1)
        if _base(name) not in corrected
    ]
    notes = count_note(
        len(corrected),
        "1 image is listed as corrected, which is no verdict.",
        "{} images are listed as corrected, which is no verdict.",
    )
    return ForeignFile(SOFTWARE, verdicts, notes)


def write_correction_list(request: WriteRequest) -> Written:
    """``FILES_SEG`` with what failed or is to be corrected, ``CORR_SEG`` with what was corrected;
    other lists of an existing file, its patterns and names of other images stay.

    Raises:
        InputError: the existing file is no such list.
    """
    before = request.before.get(LIST)
    lists = {} if before is None else lists_of(before, Path(LIST))
    to_do, done = (list(lists.pop(key, [])) for key in (MASKS_KEY, CORRECTED_KEY))
    count = 0
    for one in request.judged:
        name = one.case.image.name
        listed = [item for item in to_do if not is_pattern(item) and _base(item) == name]
        covered = any(is_pattern(item) and fnmatchcase(name, _base(item)) for item in to_do)
        if one.judgement is None and not (one.corrected and (listed or covered)):
            continue
        wanted = one.judgement in _JUDGEMENTS and not (one.corrected and one.earlier)
        count += wanted or one.corrected
        if wanted:
            done = [item for item in done if _base(item) != name]
            to_do += [] if listed or covered else [name]
            continue
        to_do = [item for item in to_do if item not in listed]
        # A pattern means every image that is not listed as corrected.
        if (one.corrected or covered) and name not in map(_base, done):
            done.append(name)
    lists = {
        **({MASKS_KEY: to_do} if to_do else {}),
        **({CORRECTED_KEY: done} if done else {}),
        **lists,
    }
    artefacts = sum(one.judgement is Judgement.ARTEFACT for one in request.judged)
    notes = count_note(
        artefacts,
        "manual-correction has no list of artefacts: 1 such case is left out.",
        "manual-correction has no list of artefacts: {} such cases are left out.",
    )
    left_out = "manual-correction's list has no comments, ranks, raters and times."
    return Written({LIST: yaml_lists(lists)}, count, (*notes, left_out))


def is_pattern(name: str) -> bool:
    """Whether a name stands for several images."""
    return "*" in name


def is_meant(pattern: str, name: str, corrected: Collection[str]) -> bool:
    """Whether a pattern means the image of this name: not where that is listed as corrected."""
    return fnmatchcase(name, _base(pattern)) and name not in corrected


def _base(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name
