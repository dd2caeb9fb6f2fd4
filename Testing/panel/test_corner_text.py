"""The corner of the axial view says what the table says of the slice in view."""

from __future__ import annotations

import numpy as np
import pytest

from panel_actions import wait_until_measured
from SoftCordSegLib.scene.measure_tables import AREA, LEVEL, table_column
from SoftCordSegLib.scene.study import study_of


@pytest.fixture
def seen(neck, app):
    """The neck in the views, as Slicer shows what was loaded."""
    app.application_logic.GetSelectionNode().SetActiveVolumeID(neck.GetID())
    app.application_logic.PropagateVolumeSelection(0)
    return neck


@pytest.fixture
def measured(seen, phantom, mark, widget):
    """The same with discs, measured."""
    mark(phantom.discs)
    wait_until_measured(widget)
    return seen


@pytest.fixture
def corner(slicer_host):
    """A function: the lines in the upper right corner of a slice view."""

    def lines(view: str = "Red") -> list[str]:
        slicer_host.process_events()
        annotation = slicer_host.views.sliceWidget(view).sliceView().cornerAnnotation()
        return (annotation.GetText(3) or "").split("\n")

    return lines


def row_of(study, height_mm: float) -> dict:
    """The row of the slice table at a height: column -> value."""
    table = study.slice_table
    heights = table_column(table, "S")
    row = int(abs(heights - height_mm).argmin())
    names = (LEVEL, AREA, "area_low", "area_high", "diameter_AP", "diameter_RL")
    return {name: table_column(table, name)[row] for name in names}


def expected(row: dict) -> list[str]:
    return [
        f"{row[LEVEL]} · {row[AREA]:.1f} mm²",
        f".25–.75: {row['area_low']:.0f}–{row['area_high']:.0f}",
        f"AP {row['diameter_AP']:.1f} RL {row['diameter_RL']:.1f} mm",
    ]


def test_it_is_the_row_of_the_table_wherever_one_scrolls(seen, phantom, mark, widget, corner):
    axial = widget.panel.views.axial_node
    wait_until_measured(widget)
    axial.SetSliceOffset(-20.2)
    # Without discs there is no level.
    assert corner()[0] == f"{row_of(study_of(seen), -20.2)[AREA]:.1f} mm²"

    mark(phantom.discs)
    wait_until_measured(widget)
    study, levels = study_of(seen), set()
    for height in (-60.2, -20.2, 30.2):
        axial.SetSliceOffset(height)
        row = row_of(study, height)
        assert corner() == expected(row)
        levels.add(row[LEVEL])
    assert len(levels) == 3

    assert corner("Yellow") == [""]
    assert corner("Green") == [""]
    axial.SetSliceOffset(500.0)
    assert corner() == [""]


def test_a_new_number_is_said_at_once_and_a_missing_one_is_a_dash(measured, widget, corner):
    table = study_of(measured).slice_table
    widget.panel.views.axial_node.SetSliceOffset(-20.2)
    corner()

    for name, value in ((AREA, 12.34), ("diameter_AP", np.nan), ("area_low", np.nan)):
        column = table.GetTable().GetColumnByName(name)
        for n in range(column.GetNumberOfValues()):
            column.SetValue(n, value)
    table.Modified()

    area, interval, diameters = corner()
    assert area.endswith(" · 12.3 mm²")
    assert interval == ".25–.75: –"
    assert diameters.startswith("AP – RL ")


def test_slicers_data_probe_does_not_wipe_it_away(measured, widget, corner, slicer_host):
    annotation = slicer_host.views.sliceWidget("Red").sliceView().cornerAnnotation()
    ours = corner()

    annotation.SetText(3, "")  # what it does at every move of the slice
    assert corner() == ours
    annotation.SetText(3, "Hospital\nTR 3000\n")  # of a DICOM volume
    assert corner() == [*ours, "Hospital", "TR 3000"]
    widget.panel.views.axial_node.SetSliceOffset(-60.2)
    assert corner()[3:] == ["Hospital", "TR 3000"]
    slicer_host.leave_panel(widget)
    assert annotation.GetText(3) == "Hospital\nTR 3000\n"

    annotation.SetText(3, "")
    widget.panel.views.axial_node.SetSliceOffset(-20.2)
    assert corner() == [""]  # another module is shown
    slicer_host.show_panel(widget)
    assert len(corner()) == len(ours)


def test_of_two_masks_on_screen_each_says_whose_it_is(
    measured, phantom, app, ui, widget, corner, slicer_host
):
    from SoftCordSegLib.scene.volume_nodes import add_volume

    second = add_volume(app.scene, phantom.image, "sub-phantom_T2star")
    ui.cordImageSelector.setCurrentNode(second)
    ui.cordSegmentButton.click()
    ui.cordImageSelector.setCurrentNode(measured)
    widget.panel.views.show_layout("compare")
    slicer_host.process_events()
    for name, image in (("Red", measured), ("CordRed2", second)):
        shown = slicer_host.views.sliceWidget(name)
        shown.sliceLogic().GetSliceCompositeNode().SetBackgroundVolumeID(image.GetID())
        shown.mrmlSliceNode().SetSliceOffset(-20.2)
    widget.panel.refresh()

    assert corner("Red")[0].startswith("T2w · ")
    assert corner("CordRed2")[0].startswith("T2star · ")

    app.scene.RemoveNode(study_of(measured).soft)
    assert corner("Red") == [""]
