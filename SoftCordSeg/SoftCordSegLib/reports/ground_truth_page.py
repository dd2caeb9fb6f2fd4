"""The HTML pages of ground truths: one for each participant, to look at the ground truth and judge
it, and an overview of a data set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..groundtruth import largest_motion
from .ground_truth_pictures import motion_png
from .html_page import ABSENT, link_to, number, page_html, signed

if TYPE_CHECKING:
    import numpy as np

    from ..groundtruth import ContrastTruth, GroundTruth

# Beyond these a registration deserves a look: marked in the overview.
_FAR_MM, _FAR_DEGREES = 5.0, 20.0
_METHODS = {"centermassrot": "shift and rotation", "centermass": "shift only"}
_KINDS = {"soft": "soft ground truth", "soft_bin": "soft, at or above 0.5", "hard": "input mask"}


@dataclass(frozen=True)
class JudgedContrast:
    """A contrast of a participant whose ground truth is judged.

    Attributes:
        truth: of the contrast; without voxels is enough.
        listed_as: file name by which exclusion lists name it.
        mask_sha256: of the input mask's file; a verdict holds for this mask only.
    """

    truth: ContrastTruth
    listed_as: str
    mask_sha256: str

    @property
    def name(self) -> str:
        """Of the contrast."""
        return self.truth.name


@dataclass(frozen=True)
class AreaRow:
    """The cord's area by one kind of mask.

    Attributes:
        kind: "soft" (the ground truth), "soft_bin" (at or above 0.5) or "hard" (the input mask).
        means: mm², by contrast.
        sd: over contrasts, mm²; None for fewer than two.
    """

    kind: str
    means: Mapping[str, float]
    sd: float | None


@dataclass(frozen=True)
class GroundTruthReport:
    """What the page of a participant shows.

    Attributes:
        participant: name.
        truth: the ground truth.
        judged: its contrasts, in the order of ``truth.contrasts``.
        slices_png: by contrast, from :func:`.ground_truth_pictures.slices_png`.
        without_image: names of the contrasts of which no image was given.
        registration: "centermassrot" or "centermass".
        masks: name of the input mask's file, by contrast.
        written: names of the images that were written.
        areas: none without discs.
        levels: over which areas were measured, as "2:3".
        notes: sentences that a reader has to know.
        left_out: (contrast, reason) by the exclusion list.
        alone: not part of a data set: judged on this page, not on an overview.
    """

    participant: str
    truth: GroundTruth
    judged: Sequence[JudgedContrast]
    slices_png: Mapping[str, bytes]
    without_image: Sequence[str]
    registration: str
    masks: Mapping[str, str]
    written: Sequence[str]
    areas: Sequence[AreaRow] = ()
    levels: str = ""
    notes: Sequence[str] = ()
    left_out: Sequence[tuple[str, str]] = ()
    alone: bool = True


@dataclass(frozen=True)
class OverviewRow:
    """What the overview of a data set shows of a participant.

    Attributes:
        participant: name.
        page: address of the participant's page, relative to the overview.
        judged: its contrasts.
        areas: as in :class:`GroundTruthReport`.
        notes: how many notes the page has.
    """

    participant: str
    page: str
    judged: Sequence[JudgedContrast]
    areas: Sequence[AreaRow] = ()
    notes: int = 0


def ground_truth_html(report: GroundTruthReport) -> str:
    """The page of a participant."""
    left_out = [
        f"{name} was left out{': ' + reason if reason else ''}." for name, reason in report.left_out
    ]
    truth = report.truth
    return page_html(
        "ground_truth.html.j2",
        title=f"Soft ground truth: {report.participant}",
        report=report,
        names=[one.name for one in truth.contrasts],
        method=_METHODS[report.registration],
        key_figures=_key_figures(report),
        notes=list(dict.fromkeys([*left_out, *report.notes])),
        motion=motion_png(truth),
        registered=[_registered(one) for one in truth.contrasts],
        area_rows=[_area_cells(row, truth) for row in report.areas],
    )


def overview_html(
    rows: Sequence[OverviewRow], errors: Mapping[str, str], left_out: Sequence[str]
) -> str:
    """The page over the participants of a data set, those that moved most first, a row for each
    contrast to be judged; below it, the page of the row in focus.

    Args:
        rows: one for each participant that was processed.
        errors: sentences on participants that could not be processed, by name.
        left_out: sentences on what the exclusion list leaves out.
    """

    def moved(row: OverviewRow) -> float:
        return largest_motion([one.truth for one in row.judged])[0] or 0.0

    return page_html(
        "ground_truth_overview.html.j2",
        title="Soft ground truths",
        participants=[_overview_cells(row) for row in sorted(rows, key=moved, reverse=True)],
        processed=len(rows),
        total=len(rows) + len(errors),
        failed=[f"{name}: {sentence}" for name, sentence in errors.items()],
        left_out=left_out,
    )


def _key_figures(report: GroundTruthReport) -> list[tuple[str, str]]:
    shift, angle = largest_motion(report.truth.contrasts)
    figures = [("contrasts averaged", str(len(report.truth.contrasts)))]
    if shift is not None:
        figures.append(("largest shift, mm", f"{shift:.1f}"))
    if angle is not None:
        figures.append(("largest rotation", f"{angle:.1f}°"))
    change = _area_change(report.areas)
    if change != ABSENT:
        figures.append(("SD of the area over contrasts, mm²", change))
    return figures


def _area_change(areas: Sequence[AreaRow]) -> str:
    """SD over contrasts by the input masks, then by the ground truth."""
    sds = {row.kind: row.sd for row in areas}
    before, after = sds.get("hard"), sds.get("soft")
    return ABSENT if before is None or after is None else f"{before:.2f} → {after:.2f}"


def _registered(one: ContrastTruth) -> list[str]:
    """The cells of a contrast in the table of registrations."""
    if one.is_reference:
        cells = ["reference", *[ABSENT] * 4]
    else:
        cells = [
            f"{one.used.sum()} of {len(one.used)}",
            _range(one.shift_mm[:, 0]),
            _range(one.shift_mm[:, 1]),
            _range(one.angle_deg),
            str(one.trimmed or "none"),
        ]
    return [one.name, *cells, f"{100 * one.coverage:.0f}", str(len(one.without) or "none")]


def _area_cells(row: AreaRow, truth: GroundTruth) -> list[str]:
    means = [number(row.means.get(one.name)) for one in truth.contrasts]
    return [_KINDS[row.kind], *means, number(row.sd)]


def _overview_cells(row: OverviewRow) -> dict[str, object]:
    contrasts = []
    for one in row.judged:
        shift, angle = largest_motion([one.truth])
        contrasts.append(
            {
                "judged": one,
                "page": link_to(row.page, one.name),
                "shift": number(shift, 1),
                "angle": number(angle, 1),
                "far_shift": (shift or 0.0) > _FAR_MM,
                "far_angle": (angle or 0.0) > _FAR_DEGREES,
            }
        )
    return {
        "name": row.participant,
        "page": link_to(row.page),
        "contrasts": contrasts,
        "area": _area_change(row.areas),
        "notes": row.notes or ABSENT,
    }


def _range(values: np.ndarray) -> str:
    if not len(values):
        return ABSENT
    low, high = signed(float(values.min())), signed(float(values.max()))
    return low if low == high else f"{low} to {high}"
