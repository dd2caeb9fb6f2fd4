"""The area along the cord as a Slicer plot: one chart, one series for each measured soft mask."""

from __future__ import annotations

from collections.abc import Sequence

from ..colours import SERIES_ON_ANY, rgb
from .links import IMAGE, SOFT_MASK, link, linked, nodes_linked_to
from .tables import AREA, DISTANCE


def add_area_series(scene, table, name: str | None = None):
    """A new plot series, area over distance along the cord, from a slice table; it follows the
    table when that changes.

    Returns:
        ``vtkMRMLPlotSeriesNode`` named as the image, referring to the table's soft mask.
    """
    soft_node = linked(table, SOFT_MASK)
    image_node = linked(soft_node, IMAGE) if soft_node is not None else None
    owner = next(node for node in (image_node, soft_node, table) if node is not None)
    count = scene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode")
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", name or owner.GetName())
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


def area_series_of(soft_node) -> list:
    """The plot series made from a soft mask, oldest first."""
    return nodes_linked_to(soft_node, SOFT_MASK, "vtkMRMLPlotSeriesNode")
