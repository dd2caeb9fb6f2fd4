"""From the mask and the discs in the scene to numbers, by the workflow of ``softcord csa``."""

from __future__ import annotations

import enum
import hashlib
from pathlib import Path

import numpy as np

# Attributes of a table: the choice of its rows, and a digest of all that it was measured from.
_CHOICE, _DIGEST = "SoftCordSeg.Rows", "SoftCordSeg.MeasuredFrom"


class Rows(enum.Enum):
    """One row of the table for each of these; the panel shows the names of the members."""

    Slice = "slice"
    Level = "level"
    All = "all"


def csa_options(rows: Rows, levels: str = ""):
    """What the panel's controls ask for, as ``workflows.csa_measure.CsaOptions``.

    Args:
        rows: what a row of the summary is.
        levels: only these, as "C2:C5" or "2,4"; all where empty.

    Raises:
        InputError: wrong names of levels.
    """
    from ..morphometry import parse_levels
    from ..workflows.csa_measure import CsaOptions, Grouping

    chosen = parse_levels(levels) if levels.strip() else None
    grouping = Grouping(levels=chosen, per_slice=rows is Rows.Slice, per_level=rows is Rows.Level)
    return CsaOptions(grouping=grouping)


class Sources:
    """What a measurement depends on: the mask, the discs, and the choice of rows.

    Args:
        study: ``scene.study.Study`` with a soft mask.
        rows, levels: as for :func:`csa_options`.
    """

    def __init__(self, study, rows: Rows, levels: str):
        self._soft = study.soft
        self.choice = f"{rows.value};{levels}"
        points = study.discs.GetNumberOfControlPoints() if study.discs is not None else 0
        discs = tuple(
            (
                study.discs.GetNthControlPointLabel(n),
                tuple(study.discs.GetNthControlPointPositionWorld(n)),
            )
            for n in range(points)
        )
        self._world = (_matrix_to_world(self._soft), discs, self.choice)
        # Quick to compare, but other numbers in another session.
        self._now = (self._soft.GetID(), self._soft.GetImageData().GetMTime(), self._world)

    def __eq__(self, other) -> bool:
        return isinstance(other, Sources) and self._now == other._now

    __hash__ = None

    def digest(self) -> str:
        """A text that is equal for equal contents, to be saved with the table."""
        from ..scene.volume_nodes import array_of

        digest = hashlib.blake2b(array_of(self._soft).ravel(order="F"), digest_size=16)
        digest.update(repr(self._world).encode())
        return digest.hexdigest()


def remember_sources(tables, sources: Sources) -> None:
    """Keep with tables what they were measured from."""
    digest = sources.digest()
    for table in tables:
        table.SetAttribute(_CHOICE, sources.choice)
        table.SetAttribute(_DIGEST, digest)


def is_measured_from(table, sources: Sources) -> bool:
    """False where the mask, the discs or the choice of rows changed since."""
    return has_rows_of(table, sources) and table.GetAttribute(_DIGEST) == sources.digest()


def has_rows_of(table, sources: Sources) -> bool:
    """Whether a table was measured for this choice of rows."""
    return table.GetAttribute(_CHOICE) == sources.choice


def _matrix_to_world(node) -> tuple:
    import vtk

    matrix, transform = vtk.vtkMatrix4x4(), node.GetParentTransformNode()
    if transform is not None and transform.IsTransformToWorldLinear():
        transform.GetMatrixTransformToWorld(matrix)
    return tuple(matrix.GetElement(row, column) for row in range(3) for column in range(4))


def measure_study(study, options, discs=None, symmetry: bool = False):
    """Measure the mask of an image.

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


def position_of_row(study, rows: Rows, row: int):
    """The middle of the cord (mm, RAS) at a row of the shown table; None where it has none."""
    from ..errors import InputError
    from ..morphometry import parse_slices
    from ..scene.measure_tables import SLICE, position_at_row

    if study.slice_table is None:
        return None
    if rows is Rows.Slice:
        return position_at_row(study.slice_table, row)
    if study.summary_table is None or not 0 <= row < study.summary_table.GetNumberOfRows():
        return None
    try:
        numbers = parse_slices(
            study.summary_table.GetTable().GetColumnByName("Slice (I->S)").GetValue(row)
        )
    except (InputError, AttributeError):
        return None
    column = study.slice_table.GetTable().GetColumnByName(SLICE)
    known = (
        [column.GetValue(n) for n in range(column.GetNumberOfValues())]
        if column is not None
        else []
    )
    inside = [n for n, number in enumerate(known) if number in set(numbers)]
    return position_at_row(study.slice_table, inside[len(inside) // 2]) if inside else None


class LiveTable:
    """Keeps the areas in the slice table up to date while somebody paints.

    Args:
        soft: the soft mask's node.
    """

    def __init__(self, soft):
        from ..morphometry import LiveArea
        from ..scene.soft_edits import soft_volume

        self.soft = soft
        self._live = LiveArea(soft_volume(soft))

    def update(self, table, change) -> bool:
        """Put the new areas into the table; False where other slices have cord now, and everything
        must be measured again.

        Args:
            table: the slice table's node.
            change: ``scene.soft_edits.Change``.
        """
        from vtk.util.numpy_support import vtk_to_numpy

        from ..scene.measure_tables import AREA, SLICE
        from ..scene.soft_edits import soft_volume

        areas = self._live.update(soft_volume(self.soft), change.start, change.stop)
        kept = np.isfinite(areas)
        slices = table.GetTable().GetColumnByName(SLICE)
        if slices is None or not np.array_equal(vtk_to_numpy(slices), self._live.slices[kept]):
            return False
        vtk_to_numpy(table.GetTable().GetColumnByName(AREA))[:] = areas[kept]
        table.GetTable().GetColumnByName(AREA).Modified()
        table.GetTable().Modified()
        table.Modified()
        return True


def table_text(table) -> str:
    """A table node as text with tabs, for spreadsheets."""
    columns = [table.GetTable().GetColumn(n) for n in range(table.GetNumberOfColumns())]
    lines = [
        "\t".join(table.GetColumnTitle(column.GetName()) or column.GetName() for column in columns)
    ]
    for row in range(table.GetNumberOfRows()):
        lines.append("\t".join(_cell(column, row) for column in columns))
    return "\n".join(lines) + "\n"


def _cell(column, row: int) -> str:
    value = column.GetValue(row)
    if isinstance(value, float):
        return "" if np.isnan(value) else repr(value)
    return str(value)
