"""JSON and YAML that may come from strangers: whatever is wrong with it is a ValueError, and a
small file takes little memory.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# Lists of cases and measurements of large studies have a few megabytes.
MAX_BYTES = 64 << 20
_MAX_DEPTH = 40


def read_json(path: str | Path) -> Any:
    """The content of a JSON file in UTF-8, with or without a byte order mark.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not JSON, nested too deeply, or larger than :data:`MAX_BYTES`.
    """
    return parse_json(_text(path))


def parse_json(text: str) -> Any:
    """The content of a text in JSON.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def read_yaml(path: str | Path, as_text: bool = False) -> Any:
    """The content of a YAML file in UTF-8; see :func:`parse_yaml`.

    Raises:
        OSError: it cannot be read.
        ValueError: as :func:`parse_yaml`, or it is larger than :data:`MAX_BYTES`.
    """
    return parse_yaml(_text(path), as_text)


def parse_yaml(text: str, as_text: bool = False) -> Any:
    """The content of a text in YAML.

    Args:
        text: of one document.  References (``&name``, ``*name``) are refused: ten lines of them
            can stand for gigabytes.
        as_text: every value as it stands there, no numbers.

    Raises:
        ValueError: it is not YAML, has references, or is nested too deeply.
    """
    import yaml

    base: Any = yaml.BaseLoader if as_text else yaml.SafeLoader

    class Loader(base):
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("it has references (*name); write the values out")
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                raise ValueError("it is nested too deeply")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    try:
        return yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    except (OverflowError, RecursionError, TypeError, AttributeError) as error:
        raise ValueError(f"it is not YAML ({error})") from error


def _text(path: str | Path) -> str:
    with open(path, "rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
    return content.decode("utf-8-sig")
