"""Every model in words and plain types: shipped, installed, or a release that can be downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..structured_text import read_json

if TYPE_CHECKING:
    from ..network.releases import Release

_PIPELINES = {
    None: "locator and segmenter",
    "centre_crop": "the paper's (centre crop)",
    "nnunet": "nnU-Net v2, soft",
}


def all_models() -> list[dict[str, Any]]:
    """Every model: shipped, installed, and releases that are not installed; a corrupt one says
    so.
    """
    from ..network import shipped_bundles
    from ..network.releases import releases
    from ..network.store import installed_bundles

    installed = installed_bundles()
    models = [_row(folder, "shipped") for folder in shipped_bundles()] + [
        _row(folder, "installed") for folder in installed
    ]
    names = {folder.name for folder in installed}
    for release in releases():
        if release.name not in names:
            models.append(
                {
                    "name": release.name,
                    "state": "can be downloaded",
                    "pipeline": _PIPELINES[release.kind],
                    "size": None,
                    "about": release.about,
                }
            )
    return models


def describe(name: str) -> dict[str, Any]:
    """All that is known of an installed or shipped model, or else of the release of that name.

    Raises:
        ModelError: there is neither; or the model is corrupt.
    """
    from ..network import load_bundle
    from ..network.releases import release_named
    from ..network.store import find_bundle

    try:
        folder = find_bundle(name)
    except ModelError as missing:
        try:
            return describe_release(release_named(name))
        except ModelError:
            raise missing from None
    bundle = load_bundle(folder)
    metadata = bundle.metadata
    return {
        "name": folder.name,
        "state": "here",
        "title": bundle.name,
        "about": metadata.get("description", ""),
        "pipeline": _PIPELINES.get(_pipeline(folder), "?"),
        "folder": str(folder),
        "size": _size(folder),
        "licence": str(metadata["license"]),
        "citation": metadata.get("citation", ""),
        "source": metadata.get("provenance", {}).get("converted_from", {}),
        "sha256": bundle.sha256,
    }


def describe_release(release: Release) -> dict[str, Any]:
    """What is known of a release before it is downloaded."""
    from ..network.store import Store

    remembered = release.sha256 or Store().remembered(release.name)
    return {
        "name": release.name,
        "state": "can be downloaded",
        "title": f"contrast-agnostic-softseg-spinalcord {release.name}, {release.date}",
        "about": release.about,
        "pipeline": _PIPELINES[release.kind],
        "url": release.url,
        "licence": release.licence_text.partition(": ")[2],
        "citation": release.citation,
        "sha256": remembered
        or "not recorded by anyone yet; what comes first will be, and is expected from then on",
    }


def facts_of(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(what, text) of each fact that is known, one line each."""
    for key, value in facts.items():
        if isinstance(value, dict):
            for name, one in value.items():
                yield f"{key.capitalize()}, {name}", str(one)
        elif value:
            yield key.upper() if key == "url" else key.capitalize(), str(value)


def _row(folder: Path, state: str) -> dict[str, Any]:
    try:
        metadata = read_json(folder / "configs" / "metadata.json")
        about = str(metadata.get("description", ""))
        pipeline = _PIPELINES.get(_pipeline(folder), "?")
    except (OSError, ValueError, AttributeError):
        about, pipeline = "corrupt: install it again", "?"
    return {
        "name": folder.name,
        "state": state,
        "pipeline": pipeline,
        "size": _size(folder),
        "about": about,
    }


def _pipeline(folder: Path) -> str | None:
    return read_json(folder / "configs" / "inference.json").get("pipeline")


def _size(folder: Path) -> str:
    return (
        f"{sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()) / 1e6:.0f} MB"
    )
