"""The settings of an evaluation: a YAML file over the shipped one, which has the paper's values."""

# No "from __future__ import annotations": pydantic reads the types, on Python 3.9 too.
import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, Optional, Union

from pydantic import BaseModel, Field, ValidationError, field_validator

from ..errors import InputError, OptionError
from ..evaluation import CordRange, ScoreOptions
from ..evaluation.resolutions import Spacing
from ..morphometry import parse_levels, parse_slices
from ..reports.evaluation_figures import FigureOptions
from ..resources import resources_folder
from ..yaml_text import read_yaml
from .evaluate_study import StudyOptions


class EvaluationSettings(BaseModel, extra="forbid", frozen=True):
    """The keys of ``Resources/Evaluation/paper.yaml``, where each is explained."""

    suffix: Union[None, str, dict[str, str]]
    threshold: float = Field(gt=0, le=1)
    thresholds: tuple[float, ...]
    csa_threshold: Union[Literal["soft"], float]
    rescaling: Literal["none", "sct"]
    vert: Optional[str]
    slices: Optional[str]
    resolutions: tuple[Spacing, ...]
    drift_limit: float = Field(ge=0)
    kinds: tuple[Literal["png", "svg", "pdf"], ...] = Field(min_length=1)
    pair: Optional[tuple[str, str]]
    panels: int = Field(ge=0, le=20)
    drop_outliers: bool

    @field_validator("suffix", "vert", "slices", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("thresholds", "kinds", mode="before")
    @classmethod
    def _text_is_a_list(cls, value: object) -> object:
        return _listed(value)

    @field_validator("pair", mode="before")
    @classmethod
    def _empty_or_a_list(cls, value: object) -> object:
        return _listed(value) or None

    @field_validator("resolutions", mode="before")
    @classmethod
    def _voxel_sizes(cls, value: object) -> list[Spacing]:
        return [_spacing(part) for part in _listed(value)]

    @field_validator("thresholds", "csa_threshold")
    @classmethod
    def _within_0_and_1(cls, value: Any) -> Any:
        numbers = value if isinstance(value, tuple) else () if value == "soft" else (value,)
        if not all(0 < number <= 1 for number in numbers):
            raise ValueError("a threshold lies above 0 and up to 1")
        return value

    @field_validator("pair")
    @classmethod
    def _two_contrasts(cls, value: Optional[tuple[str, str]]) -> Optional[tuple[str, str]]:
        if value is not None and value[0] == value[1]:
            raise ValueError("these are not two contrasts")
        return value

    @property
    def cut(self) -> Optional[float]:
        """Where masks are cut for CSA; None is the soft mask."""
        return None if isinstance(self.csa_threshold, str) else self.csa_threshold

    def cord_range(self) -> Optional[CordRange]:
        """Where CSA is averaged; None for the usual range.

        Raises:
            OptionError: both levels and slices, or text that cannot be read.
        """
        if self.vert is not None and self.slices is not None:
            raise OptionError("Both levels and slices are given.", hint="Leave one of them out.")
        try:
            if self.vert is not None:
                return CordRange(levels=tuple(parse_levels(self.vert)), name=self.vert)
            if self.slices is not None:
                name = f"slices {self.slices}"
                return CordRange(slices=tuple(parse_slices(self.slices)), name=name)
        except InputError as error:
            raise OptionError(error.sentence, hint=error.hint) from error
        return None

    def figure_options(self) -> FigureOptions:
        """What to draw."""
        kinds = tuple(dict.fromkeys(self.kinds))
        return FigureOptions(kinds, self.drop_outliers, self.pair, self.panels)

    def options(self, drift: bool = False, figures: bool = True) -> StudyOptions:
        """For :func:`~.evaluate_study.evaluate_study`.

        Args:
            drift: the methods are releases of one model.
            figures: draw figures.

        Raises:
            OptionError: see :meth:`cord_range`.
        """
        further = (*self.thresholds, *(() if self.cut is None else (self.cut,)))
        scores = ScoreOptions(self.threshold, further, self.rescaling)
        return StudyOptions(
            scores,
            self.cut,
            self.cord_range(),
            self.resolutions,
            self.drift_limit if drift else None,
            self.figure_options() if figures else None,
        )

    def check_methods(self, names: Collection[str]) -> None:
        """Refuse endings of masks of other methods than these.

        Raises:
            OptionError: there are some.
        """
        endings = self.suffix if isinstance(self.suffix, dict) else {}
        unknown = [name for name in endings if name not in names]
        if unknown:
            raise OptionError(
                f"The setting 'suffix' names '{unknown[0]}', but there is no such method.",
                hint=f"The methods are {', '.join(names)}.",
            )

    def suffix_of(self, method: str) -> Optional[str]:
        """The ending of a method's masks; None tries every usual name."""
        return self.suffix.get(method) if isinstance(self.suffix, dict) else self.suffix


def read_settings(
    path: Optional[Path] = None, changes: Optional[Mapping[str, object]] = None
) -> EvaluationSettings:
    """The shipped settings, those of a file over them, and changes over both.

    Args:
        path: YAML file with some of the keys.
        changes: by key.

    Raises:
        InputError: the file cannot be read.
        OptionError: a key is unknown, or a value is invalid.
    """
    shipped = _read_yaml(_shipped())
    own = {} if path is None else _read_yaml(path)
    try:
        return EvaluationSettings(**{**shipped, **own, **(changes or {})})
    except ValidationError as error:
        raise _sentence(error, list(shipped)).in_file(path) from error


def _shipped() -> Path:
    return resources_folder() / "Evaluation" / "paper.yaml"


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        # Every value as text: YAML would take 2:3 for a number to the base of 60.
        content = read_yaml(path, as_text=True)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "The settings cannot be read.", path=path, hint="Check the name and the folder."
        ) from error
    except ValueError as error:
        raise InputError(
            f"This is not a YAML file of settings ({error}).",
            path=path,
            hint="Give a line 'key: value' for each setting.",
        ) from error
    if not isinstance(content or {}, dict):
        raise InputError(
            "This is not a file of settings.",
            path=path,
            hint="Give a line 'key: value' for each setting.",
        )
    return dict(content or {})


def _sentence(error: ValidationError, keys: list[str]) -> OptionError:
    """The first thing that is wrong."""
    first = error.errors()[0]
    key = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, keys, n=1)
        nearest = f"Did you mean '{near[0]}'? " if near else ""
        return OptionError(
            f"There is no setting '{key}'.", hint=f"{nearest}The settings are {', '.join(keys)}."
        )
    why = first["msg"].removeprefix("Value error, ")
    return OptionError(
        f"The setting '{key}' is invalid: {why[:1].lower()}{why[1:]}.",
        hint=f"'{_shipped()}' explains every setting.",
    )


def _listed(value: Any) -> Any:
    """A list, also where it was written as "a,b"."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _spacing(value: object) -> Spacing:
    parts = value if isinstance(value, list) else str(value).lower().split("x")
    try:
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError):
        numbers = []
    numbers = numbers * 3 if len(numbers) == 1 else numbers
    if len(numbers) != 3 or not all(0.05 <= number <= 50.0 for number in numbers):
        raise ValueError(f"'{value}' is not a voxel size of 0.05 to 50 mm, such as 1 or 0.5x0.5x5")
    return numbers[0], numbers[1], numbers[2]
