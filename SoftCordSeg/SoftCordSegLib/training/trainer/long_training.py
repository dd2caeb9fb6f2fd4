"""A plan of trainings that take turns: which come in what order, and what one bundle is made of."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import InputError
from .run_description import RunDescription

_KEYS = (
    "name",
    "parent",
    "validate_steps",
    "measure_minutes",
    "log_minutes",
    "base",
    "trainings",
    "order",
)


@dataclass(frozen=True)
class LongRun:
    """Trainings of one bundle.

    Attributes:
        name: of the run and its folder.
        trainings: by name.
        order: names and how many steps each has in all when its turn ends; the last may be None,
            for no end.
        parent: bundle that a stage without a training is taken from.
        validate_steps: between validations.
        measure_minutes: between measurements on the development list; 0 for none.
        log_minutes: between lines of the log.
    """

    name: str
    trainings: dict[str, RunDescription]
    order: tuple[tuple[str, int | None], ...]
    parent: str = "compact"
    validate_steps: int = 1000
    measure_minutes: float = 60.0
    log_minutes: float = 1.0

    def turns(self) -> list[RunDescription]:
        """The trainings in their order, each with the steps at which its turn ends."""
        return [replace(self.trainings[name], steps=steps) for name, steps in self.order]

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> LongRun:
        """From plain types.

        Raises:
            InputError: a key or setting is unknown, missing, or cannot be.
        """
        unknown = sorted(set(content) - set(_KEYS))
        if unknown:
            raise InputError(
                f"'{unknown[0]}' is not a key of a plan of trainings. Known are {', '.join(_KEYS)}."
            )
        try:
            base = content.get("base")
            trainings = {
                name: RunDescription.from_json({"name": name, **one}, base)
                for name, one in content["trainings"].items()
            }
            order = tuple(
                (str(name), None if steps is None else int(steps))
                for name, steps in content["order"]
            )
            plain = {
                key: content[key]
                for key in ("parent", "validate_steps", "measure_minutes", "log_minutes")
                if key in content
            }
            run = cls(str(content["name"]), trainings, order, **plain)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"A plan of trainings needs name, trainings and order ({error!r}). Correct the"
                " plan."
            ) from error
        if not order or {name for name, _ in order} - set(trainings):
            raise InputError(
                "The order of a plan names each of its trainings, and no other. Correct the plan."
            )
        if any(steps is None for _, steps in order[:-1]):
            raise InputError(
                "Only the last training of a plan's order goes on for ever. Give the others their"
                " steps."
            )
        return run

    @classmethod
    def read(cls, path: str | Path) -> LongRun:
        """From a JSON file.

        Raises:
            InputError: as :meth:`from_json`, or the file cannot be read.
        """
        return cls.from_json(read_json(path))


def read_json(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"'{path}' cannot be read as JSON: {error}. Correct it, or name another file."
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"'{path}' does not hold a JSON object. Name another file.")
    return content
