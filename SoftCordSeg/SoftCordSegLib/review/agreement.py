"""How far two readers agree: verdicts, ranks, areas and masks, each with an interval of 95 %.

Cohen's kappa and its interval are statsmodels'; the intraclass correlation is Shrout and Fleiss'
ICC(2,1) with the interval of McGraw and Wong; for means over cases, for which there is nothing
better, participants are drawn with replacement (bootstrap).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import InputError, counted

# The ranks that a reader can give.
RANKS = tuple(range(10))
_LEVEL = 0.95
_BOOTSTRAPS = 2000
_FEWEST_FOR_INTERVAL = 3


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: NaN where it cannot be computed.
        low, high: ends of the interval of 95 %; NaN where there is none.
        cases: how many it is of.
        note: sentence on what a reader has to know; "" for nothing.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    cases: int = 0
    note: str = ""


def same_share(one: Sequence[object], other: Sequence[object]) -> Estimate:
    """The share of cases with the same answer of both readers, 0 to 1; Wilson's interval."""
    cases = _paired(one, other)
    if not cases:
        return _too_few(cases, 1)
    with needing_statsmodels():
        from statsmodels.stats.proportion import proportion_confint
    same = sum(a == b for a, b in zip(one, other))
    low, high = proportion_confint(same, cases, 1 - _LEVEL, method="wilson")
    return Estimate(same / cases, float(low), float(high), cases)


def cohens_kappa(one: Sequence[str], other: Sequence[str]) -> Estimate:
    """Agreement on answers without an order beyond what chance gives, −1 to 1 (Cohen 1960)."""
    return _kappa(one, other, sorted({*one, *other}), None)


def weighted_kappa(
    one: Sequence[int], other: Sequence[int], categories: Sequence[int] = RANKS
) -> Estimate:
    """The same of answers with an order: a difference of two steps counts four times one of one
    step (quadratic weights; Fleiss and Cohen 1973).

    Args:
        one, other: answers, of ``categories``.
        categories: all possible answers in their order.
    """
    return _kappa(one, other, list(categories), "quadratic")


def icc(table: npt.ArrayLike) -> Estimate:
    """ICC(2,1), absolute agreement of single readers who stand for all readers: two-way random
    effects.

    With the mean squares R between cases, C between readers and E of the rest, of n cases and k
    readers (Shrout and Fleiss, Psychological Bulletin 1979):
    ICC = (R − E) / (R + (k − 1) E + k (C − E) / n). The interval is from the F distribution with
    Satterthwaite's degrees of freedom (McGraw and Wong, Psychological Methods 1996, table 7).

    Args:
        table: (cases, readers), in any unit; cases with a NaN are left out.
    """
    values = np.asarray(table, dtype=float)
    values = values[np.isfinite(values).all(axis=1)]
    n, k = values.shape
    if n < _FEWEST_FOR_INTERVAL or k < 2:
        return _too_few(n, _FEWEST_FOR_INTERVAL)
    mean = values.mean()
    between = k * float(((values.mean(axis=1) - mean) ** 2).sum())
    columns = n * float(((values.mean(axis=0) - mean) ** 2).sum())
    rest = max(float(((values - mean) ** 2).sum()) - between - columns, 0.0)
    tiny = 1e-12 * max(mean * mean, 1e-300)
    rest = 0.0 if rest < tiny else rest
    r, c, e = between / (n - 1), columns / (k - 1), rest / ((n - 1) * (k - 1))
    below = r + (k - 1) * e + k * (c - e) / n
    if between < tiny:
        return Estimate(math.nan, cases=n, note="All cases have the same value.")
    value = (r - e) / below
    if e == 0 and c < tiny:
        return Estimate(1.0, 1.0, 1.0, n, "The readers agree exactly: the interval is a point.")
    return Estimate(value, *_icc_interval(value, r, c, e, n, k), n)


def mean_interval(
    values: Sequence[float], participants: Sequence[str] | None = None, seed: int = 1
) -> Estimate:
    """The mean over cases, and the 2.5th to the 97.5th percentile of the means of participants
    drawn with replacement.

    Args:
        values: one a case; NaN is left out.
        participants: of each case: all cases of one are drawn together; each case by itself where
            None.
        seed: of the draws.
    """
    numbers = np.asarray(values, dtype=float)
    names = list(map(str, range(len(numbers)))) if participants is None else list(participants)
    kept = np.isfinite(numbers)
    numbers = numbers[kept]
    if not len(numbers):
        return _too_few(0, 1)
    groups = np.unique([name for name, one in zip(names, kept) if one], return_inverse=True)[1]
    sums, counts = np.bincount(groups, numbers), np.bincount(groups)
    mean, cases = float(numbers.mean()), len(numbers)
    if len(counts) < _FEWEST_FOR_INTERVAL:
        return Estimate(mean, cases=cases, note=_few("participants"))
    drawn = np.random.default_rng(seed).integers(len(counts), size=(_BOOTSTRAPS, len(counts)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [50 * (1 - _LEVEL), 50 * (1 + _LEVEL)])
    return Estimate(mean, float(low), float(high), cases)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Soft Dice of two masks of two readers: 2 Σ min(p, q) / (Σ p + Σ q), 1 for equal masks (Crum
    et al., IEEE TMI 2006); 1 where both are empty.

    Not the measure of training and evaluation, 2 Σ p q / (Σ p + Σ q), in which a soft mask is not
    fully like itself: two readers who agree must reach 1.

    Args:
        one, other: arrays of one shape, values 0 to 1.

    Raises:
        InputError: their shapes differ.
    """
    if one.shape != other.shape:
        raise InputError(
            f"The masks of two readers differ in shape: {one.shape} and {other.shape}.",
            hint="Both belong to one image and have its grid.",
        )
    total = one.sum(dtype=float) + other.sum(dtype=float)
    return float(2 * np.minimum(one, other).sum(dtype=float) / total) if total else 1.0


def preference(better: int, worse: int) -> Estimate:
    """Of the cases in which a reader found one of two methods better, the share in which it was the
    first, with Clopper and Pearson's interval; 0.5 is no preference.

    The note has the p-value of the sign test (of McNemar's exact test, where the answers are yes
    and no).
    """
    from scipy.stats import binomtest

    decided = better + worse
    if not decided:
        return Estimate(math.nan, note="Neither was found better in any case.")
    test = binomtest(better, decided)
    interval = test.proportion_ci(_LEVEL)
    return Estimate(
        better / decided,
        float(interval.low),
        float(interval.high),
        decided,
        f"p = {test.pvalue:.2g}",
    )


@contextmanager
def needing_statsmodels() -> Iterator[None]:
    """A sentence where statsmodels is missing.

    Raises:
        InputError: it is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("statsmodels", "pandas", "patsy"):
            raise
        raise InputError(
            f"Agreement of readers needs the package '{error.name}', which is not installed.",
            hint="Install SoftCordSeg with its extra 'evaluation': pip install"
            " 'softcordseg[evaluation]'.",
        ) from error


def _kappa(
    one: Sequence[object],
    other: Sequence[object],
    categories: Sequence[object],
    weights: str | None,
) -> Estimate:
    cases = _paired(one, other)
    if cases < _FEWEST_FOR_INTERVAL:
        return _too_few(cases, _FEWEST_FOR_INTERVAL)
    if len({*one, *other}) == 1:
        return Estimate(math.nan, cases=cases, note="All answers are the same: not defined.")
    if 1 in (len(set(one)), len(set(other))):
        return Estimate(0.0, cases=cases, note="One reader gave one answer to all: always 0.")
    with needing_statsmodels():
        from statsmodels.stats.inter_rater import cohens_kappa as statsmodels_kappa
    index = {category: number for number, category in enumerate(categories)}
    table = np.zeros((len(index), len(index)))
    np.add.at(table, ([index[a] for a in one], [index[b] for b in other]), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = statsmodels_kappa(table, wt=weights)
    value = float(result.kappa)
    if all(a == b for a, b in zip(one, other)):
        note = "The readers agree in all cases: the interval is a point."
        return Estimate(value, value, value, cases, note)
    low, high = max(float(result.kappa_low), -1.0), min(float(result.kappa_upp), 1.0)
    return Estimate(value, low, high, cases)


def _icc_interval(
    value: float, r: float, c: float, e: float, n: int, k: int
) -> tuple[float, float]:
    from scipy.stats import f

    if e == 0:  # readers differ by a constant: the limit of what follows
        freedom = float(k - 1)
    else:
        ratio = c / e
        of_cases = n * (1 + (k - 1) * value) - k * value
        above = (k - 1) * (n - 1) * (k * value * ratio + of_cases) ** 2
        freedom = above / ((n - 1) * k**2 * value**2 * ratio**2 + of_cases**2)
    tail = 0.5 * (1 + _LEVEL)
    upper, lower = f.ppf(tail, n - 1, freedom), f.ppf(tail, freedom, n - 1)
    others = k * c + (k * n - k - n) * e
    low = n * (r - upper * e) / (upper * others + n * r)
    high = n * (lower * r - e) / (others + n * lower * r)
    return max(float(low), -1.0), min(float(high), 1.0)


def _paired(one: Sequence[object], other: Sequence[object]) -> int:
    if len(one) != len(other):
        raise ValueError(f"{len(one)} answers of one reader and {len(other)} of the other")
    return len(one)


def _too_few(cases: int, needed: int) -> Estimate:
    return Estimate(
        math.nan, cases=cases, note=f"At least {counted(needed, 'case')} of both are needed."
    )


def _few(what: str) -> str:
    return f"Fewer than {_FEWEST_FOR_INTERVAL} {what}, so there is no interval."
