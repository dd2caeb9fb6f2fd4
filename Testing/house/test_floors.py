"""A room imports only from lower floors, and Slicer, VTK and Qt only where they belong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from house import floors

LIBRARY = Path(__file__).resolve().parents[2] / "SoftCordSeg" / "SoftCordSegLib"

# Packages that take long to load, so that only what needs them loads them.
NOT_LIGHT = {
    "panel",
    "training",
    "evaluation",
}  # The panel needs Qt; the others what they are for.
HEAVY = ("torch", "monai", "lightning", "matplotlib", "pandas", "pydantic", "statsmodels", "jinja2")


def test_no_room_imports_upward_or_what_it_must_not():
    assert floors.violations(LIBRARY) == []


def test_no_files_import_each_other_in_a_circle():
    assert floors.circles(LIBRARY) == []


def test_a_planted_circle_is_caught(tmp_path):
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "one.py").write_text("def f():\n    from .two import g", encoding="utf-8")
    (tmp_path / "cli" / "two.py").write_text("from . import three", encoding="utf-8")
    (tmp_path / "cli" / "three.py").write_text(
        "if TYPE_CHECKING:\n    from SoftCordSegLib.cli.one import f", encoding="utf-8"
    )
    (tmp_path / "cli" / "four.py").write_text("from .one import f", encoding="utf-8")

    assert floors.circles(tmp_path) == [
        [f"SoftCordSegLib.cli.{name}" for name in ("one", "three", "two")]
    ]


@pytest.mark.parametrize(
    ("file", "source", "sentence"),
    [
        (
            "volume/grid.py",
            "from ..segmentation import segment",
            "'volume' (floor 1) imports 'segmentation' (floor 2)",
        ),
        (
            "volume/grid.py",
            "from .. import network",
            "'volume' (floor 1) imports 'network' (floor 1)",
        ),
        (
            "volume/grid.py",
            "import SoftCordSegLib.network.bundle",
            "'volume' (floor 1) imports 'network' (floor 1)",
        ),
        (
            "volume/deep/grid.py",
            "from ...network import unet",
            "'volume' (floor 1) imports 'network' (floor 1)",
        ),
        (
            "volume/__init__.py",
            "from ..network import unet",
            "'volume' (floor 1) imports 'network' (floor 1)",
        ),
        (
            "errors.py",
            "from .volume import Volume",
            "'floor 0' (floor 0) imports 'volume' (floor 1)",
        ),
        (
            "__init__.py",
            "from .volume import Volume",
            "'floor 0' (floor 0) imports 'volume' (floor 1)",
        ),
        ("morphometry/csa.py", "def f():\n    import vtk", "'morphometry' may not import 'vtk'"),
        (
            "evaluation/dice.py",
            "from slicer.util import array",
            "'evaluation' may not import 'slicer'",
        ),
        (
            "review/case.py",
            "import vtkmodules.util.numpy_support",
            "'review' may not import 'vtkmodules'",
        ),
        ("scene/node.py", "import qt", "'scene' may not import 'qt'"),
        ("cli/app.py", "from PySide6 import QtCore", "'cli' may not import 'PySide6'"),
        ("panel/widget.py", "import SoftCordSeg", "'panel' may not import 'SoftCordSeg'"),
        (
            "network/unet.py",
            "import importlib\nimportlib.import_module('slicer')",
            "'network' may not import 'slicer'",
        ),
        ("workflows/csa.py", "import typer", "'workflows' may not import 'typer'"),
        (
            "evaluation/page.py",
            "from jinja2 import Template",
            "'evaluation' may not import 'jinja2'",
        ),
        ("cellar/wine.py", "import numpy", "the room 'cellar' has no floor"),
    ],
)
def test_a_planted_violation_is_caught(tmp_path, file, source, sentence):
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(source, encoding="utf-8")

    found = floors.violations(tmp_path)

    assert len(found) == 1
    assert sentence in found[0]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "segmentation/run.py",
            (
                "from ..volume import Volume\nfrom ..network.bundle import load_bundle\nfrom"
                " ..errors import InputError"
            ),
        ),
        ("segmentation/run.py", "from .locate import locate\nfrom . import tiles"),
        ("volume/__init__.py", "from .grid import Grid\nfrom .. import errors"),
        ("scene/node.py", "import slicer, vtk\nfrom ..morphometry import measure"),
        ("panel/widget.py", "import qt, ctk, slicer\nfrom ..scene import load"),
    ],
)
def test_what_the_design_allows_is_not_complained_of(tmp_path, file, source):
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(source, encoding="utf-8")

    assert floors.violations(tmp_path) == []


def test_opening_a_room_loads_no_heavy_package():
    rooms = [room for room in floors.FLOORS if (LIBRARY / room).is_dir() and room not in NOT_LIGHT]
    program = (
        f"import sys, importlib; sys.path.insert(0, {str(LIBRARY.parent)!r})\n"
        f"for room in {['', *rooms]!r}:\n"
        "    importlib.import_module('SoftCordSegLib' + (room and '.' + room))\n"
        f"    print(room, [name for name in {HEAVY!r} if name in sys.modules])"
    )

    answer = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )

    assert answer.stdout == "".join(f"{room} []\n" for room in ["", *rooms])
