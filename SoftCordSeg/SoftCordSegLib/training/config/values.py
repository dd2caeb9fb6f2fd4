"""Values of a configuration: each parser takes what YAML gave, and gives the value or says what it
should have been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, field
from typing import Any

Parser = Callable[[Any], Any]


class Refused(ValueError):
    """A value that is not what it should be.

    Args:
        expected: what it should have been, as the end of "… should be".
    """

    def __init__(self, expected: str):
        self.expected = expected
        super().__init__(expected)


def key(parser: Parser, default: Any = MISSING) -> Any:
    """A field of a dataclass that is read from a configuration with ``parser``; required where it
    has no default.
    """
    if isinstance(default, (dict, list)):
        return field(default_factory=lambda: type(default)(default), metadata={"parser": parser})
    return field(default=default, metadata={"parser": parser})


def text(value: Any) -> str:
    """Words; a number is taken for its digits (a version, say)."""
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value)
    raise Refused("text")


def boolean(value: Any) -> bool:
    """true or false."""
    if isinstance(value, bool):
        return value
    raise Refused("true or false")


def integer(least: int = 0) -> Parser:
    """A whole number of at least ``least``."""

    def parse(value: Any) -> int:
        # Neither infinity nor what is not a number becomes an integer: they are told first.
        whole = (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and math.isfinite(value)
            and value == int(value)
        )
        if not whole or value < least:
            raise Refused(f"a whole number, at least {least}")
        return int(value)

    return parse


def number(least: float, most: float = float("inf")) -> Parser:
    """A number within the limits, both included.  YAML takes 1e-3 for a word; here it is a
    number.
    """
    limits = f"at least {least:g}" if most == float("inf") else f"from {least:g} to {most:g}"

    def parse(value: Any) -> float:
        try:
            result = float("nan") if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            result = float("nan")
        if not least <= result <= most:
            raise Refused(f"a number, {limits}")
        return result

    return parse


def choice(*names: str) -> Parser:
    """One of the names."""

    def parse(value: Any) -> str:
        if value not in names:
            raise Refused("one of " + ", ".join(names))
        return value

    return parse


def triple(of: Parser) -> Parser:
    """Three values, one for each axis."""

    def parse(value: Any) -> tuple:
        if not isinstance(value, (list, tuple)) or len(value) != 3:
            raise Refused("three values, for the axes to the Left, Anterior and Superior")
        return tuple(of(one) for one in value)

    return parse


def optional(of: Parser) -> Parser:
    """``null``, or a value."""
    return lambda value: None if value is None else of(value)


def mapping(value: Any) -> dict[str, Any]:
    """A section whose keys are somebody else's business."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise Refused("a section of named settings")
    return dict(value)
