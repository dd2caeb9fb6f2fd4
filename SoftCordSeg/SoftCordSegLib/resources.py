"""Where the files that come with the library are: shipped models, the panel's layout, icons."""

from __future__ import annotations

from pathlib import Path

from .errors import SoftCordSegError


def resources_folder() -> Path:
    """The folder ``Resources``, with the shipped model bundles in its sub-folder ``Models``.

    A wheel carries it inside the package; in the source tree, and where Slicer installs the module,
    it lies beside the package.

    Raises:
        SoftCordSegError: the installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "Resources", package.parent / "Resources"):
        if folder.is_dir():
            return folder
    raise SoftCordSegError(
        f"The folder 'Resources' is missing beside '{package}'. Install SoftCordSeg again."
    )
