"""``-m NAME=…`` of ``softcord evaluate``: folders of masks, and models."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..guard import UsageProblem
from ..tools import Tools

if TYPE_CHECKING:
    from ...evaluation import BundleMethod, FolderMethod


def open_methods(
    texts: Sequence[str], suffixes: Sequence[str], out: Path, tools: Tools, device: str
) -> list[FolderMethod | BundleMethod]:
    """What the user named.

    Args:
        texts: "NAME=FOLDER" or "NAME=BUNDLE" each; a bundle is told by its
            ``configs/metadata.json``, or is a shipped one's name.
        suffixes: "ENDING" or "NAME=ENDING" each.
        out: folder of the results; masks that bundles make go into ``masks/NAME`` below it.
        tools: opens bundles and segments.
        device: of the networks.

    Raises:
        UsageProblem: no name, a name twice, or results that would go among a method's masks.
        InputError: there is no such folder.
        ModelError: the bundle cannot be used.
    """
    from ...evaluation import BundleMethod, FolderMethod

    pairs = [_pair(text) for text in texts]
    names = [name for name, _ in pairs]
    endings = _endings(suffixes, names)
    methods = []
    for name, place in pairs:
        if names.count(name) > 1:
            raise UsageProblem(f"Two methods are called '{name}'. Give each its own name.")
        if _is_bundle(place):
            segment = functools.partial(_segment, tools, device)
            methods.append(
                BundleMethod(name, tools.open_bundle(place), segment, out / "masks" / name)
            )
        else:
            if Path(place).resolve() in (out.resolve(), *out.resolve().parents):
                raise UsageProblem(
                    f"The output folder '{out}' lies within '{place}', the masks of {name}. Choose"
                    " another one."
                )
            methods.append(FolderMethod(name, Path(place), endings.get(name, endings.get(None))))
    return methods


def _segment(tools: Tools, device: str, image: Any, bundle: Any, progress: Any) -> Any:
    return tools.segment(image, bundle, box=None, progress=progress, device=device)


def _pair(text: str) -> tuple[str, str]:
    name, equals, place = text.partition("=")
    if not equals or not name.strip() or not place.strip() or any(sign in name for sign in "/\\:"):
        raise UsageProblem(
            "A method is given as NAME=FOLDER or NAME=BUNDLE, with a name without / and \\;"
            f" '{text}' is not that."
        )
    return name.strip(), place.strip()


def _is_bundle(place: str) -> bool:
    """True for a bundle's folder, and for what is no path at all: the name of a shipped one."""
    path = Path(place)
    return (path / "configs" / "metadata.json").is_file() or (
        not path.is_dir() and path.name == place
    )


def _endings(suffixes: Sequence[str], names: Sequence[str]) -> dict[str | None, str]:
    endings: dict[str | None, str] = {}
    for text in suffixes:
        name, equals, ending = text.partition("=")
        if equals and name not in names:
            raise UsageProblem(
                f"--suffix {text}: there is no method '{name}'. The methods are {', '.join(names)}."
            )
        endings[name if equals else None] = ending if equals else text
    return endings
