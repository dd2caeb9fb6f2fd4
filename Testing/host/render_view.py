"""Stands for ``ctkVTKRenderView``: a view with a renderer of its own, that a module may use for
anything.
"""

from __future__ import annotations

import numpy as np
from PySide6 import QtCore, QtWidgets

from .views import OpenGLWidget

Property = QtCore.Property


class RenderView(QtWidgets.QWidget):
    """``ctkVTKRenderView`` (CTK Libs/Visualization/VTK/Widgets/ctkVTKRenderView.h): draws into a
    window without a screen; the axes in its corner are shown until they are hidden.
    """

    platform_kind = "ctkVTKRenderView"

    def __init__(self, parent=None):
        super().__init__(parent)
        import vtk

        from SoftCordSegLib.scene.offscreen import choose_offscreen_graphics

        choose_offscreen_graphics()
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.AddRenderer(vtk.vtkRenderer())
        self._interactor = vtk.vtkRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        self._interactor.SetInteractorStyle(vtk.vtkInteractorStyleTrackballCamera())
        self._axes_visible = True
        self._inner = OpenGLWidget(self)
        self._inner.picture = self.picture
        self._inner.interactor_made = self.interactor
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._inner)
        self.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Expanding)

    def picture(self) -> np.ndarray:
        """The view as it is now, uint8 (rows, columns, 3)."""
        from SoftCordSegLib.scene.render import grab_window

        assert not self._axes_visible, "the axes are drawn over everything"
        self._measure()
        return grab_window(self._window)

    def _measure(self) -> None:
        self._window.SetSize(max(self._inner.width(), 1), max(self._inner.height(), 1))

    def resizeEvent(self, event):
        super().resizeEvent(event)
        self.layout().activate()
        self._measure()

    def VTKWidget(self):
        return self._inner

    def renderWindow(self):
        return self._window

    def interactor(self):
        return self._interactor

    def interactorStyle(self):
        return self._interactor.GetInteractorStyle()

    def scheduleRender(self) -> None:
        self._inner.update()

    forceRender = scheduleRender

    def _let_go(self) -> None:
        """Release the window."""
        self._inner.picture = self._inner.interactor_made = None
        self._interactor.SetRenderWindow(None)
        self._window.Finalize()

    def _show_axes(self, visible: bool) -> None:
        self._axes_visible = visible

    orientationWidgetVisible = Property(bool, lambda self: self._axes_visible, _show_axes)

    def sizeHint(self):
        return QtCore.QSize(300, 300)
