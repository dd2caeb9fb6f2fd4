"""What a user does in the tests of the panel."""

from __future__ import annotations

import numpy as np


def while_running(host, action) -> None:
    """Do something whenever the panel handles events."""
    original = host.process_events

    def process_events():
        action()
        original()

    host.process_events = process_events


def press(control) -> None:
    """Click a control with the mouse, where the user sees it."""
    from PySide6 import QtCore, QtTest, QtWidgets

    from host.pythonqt import unwrap

    widget = unwrap(control)
    QtWidgets.QApplication.processEvents()
    assert widget.isVisible(), f"{widget.objectName()} is not to be seen"
    assert widget.isEnabled(), f"{widget.objectName()} is disabled: {widget.toolTip()}"
    # A check box takes clicks on its box and text alone.
    place = QtCore.QPoint(8, widget.height() // 2)
    QtTest.QTest.mouseClick(widget, QtCore.Qt.LeftButton, QtCore.Qt.NoModifier, place)


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
    """Choose what a row of the table is."""
    ui.cordRowsSelector.currentIndex = [
        ui.cordRowsSelector.itemText(n) for n in range(ui.cordRowsSelector.count)
    ].index(name)
