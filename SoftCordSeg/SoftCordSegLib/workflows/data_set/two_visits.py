"""Two visits of a participant: the same levels of the same contrast side by side, the change in % a
year, and whether it is larger than what two scans without any change differ by.

The smallest detectable change comes from scan-rescan pairs.  Of n pairs with relative differences
d = 200 (a - b) / (a + b), in %, the within-participant SD is s = sqrt(sum(d²) / 2n), and two single
measurements differ by less than 1.96 sqrt(2) s in 95 of 100 participants without a change (Bland
and Altman, BMJ 1996;313:744, "repeatability"; as "smallest detectable change": de Vet et al.,
J Clin Epidemiol 2006;59:1033).
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...bids import ImageCase, session_years, without_run
from ...files import safe_cell
from ...morphometry import level_name
from .case_record import shape_of

if TYPE_CHECKING:
    from ...morphometry import CordShape

# Fewer pairs say too little: with five, the interval of s reaches from 0.6 to 2.5 times its value.
FEWEST_PAIRS = 5
_COLUMNS = (
    "participant_id", "contrast", "level", "level_name", "session_1", "session_2", "area_1_mm2",
    "area_2_mm2", "change_mm2", "change_percent", "years", "percent_a_year",
    "smallest_detectable_percent", "beyond", "notes",
)  # fmt: skip


@dataclass(frozen=True)
class SmallestChange:
    """The change from which on two measurements are told apart.

    Attributes:
        percent: of the area.
        pairs: scan-rescan pairs that it is from; 0 where the user gave it.
    """

    percent: float
    pairs: int = 0

    @property
    def sentence(self) -> str:
        """Where it is from."""
        if not self.pairs:
            return f"Smallest detectable change: {self.percent:.1f} %, as given."
        return (
            f"Smallest detectable change: {self.percent:.1f} %, from {self.pairs} scan-rescan pairs"
            " of this data set."
        )


@dataclass(frozen=True)
class VisitRow:
    """A level in two visits.

    Attributes:
        participant: "sub-01".
        contrast: of the images.
        level: 2 for C2.
        sessions: "ses-1" and "ses-2".
        areas_mm2: of both.
        years: between them; None where the data set does not say.
        smallest: see :class:`SmallestChange`; None where it is not known.
        notes: why they are not compared; "" where they are.
    """

    participant: str
    contrast: str
    level: int
    sessions: tuple[str, str]
    areas_mm2: tuple[float, float]
    years: float | None = None
    smallest: SmallestChange | None = None
    notes: str = ""

    @property
    def change_percent(self) -> float:
        """Of the first area; NaN where they are not compared."""
        first, second = self.areas_mm2
        return math.nan if self.notes else 100.0 * (second - first) / first

    @property
    def percent_a_year(self) -> float:
        """NaN where the time is not known."""
        return self.change_percent / self.years if self.years else math.nan

    @property
    def is_beyond(self) -> bool | None:
        """Whether the change is larger than chance; None where that is not known."""
        if self.smallest is None or self.notes:
            return None
        return abs(self.change_percent) > self.smallest.percent


@dataclass(frozen=True)
class Visits:
    """All participants with more than one visit.

    Attributes:
        rows: each visit against the one before.
        notes: sentences for the reader.
    """

    rows: tuple[VisitRow, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _LevelArea:
    """Mean area of a level, mm²; whether the mask goes on at both of its ends."""

    area: float
    is_whole: bool


@dataclass(frozen=True)
class _Measured:
    """An image: its contrast without the run, and its levels."""

    session: str
    contrast: str
    levels: Mapping[int, _LevelArea]


def compare_visits(
    dataset: Path,
    images: Mapping[str, Sequence[tuple[ImageCase, Path]]],
    levels: Sequence[int] = (),
    smallest_change: float | None = None,
) -> Visits:
    """Each visit of a participant against the one before.

    A level of which a mask shows a part only is listed, and not compared: the visits differ in
    what they show.  Of several runs of a visit the first is taken; two runs are a scan and its
    rescan.

    Args:
        dataset: folder of the images, for the dates of the visits.
        images: by participant, each with its record.
        levels: only these; () for all.
        smallest_change: in %; None takes the scan-rescan pairs.
    """
    known = {
        participant: [_read(image, path, levels) for image, path in found]
        for participant, found in images.items()
    }
    smallest = _smallest(known.values(), smallest_change)
    rows: list[VisitRow] = []
    for participant, measured in known.items():
        visits: dict[tuple[str, str], _Measured] = {}
        for one in measured:
            visits.setdefault((one.contrast, one.session), one)
        sessions = sorted({one.session for one in measured if one.session}, key=_in_order)
        if len(sessions) < 2:
            continue
        years = session_years(dataset, participant, sessions)
        if set(years) >= set(sessions):
            sessions.sort(key=lambda name: years[name])
        for contrast in dict.fromkeys(one.contrast for one in measured):
            own = [visits[contrast, name] for name in sessions if (contrast, name) in visits]
            for before, after in zip(own, own[1:]):
                rows += _rows(participant, before, after, years, smallest)
    return Visits(tuple(rows), _notes(rows, smallest))


def _in_order(session: str) -> list[tuple[int, str]]:
    """ "ses-2" before "ses-10"."""
    return [(int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", session)]


def visits_text(visits: Visits) -> str:
    """The rows as a CSV table."""
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(_COLUMNS)
    for row in visits.rows:
        first, second = row.areas_mm2
        numbers = [
            first,
            second,
            math.nan if row.notes else second - first,
            row.change_percent,
            math.nan if row.years is None else row.years,
            row.percent_a_year,
            math.nan if row.smallest is None else row.smallest.percent,
        ]
        beyond = {None: "", True: "yes", False: "no"}[row.is_beyond]
        writer.writerow(
            [
                *map(safe_cell, (row.participant, row.contrast)),
                row.level,
                level_name(row.level),
                *map(safe_cell, row.sessions),
                *("" if math.isnan(x) else round(x, 4) for x in numbers),
                beyond,
                safe_cell(row.notes),
            ]
        )
    return stream.getvalue()


def smallest_detectable(differences: Sequence[Sequence[float]]) -> SmallestChange | None:
    """From scan-rescan pairs.

    Args:
        differences: for each pair the relative differences of its levels, %; a pair counts once,
            however many levels it shows.

    Returns:
        None for fewer than :data:`FEWEST_PAIRS` pairs.
    """
    squares = [float(np.mean(np.square(one))) for one in differences if len(one)]
    if len(squares) < FEWEST_PAIRS:
        return None
    within = math.sqrt(sum(squares) / (2 * len(squares)))
    return SmallestChange(1.96 * math.sqrt(2) * within, len(squares))


def _read(image: ImageCase, record: Path, levels: Sequence[int]) -> _Measured:
    shape = shape_of(record)
    found = {} if shape is None else _areas(shape)
    return _Measured(
        image.session.partition("_")[2],
        without_run(image.contrast),
        {level: one for level, one in found.items() if not levels or level in levels},
    )


def _areas(shape: CordShape) -> dict[int, _LevelArea]:
    if shape.levels is None:
        return {}
    area = shape.columns["area"]
    known = np.flatnonzero(np.isfinite(area))
    found = {}
    for level in sorted(set(shape.levels.tolist()) - {0}):
        own = known[shape.levels[known] == level]
        if len(own):
            is_whole = own[0] != known[0] and own[-1] != known[-1]
            found[int(level)] = _LevelArea(float(area[own].mean()), bool(is_whole))
    return found


def _smallest(
    participants: Iterable[Sequence[_Measured]], given: float | None
) -> dict[str, SmallestChange]:
    """By contrast; "" for the contrasts with too few pairs of their own."""
    if given is not None:
        return {"": SmallestChange(given)}
    pairs: dict[str, list[list[float]]] = defaultdict(list)
    for measured in participants:
        runs: dict[tuple[str, str], list[_Measured]] = defaultdict(list)
        for one in measured:
            runs[one.session, one.contrast].append(one)
        for (_, contrast), found in runs.items():
            for scan, rescan in zip(found[::2], found[1::2]):
                differences = _differences(scan, rescan)
                if differences:
                    pairs[contrast].append(differences)
    by_contrast = {name: smallest_detectable(found) for name, found in pairs.items()}
    by_contrast[""] = smallest_detectable([one for found in pairs.values() for one in found])
    return {name: one for name, one in by_contrast.items() if one is not None}


def _differences(scan: _Measured, rescan: _Measured) -> list[float]:
    both = (
        (scan.levels[level], rescan.levels[level])
        for level in scan.levels
        if level in rescan.levels
    )
    return [
        200.0 * (a.area - b.area) / (a.area + b.area) for a, b in both if a.is_whole and b.is_whole
    ]


def _rows(
    participant: str,
    before: _Measured,
    after: _Measured,
    years: Mapping[str, float],
    smallest: Mapping[str, SmallestChange],
) -> Iterator[VisitRow]:
    names = before.session, after.session
    time = years[names[1]] - years[names[0]] if all(name in years for name in names) else None
    for level in sorted(set(before.levels) & set(after.levels)):
        first, second = before.levels[level], after.levels[level]
        partly = [name for name, one in zip(names, (first, second)) if not one.is_whole]
        note = f"The mask ends within {level_name(level)} in {', '.join(partly)}; not compared."
        yield VisitRow(
            participant,
            before.contrast,
            level,
            names,
            (first.area, second.area),
            time or None,
            smallest.get(before.contrast, smallest.get("")),
            note if partly else "",
        )


def _notes(rows: Sequence[VisitRow], smallest: Mapping[str, SmallestChange]) -> tuple[str, ...]:
    if not rows:
        return ()
    notes = [
        f"{f'{contrast}: ' if contrast else ''}{one.sentence}" for contrast, one in smallest.items()
    ]
    if any(row.smallest is None for row in rows):
        notes.append(
            f"There are fewer than {FEWEST_PAIRS} scan-rescan pairs (two runs in one session), so"
            " the smallest detectable change is not known."
        )
    if any(row.years is None for row in rows):
        notes.append(
            "Dates of some visits are not known (sessions.tsv), so there is no change a year."
        )
    return tuple(notes)
