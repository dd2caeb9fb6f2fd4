"""The names before; see :mod:`SoftCordSegLib.morphometry.disc_files`."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def read_discs(path: Path) -> list[Any]:
    from ...morphometry import disc_files

    return disc_files.read_discs(path)
