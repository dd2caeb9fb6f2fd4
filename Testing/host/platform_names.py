"""Holds the names that the module, its panel and its ``.ui`` file use against lists read from
Slicer's, CTK's and Qt's sources.
"""

from __future__ import annotations

import ast
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# Qt classes that were not read themselves: what all of these have.
_RELATED = {
    "QAbstractButton": ("QPushButton", "QToolButton", "QCheckBox", "QRadioButton"),
    "QTableView": ("QAbstractItemView",),
    "QVTKWidget": ("QWidget",),
}


class Platform:
    """The names of one Slicer version.

    Args:
        folder: with ``qt_<version>.json``, ``python_<version>.json`` and ``runtime_5.12.3.json``.
        version: for example "5.8.1".
    """

    def __init__(self, folder: Path, version: str):
        self._qt = json.loads((folder / f"qt_{version}.json").read_text(encoding="utf-8"))
        self.python = json.loads((folder / f"python_{version}.json").read_text(encoding="utf-8"))
        # Qt's own classes hardly differ between these versions, and were read once.
        self._runtime = json.loads((folder / "runtime_5.12.3.json").read_text(encoding="utf-8"))

    def names(self, kind: str) -> set[str]:
        """Properties, methods and signals that Python sees on a class, the inherited ones
        included.
        """
        found = set()
        while kind in self._qt:
            entry = self._qt[kind]
            signatures = entry["signals"] + entry["slots"] + entry["invokable"]
            found |= set(entry["properties"]) | {
                signature.split("(")[0] for signature in signatures
            }
            kind = entry["inherits"]
        if kind in _RELATED:
            found |= set.intersection(*(self.names(other) for other in _RELATED[kind]))
        while kind in self._runtime and kind:
            found |= set(self._runtime[kind]["names"])
            kind = self._runtime[kind].get("has")
        return found

    def properties(self, kind: str) -> set[str]:
        """Properties of a class of Slicer or CTK, which Python must not call."""
        found = set()
        while kind in self._qt:
            found |= set(self._qt[kind]["properties"])
            kind = self._qt[kind]["inherits"]
        return found

    def has_signal(self, kind: str, signature: str) -> bool:
        """Whether a signal can be connected; of Qt's own classes only the name is known."""
        while kind in self._qt:
            if signature in self._qt[kind]["signals"]:
                return True
            kind = self._qt[kind]["inherits"]
        return signature.split("(")[0] in self.names(kind)


def controls(ui_file: Path) -> dict[str, str]:
    """The controls of a ``.ui`` file: name -> class."""
    return {
        widget.get("name"): widget.get("class")
        for widget in ElementTree.parse(ui_file).iter("widget")
    }


def unknown_in_ui(ui_file: Path, platform: Platform) -> list[str]:
    """Properties, signals and slots in a ``.ui`` file that its classes do not have."""
    tree, kinds = ElementTree.parse(ui_file), controls(ui_file)
    found = [
        f"{widget.get('class')} {widget.get('name')}: {prop.get('name')}"
        for widget in tree.iter("widget")
        for prop in widget.findall("property")
        if prop.get("name") not in platform.names(widget.get("class"))
        and prop.get("name") != "SlicerParameterName"
    ]
    for connection in tree.iter("connection"):
        sender, signal, receiver, slot = (
            connection.findtext(key) for key in ("sender", "signal", "receiver", "slot")
        )
        if not platform.has_signal(kinds[sender], signal):
            found.append(f"{kinds[sender]} {sender}: {signal}")
        if slot.split("(")[0] not in platform.names(kinds[receiver]):
            found.append(f"{kinds[receiver]} {receiver}: {slot}")
    return found


class Uses:
    """The uses of the platform's names in a source file, gathered from its syntax tree.

    A control is recognised by its name in the ``.ui`` file, whatever holds it
    (``ui.cordSegmentButton``, ``self._ui.cordSegmentButton``); other objects by the expression that
    stands for them.

    Args:
        source: of the file.
        controls: control -> class.
        others: expression -> class, for example ``{"slicer.app": "qSlicerApplication"}``.
    """

    def __init__(self, source: str, controls: dict[str, str], others: dict[str, str]):
        self._controls, self._others = controls, others
        self._tree = ast.parse(source)

    def unknown(self, platform: Platform) -> list[str]:
        """One sentence for each name that the platform does not have."""
        found = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Attribute):
                found += self._in_attribute(node, platform)
            elif isinstance(node, ast.ImportFrom) and node.module in platform.python:
                names = [
                    alias.name
                    for alias in node.names
                    if alias.name not in platform.python[node.module]
                ]
                found += [f"{node.lineno}: {node.module} has no '{name}'" for name in names]
            elif isinstance(node, ast.Call):
                found += self._in_call(node, platform)
        return found

    def names(self) -> set[tuple[str, str]]:
        """(class, name) of every use of a control or other object."""
        attributes = (node for node in ast.walk(self._tree) if isinstance(node, ast.Attribute))
        return {
            (kind, node.attr) for node in attributes if (kind := self._kind(node.value)) is not None
        }

    def _kind(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Attribute) and node.attr in self._controls:
            return self._controls[node.attr]
        return self._others.get(ast.unparse(node))

    def _in_attribute(self, node: ast.Attribute, platform: Platform) -> list[str]:
        owner, kind = ast.unparse(node.value), self._kind(node.value)
        if re.search(r"(^|\.|_)ui$", owner) and node.attr not in self._controls:
            return [f"{node.lineno}: there is no control '{node.attr}'"]
        if kind is not None and node.attr not in platform.names(kind) | {
            "connect",
            "disconnect",
            "name",
        }:
            return [f"{node.lineno}: {kind} has no '{node.attr}'"]
        if owner in platform.python and node.attr not in platform.python[owner]:
            return [f"{node.lineno}: {owner} has no '{node.attr}'"]
        return []

    def _in_call(self, node: ast.Call, platform: Platform) -> list[str]:
        if not isinstance(node.func, ast.Attribute):
            return []
        owner, name, kind = (
            ast.unparse(node.func.value),
            node.func.attr,
            self._kind(node.func.value),
        )
        if name in ("connect", "disconnect") and kind is not None:
            signature = ast.literal_eval(node.args[0])
            return (
                []
                if platform.has_signal(kind, signature)
                else [f"{node.lineno}: {kind} has no signal {signature}"]
            )
        if kind is not None and name in platform.properties(kind):
            return [f"{node.lineno}: '{name}' of {kind} is a property, not a method"]
        signature = platform.python.get(owner, {}).get(name)
        if not isinstance(signature, str) or "**" in signature:
            return []
        known = set(re.findall(r"(\w+)\s*(?:=|,|\))", signature))
        return [
            f"{node.lineno}: {owner}.{name} takes no '{key.arg}'"
            for key in node.keywords
            if key.arg not in known
        ]
