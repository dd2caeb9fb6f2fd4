"""SCT's lists of failed cases and of artefacts, ``qc_fail.yml`` and ``qc_artifact.yml``.

The page of a QC report writes them by "Save Fails" and "Save Artifacts" (report-ui,
``src/components/YamlExport.tsx``): under a key for the kind of file, ``FILES_SEG`` for masks of the
cord, a list of ``path/inputFile``.  What SCT does not know as a command of its own is under
``FILE_KIND_UNKNOWN``.  ``sct_run_batch -include-yml`` and manual-correction read them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import InputError
from ...yaml_text import parse_yaml
from ..verdicts import Judgement
from .foreign_verdicts import (
    ForeignFile,
    ForeignVerdict,
    WriteRequest,
    Written,
    count_note,
    no_such_text,
    read_text,
)

FAILS, ARTEFACTS = "qc_fail.yml", "qc_artifact.yml"
MASKS_KEY = "FILES_SEG"
_UNKNOWN_KIND = "FILE_KIND_UNKNOWN"
SOFTWARE = "SCT (QC lists)"


def read_qc_list(path: Path) -> ForeignFile:
    """Read ``qc_fail.yml`` or ``qc_artifact.yml``; which one it is, its name says.

    Raises:
        InputError: it is neither, or no such list.
    """
    name = path.name.casefold()
    if "artifact" not in name and "artefact" not in name and "fail" not in name:
        raise InputError(
            "Whether this list is of failed cases or of artefacts, only its name could say.",
            path=path,
            hint=f"Call it {FAILS} or {ARTEFACTS}.",
        )
    verdict = Judgement.FAIL if "fail" in name else Judgement.ARTEFACT
    content = read_lists(path)
    verdicts = [
        ForeignVerdict(item, f"{key}, entry {number}", verdict)
        for key in content
        if key == MASKS_KEY or key.endswith(_UNKNOWN_KIND)
        for number, item in enumerate(content[key], 1)
    ]
    others = sorted(key for key in content if key != MASKS_KEY and not key.endswith(_UNKNOWN_KIND))
    notes = (f"Not of masks of the cord, and left out: {', '.join(others)}.",) if others else ()
    return ForeignFile(SOFTWARE, verdicts, notes)


def write_qc_lists(request: WriteRequest) -> Written:
    """Both lists.  SCT knows no "to correct": such cases are among the fails."""
    files, count = {}, 0
    lists = {
        FAILS: (Judgement.FAIL, Judgement.TO_CORRECT),
        ARTEFACTS: (Judgement.ARTEFACT,),
    }
    for name, judgements in lists.items():
        items = [
            request.path_of(one.case.image) for one in request.judged if one.judgement in judgements
        ]
        count += len(items)
        files[name] = yaml_lists({MASKS_KEY: items}) if items else "# No rows matched\n"
    to_correct = sum(one.judgement is Judgement.TO_CORRECT for one in request.judged)
    passed = sum(one.judgement is Judgement.PASS for one in request.judged)
    notes = count_note(
        to_correct,
        "SCT's lists have no 'to correct': 1 such case is among the fails.",
        "SCT's lists have no 'to correct': {} such cases are among the fails.",
    ) + count_note(
        passed,
        "1 case that passed is in no list of SCT's; comments, ranks and times are in none either.",
        "{} cases that passed are in no list of SCT's; comments, ranks and times are in none"
        " either.",
    )
    return Written(files, count, notes)


def read_lists(path: Path) -> dict[str, list[str]]:
    """The lists of names in a YAML file, by their keys; a file of comments alone has none.

    Raises:
        InputError: it is not YAML, or something else than lists of names.
    """
    return lists_of(read_text(path), path)


def lists_of(text: str, path: Path) -> dict[str, list[str]]:
    """The same of the text of the file ``path``.

    Raises:
        InputError: as :func:`read_lists`.
    """
    try:
        content = parse_yaml(text, as_text=True)
    except ValueError as error:
        raise no_such_text(path, error) from error
    if content in (None, ""):
        return {}
    if not isinstance(content, dict):
        raise _no_list(path)
    return {str(key): _names(value, path) for key, value in content.items()}


def yaml_lists(content: dict[str, Any]) -> str:
    """The text of such a file."""
    import yaml

    return yaml.safe_dump(
        content, default_flow_style=False, sort_keys=False, allow_unicode=True, width=10_000
    )


def _names(value: Any, path: Path) -> list[str]:
    if value in (None, ""):
        return []
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [item for item in value if item]
    raise _no_list(path)


def _no_list(path: Path) -> InputError:
    return InputError(
        "This file has no lists of images (such as FILES_SEG) in it.",
        path=path,
        hint="Give a list as SCT's QC page or manual-correction writes it.",
    )
