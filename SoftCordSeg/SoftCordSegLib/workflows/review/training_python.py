"""A Python that can train, and a process of it: PyTorch is gigabytes, and the Python that shows the
panel need not have it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError, OutputError
from ...files import real_path
from ...network.store import open_bundle
from ...processes import output_of, start_detached
from ..live_run import LOG_FILE, PROGRESS_FILE, STOP_FILE, note_start

TASK_FILE = "task.json"

PYTHON_VARIABLE = "SOFTCORDSEG_PYTHON"
# What a process that trains and measures imports beside the standard library.
NEEDED = ("torch", "numpy", "scipy", "nibabel", "safetensors", "pandas")
_PROBE = (
    "import json, sys, importlib.util as u;"
    " print(json.dumps([list(sys.version_info[:2]),"
    " [n for n in sys.argv[1:] if u.find_spec(n) is None]]))"
)
_OLDEST = (3, 9)
_ANSWER_S = 60.0
# What one Python must not hear of another one: where its own packages and libraries lie.
_OF_ANOTHER = ("PYTHONHOME", "PYTHONPATH", "PYTHONNOUSERSITE", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class TrainingPython:
    """A Python that can train.

    Attributes:
        path: of its program.
        environment: all variables of its processes; the library is found in it.
    """

    path: Path
    environment: dict[str, str]


def find_training_python(
    chosen: str | Path | None = None, environment: Mapping[str, str] | None = None
) -> TrainingPython:
    """The first Python that has what training needs: the chosen one alone, else that of
    ``$SOFTCORDSEG_PYTHON``, else the one that runs this.

    Args:
        chosen: its program, or the folder of its environment; None for no choice.
        environment: variables of a process that has nothing to do with this one
            (``slicer.util.startupEnvironment()``); None takes those of this one, without what
            belongs to this Python.

    Raises:
        InputError: none has; the hint says how to get it.
    """
    given = str(chosen or os.environ.get(PYTHON_VARIABLE) or "").strip()
    program = _program(Path(given).expanduser()) if given else Path(sys.executable or "python3")
    variables = _environment(program, environment)
    try:
        code, text = output_of([str(program), "-c", _PROBE, *NEEDED], variables, _ANSWER_S)
        version, missing = json.loads(text) if code == 0 else ((0, 0), list(NEEDED))
    except (OSError, ValueError) as error:
        raise InputError(
            "This Python cannot be started.",
            path=program,
            hint=f"Choose another one that has PyTorch, or set ${PYTHON_VARIABLE}.",
        ) from error
    if tuple(version) < _OLDEST:
        raise InputError(
            "This is no Python of version 3.9 or later.",
            path=program,
            hint="Choose another one.",
        )
    if missing:
        raise InputError(
            f"Teaching needs {_words(missing)}, which this Python lacks.",
            path=program,
            hint=how_to_get(missing),
        )
    return TrainingPython(program, variables)


def start_task(folder: Path, model: str | Path | None, python: TrainingPython) -> int:
    """Start a process that does what the file ``task.json`` of a folder asks for.

    It works from within the folder, so that what it says holds no path of this machine.

    Args:
        folder: with the task.
        model: name or folder of a bundle; the shipped one where None.
        python: that runs it.

    Returns:
        The number of the process.

    Raises:
        ModelError: the bundle cannot be used.
        OutputError: the folder cannot be written, or the process not be started.
    """
    bundle = real_path(open_bundle(model).folder)
    command = [str(python.path), "-m", f"{__package__}.own_process", str(bundle)]
    for old in (STOP_FILE, LOG_FILE, PROGRESS_FILE):
        with contextlib.suppress(FileNotFoundError):
            os.remove(folder / old)
    try:
        process = start_detached(command, folder / LOG_FILE, folder, python.environment)
    except OSError as error:
        raise OutputError(
            f"The process could not be started: {error.strerror or error}.", path=folder
        ) from error
    note_start(folder, process)
    return process


def how_to_get(missing: Sequence[str]) -> str:
    """How a user gets the packages that training needs."""
    if importlib.util.find_spec("slicer") is None:
        return (
            "Install them: pip install 'softcordseg[training,evaluation]'; or set"
            f" ${PYTHON_VARIABLE} to a Python that has them."
        )
    torch = "Install the extension PyTorch of 3D Slicer; or choose" if "torch" in missing else ""
    return (
        f"{torch or 'Install them in 3D Slicer, or choose'} a Python that has them: make one with"
        " 'python -m venv', then pip install 'softcordseg[training,evaluation]' in it."
    )


def _program(path: Path) -> Path:
    """The program itself, of a folder with an environment too."""
    inside = (path / "bin" / "python", path / "Scripts" / "python.exe", path / "python.exe")
    return next((one for one in inside if path.is_dir() and one.is_file()), path)


def _environment(program: Path, given: Mapping[str, str] | None) -> dict[str, str]:
    own = real_path(program) == real_path(sys.executable or "")
    variables = dict(os.environ) if own or given is None else dict(given)
    if not own:
        for name in _OF_ANOTHER if given is None else _OF_ANOTHER[:2]:
            variables.pop(name, None)
    library = str(Path(__file__).resolve().parents[3])
    known = variables.get("PYTHONPATH", "")
    variables["PYTHONPATH"] = os.pathsep.join([library, *([known] if known else [])])
    return variables


def _words(names: Sequence[str]) -> str:
    shown = ["PyTorch" if name == "torch" else name for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
