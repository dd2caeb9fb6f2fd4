"""The folders of the room are layers, and other rooms see only the room itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from house import floors

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "SoftCordSeg" / "SoftCordSegLib"
ROOM = "SoftCordSegLib.morphometry"

# Which layers each one may import from, besides itself.
BELOW = {
    "wording": set(),
    "slices": {"wording"},
    "shape": {"wording", "slices"},
    "levels": {"wording", "slices", "shape"},
    "disc_proposal": {"wording", "slices", "shape", "levels"},
    "tables": {"wording", "slices", "shape", "levels"},
}


def imported_layers(source: str, module: str, is_package: bool = False) -> set[str]:
    """The layers of the room that the source of ``module`` imports from."""
    names = [
        name
        for _, name in floors.imports(source, module, is_package)
        if f"{name}.".startswith(f"{ROOM}.")
    ]
    return {name[len(ROOM) + 1 :].split(".")[0] for name in names} & set(BELOW)


def modules(folder: Path, package: str) -> Iterator[tuple[str, str, bool]]:
    """(source, dotted name, whether it is a package) of every file below ``folder``."""
    for path in sorted(folder.rglob("*.py")):
        parts = [package, *path.relative_to(folder).with_suffix("").parts]
        is_package = parts[-1] == "__init__"
        yield (
            path.read_text(encoding="utf-8"),
            ".".join(part for part in parts[: -1 if is_package else None] if part),
            is_package,
        )


def layer_of(module: str) -> str:
    return module[len(ROOM) + 1 :].split(".")[0]


def test_every_file_lies_in_a_layer_and_imports_downward_only():
    # disc_files stands above the layers: it takes what the room itself offers.
    others = (ROOM, f"{ROOM}.disc_files")
    inside = [one for one in modules(LIBRARY / "morphometry", ROOM) if one[1] not in others]

    assert {layer_of(module) for _, module, _ in inside} == set(BELOW)
    upward = {
        one[1]: imported_layers(*one) - BELOW[layer_of(one[1])] - {layer_of(one[1])}
        for one in inside
    }
    assert {module: layers for module, layers in upward.items() if layers} == {}


def test_nobody_outside_reaches_into_a_layer():
    outside = [
        one for one in modules(LIBRARY, "SoftCordSegLib") if not f"{one[1]}.".startswith(f"{ROOM}.")
    ]
    outside += [*modules(REPOSITORY / "Testing", ""), *modules(REPOSITORY / "Utilities", "")]

    found = {one[1]: imported_layers(*one) for one in outside}
    assert {module: layers for module, layers in found.items() if layers} == {}


@pytest.mark.parametrize(
    ("source", "module", "layer"),
    [
        ("from ..tables.table import csv_text", f"{ROOM}.slices.stack", "tables"),
        ("from .. import levels", f"{ROOM}.shape.measure", "levels"),
        (
            "def f():\n    from ...morphometry.shape.region import folded_angle",
            "SoftCordSegLib.cli.measure.command",
            "shape",
        ),
        (f"import {ROOM}.slices.upright", "test_measure", "slices"),
    ],
)
def test_an_import_from_a_layer_is_recognised(source, module, layer):
    assert imported_layers(source, module) == {layer}
