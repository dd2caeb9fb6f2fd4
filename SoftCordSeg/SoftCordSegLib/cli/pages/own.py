"""Which pages a command may write over: its own."""

from __future__ import annotations

from pathlib import Path

from ..guard import UsageProblem
from .shell import beginning


def check_own_page(path: Path, title: str) -> None:
    """Refuse to replace a page that is not of the same command.

    Args:
        path: where the page will be written.
        title: of the command's pages.

    Raises:
        UsageProblem: something else lies there.
    """
    if (path.exists() or path.is_symlink()) and not _begins_with(path, beginning(title)):
        raise UsageProblem(
            f"'{path}' is not a page that this command wrote, and would be overwritten. Choose"
            " another folder."
        )


def _begins_with(path: Path, text: str) -> bool:
    try:
        with open(
            path, encoding="utf-8", errors="replace"
        ) as stream:  # as text: Windows ends lines in its own way
            return stream.read(len(text)) == text
    except OSError:  # a folder, or not ours to read
        return False
