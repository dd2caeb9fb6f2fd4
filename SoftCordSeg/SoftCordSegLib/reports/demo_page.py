"""The HTML page of a demonstration: pictures, plots and tables of each image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .area_figure import area_svg
from .html_page import ABSENT, link_to, number, page_html, signed

if TYPE_CHECKING:
    from ..morphometry import CordShape, DiscLabel, Summary
    from ..network import ModelBundle
    from ..volume import Volume

DEMO_PAGE, DEMO_TITLE = "index.html", "SoftCordSeg: demonstration"
# An error beyond this (the demonstration's own goal, percent) is marked in the tables.
_FAR_PERCENT = 3.0
_CAPTIONS = {"3D": "Surface of the mask at 0.5, from the patient's right"}


@dataclass(frozen=True)
class LevelError:
    """Measured against known areas, over the same slices.

    Attributes:
        name: of the vertebral level, "C3".
        slices: how many.
        known_mm2, measured_mm2: mean areas.
    """

    name: str
    slices: int
    known_mm2: float
    measured_mm2: float

    @property
    def percent(self) -> float:
        """Error of the measured area, in percent of the known one."""
        return 100 * (self.measured_mm2 / self.known_mm2 - 1)


@dataclass(frozen=True)
class DemoStudy:
    """The results of one image.

    Attributes:
        title: for readers, for example "T2w".
        path: the image file.
        image: its voxels, of a series those that were segmented.
        mask: the soft mask, read back from its file.
        found: whether a cord was found.
        message: a sentence on the segmentation.
        seconds: from file to mask.
        volume_ml: of the cord.
        shape: None where no cord was found.
        levels: by vertebral level; None where no discs are known.
        discs: the discs used.
        known_mm2: (n,) true area of each slice of ``shape``; None for a real image.
        errors: against the known areas; empty without them.
        dice: of mask and truth, both cut at 0.5; None without truth.
        files: what was written, by kind.
        remarks: sentences that a reader of the numbers has to know.
        scene: the ``.mrb``; None where it could not be made.
        pictures: PNG files by the name of the view.
        view_remarks: sentences on pictures that are missing, and what to install for them.
    """

    title: str
    path: Path
    image: Volume
    mask: Volume
    found: bool
    message: str
    seconds: float
    volume_ml: float = 0.0
    shape: CordShape | None = None
    levels: Summary | None = None
    discs: tuple[DiscLabel, ...] = ()
    known_mm2: np.ndarray | None = None
    errors: tuple[LevelError, ...] = ()
    dice: float | None = None
    files: dict[str, Path] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    scene: Path | None = None
    pictures: tuple[tuple[str, bytes], ...] = ()
    view_remarks: tuple[str, ...] = ()


def demo_html(
    studies: Sequence[DemoStudy],
    failures: Sequence[tuple[str, str]],
    bundle: ModelBundle,
    folder: Path,
    command: str,
    has_truth: bool,
) -> str:
    """The page.

    Args:
        studies: what was done, at least one.
        failures: (name, sentence) of images that could not be processed.
        bundle: the model.
        folder: where the page lies, for links to the files beside it.
        command: as the user typed it.
        has_truth: whether the images are of the phantom.
    """
    return page_html(
        "demo.html.j2",
        title=DEMO_TITLE,
        has_truth=has_truth,
        figures=_key_figures(studies, len(failures), has_truth),
        overview=_overview(studies) if has_truth and len(studies) > 1 else None,
        studies=[_section(study, folder) for study in studies],
        limits=_limits(studies, failures),
        without_levels=all(study.levels is None for study in studies),
        bundle=bundle,
        command=command,
    )


def mean_absolute_percent(errors: Sequence[LevelError]) -> float:
    """Mean of the levels' absolute errors, percent."""
    return sum(abs(error.percent) for error in errors) / len(errors)


def _key_figures(
    studies: Sequence[DemoStudy], failed: int, has_truth: bool
) -> list[tuple[str, str]]:
    errors = [error for study in studies for error in study.errors]
    figures = []
    if errors:
        worst = max(errors, key=lambda error: abs(error.percent))
        figures = [
            ("mean area error per level", f"{mean_absolute_percent(errors):.1f} %"),
            (f"largest ({worst.name})", f"{signed(worst.percent)} %"),
            ("levels compared", f"{len(errors)}"),
        ]
    if has_truth:
        return [*figures, ("images", f"{len(studies)} of {len(studies) + failed}")]
    study = studies[0]
    if study.shape is None:
        return []
    return [
        ("cord, mL", f"{study.volume_ml:.2f}"),
        ("length, mm", f"{np.nansum(study.shape.columns['length']):.0f}"),
        ("mean area, mm²", f"{np.nanmean(study.shape.columns['area']):.1f}"),
    ]


def _overview(studies: Sequence[DemoStudy]) -> dict[str, object]:
    """The errors of all images, a row for each level."""
    names = list(dict.fromkeys(error.name for study in studies for error in study.errors))
    names.sort(key=lambda name: ("CTLS".index(name[0]), int(name[1:])))
    by_name = [{error.name: error for error in study.errors} for study in studies]
    means = [mean_absolute_percent(s.errors) if s.errors else None for s in studies]
    return {
        "titles": [study.title for study in studies],
        "levels": [(name, [_percent(one.get(name)) for one in by_name]) for name in names],
        "means": [number(mean, 1) for mean in means],
        "dice": [number(study.dice, 3) for study in studies],
    }


def _percent(error: LevelError | None) -> tuple[str, bool]:
    """The error as text, and whether it is marked."""
    return (ABSENT, False) if error is None else (signed(error.percent), _is_far(error))


def _is_far(error: LevelError) -> bool:
    return abs(error.percent) > _FAR_PERCENT


def _section(study: DemoStudy, folder: Path) -> dict[str, object]:
    """What the page shows of one image."""
    files = [*study.files.values(), *([study.scene] if study.scene else [])]
    spacing = " × ".join(f"{size:.3g}" for size in study.image.spacing)
    return {
        "title": study.title,
        "facts": [
            f"{' × '.join(str(n) for n in study.image.shape)} voxels of {spacing} mm",
            f"stored {study.image.letters}",
            study.message,
            f"{study.seconds:.1f} s from file to mask",
        ],
        "pictures": [(name, _CAPTIONS.get(name, name), png) for name, png in study.pictures],
        "plot": (
            None if study.shape is None else area_svg(study.shape, study.known_mm2, study.title)
        ),
        "levels": _level_rows(study),
        "compared": bool(study.errors),
        "remarks": list(dict.fromkeys((*study.remarks, *study.view_remarks))),
        "files": [
            (
                path.name,
                link_to(path.relative_to(folder)) if folder in path.parents else "",
            )
            for path in files
        ],
    }


def _level_rows(study: DemoStudy) -> list[dict[str, object]]:
    known = {error.name: error for error in study.errors}
    rows = []
    for row in study.levels or ():
        if row.count:
            error = known.get(row.name)
            rows.append(
                {
                    "name": row.name,
                    "slices": row.count,
                    "known": number(None if error is None else error.known_mm2, 1),
                    "measured": f"{row.mean['area']:.1f}",
                    "sd": f"{row.std['area']:.1f}",
                    "error": _percent(error),
                }
            )
    return rows


def _limits(studies: Sequence[DemoStudy], failures: Sequence[tuple[str, str]]) -> list[str]:
    """Sentences on what could not be done, and where errors are large."""
    items = [f"{name}: {sentence}" for name, sentence in failures]
    items += [f"{study.title}: no cord was found." for study in studies if not study.found]
    items += dict.fromkeys(remark for study in studies for remark in study.view_remarks)
    for study in studies:
        far = [error.name for error in study.errors if _is_far(error)]
        if far:
            items.append(
                f"{study.title}: off by more than {_FAR_PERCENT:.0f} % at {', '.join(far)}."
            )
    return items
