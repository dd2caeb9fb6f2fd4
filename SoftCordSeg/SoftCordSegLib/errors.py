"""The errors of the library.

::

    SoftCordSegError      something that the user can put right
     ├─ InputError        an input (image, mask, label, table) cannot be used as it is
     ├─ OptionError       options contradict each other, or a value is invalid
     ├─ OutputError       a result could not be written; nothing half-written was left behind
     ├─ ModelError        a model bundle is missing, corrupt or not what it claims to be
     ├─ OutOfMemory       there is not enough memory for the work
     └─ Cancelled         the user stopped the work; no result was written

Each carries what was wrong (``sentence``), in which file (``path``) and what to do (``hint``). The
command line and the panel compose their text from these fields; no message is parsed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

_Error = TypeVar("_Error", bound="SoftCordSegError")


class SoftCordSegError(Exception):
    """Something that the user can put right.

    Args:
        sentence: what was wrong; a sentence that a radiologist understands.
        path: the file or folder at fault, where there is one. The sentence need not name it.
        hint: what to do, one or more sentences; "" where the sentence says it.
    """

    def __init__(self, sentence: str, *, path: str | os.PathLike | None = None, hint: str = ""):
        super().__init__(sentence)
        self.sentence = sentence
        self.path = None if path is None else Path(path)
        self.hint = hint

    def __str__(self) -> str:
        """One line for a log: the path, the sentence, the hint."""
        about = "" if self.path is None else f"'{self.path}': "
        return f"{about}{self.sentence} {self.hint}".rstrip()

    def in_file(self: _Error, path: str | os.PathLike | None) -> _Error:
        """The error itself, with ``path`` where it names no file yet."""
        if self.path is None and path is not None:
            self.path = Path(path)
        return self


class InputError(SoftCordSegError):
    """An input (image, mask, label, table) cannot be used as it is."""


class OptionError(SoftCordSegError):
    """Options contradict each other, or a value is invalid."""


class OutputError(SoftCordSegError):
    """A result could not be written; nothing half-written was left behind."""


class ModelError(SoftCordSegError):
    """A model bundle is missing, corrupt or not what it claims to be."""


class Cancelled(SoftCordSegError):
    """The user stopped the work; no result was written."""


# Messages of the libraries when memory runs out; there is no common class. The last ones: a library
# that does not find room when it is imported, a thread that does not find room for its stack.
_OUT_OF_MEMORY = (
    "out of memory",
    "can't alloc",
    "cannot allocate memory",
    "failed to allocate",
    "unable to allocate",
    "not enough memory",
    "insufficient memory",
    "alloc_failed",
    "bad_alloc",
    "bad allocation",
    "failed to map segment",
    "can't start new thread",
    "resource temporarily unavailable",
)


class OutOfMemory(SoftCordSegError):
    """There is not enough memory for the work."""


def is_out_of_memory(error: BaseException) -> bool:
    """True for the many ways in which memory runs out, whatever library it is that fails."""
    if isinstance(error, (MemoryError, OutOfMemory)):
        return True
    if isinstance(error, SoftCordSegError):
        return False
    return any(words in f"{type(error).__name__} {error}".lower() for words in _OUT_OF_MEMORY)


@contextlib.contextmanager
def naming_file(path: str | os.PathLike | None) -> Iterator[None]:
    """Errors of the block name ``path`` where they name no file yet.

    Raises:
        SoftCordSegError: that of the block.
    """
    try:
        yield
    except SoftCordSegError as error:
        error.in_file(path)
        raise


@contextlib.contextmanager
def naming_none_in(folder: str | os.PathLike) -> Iterator[None]:
    """Errors of the block do not name files of a temporary folder, which the user never sees.

    Raises:
        SoftCordSegError: that of the block.
    """
    try:
        yield
    except SoftCordSegError as error:
        if error.path is not None and error.path.is_relative_to(folder):
            error.path = None
        raise


def counted(number: int, word: str) -> str:
    """A number with its word, for sentences: "1 case", "3 cases".

    Args:
        number: at least 0.
        word: in the singular, of those that take an s.
    """
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
