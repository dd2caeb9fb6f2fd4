"""Tables and plots show the numbers that were measured, with their units."""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, cord_in, image_in
from SoftCordSegLib.morphometry import aggregate, measure, table_rows
from SoftCordSegLib.scene.measure_tables import (
    AREA,
    DISTANCE,
    LEVEL,
    SLICE,
    Column,
    add_area_chart,
    add_area_series,
    add_slice_table,
    add_summary_table,
    fill,
    set_slice_table,
    tables_of,
)
from SoftCordSegLib.scene.soft_mask_node import add_soft_mask
from SoftCordSegLib.scene.volume_nodes import add_volume

GRID = GRIDS["isotropic"]


@pytest.fixture
def soft(app):
    return add_soft_mask(app.scene, add_volume(app.scene, image_in(GRID), "T2w"), cord_in(GRID))


@pytest.fixture
def shape():
    shape = measure(cord_in(GRID))
    return shape.with_levels(np.where(np.arange(len(shape)) < len(shape) // 2, 4, 3))


def column(table, name: str) -> list:
    array = table.GetTable().GetColumnByName(name)
    return [array.GetValue(row) for row in range(array.GetNumberOfValues())]


def test_a_slice_table_has_a_row_a_slice_and_the_measures_as_they_are(app, soft, shape):
    table = add_slice_table(app.scene, soft, shape)

    assert table.GetNumberOfRows() == len(shape)
    assert column(table, SLICE) == list(shape.slices[::-1]), "from above to below"
    assert column(table, AREA) == list(shape.columns["area"][::-1])
    assert column(table, "diameter_AP") == list(shape.columns["diameter_AP"][::-1])
    assert set(column(table, LEVEL)) == {"C3", "C4"}
    assert table.GetName() == "T2w area by slice"
    assert tables_of(soft, "slices") == [table]
    assert tables_of(soft, "summary") == []


def test_every_column_says_its_unit(app, soft, shape):
    table = add_slice_table(app.scene, soft, shape)

    units = {
        name: table.GetColumnUnitLabel(name)
        for name in (AREA, "diameter_RL", "angle_AP", "solidity", DISTANCE, SLICE)
    }
    assert units == {
        AREA: "mm²",
        "diameter_RL": "mm",
        "angle_AP": "°",
        "solidity": "",
        DISTANCE: "mm",
        SLICE: "",
    }
    assert table.GetColumnTitle(AREA) == "area", "a table view adds the unit"


def test_the_numbers_cannot_be_typed_over(app, soft, shape):
    assert add_slice_table(app.scene, soft, shape).GetLocked()


def test_distance_runs_along_the_cord(app, soft, shape):
    distance = column(add_slice_table(app.scene, soft, shape), DISTANCE)

    # an upright cord in 1 mm slices
    assert np.allclose(distance[::-1], np.arange(len(shape)), atol=0.05)


def test_slices_without_an_area_have_no_row(app, soft, shape):
    area = shape.columns["area"].copy()
    area[[2, 5]] = np.nan

    table = add_slice_table(app.scene, soft, shape.with_columns({"area": area}))

    kept = [n for n in reversed(range(len(shape))) if n not in (2, 5)]
    assert column(table, SLICE) == list(shape.slices[kept])
    assert np.isfinite(column(table, AREA)).all()


def test_a_row_knows_where_in_the_patient_it_is(app, soft, shape):
    table = add_slice_table(app.scene, soft, shape)

    assert [column(table, axis)[3] for axis in "RAS"] == list(shape.centres_mm[-4])


def test_a_summary_table_says_what_the_csv_says(app, soft, shape):
    summary = aggregate(shape, per_level=True)

    table = add_summary_table(app.scene, soft, shape, summary)

    rows = table_rows(shape, summary)
    assert column(table, "LevelName") == [row["LevelName"] for row in rows]
    assert set(column(table, "LevelName")) == {"C3", "C4"}
    assert column(table, "MEAN(area)") == [row["MEAN(area)"] for row in rows]
    assert column(table, "SUM(length)") == [row["SUM(length)"] for row in rows]
    assert table.GetTable().GetColumnByName("DistancePMJ") is None, "a column without values"
    assert table.GetColumnUnitLabel("MEAN(area)") == "mm²"
    assert table.GetColumnUnitLabel("STD(angle_RL)") == "°"
    assert tables_of(soft, "summary") == [table]


def test_an_empty_measurement_gives_an_empty_table(app, soft):
    table = app.scene.AddNewNodeByClass("vtkMRMLTableNode")

    fill(table, [Column("Level", []), Column("area", [], "mm²")])

    assert (table.GetNumberOfRows(), table.GetNumberOfColumns()) == (0, 2)


def test_a_change_shows_at_once_and_leaves_nothing_behind(app, soft, shape):
    table = add_slice_table(app.scene, soft, shape)
    events = []
    table.AddObserver("ModifiedEvent", lambda *_: events.append(table.GetNumberOfColumns()))
    columns = table.GetNumberOfColumns()

    smaller = measure(cord_in(GRID, radius_mm=3.0))
    set_slice_table(table, smaller)

    assert column(table, AREA) == list(smaller.columns["area"][::-1])
    assert events == [columns]  # one event, when all columns are there


def test_the_plot_shows_the_area_along_the_cord(app, soft, shape):
    table = add_slice_table(app.scene, soft, shape)

    series = add_area_series(app.scene, table)
    chart = add_area_chart(app.scene, [series])

    assert series.GetTableNode() is table
    assert (series.GetXColumnName(), series.GetYColumnName()) == (DISTANCE, AREA)
    assert series.GetPlotTypeAsString(series.GetPlotType()) == "Scatter"
    assert series.GetName() == "T2w"
    assert chart.GetNthPlotSeriesNode(0) is series
    assert (chart.GetXAxisTitle(), chart.GetYAxisTitle()) == (
        "Distance along the cord (mm)",
        "Area (mm²)",
    )


def test_contrasts_are_compared_in_colours_of_their_own(app, soft, shape):
    other = add_soft_mask(
        app.scene, add_volume(app.scene, image_in(GRID), "T1w"), cord_in(GRID, radius_mm=4.8)
    )
    series = [
        add_area_series(app.scene, add_slice_table(app.scene, node, shape))
        for node in (soft, other)
    ]

    chart = add_area_chart(app.scene, series)

    assert chart.GetNumberOfPlotSeriesNodes() == 2
    assert chart.GetLegendVisibility()
    assert [one.GetName() for one in series] == ["T2w", "T1w"]
    assert series[0].GetColor() != series[1].GetColor()
