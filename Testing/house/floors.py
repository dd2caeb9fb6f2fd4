"""Reads imports from the sources, and says which of them go up a floor or where they must not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "SoftCordSegLib"

FLOORS = {
    "volume": 1,
    "bids": 1,
    "correction": 1,
    "network": 1,
    "segmentation": 2,
    "morphometry": 2,
    "preprocessing": 2,
    "groundtruth": 2,
    "phantom": 3,
    "training": 3,
    "evaluation": 3,
    "review": 3,
    "dicom": 3,
    "scene": 3,
    "reports": 4,
    "workflows": 5,
    "panel": 6,
    "cli": 6,
}

QT = {"qt", "ctk", "PythonQt", "PySide2", "PySide6", "PyQt5", "PyQt6", "shiboken6"}
SLICER = {"slicer", "vtk", "vtkmodules", "mrml", "vtkSegmentationCorePython"}
MODULE = {"SoftCordSeg"}
TERMINAL = {"click", "rich", "typer"}
HTML = {"jinja2", "markupsafe"}


def floor(room: str) -> int:
    """The floor of a room; the modules directly in the package are floor 0."""
    return FLOORS.get(room, 0)


def forbidden(room: str) -> set[str]:
    """Top-level packages that a room may not import."""
    banned = set(MODULE)
    if room != "panel":
        banned |= QT
    if room not in ("scene", "panel", "workflows", "cli"):
        banned |= SLICER
    if room != "cli":
        banned |= TERMINAL
    if room != "reports":
        banned |= HTML
    return banned


def imports(source: str, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of every import in ``source``, those inside functions and
    ``TYPE_CHECKING`` too.

    Args:
        source: of one file.
        module: its dotted name, from which relative imports start.
        is_package: True for an ``__init__.py``.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                kept = parts[: len(parts) - node.level + (1 if is_package else 0)]
                base = ".".join([*kept, base] if base else kept)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and _is_dynamic_import(node):
            yield node.lineno, node.args[0].value


def violations(library: Path) -> list[str]:
    """One sentence for each import in the package at ``library`` that breaks the rules of the
    house.
    """
    found = []
    for path in sorted(library.rglob("*.py")):
        relative = path.relative_to(library)
        room = relative.parts[0] if len(relative.parts) > 1 else ""
        if room and room not in FLOORS:
            found.append(
                f"{relative}: the room '{room}' has no floor; give it one in"
                " Testing/house/floors.py"
            )
            continue
        dotted = _dotted(path, library)
        is_package = path.name == "__init__.py"
        if is_package:
            dotted = dotted[: -len(".__init__")]
        for line, name in imports(path.read_text(encoding="utf-8"), dotted, is_package):
            reason = _broken_rule(room, name)
            if reason:
                found.append(f"{relative}:{line}: {reason}")
    return found


def circles(library: Path) -> list[list[str]]:
    """Files of the package at ``library`` that import each other in a loop, those under
    ``TYPE_CHECKING`` too.

    A package's ``__init__.py`` only hands names on, so what is imported from one is no tie to it.
    """
    files = {
        _dotted(path, library): path
        for path in sorted(library.rglob("*.py"))
        if path.name != "__init__.py"
    }
    ties = {}
    for name, path in files.items():
        taken = [
            taken for _, taken in imports(path.read_text(encoding="utf-8"), name, is_package=False)
        ]
        # Either a module, or a name out of one.
        ties[name] = {
            other
            for one in taken
            for other in (one, one.rpartition(".")[0])
            if other in files and other != name
        }
    reached = {name: _reached(name, ties) for name in ties}
    loops = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in ties
        if name in reached[name]
    }
    return [list(loop) for loop in sorted(loops)]


def _reached(start: str, ties: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(ties[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(ties[name])
    return found


def _dotted(path: Path, library: Path) -> str:
    return ".".join([PACKAGE, *path.relative_to(library).with_suffix("").parts])


def _broken_rule(room: str, name: str) -> str | None:
    parts = name.split(".")
    if parts[0] in forbidden(room):
        return f"'{room or 'floor 0'}' may not import '{parts[0]}'"
    if parts[0] != PACKAGE:
        return None
    other = parts[1] if len(parts) > 1 and parts[1] in FLOORS else ""
    if other and other != room and floor(other) >= floor(room):
        return (
            f"'{room or 'floor 0'}' (floor {floor(room)}) imports '{other}' (floor {floor(other)})"
        )
    return None


def _is_dynamic_import(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    constant = (
        bool(call.args)
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    )
    return name in ("import_module", "__import__") and constant
