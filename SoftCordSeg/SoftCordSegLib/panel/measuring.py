"""From the mask and the discs in the scene to numbers, by the workflow of ``softcord csa``."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    from ..progress import Progress
    from ..workflows.csa_measure import Measured

# Attributes of a table: a digest of all that it was measured from, and the choice of its rows.
_DIGEST, _CHOICE = "SoftCordSeg.MeasuredFrom", "SoftCordSeg.Rows"
_UPPER_CORD = (2, 3)


class Rows(enum.Enum):
    """What a row of the table is.  Scenes are saved with the names of the members."""

    C2C3 = "C2–C3"
    Level = "per level"
    Slice = "per slice"
    Range = "range"
    All = "range"  # its name in scenes of version 0.5


def grouping_of(rows: Rows, levels: str = ""):
    """What the chips ask for, as ``workflows.csa_measure.Grouping``.

    Args:
        rows: what a row is.
        levels: of a range, as "C2:C5", "C2-C5" or "2,4".

    Raises:
        InputError: no levels, or wrong names of levels, in a range.
    """
    from ..workflows.csa_measure import Grouping

    if rows is Rows.Range:
        return Grouping(levels=levels_of(levels))
    if rows is Rows.C2C3:
        return Grouping(levels=_UPPER_CORD)
    return Grouping(per_slice=rows is Rows.Slice, per_level=rows is Rows.Level)


def levels_of(text: str) -> list[int]:
    """The levels of a range as a user writes it: "C2:C5", and "C2-C5" too.

    Raises:
        InputError: nothing, or no levels.
    """
    from ..morphometry import parse_levels

    if not text.strip():
        raise InputError("No levels are given.", hint="Write them as C2:C5.")
    # Between two levels a dash is a range; a disc has no place here.
    return parse_levels(re.sub(r"(?<=\w)\s*[-–—]\s*(?=\w)", ":", text.strip()))


class Sources:
    """What a measurement depends on: the mask and the discs.

    Args:
        study: ``scene.study.Study`` with a soft mask.
    """

    def __init__(self, study):
        soft = study.soft
        points = study.discs.GetNumberOfControlPoints() if study.discs is not None else 0
        discs = tuple(
            (
                study.discs.GetNthControlPointLabel(n),
                study.discs.GetNthControlPointPositionStatus(n),
                tuple(study.discs.GetNthControlPointPositionWorld(n)),
            )
            for n in range(points)
        )
        self.world = (_matrix_to_world(soft), discs)
        # Quick to compare, but other numbers in another session.
        image = soft.GetImageData()
        self._now = (soft.GetID(), 0 if image is None else image.GetMTime(), self.world)

    def __eq__(self, other) -> bool:
        return isinstance(other, Sources) and self._now == other._now

    __hash__ = None


@dataclass(frozen=True, eq=False)
class Measurement:
    """A mask, measured slice by slice; all tables are made from it.

    Attributes:
        sources: that it was made from.
        whole: the slices, with levels where the discs tell them; one row for all of them.
        digest: a text that is equal for equal contents of the sources, to be saved with tables;
            "" where only the areas are those of the mask as it is now.
        level_problem: why levels are not known although there are discs; "" else.
    """

    sources: Sources
    whole: Measured
    digest: str
    level_problem: str = ""

    @property
    def shape(self):
        """``morphometry.CordShape``, slice by slice."""
        return self.whole.shape

    @property
    def count(self) -> int:
        """Number of slices with an area."""
        return int(np.isfinite(self.shape.columns["area"]).sum())

    @property
    def has_levels(self) -> bool:
        """Whether any slice has a level."""
        levels = self.shape.levels
        return levels is not None and bool(np.any(levels))

    def rows(self, rows: Rows, levels: str = "") -> Measured:
        """The same slices in other rows.

        Raises:
            InputError: levels that are not known, or that the mask does not have.
        """
        from ..workflows.csa_measure import regrouped

        return regrouped(self.whole, grouping_of(rows, levels))

    def with_areas(self, slices: np.ndarray, areas: np.ndarray) -> Measurement | None:
        """The same with the areas of an edited mask, mm², the other measures as they were; None
        where other slices have cord now.
        """
        shape = self.shape
        if not np.array_equal(slices, shape.slices) or not np.array_equal(
            np.isfinite(areas), np.isfinite(shape.columns["area"])
        ):
            return None
        edited = shape.with_columns({"area": areas})
        return replace(self, whole=replace(self.whole, shape=edited), digest="")


def measuring_task(study, sources: Sources) -> Callable[[Progress], Measurement]:
    """What measures a mask on another thread: it has copies of all that it needs.

    Args:
        study: ``scene.study.Study`` with a soft mask.
        sources: of that study, now.

    Raises:
        InputError: the mask's node cannot be measured.
    """
    from ..scene.disc_points import discs_of
    from .saving import mask_name_of, mask_to_measure

    mask, path = mask_to_measure(study.soft), Path(mask_name_of(study.image))
    discs, problem = [], ""
    try:
        discs = discs_of(study.discs) if study.discs is not None else []
    except InputError as error:
        problem = str(error)

    def measure(progress: Progress) -> Measurement:
        whole, why = _measured(path, mask, discs, progress)
        return Measurement(sources, whole, _digest(mask, sources.world), problem or why)

    return measure


def _measured(path, mask, discs, progress: Progress) -> tuple[Measured, str]:
    """The slices; discs that cannot be used are left out, and why."""
    from ..workflows.csa_measure import CsaOptions, Grouping, MaskLevels, measure_volume

    options = CsaOptions(grouping=Grouping(per_slice=False))
    try:
        return measure_volume(path, mask, MaskLevels(discs=discs), options, progress), ""
    except InputError as error:
        if not discs:
            raise
        return measure_volume(path, mask, MaskLevels(), options, progress), str(error)


def _digest(mask, world: tuple) -> str:
    from .. import __version__

    matrix, discs = world
    # Files have fewer digits than the scene.
    rounded = [(name, status, np.round(position, 3).tolist()) for name, status, position in discs]
    about = (np.round(matrix, 3).tolist(), rounded, mask.shape, __version__)
    digest = hashlib.blake2b(np.ascontiguousarray(mask.data), digest_size=16)
    digest.update(repr(about).encode())
    return digest.hexdigest()


def _matrix_to_world(node) -> tuple:
    import vtk

    matrix, transform = vtk.vtkMatrix4x4(), node.GetParentTransformNode()
    if transform is not None:
        if not transform.IsTransformToWorldLinear():
            return ()  # it bends, and cannot be measured
        transform.GetMatrixTransformToWorld(matrix)
    return tuple(matrix.GetElement(row, column) for row in range(3) for column in range(4))


def put_into_scene(study, measurement: Measurement, rows: Rows, levels: str) -> None:
    """Bring the tables of a study up to date: that by slice, and that of the chosen rows (of
    levels, where slices are chosen); one whose content would be the same is left alone.

    Args:
        study: ``scene.study.Study``; gets the tables.
        measurement: of its mask.
        rows, levels: the chips.
    """
    from ..scene.study import set_slice_measures, set_summary
    from .short_table import range_text

    if not measurement.digest:
        return  # the whole follows
    shape = measurement.shape
    if study.slice_table is None or study.slice_table.GetAttribute(_DIGEST) != measurement.digest:
        set_slice_measures(study, shape)
        study.slice_table.SetAttribute(_DIGEST, measurement.digest)
    rows = Rows.Level if rows is Rows.Slice else rows
    choice = f"{rows.value} {levels if rows is Rows.Range else ''}".rstrip()
    made_from = (measurement.digest, choice)
    table = study.summary_table
    if table is not None and made_from == tuple(map(table.GetAttribute, (_DIGEST, _CHOICE))):
        return
    try:
        summary = measurement.rows(rows, levels).summary
    except InputError:
        summary = None
    pooled = summary is not None and rows is not Rows.Level
    what = f"area {range_text(summary[0].name)}" if pooled else "area by level"
    set_summary(study, shape, summary, what)
    if study.summary_table is not None:
        for name, value in zip((_DIGEST, _CHOICE), made_from):
            study.summary_table.SetAttribute(name, value)


def measure_study(study, options, discs=None, symmetry: bool = False):
    """Measure the mask of an image, at once; for scripts.

    Args:
        study: ``scene.study.Study`` with a soft mask.
        options: ``workflows.csa_measure.CsaOptions``, without names of files.
        discs: ``DiscLabel``; None takes those of the study.
        symmetry: measure quadrants and left-right symmetry too, from the image.

    Returns:
        ``workflows.csa_measure.Measured``.

    Raises:
        InputError: an empty mask; levels or the junction needed but not marked.
    """
    from ..progress import Progress
    from ..scene.disc_points import discs_of
    from ..scene.volume_nodes import values_on, volume_of
    from ..volume import Volume
    from ..workflows.csa_measure import MaskLevels, SharedFiles, measure_volume
    from .saving import mask_name_of, mask_to_measure

    if discs is None:
        discs = discs_of(study.discs) if study.discs is not None else []
    mask, image = mask_to_measure(study.soft), None
    if symmetry:
        image = Volume(values_on(volume_of(study.image), mask.grid), mask.affine)
    return measure_volume(
        Path(mask_name_of(study.image)),
        mask,
        MaskLevels(discs=discs),
        options,
        Progress(),
        SharedFiles(image=image),
    )


class LiveAreas:
    """The areas of a mask while somebody paints.

    Args:
        soft: the soft mask's node.
    """

    def __init__(self, soft):
        from ..morphometry import LiveArea
        from ..scene.soft_edits import soft_volume

        self.soft = soft
        self._live = LiveArea(soft_volume(soft))

    def update(self, change) -> None:
        """Read the slices of a ``scene.soft_edits.Change`` anew."""
        from ..scene.soft_edits import soft_volume

        self._live.update(soft_volume(self.soft), change.start, change.stop)

    def put_into(self, table, measurement: Measurement) -> Measurement | None:
        """``measurement`` with these areas, and the slice table too; None where other slices have
        cord now, and everything must be measured again.
        """
        from ..scene.measure_tables import set_areas

        edited = measurement.with_areas(self._live.slices, self._live.areas)
        if edited is not None:
            set_areas(table, edited.shape)
            table.RemoveAttribute(_DIGEST)  # its other columns are older now
        return edited
