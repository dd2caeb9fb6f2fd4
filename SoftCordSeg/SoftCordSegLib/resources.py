"""The files that come with the library: shipped models, the panel's layout, icons."""

from __future__ import annotations

from pathlib import Path

from .errors import SoftCordSegError


def resources_folder() -> Path:
    """The folder ``Resources``, with the shipped model bundles in its sub-folder ``Models``.

    In a wheel it is inside the package; in the source tree, and where Slicer installs the module,
    it is beside the package.

    Raises:
        SoftCordSegError: the installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "Resources", package.parent / "Resources"):
        if folder.is_dir():
            return folder
    raise SoftCordSegError(
        "The folder 'Resources' is missing in the installation.",
        path=package,
        hint="Install SoftCordSeg again.",
    )
