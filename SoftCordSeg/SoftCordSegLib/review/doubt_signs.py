"""The signs of a wrong mask, each with its chance of being one, and the doubt that they make
together.

Every sign has two limits: up to the first one good masks go, from the second one no good mask is
known.  Between, the chance that the mask is wrong grows smoothly; signs are put together as if
they were independent (noisy-or): the mask is right if none of them tells of an error.  The limits
were set on masks drawn by hand, of the shipped model and of phantoms (``recipes/doubt_study.py``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from .doubt import UNREADABLE, Doubt
from .mask_profile import MaskProfile

# So many signs are named in the reason, and only from this chance on.
_NAMED, _LEAST_CHANCE = 2, 0.15


@dataclass(frozen=True)
class Limit:
    """From which value on a sign speaks.

    Attributes:
        good: good masks go up to here: chance 0.02 of being wrong.
        wrong: no good mask is known from here: chance 0.98, times ``most``.
        most: the largest chance; below 1 where the sign can have another cause.
    """

    good: float
    wrong: float
    most: float = 1.0

    def chance(self, value: float) -> float:
        """Of a wrong mask, 0 to 1."""
        if not math.isfinite(value):
            return 0.0
        x = (value - self.good) / (self.wrong - self.good)
        return self.most / (1.0 + math.exp(-min(max(8.0 * x - 4.0, -50.0), 50.0)))


LIMITS = {
    "unusable": Limit(0.0, 1.0),
    UNREADABLE: Limit(0.0, 1.0),
    "empty": Limit(0.0, 1.0, 0.9),
    "small": Limit(0.5, 0.9),
    "large": Limit(115.0, 170.0),
    "thin": Limit(-25.0, -12.0),
    "level": Limit(3.0, 6.0, 0.9),
    "jump": Limit(0.22, 0.5),
    "kink": Limit(1.5, 4.5),
    "pieces": Limit(0.02, 0.15),
    "gap": Limit(4.0, 20.0),
    "holes": Limit(0.01, 0.12),
    "ragged": Limit(0.06, 0.2),
    "flat": Limit(2.4, 3.8),
    "two_tissues": Limit(0.3, 0.75, 0.9),
    "inner_edge": Limit(0.35, 0.8, 0.8),
    "no_edge": Limit(-0.38, -0.1, 0.9),
    "off_middle": Limit(1.6, 4.5, 0.8),
    "rim": Limit(2.0, 3.5, 0.8),
    "unsure": Limit(0.03, 0.3, 0.9),
    "lower_end": Limit(0.0, 1.0, 0.9),
    "upper_end": Limit(0.0, 1.0, 0.3),
    "side": Limit(0.02, 0.4, 0.5),
    "missing": Limit(0.0, 1.0, 0.9),
    "other_area": Limit(0.15, 0.45, 0.8),
    "other_place": Limit(4.0, 12.0, 0.8),
    "other_reach": Limit(20.0, 60.0, 0.7),
    "cohort": Limit(3.5, 9.0, 0.6),
    "mirror": Limit(0.04, 0.2),
    "network": Limit(0.15, 0.45),
}


@dataclass(frozen=True)
class Sign:
    """One sign of a wrong mask.

    Attributes:
        name: of ``LIMITS``.
        value: in the sign's own unit; the more, the worse.
        words: for the reader, without the slice.
        slice: where, the index along the cord's axis of the array in the file; None where it is
            about the whole mask.
        position_mm: the middle of the cord there, world RAS+.
        level: vertebral level there, 0 where not known.
        weight: 1; less where the sign may be another mask's fault.
    """

    name: str
    value: float
    words: str
    slice: int | None = None
    position_mm: tuple[float, float, float] | None = None
    level: int = 0
    weight: float = 1.0

    @property
    def chance(self) -> float:
        """That the mask is wrong, from this sign alone."""
        return self.weight * LIMITS[self.name].chance(self.value)

    def as_json(self) -> dict[str, Any]:
        """In plain types."""
        return {
            "Name": self.name,
            "Value": round(self.value, 4),
            "Words": self.words,
            "Slice": self.slice,
            "PositionMm": None
            if self.position_mm is None
            else [round(part, 2) for part in self.position_mm],
            "Level": self.level,
        }

    @classmethod
    def from_json(cls, content: Any) -> Sign:
        """The sign that :meth:`as_json` gave.

        Raises:
            KeyError, TypeError, ValueError: ``content`` is something else.
        """
        position, number = content["PositionMm"], content["Slice"]
        x, y, z = map(float, position) if position is not None else (0.0, 0.0, 0.0)
        if content["Name"] not in LIMITS:
            raise ValueError("no such sign")
        return cls(
            content["Name"],
            float(content["Value"]),
            str(content["Words"]),
            None if number is None else int(number),
            None if position is None else (x, y, z),
            int(content["Level"]),
        )


def doubt_from(signs: Iterable[Sign], *, teach: float = 0.0, measures: dict | None = None) -> Doubt:
    """One score of all signs, with the worst slice and the reason.

    Args:
        signs: of one mask.
        teach: see :class:`.doubt.Doubt`.
        measures: further features by name.
    """
    ranked = sorted(signs, key=lambda sign: -sign.chance)
    right = math.prod(1.0 - sign.chance for sign in ranked)
    named = [sign for sign in ranked if sign.chance >= _LEAST_CHANCE][:_NAMED]
    placed = next((sign for sign in named if sign.slice is not None), None)
    features = {sign.name: sign.value for sign in ranked}
    return Doubt(
        score=min(max(1.0 - right, 0.0), 1.0),
        reason=_reason(named),
        slice=None if placed is None else placed.slice,
        position_mm=None if placed is None else placed.position_mm,
        features={**(measures or {}), **features},
        teach=teach,
    )


def _level_name(level: int) -> str:
    # Where a mask has just been made, and no level is known, all of that floor would be imported.
    from ..morphometry import level_name

    return level_name(level)


def _reason(named: Sequence[Sign]) -> str:
    """For example "C5, slice 87: area drops by 40 %; T1w disagrees by 18 %"."""
    parts: list[str] = []
    before: int | None = None
    for sign in named:
        where = ""
        if sign.slice is not None and (not parts or sign.slice != before):
            level = f"{_level_name(sign.level)}, " if sign.level else ""
            where = f"{level}slice {sign.slice}: "
        parts.append(f"{where}{sign.words}")
        before = sign.slice
    return "; ".join(parts)


def mask_signs(profile: MaskProfile | None, normal: Any = None) -> list[Sign]:
    """The signs that a mask and its image give.

    Args:
        profile: of :func:`.mask_profile.mask_profile`; None for an empty mask.
        normal: ``normal_calibre.NormalCalibre`` of the participant; None leaves the level's usual
            area out.
    """
    if profile is None:
        return [Sign("empty", 1.0, "the mask is empty")]
    here = _Placed(profile)
    signs = [*_sizes(profile, here), *_course(profile, here), *_sections(profile, here)]
    signs += [*_ends(profile, here), *_from_image(profile, here), *_softness(profile, here)]
    if normal is not None:
        signs += _calibre(profile, here, normal)
    return signs


class _Placed:
    """Makes signs with the place of a position in a profile."""

    def __init__(self, profile: MaskProfile) -> None:
        self.profile = profile

    def __call__(self, name: str, value: float, words: str, at: int | None = None) -> Sign:
        if at is None or not np.isfinite(self.profile.centres_mm[at]).all():
            return Sign(name, float(value), words)
        x, y, z = (float(part) for part in self.profile.centres_mm[at])
        level = int(self.profile.levels[at]) if len(self.profile.levels) else 0
        return Sign(name, float(value), words, int(self.profile.slices[at]), (x, y, z), level)

    def largest(self, values: np.ndarray, where: np.ndarray) -> int | None:
        """Position of the largest value; None where there is none."""
        chosen = np.where(where & np.isfinite(values), values, -np.inf)
        at = int(chosen.argmax())
        return at if np.isfinite(chosen[at]) else None


def _sizes(profile: MaskProfile, here: _Placed) -> list[Sign]:
    signs = []
    area, inner = profile.area_mm2, profile.inner
    # A cord of 15 mm length and 40 mm² has 600 mm³.
    signs.append(
        here(
            "small",
            1.0 - min(profile.volume_mm3 / 600.0, 1.0),
            f"only {profile.volume_mm3:.0f} mm³ in all",
        )
    )
    # Single slices may be off; three together are not.
    smooth = _median3(area)
    at = here.largest(smooth, inner)
    if at is not None:
        signs.append(
            here("large", smooth[at], f"area {smooth[at]:.0f} mm², too large for a cord", at)
        )
    usual = float(np.nanmedian(area[inner]))
    signs.append(here("thin", -usual, f"area {usual:.0f} mm² on the whole, too small for a cord"))
    return signs


def _course(profile: MaskProfile, here: _Placed) -> list[Sign]:
    signs = []
    inner = profile.inner
    change = area_changes(profile)
    at = here.largest(np.abs(change), inner)
    if at is not None:
        share = 100 * (math.exp(-abs(change[at])) - 1)
        words = (
            f"area drops by {-share:.0f} %"
            if change[at] < 0
            else f"area rises by {100 * (math.exp(change[at]) - 1):.0f} %"
        )
        # Two neighbours of thick slices differ more.
        value = abs(change[at]) / (1.0 + 0.1 * profile.thickness_mm)
        signs.append(here("jump", value, words, at))
    off = _kinks(profile)
    at = here.largest(off, np.isfinite(profile.area_mm2))
    if at is not None:
        signs.append(here("kink", off[at], f"the centreline jumps by {off[at]:.0f} mm", at))
    empty = np.flatnonzero(~np.isfinite(profile.area_mm2))
    gap = len(empty) * profile.thickness_mm
    if len(empty):
        at = int(max(empty[0] - 1, 0))
        signs.append(here("gap", gap, f"no mask over {gap:.0f} mm between its ends", at))
    if profile.stray_slice is not None:
        share = profile.stray_mm3 / max(profile.volume_mm3, 1e-6)
        words = f"further pieces, {profile.stray_mm3:.0f} mm³"
        signs.append(here("pieces", share, words, profile.stray_slice))
    return signs


def area_changes(profile: MaskProfile) -> np.ndarray:
    """(n,) natural logarithm of the area against the neighbours: of a single slice against those
    within a centimetre on both sides, or of the next 6 mm against the last 6 mm, whichever is more.
    """
    logs = np.log(np.maximum(profile.area_mm2, 1.0))
    logs[~profile.inner] = np.nan
    count = len(logs)
    reach = max(1, round(10.0 / profile.thickness_mm))
    step = max(1, round(6.0 / profile.thickness_mm))
    change = np.full(count, np.nan)
    for at in np.flatnonzero(np.isfinite(logs)):
        below, above = logs[max(at - reach, 0) : at], logs[at + 1 : at + 1 + reach]
        if np.isfinite(below).any() and np.isfinite(above).any():
            # Between both sides: a steady taper is no jump.
            single = logs[at] - 0.5 * (np.nanmedian(below) + np.nanmedian(above))
        else:
            single = 0.0
        lower, upper = logs[max(at - step + 1, 0) : at + 1], logs[at + 1 : at + 1 + step]
        # A conus loses 4 % of its area a millimetre.
        tall = (
            float(np.nanmean(upper) - np.nanmean(lower))
            if np.isfinite(upper).sum() == step and len(lower) == step
            else 0.0
        )
        spread = max(step * profile.thickness_mm, profile.thickness_mm)
        tall = math.copysign(max(abs(tall) - 0.015 * spread, 0.0), tall)
        change[at] = single if abs(single) >= abs(tall) else tall
    return change


def _kinks(profile: MaskProfile) -> np.ndarray:
    """(n,) how far the middle lies from the line between its neighbours, mm within the slice."""
    points = profile.centres_mm
    reach = max(1, round(5.0 / profile.thickness_mm))
    off = np.full(len(points), np.nan)
    if len(points) > 2 * reach:
        bend = points[reach:-reach] - 0.5 * (points[: -2 * reach] + points[2 * reach :])
        off[reach:-reach] = np.linalg.norm(bend[:, :2], axis=1)
    return off


def _sections(profile: MaskProfile, here: _Placed) -> list[Sign]:
    signs = []
    holes = profile.hole_share
    at = here.largest(holes, np.isfinite(holes))
    if at is not None and holes[at] > 0:
        signs.append(here("holes", holes[at], f"a hole of {100 * holes[at]:.0f} % of it", at))
    # A section of a few voxels is ragged by itself.
    enough = profile.area_mm2 > 12 * profile.pixel_mm**2
    where = profile.inner & enough
    for name, values, words in (
        ("ragged", _median3(profile.ragged), "the outline is ragged"),
        ("flat", _median3(profile.elongation), "{:.1f} times as long as wide"),
    ):
        at = here.largest(values, where)
        if at is not None:
            signs.append(here(name, values[at], words.format(values[at]), at))
    return signs


def _ends(profile: MaskProfile, here: _Placed) -> list[Sign]:
    signs = []
    goes_on = (math.nan, math.nan) if profile.image is None else profile.image.goes_on
    for end in profile.ends:
        likeness = goes_on[1 if end.upper else 0]
        # The section looks the same beyond the end: the cord goes on.
        value = 0.55 if not math.isfinite(likeness) else min(max(0.75 + likeness, 0.2), 1.0)
        at = len(profile) - 1 if end.upper else 0
        name = "upper_end" if end.upper else "lower_end"
        side = "below the image's upper" if end.upper else "above the image's lower"
        words = f"ends abruptly {end.to_edge_mm:.0f} mm {side} edge"
        signs.append(here(name, value, words, at))
    share = float(profile.at_side.mean())
    if share > 0:
        at = int(np.flatnonzero(profile.at_side)[0])
        signs.append(here("side", share, "touches a side of the image", at))
    return signs


def _from_image(profile: MaskProfile, here: _Placed) -> list[Sign]:
    seen = profile.image
    if seen is None:
        return []
    signs = []
    looked = np.flatnonzero(np.isfinite(seen.mixture) & profile.inner)
    if len(looked):
        mixture = _median3(seen.mixture[looked])
        worst = int(mixture.argmax())
        words = "holds two tissues, or a lesion"
        signs.append(here("two_tissues", mixture[worst], words, int(looked[worst])))
        steps = _median3(np.nan_to_num(seen.inner_edge[looked]))
        worst = int(steps.argmax())
        words = "a strong edge lies within the outline"
        signs.append(here("inner_edge", steps[worst], words, int(looked[worst])))
    looked = np.flatnonzero(np.isfinite(seen.outline_edge) & profile.inner)
    if len(looked):
        value = -float(np.median(seen.outline_edge[looked]))
        signs.append(here("no_edge", value, "no edge lies at the outline"))
    looked = np.flatnonzero(np.isfinite(seen.off_middle_mm) & profile.inner)
    if len(looked):
        # Counted as far as the image is clearly more symmetric elsewhere.
        sure = np.clip(seen.symmetry_gain[looked] / 0.15, 0.0, 1.0)
        off = _median3(np.abs(seen.off_middle_mm[looked]) * sure)
        worst = int(off.argmax())
        signs.append(
            here("off_middle", off[worst], f"lies {off[worst]:.0f} mm off the middle of the canal",
                 int(looked[worst]))
        )  # fmt: skip
    return signs


def _softness(profile: MaskProfile, here: _Placed) -> list[Sign]:
    if not np.nanmax(profile.rim_mm) > 0:
        return []  # a binary mask
    inner = profile.inner
    rim = _median3(profile.rim_mm)
    at = here.largest(rim, inner)
    signs = []
    if at is not None:
        words = f"the outline moves by {rim[at]:.1f} mm between the thresholds .25 and .75"
        signs.append(here("rim", rim[at], words, at))
    low = inner & (profile.peak < 0.7)
    share = float(low.sum() / max(inner.sum(), 1))
    if low.any():
        at = int(np.where(low, profile.peak, np.inf).argmin())
        words = f"values below {max(profile.peak[at], 0.01):.1f} only"
        signs.append(here("unsure", share, words, at))
    return signs


def _calibre(profile: MaskProfile, here: _Placed, normal: Any) -> list[Sign]:
    """Against what is normal at the level."""
    if profile.pam50 is None:
        return []
    scores = normal.scores(profile.pam50, profile.area_mm2)
    smooth = _median3(scores)
    at = here.largest(np.abs(smooth), profile.inner)
    if at is None:
        return []
    words = (
        f"area {profile.area_mm2[at]:.0f} mm², {'above' if smooth[at] > 0 else 'below'} what is"
        f" normal there ({normal.mean_at(profile.pam50[at]):.0f} mm²)"
    )
    return [here("level", abs(float(smooth[at])), words, at)]


def _median3(values: np.ndarray) -> np.ndarray:
    """(n,) median of each value and its two neighbours; as they are where there are fewer than
    three.
    """
    return ndimage.median_filter(values, 3, mode="nearest") if len(values) > 2 else values
