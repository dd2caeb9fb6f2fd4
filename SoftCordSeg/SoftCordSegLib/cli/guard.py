"""Errors become a sentence and an exit code: 1 bad input or nothing could be done, 2 usage, 130
cancelled.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from ..errors import (
    Cancelled,
    OptionError,
    OutOfMemory,
    OutputError,
    SoftCordSegError,
    is_out_of_memory,
)
from .console import fail, print_json, say_lines

EXIT_FAILED, EXIT_USAGE, EXIT_CANCELLED = 1, 2, 130


@contextlib.contextmanager
def guarded(debug: bool = False, as_json: bool = False) -> Iterator[None]:
    """Run a command: whatever goes wrong in the block ends as a sentence on stderr and an exit
    code.

    Args:
        debug: show the traceback of an unexpected error.
        as_json: also print the error as one JSON object, see :func:`json_of`.

    Raises:
        typer.Exit: with the code.
    """
    try:
        yield
    except (Cancelled, KeyboardInterrupt):
        stopped = Cancelled("Stopped. Files finished before are complete; no other was written.")
        _end(EXIT_CANCELLED, stopped, as_json)
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        code = EXIT_USAGE if isinstance(error, OptionError) else EXIT_FAILED
        _end(code, for_user(error, debug), as_json)


def for_user(error: Exception, debug: bool = False, path: Path | None = None) -> SoftCordSegError:
    """The error with the fields that are shown; an unexpected one becomes a sentence.

    Args:
        error: of the library, or an unexpected one.
        debug: print the traceback of an unexpected one now.
        path: the file that was worked on, for an error that names none.
    """
    if isinstance(error, SoftCordSegError):
        return error.in_file(path)
    if debug:
        say_lines("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    if is_out_of_memory(error):
        return OutOfMemory(
            "There is not enough memory for this.",
            path=path,
            hint="Close other programs, or crop the image, and try again.",
        )
    if isinstance(error, OSError) and error.strerror:
        missing = isinstance(error, FileNotFoundError)
        return SoftCordSegError(
            "There is no such file." if missing else f"The system refuses this: {error.strerror}.",
            path=error.filename if isinstance(error.filename, str) else path,
            hint="Check the name, the permissions and the disk.",
        )
    again = "" if debug else "Run again with --debug to see where it happened, and "
    return SoftCordSegError(
        f"An unexpected error: {type(error).__name__}: {error}.",
        path=path,
        hint=f"{again or 'Please '}report it to the makers of SoftCordSeg (address in the README),"
        " with the command and the output of softcord --version.",
    )


def json_of(error: Exception, path: Path | None = None) -> dict[str, Any]:
    """The text of an error as it is shown, and its fields; ``path`` as in :func:`for_user`."""
    error = for_user(error, path=path)
    return {
        "error": str(error),
        "sentence": error.sentence,
        "path": None if error.path is None else str(error.path),
        "hint": error.hint,
    }


def _end(code: int, error: SoftCordSegError, as_json: bool) -> None:
    fail(str(error))
    if as_json:
        with contextlib.suppress(OutputError):  # where stdout is what failed
            print_json(json_of(error))
    raise typer.Exit(code)
