"""Which masks are worth correcting so that the model learns from them: another question than which
are wrong.

What a network is unsure of shows in the entropy of its soft values.  Over a whole volume the mean
entropy grows with the field of view; it is measured in the rim of each slice instead, and the worst
quarter of the slices counts.  Where cases are drawn strictly by rank they are much alike, so that
noise of a power law (Gumbel noise on the logarithm) is added, which is smaller from round to round,
and the draw goes round over contrast, site, level and session.  A quarter is drawn at random:
figures before and after are then unbiased, and the ranking itself can be judged (nnActive, arXiv
2511.19183; ClaSP PE, arXiv 2601.13677).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError
from .doubt import Doubt
from .mask_profile import MaskProfile
from .review_cases import ReviewCase

RANDOM_SHARE = 0.25
UNSURE, AT_RANDOM = "unsure", "random"
# The rim of a sharp mask has about 1.5 mm of entropy (1 bit a mm) of partial volume alone.
_USUAL_MM = 2.0
# The part of the slices that counts.
_WORST_SHARE = 0.25
# Noise of the first round and how it decays: scores of 1 : 2 change places in every third pair, and
# in the third round in every fifth.
_FIRST_POWER, _POWER_PER_ROUND = 1.0, 0.5
# A cord's level, where it is known, is one of these regions.
_REGIONS = ((0, "unknown"), (1, "upper neck"), (4, "lower neck"), (8, "thoracic"), (19, "conus"))


@dataclass(frozen=True)
class TeachCandidate:
    """A case that could be taught.

    Attributes:
        key: of the case.
        worth: 0 to 1, ``Doubt.teach``; None where it is not known.
        contrast, site, session: "" where not known.
        level: vertebral level where it is least sure, 0 where not known.
    """

    key: str
    worth: float | None = None
    contrast: str = ""
    site: str = ""
    session: str = ""
    level: int = 0


@dataclass(frozen=True)
class Chosen:
    """A case that was chosen, and how: ``UNSURE`` or ``AT_RANDOM``."""

    key: str
    how: str


def teach_of(profile: MaskProfile | None) -> tuple[float, int]:
    """How much can be learned from a mask, and the vertebral level at which it is least sure.

    Returns:
        0 to below 1, 0.5 for 2 mm of entropy in the worst quarter of the slices; 0 for a binary or
        an empty mask, whose certainty is not known; the level, 0 where not known.
    """
    if profile is None:
        return 0.0, 0
    where = np.flatnonzero(profile.inner & np.isfinite(profile.entropy))
    if not len(where):
        return 0.0, 0
    values = profile.entropy[where]
    count = max(1, round(_WORST_SHARE * len(values)))
    worst = np.argsort(values)[-count:]
    mean = float(values[worst].mean())
    at = int(where[worst[-1]])
    level = int(profile.levels[at]) if len(profile.levels) else 0
    return mean / (mean + _USUAL_MM), level


def candidate_of(case: ReviewCase, doubt: Doubt | None, site: str = "") -> TeachCandidate:
    """A case as a candidate; without ``site`` the letters of the participant's name stand for it,
    as data sets of several sites name them ("sub-unf01").
    """
    letters = re.match(r"sub-([A-Za-z]+)\d", case.participant)
    level = 0 if doubt is None else int(doubt.features.get("teach_level", 0))
    return TeachCandidate(
        case.key,
        None if doubt is None else doubt.teach,
        case.contrast,
        site or (letters.group(1) if letters else ""),
        case.session,
        level,
    )


def choose_to_teach(
    candidates: Iterable[TeachCandidate],
    n: int,
    seed: int,
    *,
    random_share: float = RANDOM_SHARE,
    round_number: int = 1,
) -> list[Chosen]:
    """Choose cases to correct and teach.

    Args:
        candidates: any order; one of unknown worth counts as one of middling worth.
        n: how many; all where there are fewer.
        seed: the same seed, candidates and options choose the same.
        random_share: part of them that is drawn at random from what is left.
        round_number: from 1; later rounds have less noise.

    Raises:
        OptionError: a number is out of range.
    """
    if n < 0 or not 0 <= random_share <= 1 or round_number < 1:
        raise OptionError(
            "The number of cases is at least 0, the random share is between 0 and 1, and rounds are"
            " counted from 1.",
            hint="Give other numbers.",
        )
    rng = np.random.default_rng([seed, round_number])
    left = sorted(candidates, key=lambda one: one.key)
    n = min(n, len(left))
    at_random = int(np.floor(random_share * n + 0.5))
    noisy = _noisy(left, rng, round_number)
    chosen = _spread(left, noisy, n - at_random)
    rest = [one for one in left if one.key not in chosen]
    drawn = rng.permutation(len(rest))[: n - len(chosen)]
    return [Chosen(key, UNSURE) for key in chosen] + [
        Chosen(rest[number].key, AT_RANDOM) for number in drawn
    ]


def teaching_order(candidates: Iterable[TeachCandidate], seed: int, most: int = 100) -> list[str]:
    """In which order to correct cases so that the model learns from them: as they are chosen by
    :func:`choose_to_teach`, with those at random among them, so that wherever one stops about a
    quarter was drawn at random.

    Args:
        candidates: any order; those of unknown worth are left out.
        seed: the same seed draws the same order.
        most: cases that are drawn; the others follow by their worth.

    Returns:
        Keys.
    """
    known = [one for one in candidates if one.worth is not None]
    chosen = choose_to_teach(known, most, seed)
    unsure = [one.key for one in chosen if one.how == UNSURE]
    drawn = [one.key for one in chosen if one.how == AT_RANDOM]
    places = {key: (n + 0.5) / len(part) for part in (unsure, drawn) for n, key in enumerate(part)}
    rest = [one for one in known if one.key not in places]
    rest.sort(key=lambda one: (-(one.worth or 0.0), one.key))
    return [*sorted(places, key=lambda key: places[key]), *(one.key for one in rest)]


def _noisy(
    candidates: Sequence[TeachCandidate], rng: np.random.Generator, round_number: int
) -> dict[str, float]:
    """Logarithm of the worth with Gumbel noise, by key: a draw with chances as powers of it."""
    known = [one.worth for one in candidates if one.worth is not None]
    middling = float(np.median(known)) if known else 0.5
    scale = _FIRST_POWER * _POWER_PER_ROUND ** (round_number - 1)
    noise = rng.gumbel(0.0, scale, len(candidates))
    return {
        one.key: float(np.log(max(middling if one.worth is None else one.worth, 1e-3)) + extra)
        for one, extra in zip(candidates, noise)
    }


def _spread(
    candidates: Sequence[TeachCandidate], noisy: Mapping[str, float], n: int
) -> dict[str, None]:
    """The best, one after the other, each time of those least like what was chosen: of the rarest
    contrast, then site, region of the cord and session so far.
    """
    taken: Counter[tuple[str, str]] = Counter()
    left = list(candidates)
    chosen: dict[str, None] = {}
    while left and len(chosen) < n:
        best = min(
            left,
            key=lambda one: (
                sum(taken[part] for part in _strata(one)),
                -noisy[one.key],
                one.key,
            ),
        )
        left.remove(best)
        chosen[best.key] = None
        taken.update(_strata(best))
    return chosen


def _strata(one: TeachCandidate) -> list[tuple[str, str]]:
    region = next(name for first, name in reversed(_REGIONS) if one.level >= first)
    known = {"contrast": one.contrast, "site": one.site, "session": one.session, "region": region}
    return [(kind, value) for kind, value in known.items() if value]
