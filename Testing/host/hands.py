"""The hands of the user: clicks, the wheel and keys, as Qt delivers them."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtTest, QtWidgets

from .pythonqt import unwrap


class Hands:
    """Real events of the mouse and the keyboard, for ``HostSlicer``.

    Attributes:
        clicks: the clicks so far, drags of a stroke counted as one.
        wheels: the notches of the wheel so far.
        scrolls: how often the panel had to be scrolled before a click in it.
    """

    def __init__(self):
        self.clicks = self.wheels = self.scrolls = 0

    def click_in_panel(self, widget, place=None) -> None:
        """Click on a control of the panel as a user must: one that is not shown cannot be clicked,
        one beyond the edge is scrolled to first.
        """
        thing, area = unwrap(widget), self.main_window.panel
        if not thing.isVisible() or not thing.isEnabled():
            raise AssertionError(f"{widget} cannot be clicked: {thing.toolTip()}")
        top = thing.mapTo(area.widget(), QtCore.QPoint(0, 0)).y()
        height = min(thing.height(), 24) if place is not None else thing.height()
        shown = area.verticalScrollBar().value()
        if not shown <= top <= top + height <= shown + area.viewport().height():
            self.scrolls += 1
            area.ensureWidgetVisible(thing)
            self.process_events()
        self.click(thing, place)

    def click(self, widget, place=None, button=QtCore.Qt.LeftButton) -> None:
        """Click on a widget: in its middle, or at (column, row) of it."""
        thing = unwrap(widget)
        point = QtCore.QPoint(*place) if place is not None else thing.rect().center()
        self.clicks += 1
        QtTest.QTest.mouseClick(thing, button, QtCore.Qt.NoModifier, point)
        self.process_events()

    def drag(self, widget, places) -> None:
        """Press at the first (column, row), move through the others, release at the last."""
        thing = unwrap(widget)
        points = [QtCore.QPoint(*place) for place in places]
        self.clicks += 1
        no_key = QtCore.Qt.NoModifier
        QtTest.QTest.mousePress(thing, QtCore.Qt.LeftButton, no_key, points[0])
        for place in places[1:]:
            self.move(widget, place, QtCore.Qt.LeftButton)
        QtTest.QTest.mouseRelease(thing, QtCore.Qt.LeftButton, no_key, points[-1])
        self.process_events()

    def move(self, widget, place, buttons=QtCore.Qt.NoButton) -> None:
        """Move the mouse to (column, row) of a widget."""
        thing, point = unwrap(widget), QtCore.QPoint(*place)
        event = QtGui.QMouseEvent(
            QtCore.QEvent.MouseMove,
            QtCore.QPointF(point),
            QtCore.QPointF(thing.mapToGlobal(point)),
            QtCore.Qt.NoButton,
            buttons,
            QtCore.Qt.NoModifier,
        )
        QtWidgets.QApplication.sendEvent(thing, event)

    def wheel(self, widget, notches: int, place=None) -> None:
        """Turn the wheel over a widget, up where positive."""
        thing = unwrap(widget)
        point = QtCore.QPoint(*place) if place is not None else thing.rect().center()
        for _ in range(abs(notches)):
            self.wheels += 1
            event = QtGui.QWheelEvent(
                QtCore.QPointF(point),
                QtCore.QPointF(thing.mapToGlobal(point)),
                QtCore.QPoint(),
                QtCore.QPoint(0, 120 if notches > 0 else -120),
                QtCore.Qt.NoButton,
                QtCore.Qt.NoModifier,
                QtCore.Qt.NoScrollPhase,
                False,
            )
            QtWidgets.QApplication.sendEvent(thing, event)
        self.process_events()

    def press(self, widget, keys: str) -> None:
        """Press keys ("Ctrl+J") while a widget has the focus."""
        thing = unwrap(widget)
        thing.window().activateWindow()
        thing.setFocus()
        self.process_events()
        stroke = QtGui.QKeySequence(keys)[0]
        QtTest.QTest.keyClick(thing, stroke.key(), stroke.keyboardModifiers())
        self.process_events()

    def flush_deletions(self) -> None:
        """Qt deletes what waits to be deleted."""
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)
