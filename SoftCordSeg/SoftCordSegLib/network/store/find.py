"""From what a user says to the folder of a model."""

from __future__ import annotations

from pathlib import Path

from ...errors import ModelError
from ..bundle import ModelBundle, load_bundle, shipped_bundles
from .folder import installed_bundles
from .releases import releases


def find_bundle(model: str | Path | None = None) -> Path:
    """The folder of a bundle.

    Args:
        model: a folder, or the name of a shipped or an installed model; the first shipped one where
            None.

    Raises:
        ModelError: there is none; the sentence says what there is, or how to get it.
    """
    shipped = shipped_bundles()
    if model is None:
        if not shipped:
            raise ModelError(
                "No model comes with this installation.",
                hint="Install SoftCordSeg again, or choose a model from a folder.",
            )
        return shipped[0]
    name, path = str(model), Path(model).expanduser()
    if path.is_dir():
        return _checked(path)
    for folder in (*shipped, *installed_bundles()):
        if folder.name == name:
            return folder
    if path.is_file():
        raise ModelError(
            f"'{path}' is a file, not an installed model. Install it first: softcord models install"
            f" '{path}'"
        )
    if name in [release.name for release in releases()]:
        raise ModelError(
            f"The release '{name}' is not installed. Get it first: softcord models download {name}"
        )
    names = ", ".join(folder.name for folder in (*shipped, *installed_bundles())) or "none"
    raise ModelError(
        f"There is no model bundle '{model}'. Give the folder of one, or the name of one that is"
        f" there ({names}); 'softcord models list' shows more."
    )


def open_bundle(model: str | Path | None = None) -> ModelBundle:
    """The verified bundle that :func:`find_bundle` finds.

    Raises:
        ModelError: there is none, or it is corrupt.
    """
    return load_bundle(find_bundle(model))


def _checked(path: Path) -> Path:
    if (
        not (path / "configs" / "metadata.json").is_file()
        and next(path.rglob("plans.json"), None) is not None
    ):
        raise ModelError(
            f"'{path}' is a folder of nnU-Net, not a bundle. Install it first: softcord models"
            f" install '{path}'"
        )
    return path
