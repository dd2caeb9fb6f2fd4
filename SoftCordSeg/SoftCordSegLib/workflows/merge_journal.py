"""Replacing the files of a case as one: what is new is staged completely in ``derivatives/review``
before the first file is replaced, and a run that was killed in between is finished by the next.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from ..bids import read_sidecar, review_folder
from ..errors import OutputError
from ..files import file_sha256, json_text, locked, write_text_atomically, write_together
from .package_manifest import is_plain_path

_FOLDER, _PLAN = ".merging", "plan.json"


def replace_as_one(dataset: Path, key: str, files: Mapping[str, Callable[[Path], object]]) -> None:
    """Write the files of a case, all or none, also where the process is killed.

    Args:
        dataset: folder of the data set.
        key: of the case, for the sentence of an error.
        files: path in the data set -> function that writes to the path it is given; put in place in
            this order.

    Raises:
        OutputError: a file cannot be written; none was replaced.
    """
    stage = review_folder(dataset) / _FOLDER / f"{os.getpid()}"
    shutil.rmtree(stage, ignore_errors=True)
    staged = {name: stage / f"{number}" / Path(name).name for number, name in enumerate(files)}
    try:
        write_together({staged[name]: write for name, write in files.items()})
        sums = {name: file_sha256(path) for name, path in staged.items()}
        write_text_atomically(stage / _PLAN, json_text({"Case": key, "Files": sums}))
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    _apply(dataset, stage)


def finish_interrupted(dataset: Path) -> list[str]:
    """Finish what a killed run has begun, and remove what it had only staged.

    Returns:
        Keys of the cases that were finished.

    Raises:
        OutputError: a file cannot be written.
    """
    folder = review_folder(dataset) / _FOLDER
    if not folder.is_dir():
        return []
    finished = []
    with locked(folder):
        for stage in sorted(folder.iterdir()):
            plan = read_sidecar(stage / _PLAN)
            if plan:
                _apply(dataset, stage)
                finished.append(str(plan.get("Case")))
            else:
                shutil.rmtree(stage, ignore_errors=True)
    return finished


def _apply(dataset: Path, stage: Path) -> None:
    """Put the staged files in place; what was there before is the one or the other, never half."""
    sums = read_sidecar(stage / _PLAN).get("Files")
    files = {}
    for number, (name, sha256) in enumerate(sums.items() if isinstance(sums, Mapping) else ()):
        staged = stage / f"{number}" / Path(name).name
        if not is_plain_path(name) or file_sha256(staged) != sha256:
            raise OutputError(
                "What was prepared to be merged was changed by something else.",
                path=stage,
                hint="Remove this folder, and merge again.",
            )
        files[dataset / name] = _copier(staged)
    write_together(files)
    with contextlib.suppress(FileNotFoundError):
        os.remove(stage / _PLAN)
    shutil.rmtree(stage, ignore_errors=True)


def _copier(staged: Path) -> Callable[[Path], object]:
    return lambda temporary: shutil.copyfile(staged, temporary)
