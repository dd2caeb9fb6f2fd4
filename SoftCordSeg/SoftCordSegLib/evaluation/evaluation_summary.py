"""From the rows of all images to the paper's numbers: CSA, its spread, tests, tables, and drift
between releases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ..errors import InputError
from .case_table import Case
from .csa_frames import frame_of, grid_spreads, image_areas, participant_spreads
from .evaluate_methods import Evaluation
from .image_scores import ImageScore
from .paper_tables import (
    PaperTable,
    contrasts_table,
    csa_table,
    datasets_table,
    methods_table,
    resolutions_table,
    thresholds_table,
)
from .release_drift import release_differences, release_drifts
from .resolutions import ResolutionArea
from .slice_areas import REFERENCE, CordRange, SliceArea, cut_name, usual_range
from .study_statistics import Statistics, all_tests


@dataclass(frozen=True, eq=False)
class Summary:
    """All numbers, in frames.

    Attributes:
        methods: their names, in the order given.
        cut: of the CSA in tests, tables and figures: "soft", or a threshold as text.
        cord_range: where CSA is averaged.
        threshold: of Dice and the like in tests, tables and figures.
        images: a row for each :class:`~.image_scores.ImageScore`.
        slices: a row for each :class:`~.slice_areas.SliceArea`.
        areas: CSA by image, of all cuts; see :func:`~.csa_frames.image_areas`.
        spreads: SD over contrasts by participant, of all cuts.
        grid_spreads: SD over contrasts slice by slice.
        statistics: of the cut and the threshold above.
        tables: of the paper, those that have rows.
        differences, drifts: from release to release; empty where drift was not asked for.
        drift_limit: per cent; None where drift was not asked for.
        resolutions: a row for each :class:`~.resolutions.ResolutionArea`; empty where other voxel
            sizes were not asked for.
        outcomes: a row for each image and method that was to be evaluated; see
            :func:`image_outcomes`.
        notes: sentences that a reader of the numbers has to know.
    """

    methods: tuple[str, ...]
    cut: str
    cord_range: CordRange
    threshold: float
    images: pd.DataFrame
    slices: pd.DataFrame
    areas: pd.DataFrame
    spreads: pd.DataFrame
    grid_spreads: pd.DataFrame
    statistics: Statistics
    tables: tuple[PaperTable, ...]
    differences: pd.DataFrame
    drifts: pd.DataFrame
    drift_limit: float | None
    resolutions: pd.DataFrame
    outcomes: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def scores(self) -> pd.DataFrame:
        """The images at the chosen threshold."""
        return self.images[self.images["threshold"] == self.threshold]

    @property
    def cut_areas(self) -> pd.DataFrame:
        """CSA by image, of the chosen cut."""
        return self.areas[self.areas["cut"] == self.cut]

    @property
    def cut_spreads(self) -> pd.DataFrame:
        """SD over contrasts by participant, of the chosen cut."""
        return self.spreads[self.spreads["cut"] == self.cut]


def summarise(
    result: Evaluation,
    cases: Sequence[Case],
    methods: Sequence[str],
    *,
    threshold: float = 0.5,
    csa_threshold: float | None = None,
    cord_range: CordRange | None = None,
    drift_limit: float | None = None,
    resolutions: Sequence[ResolutionArea] = (),
) -> Summary:
    """Make the paper's numbers.

    Args:
        result: of :func:`~.evaluate_methods.evaluate`.
        cases: what it was made from.
        methods: names, in the order of tables; with ``drift_limit`` releases, the oldest first.
        threshold: of Dice and the like; one that ``result`` has.
        csa_threshold: of CSA; None is the soft mask, 0.5 what the paper published.
        cord_range: where CSA is averaged; None takes C2 and C3, or without levels what the images
            have in common.
        drift_limit: per cent beyond which an image's CSA is flagged from one release to the next;
            None leaves drift out.
        resolutions: of :func:`~.resolutions.compare_resolutions`.

    Raises:
        InputError: drift of fewer than two releases.
    """
    if drift_limit is not None and len(methods) < 2:
        raise InputError(
            "Drift is between releases of a model.",
            hint="Give at least two of them as methods, the oldest first.",
        )
    cord_range, cut = cord_range or usual_range(cases), cut_name(csa_threshold)
    images, slices = frame_of(result.images, ImageScore), frame_of(result.slices, SliceArea)
    areas = image_areas(slices, cord_range)
    spreads = participant_spreads(areas)
    at_sizes = frame_of(resolutions, ResolutionArea)
    scores = images[images["threshold"] == threshold]
    cut_areas, cut_spreads = areas[areas["cut"] == cut], spreads[spreads["cut"] == cut]
    releases = [] if drift_limit is None else list(methods)
    differences = release_differences(cut_areas, releases, drift_limit or 0.0)
    outcomes = image_outcomes(result, cases, methods, scores)
    notes = [*_missing_images(result, cases, methods), *_nothing_found(outcomes)]
    tables = [
        *(table(scores, outcomes) for table in (contrasts_table, methods_table, datasets_table)),
        csa_table(cut_areas, cut_spreads, outcomes),
        *([thresholds_table(images, areas, spreads)] if slices["cut"].nunique() > 2 else []),
        resolutions_table(at_sizes),
    ]
    return Summary(
        tuple(methods),
        cut,
        cord_range,
        threshold,
        images,
        slices,
        areas,
        spreads,
        grid_spreads(slices, contrasts_by_grid(cases)),
        all_tests(cut_areas, cut_spreads, scores),
        tuple(table for table in tables if len(table.frame)),
        differences,
        release_drifts(cut_areas, differences, releases),
        drift_limit,
        at_sizes,
        outcomes,
        (*notes, *_no_areas(slices, areas, cord_range), *_shown_in_part(cut_areas)),
    )


def image_outcomes(
    result: Evaluation, cases: Sequence[Case], methods: Sequence[str], scores: pd.DataFrame
) -> pd.DataFrame:
    """Which images each method failed in: it has no mask of them that could be evaluated, or found
    nothing although there is cord.

    Args:
        result, cases, methods: as for :func:`summarise`.
        scores: of ``result``, at one threshold.

    Returns:
        ``method, dataset, participant, contrast, image, reference`` (whether there is one),
        ``evaluated``, ``failed``; without images whose reference could not be read.
    """
    nothing = scores[
        (scores["components"] == 0)
        & ~(scores["dice"].notna() & scores["volume_error_percent"].isna())
    ]
    keys = ["method", "dataset", "participant", "contrast"]
    empty = set(nothing[keys].itertuples(index=False, name=None))
    unread = {one.image for one in result.failures if one.method == REFERENCE}
    rows = []
    for case in cases:
        for method in methods if case.image not in unread else ():
            key = (method, case.dataset, case.participant, case.contrast)
            evaluated = (method, case.image) in result.masks
            failed = not evaluated or (key in empty and not case.without_cord)
            rows.append((*key, case.image.name, case.reference is not None, evaluated, failed))
    columns = [*keys, "image", "reference", "evaluated", "failed"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys(columns[-3:], bool))


def contrasts_by_grid(cases: Sequence[Case]) -> dict[str, list[str]]:
    """The contrasts of each grid in the table of cases."""
    grids: dict[str, list[str]] = {}
    for case in cases:
        if case.grid:
            grids.setdefault(case.grid, []).append(case.contrast)
    return grids


def _missing_images(result: Evaluation, cases: Sequence[Case], methods: Sequence[str]) -> list[str]:
    """Sentences on methods whose means are over other images than those of the others."""
    notes = []
    for method in methods:
        missing = [case.image.name for case in cases if (method, case.image) not in result.masks]
        if missing and len(methods) > 1:
            notes.append(
                f"{method} lacks {len(missing)} of {len(cases)} images: its means are over the"
                f" others ({', '.join(missing[:5])})."
            )
    return notes


def _nothing_found(outcomes: pd.DataFrame) -> list[str]:
    """Sentences on methods that found nothing in some images."""
    rows = outcomes[outcomes["failed"] & outcomes["evaluated"]]
    return [
        f"{method} found nothing in {len(own)} of its images ({', '.join(own['image'][:5])}): they"
        " have no CSA and no distance, and the means of these are over the others."
        for method, own in rows.groupby("method", sort=False)
    ]


def _shown_in_part(areas: pd.DataFrame) -> list[str]:
    """Sentences on participants whose contrasts show the range in part."""
    rows = areas[areas["notes"] != ""].drop_duplicates(["method", "dataset", "participant"])
    shown = [
        f"{row.method}, {row.participant} ({row.place}): {row.notes}"
        for row in rows.head(5).itertuples()
    ]
    more = len(rows) - len(shown)
    return [*shown, *([f"So it is with {more} more; see csa.csv."] if more else [])]


def _no_areas(slices: pd.DataFrame, areas: pd.DataFrame, cord_range: CordRange) -> list[str]:
    """That there is no CSA, if so, and what to do."""
    if slices.empty or len(areas):
        return []
    return [
        f"No image has cord at {cord_range.name}, so there is no CSA. Choose other levels or"
        " slices, or give discs or levels in the table of cases."
    ]
