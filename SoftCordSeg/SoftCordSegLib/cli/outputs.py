"""Where results go: names that do not collide, never over an input, and all files of one result or
none.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..files import atomic_path, file_stem
from .guard import UsageProblem


def check_names(images: Sequence[Path]) -> None:
    """Refuse images whose results would take each other's place.

    Raises:
        UsageProblem: two images of one name, or one image twice.
    """
    seen: dict[str, Path] = {}
    for image in images:
        key = file_stem(image).casefold()  # some disks do not tell capitals from small letters
        if key in seen:
            twice = (
                f"'{image}' is given twice"
                if seen[key] == image
                else f"'{seen[key]}' and '{image}' have the same name"
            )
            raise UsageProblem(
                f"{twice}, so their results would overwrite each other. Run them one by one, into"
                " two folders."
            )
        seen[key] = image


def check_not_an_input(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse to write over an input.

    Raises:
        UsageProblem: an output is one of the inputs, by whatever name or link.
    """
    originals = {path.resolve() for path in inputs}
    for output in outputs:
        if output.resolve() in originals:
            raise UsageProblem(
                f"'{output}' is an input and would be overwritten. Choose another output."
            )


def check_folder(folder: Path) -> None:
    """Make the folder and try to write into it, before any work is done.

    Raises:
        OutputError: it cannot be made or written.
    """
    with contextlib.suppress(_ProbeDone), atomic_path(folder / "probe"):
        raise _ProbeDone  # leaves nothing behind


def write_together(files: dict[Path, Callable[[Path], object]]) -> None:
    """Write all the files, or none: the first takes its place only after the last is written.

    Args:
        files: for each path a function that writes to the temporary path it is given (of the same
            endings).

    Raises:
        OutputError: the folder is not writable or the disk is full; what was there before is
            untouched.
    """
    with contextlib.ExitStack() as stack:
        for path, write in files.items():
            temporary = stack.enter_context(atomic_path(path))
            try:
                write(temporary)
            except OutputError as error:  # name the file that the user knows, not the temporary one
                raise OutputError(str(error).replace(str(temporary), str(path))) from error


def text_writer(text: str) -> Callable[[Path], object]:
    """For :func:`write_together`: a function that writes ``text`` as UTF-8, ends of lines as they
    are.
    """
    return lambda path: path.write_bytes(text.encode("utf-8"))


def json_text(content: dict[str, Any]) -> str:
    """How our JSON files look."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


class _ProbeDone(Exception):
    pass
