"""Where training images come from: named kinds with parameters, as configurations speak of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..network import WHOLE_IMAGE
from .input_contract import InputContract
from .pairs import Mixture, Source
from .patch_scaling import PatchScaling


@dataclass(frozen=True)
class SourceContext:
    """What a source must know beside its own parameters.

    Attributes:
        shape: of a patch, voxels along (Left, Anterior, Superior).
        spacing: mm, isotropic.
        data: folder of anatomy and images (``--data``).
        folder: of the configuration; relative paths are looked for there too.
        where: how errors name the source, "'config.yaml', networks.segmenter.source".
        contract: gives the input contract of the bundle that is made, when a source is built; it
            may have to open bundles.
    """

    shape: tuple[int, int, int]
    spacing: float
    data: Path
    folder: Path = Path()
    where: str = "source"
    contract: Callable[[], InputContract] = InputContract

    def scaling(self) -> PatchScaling:
        """How patches are scaled.

        Raises:
            InputError: the bundles that the training goes on from have different contracts.
            ModelError: one of them cannot be read.
        """
        return self.contract().patches(self.spacing)

    def find(self, name: str) -> Path:
        """The file ``name``, as it stands, below the configuration's folder or below the data.

        Raises:
            InputError: it is in none of them.
        """
        for path in (Path(name), self.folder / name, self.data / name):
            if path.is_file():
                return path
        raise InputError(
            f"In {self.where}: there is no file '{name}', neither here nor in '{self.folder}' or"
            f" '{self.data}'. Correct the path."
        )


def build_source(settings: Mapping[str, Any], context: SourceContext) -> Source:
    """The source that a section of a configuration describes.

    Args:
        settings: ``kind`` and its parameters.
        context: what else it needs.

    Raises:
        InputError: an unknown kind or parameter, or data that are missing.
    """
    options = dict(settings)
    kind = options.pop("kind", None)
    if kind not in KINDS:
        raise InputError(
            f"In {context.where}: the kind of a source is one of {', '.join(sorted(KINDS))};"
            f" {kind!r} is not."
        )
    return KINDS[kind](options, context)


def data_files_of(settings: Mapping[str, Any], context: SourceContext) -> list[Path]:
    """The files that the source of :func:`build_source` reads, for the record."""
    kind = settings.get("kind")
    if kind == "mixture":
        return [path for _, one in settings["of"] for path in data_files_of(one, context)]
    if kind == "synthetic":
        from .synthetic import data_files

        return data_files(context.data)
    return [context.find(str(settings["list"]))] if "list" in settings else []


def _synthetic(options: dict[str, Any], context: SourceContext) -> Source:
    from . import synthetic

    recipes = {"locator": synthetic.LOCATOR, "segmenter": synthetic.SEGMENTER}
    name = options.pop("recipe", None)
    if name not in recipes:
        raise InputError(
            f"In {context.where}: recipe should be one of {', '.join(recipes)}, not {name!r}."
        )
    recipe = dataclasses.replace(recipes[name], shape=tuple(context.shape), spacing=context.spacing)
    known = {field.name for field in dataclasses.fields(recipe)} - {"shape", "spacing"}
    for option in options:
        if option not in known:
            raise InputError(
                f"In {context.where}: '{option}' is not a setting of a synthetic recipe. Known:"
                f" {', '.join(sorted(known))}."
            )
    values = {
        option: tuple(value) if isinstance(value, list) else value
        for option, value in options.items()
    }
    return synthetic.Synthesis(
        _anatomy(context.data), dataclasses.replace(recipe, **values), context.scaling()
    )


def _mixture(options: dict[str, Any], context: SourceContext) -> Source:
    parts = options.pop("of", None)
    well_formed = (
        isinstance(parts, list)
        and parts
        and all(isinstance(one, list) and len(one) == 2 for one in parts)
    )
    if options or not well_formed:
        raise InputError(
            f"In {context.where}: a mixture has the one setting of: [[share, {{kind: …}}], …]."
        )
    try:
        return Mixture(
            [build_source(one, context) for _, one in parts], [float(share) for share, _ in parts]
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"In {context.where}: {error}.") from error


def _real(options: dict[str, Any], context: SourceContext) -> Source:
    from .real import load_real

    if not isinstance(options.get("list"), str):
        raise InputError(
            f"In {context.where}: a source of real images needs list, the file that names its"
            " cases."
        )
    path = context.find(options.pop("list"))
    scaling = context.scaling()
    try:
        return load_real(path, tuple(context.shape), context.spacing, scaling=scaling, **options)
    except TypeError as error:
        raise InputError(
            f"In {context.where}: a source of real images was given a setting it does not have"
            f" ({error})."
        ) from error


def _cases(options: dict[str, Any], context: SourceContext) -> Source:
    from .cases import Listed, read_part

    known = {"list", "part", "contrasts", "augmentation", "padding", "cache"}
    unknown = sorted(set(options) - known)
    if unknown or not isinstance(options.get("list"), str):
        wrong = (
            f"'{unknown[0]}' is not a setting of a list of cases"
            if unknown
            else "a list of cases needs list, its file"
        )
        raise InputError(f"In {context.where}: {wrong}. Known: {', '.join(sorted(known))}.")
    choices = {
        "part": ("training", "validation", "test"),
        "augmentation": ("paper", "code", "none"),
        "padding": ("constant", "edge"),
    }
    for option, allowed in choices.items():
        if options.get(option, allowed[0]) not in allowed:
            raise InputError(
                f"In {context.where}: {option} should be one of {', '.join(allowed)}, not"
                f" {options[option]!r}."
            )
    if context.contract().intensities != WHOLE_IMAGE:
        raise InputError(
            f"In {context.where}: a list of cases is scaled as a whole, but the bundle that is to"
            " be made scales intensities around the cord. Use a source of the kind real."
        )
    contrasts = options.get("contrasts", "all")
    contrasts = [contrasts] if isinstance(contrasts, str) else [str(name) for name in contrasts]
    cases = read_part(context.find(options["list"]), options.get("part", "training"), contrasts)
    cache = Path(options["cache"]) if options.get("cache") else None
    keep = {name: options[name] for name in ("augmentation", "padding") if name in options}
    return Listed(cases, context.shape, context.spacing, cache=cache, **keep)


def held_out_settings(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The source of validation that goes with a source of training: the list's own part; None where
    it is the same source.
    """
    if settings.get("kind") != "cases":
        return None
    return {**settings, "part": "validation", "augmentation": "none"}


# Reading the anatomy takes seconds, and both networks draw from it.
_anatomies: dict[Path, Any] = {}


def _anatomy(data: Path) -> Any:
    from .synthetic import load_anatomy

    folder = data.resolve()
    if folder not in _anatomies:
        _anatomies[folder] = load_anatomy(data)
    return _anatomies[folder]


KINDS: dict[str, Callable[[dict[str, Any], SourceContext], Source]] = {
    "synthetic": _synthetic,
    "mixture": _mixture,
    "real": _real,
    "cases": _cases,
}
