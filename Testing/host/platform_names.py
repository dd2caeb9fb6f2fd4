"""Holds the names that a module file and its panel use against lists read from Slicer's, CTK's and Qt's sources."""

from __future__ import annotations

import ast
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path


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
        """Properties, methods and signals that Python sees on a class, the inherited ones included."""
        found = set()
        while kind in self._qt:
            entry = self._qt[kind]
            signatures = entry["signals"] + entry["slots"] + entry["invokable"]
            found |= set(entry["properties"]) | {signature.split("(")[0] for signature in signatures}
            kind = entry["inherits"]
        while kind in self._runtime and kind:
            found |= set(self._runtime[kind]["names"])
            kind = self._runtime[kind].get("has")
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
    return {widget.get("name"): widget.get("class") for widget in ElementTree.parse(ui_file).iter("widget")}


def unknown_in_ui(ui_file: Path, platform: Platform) -> list[str]:
    """Properties in a ``.ui`` file that its classes do not have."""
    found = []
    for widget in ElementTree.parse(ui_file).iter("widget"):
        known = platform.names(widget.get("class"))
        found += [
            f"{widget.get('class')} {widget.get('name')}: {prop.get('name')}"
            for prop in widget.findall("property")
            if prop.get("name") not in known
        ]
    return found


def unknown_in_source(source: str, kinds: dict[str, str], platform: Platform) -> list[str]:
    """Uses of names that the platform does not have.

    Args:
        source: of the module file.
        kinds: expression -> class, for example ``{"self.ui.button": "QPushButton", "slicer.app": "qSlicerApplication"}``.
        platform: the version to hold it against.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            if owner.startswith("self.ui.") and owner.count(".") == 2 and owner not in kinds:
                found.append(f"{node.lineno}: there is no control '{owner}'")
            if owner in kinds and node.attr not in platform.names(kinds[owner]) | {"connect", "disconnect"}:
                found.append(f"{node.lineno}: {kinds[owner]} has no '{node.attr}'")
            if owner in platform.python and node.attr not in platform.python[owner]:
                found.append(f"{node.lineno}: {owner} has no '{node.attr}'")
        elif isinstance(node, ast.ImportFrom) and node.module in platform.python:
            names = [alias.name for alias in node.names if alias.name not in platform.python[node.module]]
            found += [f"{node.lineno}: {node.module} has no '{name}'" for name in names]
        elif isinstance(node, ast.Call):
            found += _unknown_in_call(node, kinds, platform)
    return found


def _unknown_in_call(node: ast.Call, kinds: dict[str, str], platform: Platform) -> list[str]:
    if not isinstance(node.func, ast.Attribute):
        return []
    owner, name = ast.unparse(node.func.value), node.func.attr
    if name == "connect" and owner in kinds:
        signature = ast.literal_eval(node.args[0])
        return [] if platform.has_signal(kinds[owner], signature) else [f"{node.lineno}: {kinds[owner]} has no signal {signature}"]
    signature = platform.python.get(owner, {}).get(name)
    if not isinstance(signature, str) or "**" in signature:
        return []
    known = set(re.findall(r"(\w+)\s*(?:=|,|\))", signature))
    return [f"{node.lineno}: {owner}.{name} takes no '{key.arg}'" for key in node.keywords if key.arg not in known]
