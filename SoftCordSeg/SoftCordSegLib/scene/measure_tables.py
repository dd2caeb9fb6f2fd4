"""The measures as Slicer tables, slice by slice and grouped as in the CSV, with units; and the area
along the cord as a plot.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..colours import SERIES_ON_ANY, rgb
from ..morphometry import (
    UNITS,
    CordShape,
    LevelSummary,
    Summary,
    csv_columns,
    level_name,
    table_rows,
)
from .links import IMAGE, SOFT_MASK, link, linked, nodes_linked_to

# Columns of the slice table that the plot and a click on a row use.
SLICE, LEVEL, DISTANCE, AREA = "Slice", "Level", "Distance along cord", "area"
POSITION = ("R", "A", "S")
# MRML writes units as UCUM codes elsewhere; in a table they are labels for the reader.
_LABELS = {"mm2": "mm²", "deg": "°", "1": ""}
_KIND = "SoftCordSeg.Table"


@dataclass(frozen=True)
class Column:
    """One column: ``values`` are all text, or all numbers with None or NaN where there is none;
    ``unit`` is a label.
    """

    name: str
    values: Sequence
    unit: str = ""
    description: str = ""


def add_slice_table(scene, soft_node, shape: CordShape):
    """A new table "<image> area by slice" with one row a slice that has an area, from above to
    below.

    Args:
        scene: the MRML scene.
        soft_node: the soft mask that was measured.
        shape: what :func:`~SoftCordSegLib.morphometry.measure` gave for it.

    Returns:
        ``vtkMRMLTableNode``, locked, referring to the soft mask.
    """
    table = _add_table(scene, soft_node, "area by slice", "slices")
    set_slice_table(table, shape)
    return table


def set_slice_table(table, shape: CordShape) -> None:
    """Replace the content of a slice table."""
    measured = _rows_of(shape)
    levels = np.zeros(len(shape), int) if shape.levels is None else shape.levels
    columns = [
        Column(
            SLICE,
            [int(shape.slices[n]) for n in measured],
            "",
            "Number from the lowest slice, from 0 (inferior to superior)",
        ),
        Column(
            LEVEL,
            [level_name(int(levels[n])) if levels[n] else "" for n in measured],
            "",
            "Vertebral level",
        ),
        Column(
            DISTANCE,
            _distance_along(shape)[measured],
            "mm",
            "Along the cord, from its lowest slice",
        ),
    ]
    if shape.distance_pmj is not None:
        columns.append(
            Column(
                "DistancePMJ",
                shape.distance_pmj[measured],
                "mm",
                "From the pontomedullary junction",
            )
        )
    columns += [
        Column(measure, values[measured], _label(measure))
        for measure, values in shape.columns.items()
    ]
    columns += [
        Column(axis, shape.centres_mm[measured, n], "mm", "Middle of the cord, world position")
        for n, axis in enumerate(POSITION)
    ]
    fill(table, columns)


def set_areas(table, shape: CordShape) -> None:
    """Replace the areas in a slice table, whose slices are those of ``shape``, and nothing else."""
    from vtk.util.numpy_support import vtk_to_numpy

    areas = table.GetTable().GetColumnByName(AREA)
    if areas is None or areas.GetNumberOfValues() != len(_rows_of(shape)):
        set_slice_table(table, shape)
        return
    vtk_to_numpy(areas)[:] = shape.columns["area"][_rows_of(shape)]
    areas.Modified()
    table.GetTable().Modified()
    table.Modified()


def _rows_of(shape: CordShape) -> np.ndarray:
    """Indices of the slices that have an area, from above to below."""
    return np.flatnonzero(np.isfinite(shape.columns["area"]))[::-1]


def add_summary_table(
    scene,
    soft_node,
    shape: CordShape,
    summary: Summary | Iterable[LevelSummary],
    what: str = "area by level",
):
    """A new table with the rows and columns of the CSV, units added.

    Args:
        scene: the MRML scene.
        soft_node: the soft mask that was measured.
        shape: what was measured, for the options in the last columns.
        summary: the groups, for example levels.
        what: ends the name of the node, after that of the image.

    Returns:
        ``vtkMRMLTableNode``, locked, referring to the soft mask.
    """
    table = _add_table(scene, soft_node, what, "summary")
    set_summary_table(table, shape, summary)
    return table


def set_summary_table(table, shape: CordShape, summary: Summary | Iterable[LevelSummary]) -> None:
    """Replace the content of a summary table; columns without any value are left out."""
    rows = table_rows(shape, summary, filename=table.GetName())
    names = [name for name in csv_columns() if name not in ("Timestamp", "SCT Version", "Filename")]
    extra = [name for row in rows[:1] for name in row if name not in names and "(" in name]
    columns = []
    for column in [*names, *extra]:
        values = [row.get(column) for row in rows]
        if all(value is None for value in values):
            continue
        if any(isinstance(value, str) for value in values):
            values = ["" if value is None else str(value) for value in values]
        measure = column[column.find("(") + 1 : -1] if column.endswith(")") else column
        columns.append(Column(column, values, "mm" if column == "DistancePMJ" else _label(measure)))
    fill(table, columns)


def tables_of(soft_node, kind: str) -> list:
    """The tables made from a soft mask; ``kind`` is "slices" or "summary"."""
    tables = nodes_linked_to(soft_node, SOFT_MASK, "vtkMRMLTableNode")
    return [table for table in tables if table.GetAttribute(_KIND) == kind]


def table_column(table, name: str) -> np.ndarray:
    """The values of a column (n,): numbers, or text; NaN in all rows where there is no such
    column.
    """
    from vtk.util.numpy_support import vtk_to_numpy

    column = table.GetTable().GetColumnByName(name)
    if column is None:
        return np.full(table.GetNumberOfRows(), np.nan)
    if column.IsA("vtkDataArray"):
        return vtk_to_numpy(column).copy()
    return np.array([column.GetValue(n) for n in range(column.GetNumberOfValues())])


def fill(table, columns: Sequence[Column]) -> None:
    """Replace all columns of a table node, as one modification."""
    changes = table.StartModify()
    table.SetLocked(False)
    table.RemoveAllColumns()
    for column in columns:
        table.AddColumn(_vtk_array(column))
        table.SetColumnUnitLabel(column.name, column.unit)
        table.SetColumnDescription(column.name, column.description)
    # Under a title, a table view of Slicer adds the unit by itself, as "area [mm²]".
    table.SetUseColumnTitleAsColumnHeader(True)
    for column in columns:
        table.SetColumnTitle(column.name, column.name)
    table.SetLocked(True)  # measured numbers are not edited
    table.EndModify(changes)


def rename_table(table, what: str) -> None:
    """Name a table by its image and what it holds, unless that is its name already."""
    name = _table_name(linked(table, SOFT_MASK), what)
    if table.GetName() != name:
        table.SetName(_free_name(table.GetScene(), name))


def _add_table(scene, soft_node, what: str, kind: str):
    name = _free_name(scene, _table_name(soft_node, what))
    table = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
    table.SetName(name)
    table.SetAttribute(_KIND, kind)
    link(table, SOFT_MASK, soft_node)
    return table


def _free_name(scene, name: str) -> str:
    """The scene's own unique names never become free again."""
    return name if scene.GetFirstNodeByName(name) is None else scene.GenerateUniqueName(name)


def _table_name(soft_node, what: str) -> str:
    image_node = linked(soft_node, IMAGE)
    return f"{(soft_node if image_node is None else image_node).GetName()} {what}"


def _vtk_array(column: Column):
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    values = list(column.values)
    if values and all(isinstance(value, str) for value in values):
        array = vtk.vtkStringArray()
        for value in values:
            array.InsertNextValue(value)
    elif values and all(isinstance(value, (int, np.integer)) for value in values):
        array = numpy_to_vtk(np.array(values, dtype=np.int32), deep=True, array_type=vtk.VTK_INT)
    else:
        numbers = [math.nan if value is None else float(value) for value in values]
        array = numpy_to_vtk(np.array(numbers, dtype=float), deep=True, array_type=vtk.VTK_DOUBLE)
    array.SetName(column.name)
    return array


def _distance_along(shape: CordShape) -> np.ndarray:
    """Distance (n,) of the middle of each slice along the cord from the middle of its lowest one,
    mm.
    """
    length = np.nan_to_num(shape.columns["length"])
    return np.cumsum(length) - length / 2 - length[:1] / 2 if len(length) else length


def _label(measure: str) -> str:
    unit = UNITS.get(measure, "")
    return _LABELS.get(unit, unit)


def add_area_series(scene, table):
    """A new plot series from a slice table, area over distance along the cord, for a Slicer
    without our panel; it follows the table when that changes.

    Returns:
        ``vtkMRMLPlotSeriesNode`` named as the image, referring to the table's soft mask.
    """
    soft_node = linked(table, SOFT_MASK)
    image_node = linked(soft_node, IMAGE) if soft_node is not None else None
    owner = next(node for node in (image_node, soft_node, table) if node is not None)
    count = scene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode")
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", owner.GetName())
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName(DISTANCE)
    series.SetYColumnName(AREA)
    series.SetPlotType(
        series.PlotTypeScatter
    )  # a line with points at their own x; "line" would space them evenly
    series.SetLineStyle(series.LineStyleSolid)
    series.SetMarkerStyle(series.MarkerStyleCircle)
    series.SetMarkerSize(5)
    series.SetLineWidth(2)
    series.SetColor(*rgb(SERIES_ON_ANY[count % len(SERIES_ON_ANY)]))
    if soft_node is not None:
        link(series, SOFT_MASK, soft_node)
    return series


def add_area_chart(scene, series: Sequence, title: str = "Cross-sectional area along the cord"):
    """A new chart of one or more series.

    Returns:
        ``vtkMRMLPlotChartNode``, referring to the soft mask of the first series.
    """
    chart = scene.AddNewNodeByClass(
        "vtkMRMLPlotChartNode", scene.GenerateUniqueName("Spinal cord area")
    )
    chart.SetTitle(title)
    chart.SetXAxisTitle("Distance along the cord (mm)")
    chart.SetYAxisTitle("Area (mm²)")
    chart.SetLegendVisibility(len(series) > 1)
    for one in series:
        chart.AddAndObservePlotSeriesNodeID(one.GetID())
    soft_node = linked(series[0], SOFT_MASK) if series else None
    if soft_node is not None:
        link(chart, SOFT_MASK, soft_node)
    return chart
