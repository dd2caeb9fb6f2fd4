"""The process that the panel and the command line start for what takes minutes:
``python -m SoftCordSegLib.workflows.review.own_process BUNDLE``, from within the folder whose
``task.json`` says what to do.

It needs PyTorch, and neither a terminal nor Qt.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ...bids import read_sidecar
from ...errors import Cancelled, InputError, SoftCordSegError

_STOPPED, _FAILED = 130, 1


def run_task(folder: Path, model: str) -> None:
    """Do what ``task.json`` asks for.

    Raises:
        InputError: it asks for something else.
        SoftCordSegError: of the task.
    """
    from . import segment_again, teach_model
    from .training_python import TASK_FILE

    tasks = {
        teach_model.TEACHING: teach_model.run_teaching,
        segment_again.AGAIN: segment_again.run_again,
    }
    task = read_sidecar(folder / TASK_FILE).get("task")
    if task not in tasks:
        raise InputError("There is no task in this folder.", path=folder)
    tasks[task](folder, model)


def main() -> int:
    """The exit code; a sentence goes to standard error."""
    from ...processes import LARGEST_THRESHOLD, keep_freed_memory

    keep_freed_memory(LARGEST_THRESHOLD)
    try:
        run_task(Path(), sys.argv[1] if len(sys.argv) > 1 else "")
    except (Cancelled, KeyboardInterrupt):
        return _STOPPED
    except SoftCordSegError as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
