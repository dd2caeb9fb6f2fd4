"""YAML that may come from strangers: whatever is wrong with it is a ValueError, and a small file
takes little memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .structured_text import limited_text

_MAX_DEPTH = 40


def read_yaml(path: str | Path, as_text: bool = False) -> Any:
    """The content of a YAML file in UTF-8; see :func:`parse_yaml`.

    Raises:
        OSError: it cannot be read.
        ValueError: as :func:`parse_yaml`, or it is larger than any such file.
    """
    return parse_yaml(limited_text(path), as_text)


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
