"""Which area of the cord is normal at a level: mean and standard deviation of healthy participants
by PAM50 slice, sex and decade of age (``Resources/Normative``; Valošek, Bédard et al., Imaging
Neuroscience 2024).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..resources import resources_folder

# How far one way to outline may differ from another, of the area; not measured for ours.
_OUTLINE_SHARE = 0.08
_ALL = "all"


@dataclass(frozen=True, eq=False)
class NormalCalibre:
    """The usual area along PAM50.

    Attributes:
        slices: (n,) of PAM50, from below.
        mean_mm2: (n,) of the area.
        sd_mm2: (n,) between participants.
    """

    slices: np.ndarray
    mean_mm2: np.ndarray
    sd_mm2: np.ndarray

    def mean_at(self, pam50: float) -> float:
        """The usual area at a slice of PAM50, mm²; NaN beyond the table."""
        if not self.slices[0] <= pam50 <= self.slices[-1]:
            return float("nan")
        return float(np.interp(pam50, self.slices, self.mean_mm2))

    def scores(self, pam50: np.ndarray, area_mm2: np.ndarray) -> np.ndarray:
        """(m,) standard deviations by which areas (m,) are above what is usual at (m,) slices of
        PAM50; NaN where that is not known.
        """
        mean = np.interp(pam50, self.slices, self.mean_mm2, left=np.nan, right=np.nan)
        sd = np.interp(pam50, self.slices, self.sd_mm2)
        return (area_mm2 - mean) / np.hypot(sd, _OUTLINE_SHARE * mean)


def normal_calibre(sex: str = "", age: float | None = None) -> NormalCalibre:
    """The usual area of a group; where the table has too few of it, of the next larger one.

    Args:
        sex: "F" or "M"; "" where not known.
        age: years; None where not known.
    """
    decade = _ALL if age is None else str(int(age) // 10 * 10)
    sex = sex.upper() if sex.upper() in ("F", "M") else _ALL
    groups = _groups()
    everyone = groups[_ALL, _ALL]
    # The deepest slices are known for fewer groups: each is taken from the smallest group with it.
    mean, sd = everyone.mean_mm2.copy(), everyone.sd_mm2.copy()
    for group in ((_ALL, decade), (sex, _ALL), (sex, decade)):
        if group in groups:
            known = np.isin(everyone.slices, groups[group].slices)
            mean[known], sd[known] = groups[group].mean_mm2, groups[group].sd_mm2
    return NormalCalibre(everyone.slices, mean, sd)


@lru_cache(maxsize=1)
def _groups() -> dict[tuple[str, str], NormalCalibre]:
    """By sex and decade."""
    path = resources_folder() / "Normative" / "cord_area.csv"
    rows: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    with open(path, encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            group = rows.setdefault((row["sex"], row["decade"]), [])
            group.append((float(row["slice"]), float(row["mean_mm2"]), float(row["sd_mm2"])))
    columns = {group: np.array(sorted(values)).T for group, values in rows.items()}
    return {group: NormalCalibre(*values) for group, values in columns.items()}
