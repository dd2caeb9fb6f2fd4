"""The releases that are known, from ``Resources/Models/releases.json``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..errors import ModelError
from ..resources import resources_folder
from ..structured_text import read_json


@dataclass(frozen=True)
class Release:
    """One release of the authors' weights.

    Attributes:
        name: as it is installed.
        url: of its archive.
        sha256: of the archive; None where it is not known, then that of the first download is
            recorded.
        date: when it was published.
        kind: "centre_crop" or "nnunet".
        about: a description, one sentence.
        licence: ``name`` (None: not stated), ``note``, ``url``.
        citation: what to cite.
        max_features: the most channels a stage of its network has; None where its own files say.
        settings: of its plan, other than the defaults.
        cropped: it was trained on images cropped around the cord.
    """

    name: str
    url: str
    sha256: str | None
    date: str
    kind: str
    about: str
    licence: dict[str, Any]
    citation: str
    max_features: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    cropped: bool = False

    @property
    def file(self) -> str:
        """The archive's name."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def licence_text(self) -> str:
        """Shown before a download."""
        name = self.licence["name"] or "not stated"
        return f"Licence: {name}. {self.licence['note']} ({self.licence['url']})"


def releases() -> list[Release]:
    """All that are known, the oldest first.

    Raises:
        ModelError: the list is corrupt.
    """
    path = resources_folder() / "Models" / "releases.json"
    try:
        content = read_json(path)
        shared = {"licence": content["licence"], "citation": content["citation"]}
        return [
            Release(
                **{key: value for key, value in entry.items() if key != "file"},
                **shared,
                url=_url(content, entry),
            )
            for entry in content["releases"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            "The list of releases is corrupt.", path=path, hint="Install SoftCordSeg again."
        ) from error


def release_named(name: str) -> Release:
    """The release of that name, with or without the v.

    Raises:
        ModelError: there is none.
    """
    known = releases()
    for release in known:
        if name.lower() in (release.name, release.name.lstrip("v")):
            return release
    names = ", ".join(release.name for release in known)
    raise ModelError(f"There is no release '{name}'.", hint=f"Choose one of {names}.")


def _url(content: dict[str, Any], entry: dict[str, Any]) -> str:
    return f"{content['source']}/releases/download/{entry['file']}"
