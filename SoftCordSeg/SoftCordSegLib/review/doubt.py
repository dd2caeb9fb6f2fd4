"""How likely a mask is wrong, where, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Raised when the features or their limits change: older results are then computed anew.
DOUBT_VERSION = 1
# The feature of an image that cannot be read.
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Doubt:
    """How likely a mask is wrong.

    Attributes:
        score: 0 (sure) to 1 (certainly wrong).
        reason: in words, for example "C5, slice 87: area drops by 40 %"; "" where nothing is
            doubtful.
        slice: the worst axial slice, its index along the cord's axis of the array in the file;
            None where the doubt is about the whole image.
        position_mm: the middle of the cord there, world RAS+, mm; None where that is not known.
        features: what the score is made of, by name.
        version: of the features and limits, :data:`DOUBT_VERSION`.
        teach: how much can be learned from correcting the mask, 0 to 1.
    """

    score: float
    reason: str = ""
    slice: int | None = None
    position_mm: tuple[float, float, float] | None = None
    features: Mapping[str, float] = field(default_factory=dict)
    version: int = DOUBT_VERSION
    teach: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """In plain types, for a sidecar or a file."""
        return {
            "Score": round(self.score, 4),
            "Reason": self.reason,
            "Slice": self.slice,
            "PositionMm": None
            if self.position_mm is None
            else [round(part, 2) for part in self.position_mm],
            "Features": {name: _rounded(value) for name, value in self.features.items()},
            "Version": self.version,
            "Teach": round(self.teach, 4),
        }

    @property
    def is_unreadable(self) -> bool:
        """Whether the image cannot be read, so that there is nothing to look at."""
        return UNREADABLE in self.features

    @classmethod
    def from_json(cls, content: Any) -> Doubt:
        """The doubt that :meth:`as_json` gave.

        Raises:
            ValueError: ``content`` is something else.
        """
        if not isinstance(content, Mapping):
            raise ValueError("it is not a mapping")
        position, features = content.get("PositionMm"), content.get("Features") or {}
        number = content.get("Slice")
        try:
            x, y, z = map(float, position) if position is not None else (0.0, 0.0, 0.0)
            found = cls(
                score=_share(content["Score"]),
                reason=str(content.get("Reason", "")),
                slice=None if number is None else int(number),
                position_mm=None if position is None else (x, y, z),
                features={str(name): _number(value) for name, value in features.items()},
                version=int(content["Version"]),
                teach=_share(content.get("Teach", 0.0)),
            )
        except (AttributeError, KeyError, OverflowError, TypeError) as error:
            raise ValueError("it is not a doubt") from error
        return found


def _rounded(value: float) -> float | None:
    """Four digits after the point; None for what JSON has no number for."""
    return round(float(value), 4) if math.isfinite(value) else None


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _share(value: Any) -> float:
    """A number in 0 to 1.

    Raises:
        ValueError: it is none.
    """
    share = float(value)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{share} does not lie between 0 and 1")
    return share
