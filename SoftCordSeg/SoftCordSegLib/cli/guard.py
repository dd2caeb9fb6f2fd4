"""Errors become one sentence and an exit code: 1 bad input or nothing could be done, 2 usage, 130
cancelled.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path

import typer

from ..errors import Cancelled, InputError, SoftCordSegError
from .console import fail, print_json, say

EXIT_FAILED, EXIT_USAGE, EXIT_CANCELLED = 1, 2, 130


class UsageProblem(SoftCordSegError):
    """The command was put in a way that cannot be carried out."""


@contextlib.contextmanager
def guarded(debug: bool = False, as_json: bool = False) -> Iterator[None]:
    """Run a command: whatever goes wrong in the block ends as a sentence on stderr and an exit
    code.

    Args:
        debug: show the traceback of an unexpected error.
        as_json: also print ``{"error": sentence}`` on stdout.

    Raises:
        typer.Exit: with the code.
    """
    try:
        yield
    except (Cancelled, KeyboardInterrupt):
        _end(
            EXIT_CANCELLED,
            "Stopped. What was finished before is whole; nothing else was written.",
            as_json,
        )
    except UsageProblem as error:
        _end(EXIT_USAGE, str(error), as_json)
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        _end(EXIT_FAILED, sentence_of(error, debug), as_json)


def sentence_of(error: Exception, debug: bool, path: Path | None = None) -> str:
    """What to tell the user about an error, the name of the file at fault included.

    Args:
        error: of the library, or an unexpected one.
        debug: print its traceback now.
        path: the file that was worked on.
    """
    if debug and not isinstance(error, SoftCordSegError):
        say("".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip())
    about = f"'{path}': " if path is not None and path.name not in str(error) else ""
    if isinstance(error, SoftCordSegError):
        return f"{about}{error}"
    if isinstance(error, MemoryError):
        return (
            f"{about}This needs more memory than is free. Close other programs, or crop the image,"
            " and try again."
        )
    how = " Please" if debug else " Run again with --debug to see where it happened, and"
    return (
        f"{about}An unexpected error: {type(error).__name__}: {error}.{how} report it to the makers"
        " of SoftCordSeg (address in the README), with the command and the output of softcord"
        " --version."
    )


@contextlib.contextmanager
def naming(path: Path | None) -> Iterator[None]:
    """Name the file at fault in an error of the block; nothing where there is no file.

    Raises:
        InputError: that of the block, with the file in it.
    """
    try:
        yield
    except InputError as error:
        if path is None or path.name in str(error):
            raise
        raise InputError(f"In '{path}': {error}") from error


def _end(code: int, sentence: str, as_json: bool) -> None:
    fail(sentence)
    if as_json:
        print_json({"error": sentence})
    raise typer.Exit(code)
