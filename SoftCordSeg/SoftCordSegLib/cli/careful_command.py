"""A command that refuses empty words, which a script with an unset variable gives."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

from ..errors import OptionError
from .guard import guarded


class CarefulCommand(TyperCommand):
    """As typer's own; ``-o ''`` would else be the folder that one is in."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Called with the words after the command's name."""
        with guarded(as_json="--json" in args):
            for before, word in zip(["", *args], args):
                if word == "" or word.startswith("--") and word.endswith("="):
                    _refuse(word.rstrip("=") or (before if before.startswith("-") else ""))
        return super().parse_args(ctx, args)


def _refuse(option: str) -> None:
    raise OptionError(
        f"What {option} is given is empty." if option else "The name of a file is empty.",
        hint="Give a name; where it comes from a variable, check that the variable is set.",
    )
