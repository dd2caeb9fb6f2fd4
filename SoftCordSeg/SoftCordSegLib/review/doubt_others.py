"""A mask against others: of the other contrasts of the session, by the scanner's coordinates, and
of the same contrast in the data set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from .doubt_signs import Sign
from .mask_profile import MaskProfile

# The cord is kept every so many mm at least.
_EVERY_MM = 3.0
# Areas are compared over this length together.
_WINDOW_MM = 12.0
# Less in common tells nothing; further apart the two images are not in one frame.
_LEAST_COMMON_MM, _FRAME_MM = 9.0, 45.0
# A cohort needs so many.
_LEAST_COHORT = 8
# Measures of the cohort: what differs less than this between masks is no doubt, and the words.
_COHORT = {
    "area": (0.10, "area {:.0f} % {} the usual of {} here"),
    "covered": (0.15, "length in the image {:.0f} % {} the usual of {} here"),
    "mixture": (0.06, "tissue inside more mixed than the usual of {2} here"),
    "rim": (0.20, "outline softer than the usual of {2} here"),
}


@dataclass(frozen=True, eq=False)
class SampledCord:
    """What is kept of a mask to hold others against it.

    Attributes:
        slices: (n,) index along the cord's axis of the array in the file, from below.
        points_mm: (n, 3) the middle of the cord, world RAS+.
        area_mm2: (n,) at right angles to the cord.
        levels: (n,) vertebral level, 0 where not known.
        field_mm: heights of the image's lowest and highest slice.
        measures: of the whole mask, for the cohort: see ``_COHORT``.
    """

    slices: np.ndarray
    points_mm: np.ndarray
    area_mm2: np.ndarray
    levels: np.ndarray
    field_mm: tuple[float, float]
    measures: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """In plain types."""
        return {
            "Slices": self.slices.tolist(),
            "PointsMm": np.round(self.points_mm, 2).tolist(),
            "AreaMm2": np.round(self.area_mm2, 2).tolist(),
            "Levels": self.levels.tolist(),
            "FieldMm": [round(part, 2) for part in self.field_mm],
            "Measures": {name: round(value, 4) for name, value in self.measures.items()},
        }

    @classmethod
    def from_json(cls, content: Any) -> SampledCord:
        """What :meth:`as_json` gave.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: ``content`` is something else.
        """
        slices = np.asarray(content["Slices"], dtype=int).reshape(-1)
        low, high = map(float, content["FieldMm"])
        return cls(
            slices,
            np.asarray(content["PointsMm"], dtype=float).reshape(len(slices), 3),
            np.asarray(content["AreaMm2"], dtype=float).reshape(len(slices)),
            np.asarray(content["Levels"], dtype=int).reshape(len(slices)),
            (low, high),
            {str(name): float(value) for name, value in content["Measures"].items()},
        )


def sampled_cord(profile: MaskProfile) -> SampledCord:
    """What is kept of a profile."""
    where = np.flatnonzero(profile.inner)[:: max(1, round(_EVERY_MM / profile.thickness_mm))]
    low, high = profile.field_mm
    measures = {
        "area": math.log(max(float(np.median(profile.area_mm2[where])), 1.0)),
        "covered": profile.length_mm / max(high - low + profile.thickness_mm, 1e-6),
        "rim": float(np.median(profile.rim_mm[where])),
    }
    seen = profile.image
    if seen is not None and np.isfinite(seen.mixture).any():
        measures["mixture"] = float(np.nanmedian(seen.mixture))
    levels = profile.levels if len(profile.levels) else np.zeros(len(profile), int)
    return SampledCord(
        profile.slices[where],
        profile.centres_mm[where],
        profile.area_mm2[where],
        levels[where],
        profile.field_mm,
        measures,
    )


def other_signs(
    own: SampledCord | None,
    others: Mapping[str, SampledCord],
    trust: Mapping[str, float] | None = None,
) -> list[Sign]:
    """What the masks of other contrasts of the session say.

    Args:
        own: None for an empty mask.
        others: by contrast; without empty ones.
        trust: by contrast, how likely that mask itself is right, 0 to 1; 1 where left out.  What
            disagrees with a wrong mask need not be wrong.
    """
    if own is None:
        names = ", ".join(others)
        return [Sign("missing", 1.0, f"{names} has a mask")] if others else []
    signs = []
    for name, other in others.items():
        weight = 1.0 if trust is None else trust.get(name, 1.0)
        signs += [replace(sign, weight=weight) for sign in _against(own, name, other)]
    # Where several others speak, the second loudest: one wrong mask does not blame them all.
    kept: list[Sign] = []
    for kind in ("other_area", "other_place", "other_reach"):
        found = sorted((s for s in signs if s.name == kind), key=lambda sign: -sign.chance)
        if found:
            kept.append(found[1] if len(others) > 1 and len(found) > 1 else found[0])
    return kept


def _against(own: SampledCord, name: str, other: SampledCord) -> list[Sign]:
    order = np.argsort(other.points_mm[:, 2])
    heights = other.points_mm[order, 2]
    at = own.points_mm[:, 2]
    common = (at >= heights[0]) & (at <= heights[-1])
    step = _spacing(at)
    signs = []
    if common.sum() * step >= _LEAST_COMMON_MM:
        middle = np.column_stack(
            [np.interp(at, heights, other.points_mm[order, axis]) for axis in (0, 1)]
        )
        apart = np.linalg.norm(middle - own.points_mm[:, :2], axis=1)
        if np.median(apart[common]) > _FRAME_MM:
            return []
        area = np.interp(at, heights, other.area_mm2[order])
        ratio = np.log(np.maximum(own.area_mm2, 1.0) / np.maximum(area, 1.0))
        size = max(1, round(_WINDOW_MM / step))
        for kind, values, words in (
            ("other_area", np.abs(ratio), "{} disagrees by {:.0f} %"),
            ("other_place", apart, "{} has the cord {:.0f} mm away"),
        ):
            smooth = ndimage.median_filter(values[common], size, mode="nearest")
            worst = int(np.flatnonzero(common)[int(smooth.argmax())])
            value = float(smooth.max())
            shown = 100 * (math.exp(value) - 1) if kind == "other_area" else value
            signs.append(_placed(own, kind, value, words.format(name, shown), worst))
    signs += _reach(own, name, heights)
    return signs


def _reach(own: SampledCord, name: str, heights: np.ndarray) -> list[Sign]:
    """How far the other's cord goes on in this image's field, beyond this mask's ends."""
    low, high = own.field_mm
    first, last = float(own.points_mm[:, 2].min()), float(own.points_mm[:, 2].max())
    below = first - max(float(heights[0]), low)
    above = min(float(heights[-1]), high) - last
    value, end = max((below, 0), (above, -1))
    if value <= 0:
        return []
    at = int(np.argsort(own.points_mm[:, 2])[end])
    words = f"{name} goes on for {value:.0f} mm beyond its end"
    return [_placed(own, "other_reach", value, words, at)]


def _placed(own: SampledCord, kind: str, value: float, words: str, at: int) -> Sign:
    x, y, z = (float(part) for part in own.points_mm[at])
    return Sign(kind, value, words, int(own.slices[at]), (x, y, z), int(own.levels[at]))


def _spacing(heights: np.ndarray) -> float:
    return float(np.median(np.abs(np.diff(heights)))) if len(heights) > 1 else _EVERY_MM


def cohort_signs(
    own: SampledCord | None, contrast: str, cohort: Sequence[SampledCord]
) -> list[Sign]:
    """How far a mask's measures stray from those of the same contrast in the data set.

    Args:
        own: None for an empty mask.
        contrast: its name, for the words.
        cohort: the others.
    """
    if own is None or len(cohort) < _LEAST_COHORT:
        return []
    worst: Sign | None = None
    for name, (least, words) in _COHORT.items():
        values = [other.measures[name] for other in cohort if name in other.measures]
        if name not in own.measures or len(values) < _LEAST_COHORT:
            continue
        usual = float(np.median(values))
        spread = max(1.4826 * float(np.median(np.abs(np.array(values) - usual))), least)
        off = own.measures[name] - usual
        if name in ("mixture", "rim"):
            off = max(off, 0.0)  # less is no sign of an error
        relative = math.exp(abs(off)) - 1 if name == "area" else abs(off) / max(usual, 1e-6)
        side = "above" if off > 0 else "below"
        if name == "area" and off < 0:
            relative = 1 - math.exp(off)
        sign = Sign("cohort", abs(off) / spread, words.format(100 * relative, side, contrast))
        if worst is None or sign.value > worst.value:
            worst = sign
    return [] if worst is None else [worst]
