"""Differences between Slicer 5.8 and 5.13, and the installation of packages that Slicer lacks."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ..errors import SoftCordSegError


def missing_packages(requirements: Path) -> list[str]:
    """The names of packages that are not installed; nothing is imported.

    Args:
        requirements: the file that names the packages.
    """
    return [
        re.split(r"[<>=!~;\[ ]", line)[0]
        for line in _lines(requirements)
        if not _is_installed(line)
    ]


def install_missing_packages(requirements: Path) -> None:
    """Install the missing packages, after asking.  On the main thread only.

    Raises:
        SoftCordSegError: the user declined, or pip failed.
    """
    missing = [line for line in _lines(requirements) if not _is_installed(line)]
    if not missing:
        return
    try:
        from slicer.packaging import load_requirements, pip_ensure
    except ImportError:  # Slicer before 5.11
        _install_with_pip(missing)
        return
    try:
        pip_ensure(load_requirements(requirements), requester="SoftCordSeg")
    except RuntimeError as error:
        raise SoftCordSegError(str(error)) from error


def connect_gui(parameters, ui) -> int:
    """Bind the controls with the property ``SlicerParameterName`` to a wrapped parameter node.

    ``connectGui`` does the same, but gives no tag, so that nothing can be unbound afterwards.

    Returns:
        The tag for ``parameters.disconnectGui``.
    """
    # Others are parts of composite controls, which may have been deleted since.
    own = [control for name, control in vars(ui).items() if name.startswith("cord")]
    bound = {control.property("SlicerParameterName"): control for control in own}
    return parameters.connectParametersToGui(
        {name: control for name, control in bound.items() if name}
    )


def confirm(text: str) -> bool:
    """Ask a yes-or-no question."""
    return bool(slicer.util.confirmYesNoDisplay(text))


def _install_with_pip(missing: list[str]) -> None:
    if not slicer.util.confirmOkCancelDisplay(
        _("SoftCordSeg needs these packages: {names}. Install them now?").format(
            names=", ".join(missing)
        )
    ):
        raise SoftCordSegError(
            _("The packages were not installed."), hint=_("Install them to segment.")
        )
    slicer.util.pip_install(missing)


def _lines(requirements: Path) -> list[str]:
    lines = (line.strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _is_installed(requirement: str) -> bool:
    try:
        importlib.metadata.version(re.split(r"[<>=!~;\[ ]", requirement)[0])
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
