"""What a user does in the tests of the panel."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np


def while_running(host, action) -> Callable[[], None]:
    """Do something whenever the panel handles events, until the function that is returned is
    called.
    """
    original = host.process_events

    def process_events():
        action()
        original()

    def stop():
        host.process_events = original

    host.process_events = process_events
    return stop


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


def click_title(ui, name: str) -> None:
    """Click the title of a section, "Correct" for example: it opens, or folds."""
    from PySide6 import QtCore, QtTest

    from host.pythonqt import unwrap

    button = unwrap(getattr(ui, f"cord{name}Section"))
    place = QtCore.QPoint(60, 10)
    QtTest.QTest.mouseClick(button, QtCore.Qt.LeftButton, QtCore.Qt.NoModifier, place)


def paint_voxels(ui, voxels: np.ndarray, erase: bool = False) -> None:
    """One stroke over the True voxels (i, j, k) of the edited grid, in the panel's Segment
    Editor.
    """
    from host.pythonqt import unwrap

    stroke(unwrap(ui.cordEditor).logic, voxels, erase)


def press_key(ui, key: str) -> None:
    """A key of Slicer's Segment Editor over a slice view: an effect by its number in the editor's
    grid, undo and redo.
    """
    from host.pythonqt import unwrap

    editor = unwrap(ui.cordEditor)
    if not editor._flags.get("shortcuts"):
        return
    if key in ("z", "y"):
        {"z": editor.undo, "y": editor.redo}[key]()
        return
    name = editor._buttons.itemAt(int(key)).widget().objectName()
    editor.setActiveEffectByName("" if name == editor._effect else name)


def turn_wheel(ui, forward: bool) -> None:
    """Shift and the mouse's wheel over a slice view: the brush grows or shrinks
    (``qSlicerSegmentEditorPaintEffectPrivate::scaleDiameter``).
    """
    from host.pythonqt import unwrap

    effect = unwrap(ui.cordEditor).activeEffect()
    kind = "Relative" if effect.integerParameter("BrushDiameterIsRelative") else "Absolute"
    diameter = effect.doubleParameter(f"Brush{kind}Diameter") * (1.2 if forward else 0.8)
    effect.setCommonParameter(f"Brush{kind}Diameter", diameter)


def brush(ui, position_ras, normal_ras=(0, 0, 1)) -> None:
    """A click with Paint or Erase in a slice view whose field of view is 250 mm.

    Args:
        ui: the panel's controls.
        position_ras: (3,) where, mm.
        normal_ras: (3,) of the view's plane.
    """
    from vtk import vtkMatrix4x4

    from host.pythonqt import unwrap

    editor = unwrap(ui.cordEditor)
    effect, logic = editor.activeEffect(), editor.logic
    diameter = effect.doubleParameter("BrushAbsoluteDiameter")
    if effect.integerParameter("BrushDiameterIsRelative"):
        diameter = 2.5 * effect.doubleParameter("BrushRelativeDiameter")
    logic.UpdateReferenceGeometryImage()
    logic.ResetModifierLabelmapToDefault()
    modifier = logic.GetModifierLabelmap()
    matrix, shape = vtkMatrix4x4(), modifier.GetDimensions()
    modifier.GetImageToWorldMatrix(matrix)
    affine = np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])
    places = np.indices(shape).reshape(3, -1).T + np.array(modifier.GetExtent()[::2])
    offset = places @ affine[:3, :3].T + affine[:3, 3] - np.asarray(position_ras, float)
    inside = np.linalg.norm(offset, axis=1) <= 0.5 * diameter
    if not effect.integerParameter("BrushSphere"):
        normal = np.asarray(normal_ras, float)
        inside &= np.abs(offset @ normal) <= 0.5 * np.abs(affine[:3, :3].T @ normal).max()
    stroke(logic, inside.reshape(shape), erase=effect.name == "Erase")


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


def choose(control, name: str) -> None:
    """Open a combo box, and click the item that begins so."""
    from PySide6 import QtCore, QtTest, QtWidgets

    from host.pythonqt import unwrap

    box = unwrap(control)
    assert box.isVisible()
    assert box.isEnabled(), box.toolTip()
    names = [box.itemText(n) for n in range(box.count())]
    number = next((n for n, one in enumerate(names) if one.startswith(name)), None)
    assert number is not None, names
    box.showPopup()
    view = box.view()
    view.scrollTo(box.model().index(number, 0))
    place = view.visualRect(box.model().index(number, 0)).center()
    QtTest.QTest.mouseMove(view.viewport(), place)
    view.setCurrentIndex(box.model().index(number, 0))
    QtTest.QTest.keyClick(view, QtCore.Qt.Key_Return)
    QtWidgets.QApplication.processEvents()


def type_name(ui, row: int, name: str) -> None:
    """Double click a name in the list of discs, and type another."""
    from PySide6 import QtCore, QtTest, QtWidgets

    from host.pythonqt import unwrap

    table = unwrap(ui.cordDiscsTable)
    place = table.visualItemRect(table.item(row, 0)).center()
    QtTest.QTest.mouseClick(table.viewport(), QtCore.Qt.LeftButton, QtCore.Qt.NoModifier, place)
    QtTest.QTest.mouseDClick(table.viewport(), QtCore.Qt.LeftButton, QtCore.Qt.NoModifier, place)
    editor = table.findChild(QtWidgets.QLineEdit)
    editor.selectAll()
    QtTest.QTest.keyClicks(editor, name)
    QtTest.QTest.keyClick(editor, QtCore.Qt.Key_Return)
    QtWidgets.QApplication.processEvents()


def table_rows(ui) -> list[list[str]]:
    """The texts of the list of discs."""
    from host.pythonqt import unwrap

    table = unwrap(ui.cordDiscsTable)
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


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
