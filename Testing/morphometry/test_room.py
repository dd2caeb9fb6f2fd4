"""Other rooms import from the room itself and from ``disc_files``, not from its other files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from house import floors

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "SoftCordSeg" / "SoftCordSegLib"
ROOM = "SoftCordSegLib.morphometry"
PUBLIC = {"__init__", "disc_files"}
FILES = {path.stem for path in (LIBRARY / "morphometry").glob("*.py")} - PUBLIC


def files_reached(source: str, module: str, is_package: bool = False) -> set[str]:
    """The files of the room that the source of ``module`` imports from."""
    names = [name for _, name in floors.imports(source, module, is_package)]
    parts = [name[len(ROOM) + 1 :].split(".") for name in names if name.startswith(f"{ROOM}.")]
    # "from ..morphometry import measure" is the function of that name.
    return {part[0] for part in parts if len(part) > 1} & FILES


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


def test_no_other_room_imports_from_a_file_of_the_room():
    outside = [
        one for one in modules(LIBRARY, "SoftCordSegLib") if not f"{one[1]}.".startswith(f"{ROOM}.")
    ]
    outside += [*modules(REPOSITORY / "Testing", ""), *modules(REPOSITORY / "Utilities", "")]
    # The room's own tests look at one file each.
    outside = [one for one in outside if not one[1].startswith("morphometry.")]

    found = {one[1]: files_reached(*one) for one in outside}
    assert {module: files for module, files in found.items() if files} == {}


@pytest.mark.parametrize(
    ("source", "module", "file"),
    [
        (
            "def f():\n    from ..morphometry.section_shape import folded_angle",
            "SoftCordSegLib.cli.csa_command",
            "section_shape",
        ),
        (f"import {ROOM}.upright.upright", "test_measure", "upright"),
    ],
)
def test_an_import_from_a_file_is_recognised(source, module, file):
    assert files_reached(source, module) == {file}
