"""YAML that may come from strangers: whatever is wrong with it is a ValueError, and a small file
takes little memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .structured_text import limited_text

_MAX_DEPTH = 40
# More values than any of our files has.
_MOST_VALUES = 200_000


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
        text: of one document.  References (``&name``, ``*name``) count as what they stand for: ten
            lines of them can stand for gigabytes.
        as_text: every value as it stands there, no numbers.

    Raises:
        ValueError: it is not YAML, its references stand for too much, or it is nested too deeply.
    """
    import yaml

    base: Any = yaml.BaseLoader if as_text else yaml.SafeLoader

    class Loader(base):
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                raise ValueError("it is nested too deeply")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    try:
        loader = Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > _MOST_VALUES:
            raise ValueError("its references (*name) stand for too much; write the values out")
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    except (OverflowError, RecursionError, TypeError, AttributeError) as error:
        raise ValueError(f"it is not YAML ({error})") from error


def _size(node: Any, known: dict[int, int]) -> int:
    """How many values a node stands for, those behind references counted each time.

    Raises:
        ValueError: it contains itself.
    """
    if id(node) in known:
        if not known[id(node)]:
            raise ValueError("one of its references (*name) leads into itself")
        return known[id(node)]
    known[id(node)] = 0  # while its parts are counted
    size = 1
    if isinstance(node.value, list):
        for part in node.value:
            size += sum(_size(one, known) for one in (part if isinstance(part, tuple) else [part]))
    known[id(node)] = size
    return size
