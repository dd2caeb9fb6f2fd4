"""From a section of a configuration to a dataclass; what is unknown, missing or wrong is refused in
a sentence.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from ...errors import InputError
from .values import Parser, Refused

T = TypeVar("T")


def read_section(kind: type[T], content: Any, where: str, path: str) -> T:
    """A ``kind`` from a mapping.

    Args:
        kind: a dataclass whose readable fields were made with :func:`.values.key`.
        content: as YAML gave it.
        where: names the file in errors.
        path: of the section, "networks.locator"; "" at the top.

    Raises:
        InputError: a key that ``kind`` does not have, a required one that is missing, or a value of
            the wrong kind.
    """
    if not isinstance(content, Mapping):
        raise InputError(
            f"In {where}: '{path or 'the file'}' should be a section of named settings."
        )
    readable = {field.name: field for field in fields(kind) if "parser" in field.metadata}
    for name in content:
        if name not in readable:
            raise InputError(f"In {where}: {unknown(name, readable, path)}")
    values = {}
    for name, field in readable.items():
        full = f"{path}.{name}" if path else name
        if name in content:
            values[name] = _value(field.metadata["parser"], content[name], where, full)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise InputError(f"In {where}: '{full}' is missing. Add it.")
    return kind(**values)


def unknown(name: object, known: Mapping[str, Any], path: str) -> str:
    """The sentence about a key that nobody knows."""
    near = difflib.get_close_matches(str(name), list(known), 1)
    hint = f"Did you mean '{near[0]}'?" if near else "Known here: " + ", ".join(sorted(known)) + "."
    return f"'{path + '.' if path else ''}{name}' is not a setting. {hint}"


class section:  # noqa: N801 - it stands among the parsers, which are functions
    """A parser for a section within a section."""

    def __init__(self, kind: type):
        self.kind = kind


class sections:  # noqa: N801
    """A parser for a section of sections of one kind, by name."""

    def __init__(self, kind: type):
        self.kind = kind


def _value(parser: Parser | section | sections, value: Any, where: str, path: str) -> Any:
    if isinstance(parser, section):
        return read_section(parser.kind, value, where, path)
    if isinstance(parser, sections):
        if not isinstance(value, Mapping) or not value:
            raise InputError(f"In {where}: '{path}' should hold at least one named section.")
        return {
            str(name): read_section(parser.kind, one, where, f"{path}.{name}")
            for name, one in value.items()
        }
    try:
        return parser(value)
    except Refused as refused:
        raise InputError(
            f"In {where}: '{path}' should be {refused.expected}, not {value!r}."
        ) from refused
