"""The scripts of recipes/, which are no package, as modules."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType


def recipe(name: str, repository: Path) -> ModuleType:
    """Import a script as it imports its neighbours: with its folder on the path."""
    folder = str(repository / "recipes")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)
