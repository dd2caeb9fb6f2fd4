"""Replacing the files of a case as one: what is new is staged completely in ``derivatives/review``
before the first file is replaced, and a run that was killed in between is finished when the data
set is looked at next, so that no case is ever seen half replaced.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..bids import read_sidecar, review_folder
from ..errors import OutputError
from ..files import (
    file_sha256,
    is_plain_path,
    json_text,
    locked,
    write_text_atomically,
    write_together,
)
from ..processes import LockError, exclusive_lock

_FOLDER, _PLAN, _LOCK = ".merging", "plan.json", "merge"


@contextlib.contextmanager
def merging(dataset: Path) -> Iterator[None]:
    """Hold the data set against another merge.

    Raises:
        OutputError: its folder cannot be written.
    """
    with locked(review_folder(dataset) / _LOCK):
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                (review_folder(dataset) / _FOLDER).rmdir()  # unless a run was interrupted in it


def replace_as_one(dataset: Path, key: str, files: Mapping[str, Callable[[Path], object]]) -> None:
    """Write the files of a case, all or none, also where the process is killed; within
    :func:`merging`.

    Args:
        dataset: folder of the data set.
        key: of the case, for the sentence of an error.
        files: path in the data set -> function that writes to the path it is given; put in place in
            this order.

    Raises:
        OutputError: a file cannot be written, or was changed meanwhile; none was replaced.
    """
    stage = review_folder(dataset) / _FOLDER / f"{os.getpid()}"
    shutil.rmtree(stage, ignore_errors=True)
    before = {name: _sum_of(dataset / name) for name in files}
    staged = {name: stage / f"{number}" / Path(name).name for number, name in enumerate(files)}
    try:
        write_together({staged[name]: write for name, write in files.items()})
        sums = {name: [before[name], file_sha256(path)] for name, path in staged.items()}
        write_text_atomically(stage / _PLAN, json_text({"Case": key, "Files": sums}))
        applied = _apply(dataset, stage)
    except (Exception, KeyboardInterrupt):
        if all(_sum_of(dataset / name) == total for name, total in before.items()):
            shutil.rmtree(stage, ignore_errors=True)  # else the next run goes on
        raise
    if not applied:
        raise OutputError("A file of this case was changed while it was merged; it was left.")


def finish_interrupted(dataset: Path) -> list[str]:
    """Finish what a killed run has begun, and remove what it had only staged; within
    :func:`merging`.  A case whose files were changed since is left as it is.

    Returns:
        Keys of the cases that were finished.

    Raises:
        OutputError: a file cannot be written.
    """
    folder = review_folder(dataset) / _FOLDER
    finished = []
    for stage in sorted(folder.iterdir()) if folder.is_dir() else ():
        plan = read_sidecar(stage / _PLAN)
        if plan and _apply(dataset, stage):
            finished.append(str(plan.get("Case")))
        shutil.rmtree(stage, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
    return finished


def finish_for_reader(dataset: Path) -> None:
    """As :func:`finish_interrupted`, for who only looks at the data set: nothing where no run was
    interrupted, where one is at work, or where the folder cannot be written.
    """
    folder = review_folder(dataset)
    if not (folder / _FOLDER).is_dir():
        return
    # While a merge is at work it holds the lock; what is staged then is not left over.
    with (
        contextlib.suppress(LockError, OutputError, OSError),
        exclusive_lock(folder / f".{_LOCK}.lock", wait=False),
    ):
        finish_interrupted(dataset)


def _apply(dataset: Path, stage: Path) -> bool:
    """Put the staged files in place; False where one that is there is neither the one of before nor
    the new one: somebody has changed it since, and nothing is replaced.

    Raises:
        OutputError: what was staged is not what the plan says, or a file cannot be written.
    """
    sums = read_sidecar(stage / _PLAN).get("Files")
    files = {}
    for number, (name, total) in enumerate(sums.items() if isinstance(sums, Mapping) else ()):
        staged = stage / f"{number}" / Path(name).name
        if not is_plain_path(name) or _sum_of(staged) != total[1]:
            raise OutputError(
                "What was prepared to be merged was changed by something else.",
                path=stage,
                hint="Remove this folder, and merge again.",
            )
        if _sum_of(dataset / name) not in total:
            shutil.rmtree(stage, ignore_errors=True)
            return False
        files[dataset / name] = _copier(staged)
    write_together(files)
    with contextlib.suppress(FileNotFoundError):
        os.remove(stage / _PLAN)
    shutil.rmtree(stage, ignore_errors=True)
    return True


def _sum_of(path: Path) -> str:
    """SHA-256 of a file; "" where there is none."""
    return file_sha256(path) if path.is_file() else ""


def _copier(staged: Path) -> Callable[[Path], object]:
    return lambda temporary: shutil.copyfile(staged, temporary)
