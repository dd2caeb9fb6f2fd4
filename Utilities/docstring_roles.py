"""Lets MkDocs read the docstrings: Sphinx's roles and double colons become Markdown.

mkdocstrings loads it (``mkdocs.yml``); the library itself does not need it.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

# :class:`~.panel.Panel` is shown as `Panel`, :func:`segment` as `segment`.
_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`~?\.*([^`]+)`")
_ALONE, _BLOCK = re.compile(r"^[ \t]*::[ \t]*$", re.M), re.compile(r"::[ \t]*$", re.M)


def as_markdown(docstring: str) -> str:
    """The docstring without Sphinx's roles and double colons."""
    plain = _ROLE.sub(lambda role: f"`{role.group(1).rpartition('.')[2]}`", docstring)
    return _BLOCK.sub(":", _ALONE.sub("", plain))


class DocstringRoles(griffe.Extension):
    """Rewrites each docstring when it has been read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
