"""Stands for the views of Slicer's layout: slice, 3D and plot views, and CTK's chart view.

What is drawn is real: the slice logics and nodes, the displayable managers, VTK's charts, into
windows without a screen (``SoftCordSegLib.scene.render``).  What stands in is the Qt side, with
the sizes, the events of the mouse and the names of the real widgets.  A view draws only when a
test asks for its picture, or all do once :attr:`Drawing.on` is set.
"""

from __future__ import annotations

import numpy as np
from PySide6 import QtCore, QtGui, QtWidgets

from .widgets import TableView

Property, Signal = QtCore.Property, QtCore.Signal
BAR = 30  # pixels: the height of a view's own bar


class Drawing:
    """Whether the views draw themselves as their window is drawn."""

    on = False


class OpenGLWidget(QtWidgets.QWidget):
    """``ctkVTKOpenGLNativeWidget``: the inner widget of a view, that gets the events of the
    mouse, and hands them on to VTK.
    """

    platform_kind = "ctkVTKOpenGLNativeWidget"

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(QtCore.Qt.StrongFocus)
        self.picture = self.interactor_made = None  # functions, set by the view

    def paintEvent(self, event):
        if not Drawing.on or self.picture is None:
            return
        pixels = np.ascontiguousarray(self.picture())
        rows, columns, _ = pixels.shape
        image = QtGui.QImage(
            pixels.data, columns, rows, 3 * columns, QtGui.QImage.Format_RGB888
        ).copy()
        painter = QtGui.QPainter(self)
        painter.drawImage(self.rect(), image)
        painter.end()

    def mousePressEvent(self, event):
        self._tell(event, "PressEvent")

    def mouseReleaseEvent(self, event):
        self._tell(event, "ReleaseEvent")

    def mouseMoveEvent(self, event):
        self._tell(event, None)

    def wheelEvent(self, event):
        up = event.angleDelta().y() > 0
        interactor = self._at(event)
        if interactor is not None:
            interactor.InvokeEvent(f"MouseWheel{'Forward' if up else 'Backward'}Event")

    def _at(self, event):
        if self.interactor_made is None:
            return None
        interactor, place = self.interactor_made(), event.position()
        keys = event.modifiers()
        interactor.SetEventInformation(
            int(place.x()),
            self.height() - 1 - int(place.y()),
            int(bool(keys & QtCore.Qt.ControlModifier)),
            int(bool(keys & QtCore.Qt.ShiftModifier)),
        )
        return interactor

    def _tell(self, event, kind: str | None) -> None:
        interactor = self._at(event)
        if interactor is None:
            return
        buttons = {
            QtCore.Qt.LeftButton: "LeftButton",
            QtCore.Qt.RightButton: "RightButton",
            QtCore.Qt.MiddleButton: "MiddleButton",
        }
        if kind is None:
            interactor.InvokeEvent("MouseMoveEvent")
        elif event.button() in buttons:
            interactor.InvokeEvent(buttons[event.button()] + kind)
        event.accept()


class AbstractView(QtWidgets.QWidget):
    """``ctkVTKAbstractView`` (CTK Libs/Visualization/VTK/Widgets/ctkVTKAbstractView.h).

    Args:
        app: ``OffscreenSlicer``.
        node: ``vtkMRMLSliceNode`` or ``vtkMRMLViewNode``.
    """

    platform_kind = "ctkVTKAbstractView"

    def __init__(self, app, node, parent=None):
        super().__init__(parent)
        import vtk

        self._app, self._node, self._drawn = app, node, None
        self._corner = vtk.vtkCornerAnnotation()
        self._corner.SetMaximumLineHeight(0.07)
        self._corner.GetTextProperty().ShadowOn()
        self._inner = OpenGLWidget(self)
        self._inner.picture = self.picture
        self._inner.interactor_made = self.interactor
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._inner)
        self.setMinimumSize(50, 50)
        self.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Expanding)

    def drawn(self):
        """What draws it: ``render.SliceView`` or ``render.ThreeDView``, made when first asked
        for.
        """
        if self._drawn is None:
            self._drawn = self._make()
            self._drawn.renderer.AddViewProp(self._corner)
            self._drawn.window.SetSize(*self._pixels())
        return self._drawn

    def picture(self) -> np.ndarray:
        """The view as it is now, uint8 (rows, columns, 3)."""
        drawn, size = self.drawn(), self._pixels()
        if drawn.size != size:
            drawn.size = size
            drawn.window.SetSize(*size)
        return drawn.render()

    def _let_go(self) -> None:
        """Release the window."""
        if self._drawn is not None:
            self._drawn.close()
            self._drawn = None

    def _pixels(self) -> tuple[int, int]:
        return max(self._inner.width(), 1), max(self._inner.height(), 1)

    def cornerAnnotation(self):
        return self._corner

    def VTKWidget(self):
        return self._inner

    def renderWindow(self):
        return self.drawn().window

    def interactor(self):
        return self.drawn().interactor

    def interactorStyle(self):
        return self.interactor().GetInteractorStyle()

    def scheduleRender(self) -> None:
        self._inner.update()

    def forceRender(self) -> None:
        self._inner.update()

    def sizeHint(self):
        return QtCore.QSize(300, 300)


class SliceView(AbstractView):
    """``qMRMLSliceView`` (Slicer Libs/MRML/Widgets/qMRMLSliceView.h)."""

    platform_kind = "qMRMLSliceView"
    resized = Signal(QtCore.QSize)

    def _make(self):
        import slicer
        from vtk import vtkInteractorStyleUser

        from SoftCordSegLib.scene import render

        view = render.SliceView(self._app, size=self._pixels(), name=self._node.GetLayoutName())
        # VTK's own style would keep the mouse to itself from the first press on.
        view.interactor.SetInteractorStyle(vtkInteractorStyleUser())
        self._style = slicer.vtkMRMLSliceViewInteractorStyle()
        self._style.SetSliceLogic(view.logic)
        self._style.SetDisplayableManagers(view.managers)
        self._style.SetInteractor(view.interactor)
        return view

    def resizeEvent(self, event):
        super().resizeEvent(event)
        self.layout().activate()
        self.resized.emit(event.size())

    def mrmlSliceNode(self):
        return self._node

    def interactorObserver(self):
        self.drawn()
        return self._style


class ThreeDView(AbstractView):
    """``qMRMLThreeDView`` (Slicer Libs/MRML/Widgets/qMRMLThreeDView.h)."""

    platform_kind = "qMRMLThreeDView"

    def _make(self):
        import slicer

        from SoftCordSegLib.scene import render

        view = render.ThreeDView(
            self._app, self._pixels(), background=None, name=self._node.GetLayoutName()
        )
        self._style = slicer.vtkMRMLThreeDViewInteractorStyle()
        self._style.SetDisplayableManagers(view.managers)
        self._style.SetInteractor(view.interactor)
        return view

    def picture(self) -> np.ndarray:
        self.drawn().renderer.ResetCameraClippingRange()
        return super().picture()

    def mrmlViewNode(self):
        return self._node

    def cameraNode(self):
        import slicer

        self.drawn()
        manager = slicer.app.applicationLogic()
        nodes = manager.GetMRMLScene().GetNodesByClass("vtkMRMLCameraNode")
        nodes.UnRegister(None)
        found = [nodes.GetItemAsObject(n) for n in range(nodes.GetNumberOfItems())]
        return next(
            (one for one in found if one.GetLayoutName() == self._node.GetLayoutName()), None
        )

    def resetFocalPoint(self) -> None:
        """The camera turns to the middle of what is seen, the box and its letters apart."""
        node, renderer = self._node, self.drawn().renderer
        shown = node.GetBoxVisible(), node.GetAxisLabelsVisible()
        node.SetBoxVisible(False)
        node.SetAxisLabelsVisible(False)
        bounds = renderer.ComputeVisiblePropBounds()
        if bounds[0] <= bounds[1]:
            camera = renderer.GetActiveCamera()
            camera.SetFocalPoint(*((bounds[2 * n] + bounds[2 * n + 1]) / 2 for n in range(3)))
            camera.ComputeViewPlaneNormal()
            camera.OrthogonalizeViewUp()
            renderer.ResetCameraClippingRange()
        node.SetBoxVisible(shown[0])
        node.SetAxisLabelsVisible(shown[1])
        node.InvokeEvent(node.ResetFocalPointRequestedEvent)

    def resetCamera(self, rotation=True, translation=True, distance=True) -> None:
        camera = self.cameraNode()
        if camera is not None:
            camera.Reset(rotation, translation, distance, self.drawn().renderer)


class ChartView(OpenGLWidget):
    """``ctkVTKChartView`` (CTK Libs/Visualization/VTK/Widgets/ctkVTKChartView.h): a real chart of
    VTK, and no axis or plot of its own making.
    """

    platform_kind = "ctkVTKChartView"
    plotAdded = Signal(object)
    plotRemoved = Signal(object)
    boundsChanged = Signal()
    extentChanged = Signal()

    def __init__(self, parent=None):
        super().__init__(parent)
        import vtk

        from SoftCordSegLib.scene.offscreen import choose_offscreen_graphics

        choose_offscreen_graphics()
        self._chart = vtk.vtkChartXY()
        self._view = vtk.vtkContextView()
        self._view.GetScene().AddItem(self._chart)
        window = self._view.GetRenderWindow()
        window.SetOffScreenRendering(1)
        window.SetMultiSamples(0)
        interactor = vtk.vtkRenderWindowInteractor()
        interactor.SetRenderWindow(window)
        self._view.SetInteractor(interactor)
        buttons = vtk.vtkContextMouseEvent
        self._chart.SetActionToButton(vtk.vtkChart.PAN, buttons.MIDDLE_BUTTON)
        self._chart.SetActionToButton(vtk.vtkChart.SELECT, buttons.RIGHT_BUTTON)
        self.picture = self._draw
        self.interactor_made = lambda: interactor
        self.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Expanding)

    def _draw(self) -> np.ndarray:
        """The chart as it is now, uint8 (rows, columns, 3)."""
        from SoftCordSegLib.scene.render import grab_window

        self._measure()
        self._view.GetScene().SetDirty(True)
        return grab_window(self._view.GetRenderWindow())

    def _measure(self) -> None:
        """The chart has the size of the widget at any time."""
        self._view.GetRenderWindow().SetSize(max(self.width(), 1), max(self.height(), 1))

    def resizeEvent(self, event):
        super().resizeEvent(event)
        self._measure()

    def chart(self):
        return self._chart

    def scene(self):
        return self._view.GetScene()

    def renderWindow(self):
        return self._view.GetRenderWindow()

    def addPlot(self, plot) -> None:
        self._chart.AddPlot(plot)
        self.plotAdded.emit(plot)

    def removePlot(self, plot) -> None:
        self._chart.RemovePlotInstance(plot)
        self.plotRemoved.emit(plot)

    def removeAllPlots(self) -> None:
        self._chart.ClearPlots()

    def plotIndex(self, plot) -> int:
        return next(
            n for n in range(self._chart.GetNumberOfPlots()) if self._chart.GetPlot(n) is plot
        )

    def _set_title(self, title: str) -> None:
        self._chart.SetTitle(title)

    title = Property(str, lambda self: self._chart.GetTitle(), _set_title)

    def _let_go(self) -> None:
        """Release the window."""
        self._view.GetRenderWindow().Finalize()


class PlotView(ChartView):
    """``qMRMLPlotView`` (Slicer Libs/MRML/Widgets/qMRMLPlotView.h): tells which points were
    clicked; what a chart node has in it is not drawn here.
    """

    platform_kind = "qMRMLPlotView"
    dataSelected = Signal(object, object)
    mrmlSceneChanged = Signal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._node = self._scene = None

    def setMRMLScene(self, scene) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def setMRMLPlotViewNode(self, node) -> None:
        self._node = node

    def fitToContent(self) -> None:
        self._chart.RecalculateBounds()


class Bar(QtWidgets.QWidget):
    """``qMRMLSliceControllerWidget``, and the bars of other views: the name and the place."""

    platform_kind = "qMRMLSliceControllerWidget"

    def __init__(self, node, logic=None, parent=None):
        super().__init__(parent)
        self._node, self._logic = node, logic
        self.setFixedHeight(BAR)

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()

    def sliceLogic(self):
        return self._logic

    def mrmlSliceNode(self):
        return self._node

    def paintEvent(self, _event):
        painter = QtGui.QPainter(self)
        colour = QtGui.QColor.fromRgbF(*self._node.GetLayoutColor())
        painter.fillRect(self.rect(), colour)
        painter.setPen(QtGui.QColor("black"))
        words = self._node.GetLayoutLabel()
        if self._logic is not None:
            words += f"     {self._logic.GetSliceOffset():.1f} mm"
        painter.drawText(
            self.rect().adjusted(30, 0, 0, 0), QtCore.Qt.AlignVCenter | QtCore.Qt.AlignLeft, words
        )


class AbstractViewWidget(QtWidgets.QWidget):
    """``qMRMLAbstractViewWidget``: a bar over a view."""

    platform_kind = "qMRMLAbstractViewWidget"

    def __init__(self, node, view, bar, parent=None):
        super().__init__(parent)
        self._node, self._view, self._bar = node, view, bar
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(view, 1)

    def mrmlAbstractViewNode(self):
        return self._node

    def controllerWidget(self):
        return self._bar

    def viewWidget(self):
        return self._view

    def _let_go(self) -> None:
        """Release the window of the view."""
        self._view._let_go()


class SliceWidget(AbstractViewWidget):
    """``qMRMLSliceWidget`` (Slicer Libs/MRML/Widgets/qMRMLSliceWidget.h)."""

    platform_kind = "qMRMLSliceWidget"

    def __init__(self, app, node, logic, parent=None):
        super().__init__(node, SliceView(app, node), Bar(node, logic), parent)
        self._app, self._logic = app, logic
        self._view.resized.connect(
            lambda size: logic.ResizeSliceNode(max(size.width(), 1), max(size.height(), 1))
        )

    def sliceLogic(self):
        return self._logic

    def logic(self):
        return self._logic

    def mrmlSliceNode(self):
        return self._node

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def sliceView(self):
        return self._view

    def sliceController(self):
        return self._bar

    def interactorStyle(self):
        return self._view.interactorStyle()

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()

    def _let_go(self) -> None:
        super()._let_go()
        self._app.application_logic.GetSliceLogics().RemoveItem(self._logic)
        self._logic.SetMRMLScene(None)


class ThreeDWidget(AbstractViewWidget):
    """``qMRMLThreeDWidget`` (Slicer Libs/MRML/Widgets/qMRMLThreeDWidget.h)."""

    platform_kind = "qMRMLThreeDWidget"

    def __init__(self, app, node, parent=None):
        super().__init__(node, ThreeDView(app, node), Bar(node), parent)

    def mrmlViewNode(self):
        return self._node

    def threeDView(self):
        return self._view

    def threeDController(self):
        return self._bar


class PlotWidget(AbstractViewWidget):
    """``qMRMLPlotWidget`` (Slicer Libs/MRML/Widgets/qMRMLPlotWidget.h)."""

    platform_kind = "qMRMLPlotWidget"

    def __init__(self, scene, node, parent=None):
        view = PlotView()
        view.setMRMLScene(scene)
        view.setMRMLPlotViewNode(node)
        super().__init__(node, view, Bar(node), parent)

    def mrmlPlotViewNode(self):
        return self._node

    def plotView(self):
        return self._view

    def plotController(self):
        return self._bar


class TableWidget(AbstractViewWidget):
    """``qMRMLTableWidget`` (Slicer Libs/MRML/Widgets/qMRMLTableWidget.h)."""

    platform_kind = "qMRMLTableWidget"

    def __init__(self, node, parent=None):
        super().__init__(node, TableView(), Bar(node), parent)
        self._tag = node.AddObserver("ModifiedEvent", lambda *_: self._show())

    def _show(self) -> None:
        self._view.setMRMLTableNode(self._node.GetTableNode())

    def tableView(self):
        return self._view

    def _let_go(self) -> None:
        self._node.RemoveObserver(self._tag)
        self._view.setMRMLTableNode(None)
