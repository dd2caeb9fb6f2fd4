"""What a user does in the tests of the panel."""

from __future__ import annotations

import time

import numpy as np


def while_running(host, action) -> None:
    """Do something whenever the panel handles events."""
    original = host.process_events

    def process_events():
        action()
        original()

    host.process_events = process_events


def paint_voxels(ui, voxels: np.ndarray, erase: bool = False) -> None:
    """One stroke over the True voxels (i, j, k) of the edited grid, in the panel's Segment
    Editor.
    """
    from host.pythonqt import unwrap

    stroke(unwrap(ui.cordEditor).logic, voxels, erase)


def stroke(logic, voxels: np.ndarray, erase: bool = False, segment_id: str = "SpinalCord") -> None:
    """One stroke by ``vtkSlicerSegmentEditorLogic``, with its state for undo."""
    from vtk.util.numpy_support import vtk_to_numpy

    logic.SaveStateForUndo()
    logic.UpdateReferenceGeometryImage()
    logic.ResetModifierLabelmapToDefault()
    modifier = logic.GetModifierLabelmap()
    assert modifier.GetDimensions() == voxels.shape
    scalars = modifier.GetPointData().GetScalars()
    vtk_to_numpy(scalars).reshape(voxels.shape, order="F")[...] = voxels
    scalars.Modified()
    mode = logic.ModificationModeRemove if erase else logic.ModificationModeAdd
    logic.ModifySegmentByLabelmap(
        logic.GetSegmentationNode(), segment_id, modifier, mode, False, False
    )


def column(table, name) -> np.ndarray:
    """The values of a table node's column."""
    values = table.GetTable().GetColumnByName(name)
    return np.array([values.GetValue(n) for n in range(values.GetNumberOfValues())])


def choose_rows(ui, name: str) -> None:
    """Press one of the chips: "C2C3", "Level", "Slice" or "Range"."""
    getattr(ui, f"cord{name}Chip").click()


def wait_until(happened, seconds: float = 20.0) -> None:
    """Let events be handled until something happened."""
    from PySide6.QtTest import QTest

    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        QTest.qWait(5)


def wait_until_measured(widget) -> None:
    """Let the panel measure until its tables, in the scene too, are those of the mask and the
    chips.
    """
    measure = next(one for one in widget.panel._sections if one.name == "Measure")
    wait_until(lambda: measure.settled)


def shown_rows(ui) -> list[list[str]]:
    """The texts of the panel's table, without its head; empty while it is hidden."""
    table = ui.cordTable
    if not table.visible:
        return []
    columns = range(table.columnCount)
    return [[table.item(row, one).text() for one in columns] for row in range(table.rowCount)]
