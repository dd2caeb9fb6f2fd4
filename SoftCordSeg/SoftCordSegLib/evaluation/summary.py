"""From the long tables to the paper's numbers: CSA, its spread, tests, tables, and drift between
releases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import InputError
from .areas.csa import ImageArea, ParticipantSpread, image_areas, participant_spreads
from .areas.drift import ReleaseDifference, ReleaseDrift, release_differences, release_drifts
from .areas.grid_spread import GridSpread, grid_spreads
from .areas.place import Place, usual_place
from .areas.slices import SOFT, cut_name
from .cases import Case
from .evaluate import Evaluation
from .masks.score import ImageScore
from .resolutions import ResolutionArea
from .statistics.families import Statistics, all_tests
from .tables.paper import (
    contrasts_table,
    csa_table,
    datasets_table,
    methods_table,
    resolutions_table,
    thresholds_table,
)
from .tables.table import PaperTable


@dataclass(frozen=True)
class Summary:
    """All numbers but those of single slices.

    Attributes:
        methods: their names, in the order given.
        cut: of the CSA in tests, tables and figures: "soft", or a threshold as text.
        place: where CSA is averaged.
        threshold: of Dice and the like in tests, tables and figures.
        scores: of that threshold.
        areas: CSA by image, of all cuts.
        spreads: SD over contrasts by participant, of all cuts.
        grid_spreads: SD over contrasts slice by slice.
        statistics: of the cut and the threshold above.
        tables: of the paper, those that have rows.
        differences, drifts: from release to release; empty where drift was not asked for.
        drift_limit: per cent; None where drift was not asked for.
        resolutions: the same images at other voxel sizes; empty where that was not asked for.
        notes: sentences that a reader of the numbers has to know.
    """

    methods: tuple[str, ...]
    cut: str
    place: Place
    threshold: float
    scores: tuple[ImageScore, ...]
    areas: tuple[ImageArea, ...]
    spreads: tuple[ParticipantSpread, ...]
    grid_spreads: tuple[GridSpread, ...]
    statistics: Statistics
    tables: tuple[PaperTable, ...]
    differences: tuple[ReleaseDifference, ...] = ()
    drifts: tuple[ReleaseDrift, ...] = ()
    drift_limit: float | None = None
    resolutions: tuple[ResolutionArea, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def cut_areas(self) -> list[ImageArea]:
        """CSA by image, of the chosen cut."""
        return [row for row in self.areas if row.cut == self.cut]

    @property
    def cut_spreads(self) -> list[ParticipantSpread]:
        """SD over contrasts by participant, of the chosen cut."""
        return [row for row in self.spreads if row.cut == self.cut]


def summarise(
    result: Evaluation,
    cases: Sequence[Case],
    methods: Sequence[str],
    *,
    threshold: float = 0.5,
    csa_threshold: float | None = None,
    place: Place | None = None,
    drift_limit: float | None = None,
    resolutions: Sequence[ResolutionArea] = (),
) -> Summary:
    """Make the paper's numbers.

    Args:
        result: of :func:`~.evaluate.evaluate`.
        cases: what it was made from.
        methods: names, in the order of tables; with ``drift_limit`` releases, the oldest first.
        threshold: of Dice and the like; one that ``result`` has.
        csa_threshold: of CSA; None is the soft mask, 0.5 what the paper published.
        place: where CSA is averaged; None takes C2 and C3, or without levels what the images have
            in common.
        drift_limit: per cent beyond which an image's CSA is flagged from one release to the next;
            None leaves drift out.
        resolutions: of :func:`~.resolutions.compare_resolutions`.

    Raises:
        InputError: drift of fewer than two releases.
    """
    if drift_limit is not None and len(methods) < 2:
        raise InputError(
            "Drift is between releases of a model: give at least two of them as methods, the oldest"
            " first."
        )
    cut = cut_name(csa_threshold)
    cuts = list(dict.fromkeys([SOFT, *(row.cut for row in result.slices)]))
    place = place or usual_place(cases)
    by_cut = {one: image_areas(result.slices, one, place) for one in cuts}
    spreads = {one: participant_spreads(rows) for one, rows in by_cut.items()}
    scores = [row for row in result.images if row.threshold == threshold]
    areas = by_cut.get(cut, [])
    differences = [] if drift_limit is None else release_differences(areas, methods, drift_limit)
    drifts = [] if drift_limit is None else release_drifts(areas, differences, methods)
    tables = [
        contrasts_table(scores),
        methods_table(scores),
        datasets_table(scores),
        csa_table(areas, spreads.get(cut, [])),
    ]
    if len(cuts) > 2:
        tables.append(thresholds_table(result.images, by_cut, spreads))
    tables.append(resolutions_table(resolutions))
    return Summary(
        tuple(methods),
        cut,
        place,
        threshold,
        tuple(scores),
        tuple(row for rows in by_cut.values() for row in rows),
        tuple(row for rows in spreads.values() for row in rows),
        tuple(grid_spreads(result.slices, contrasts_by_grid(cases))),
        all_tests(areas, spreads.get(cut, []), scores),
        tuple(table for table in tables if table.rows),
        tuple(differences),
        tuple(drifts),
        drift_limit,
        tuple(resolutions),
        (*_notes(result, cases, methods), *_nowhere(result, by_cut, place)),
    )


def contrasts_by_grid(cases: Sequence[Case]) -> dict[str, list[str]]:
    """The contrasts of each grid in the table of cases."""
    grids: dict[str, list[str]] = {}
    for case in cases:
        if case.grid:
            grids.setdefault(case.grid, []).append(case.contrast)
    return grids


def _notes(result: Evaluation, cases: Sequence[Case], methods: Sequence[str]) -> list[str]:
    """Means over different images are not comparable: say so."""
    notes = []
    for method in methods:
        lacking = [case.image.name for case in cases if (method, case.image) not in result.masks]
        if lacking and len(methods) > 1:
            notes.append(
                f"{method} lacks {len(lacking)} of {len(cases)} images: its means are over the"
                f" others ({', '.join(lacking[:5])})."
            )
    return notes


def _nowhere(
    result: Evaluation, by_cut: Mapping[str, Sequence[ImageArea]], place: Place
) -> list[str]:
    """That there is no CSA, if so, and what to do."""
    if not result.slices or any(by_cut.values()):
        return []
    where = f"No image has cord at {place.name}, so there is no CSA."
    return [f"{where} Choose another place, or give discs or levels in the table of cases."]
