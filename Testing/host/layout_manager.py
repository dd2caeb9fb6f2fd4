"""Stands for ``qSlicerLayoutManager``: the layouts of Slicer's views.

Layout and view nodes are those of the real ``vtkMRMLLayoutLogic``, which reads the layouts' XML;
what stands in is the Qt side (Slicer Libs/MRML/Widgets/qMRMLLayoutManager.cxx and
qMRMLLayoutViewFactory.cxx, CTK Libs/Widgets/ctkLayoutManager.cpp and ctkLayoutFactory.cpp): a
widget for every view node of the scene, in the layout or not, arranged in one window.
"""

from __future__ import annotations

import weakref
import xml.etree.ElementTree as ElementTree

from PySide6 import QtCore, QtWidgets

from .segment_editor import SlicerCrash
from .views import PlotWidget, SliceWidget, TableWidget, ThreeDWidget

Property, Signal = QtCore.Property, QtCore.Signal
FOUR_UP = 3


class SingletonViewFactory(QtCore.QObject):
    """``qSlicerSingletonViewFactory`` (Slicer Base/QTGUI/qSlicerSingletonViewFactory.h): one own
    widget, for the elements of its tag.
    """

    platform_kind = "qSlicerSingletonViewFactory"

    def __init__(self, parent=None):
        super().__init__(parent)
        self._tag, self._widget = "", None
        self._holder = QtWidgets.QWidget()  # of the widget, until a layout takes it

    def setTagName(self, tag: str) -> None:
        self._tag = tag

    def tagName(self) -> str:
        return self._tag

    def setWidget(self, widget) -> None:
        self._widget = widget
        if widget is not None:
            widget.setParent(self._holder)
            # Not a method of this object: both may be deleted together.
            this = weakref.ref(self)
            widget.destroyed.connect(lambda: this() is not None and this().onWidgetDestroyed())

    def onWidgetDestroyed(self) -> None:
        self._widget = None

    def widget(self):
        return self._widget


class LayoutManager(QtCore.QObject):
    """See the module.

    Args:
        app: ``OffscreenSlicer``.
        viewport: the widget that the views are arranged in.
    """

    platform_kind = "qSlicerLayoutManager"
    layoutChanged = Signal(int)

    def __init__(self, app, viewport):
        super().__init__()
        import slicer

        self._app, self._scene, self._viewport = app, app.scene, viewport
        self._widgets: dict = {}  # view node -> widget, in the order they were made
        self._tags: dict = {}
        self._has_imported = False
        self._factories: list[SingletonViewFactory] = []
        self._root = None
        self._layout_node = self._layout_tag = None
        QtWidgets.QVBoxLayout(viewport).setContentsMargins(0, 0, 0, 0)
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLApplicationLogic(app.application_logic)
        self._logic.SetMRMLScene(app.scene)
        scene = app.scene
        self._scene_tags = [
            scene.AddObserver(scene.NodeAddedEvent, self._added()),
            scene.AddObserver(scene.NodeRemovedEvent, lambda *_: self._drop_removed()),
            scene.AddObserver(scene.EndBatchProcessEvent, lambda *_: self._take_scene()),
            scene.AddObserver(scene.EndCloseEvent, lambda *_: self._take_scene()),
            scene.AddObserver(scene.EndImportEvent, lambda *_: self._imported()),
            scene.AddObserver(scene.EndBatchProcessEvent, lambda *_: self._lose_at_import()),
        ]
        self._take_scene()
        self.setLayout(FOUR_UP)

    # --- what Python may ask

    def layoutLogic(self):
        return self._logic

    def setLayout(self, layout: int) -> None:
        node = self._logic.GetLayoutNode()
        if node.GetViewArrangement() == layout:
            return
        node.SetViewArrangement(layout if node.IsLayoutDescription(layout) else 2)

    layout = Property(int, lambda self: self._logic.GetLayoutNode().GetViewArrangement(), setLayout)
    threeDViewCount = Property(int, lambda self: len(self._of("vtkMRMLViewNode")))
    plotViewCount = Property(int, lambda self: len(self._of("vtkMRMLPlotViewNode")))
    tableViewCount = Property(int, lambda self: len(self._of("vtkMRMLTableViewNode")))

    def mrmlScene(self):
        return self._scene

    def mrmlSliceLogics(self):
        return self._app.application_logic.GetSliceLogics()

    def sliceViewNames(self) -> tuple[str, ...]:
        return tuple(node.GetName() for node in self._of("vtkMRMLSliceNode"))

    def sliceWidget(self, name: str):
        return self._widget("vtkMRMLSliceNode", name)

    def threeDWidget(self, which):
        return self._widget("vtkMRMLViewNode", which)

    def plotWidget(self, which):
        return self._widget("vtkMRMLPlotViewNode", which)

    def tableWidget(self, which):
        return self._widget("vtkMRMLTableViewNode", which)

    def viewWidget(self, node):
        return self._widgets.get(node)

    def viewport(self):
        return self._viewport

    def registerViewFactory(self, factory) -> None:
        if factory.parent() is None:
            factory.setParent(self)
        self._factories.insert(0, factory)

    def resetThreeDViews(self) -> None:
        for node in self._of("vtkMRMLViewNode"):
            view = self._widgets[node].threeDView()
            view.resetFocalPoint()
            view.resetCamera()

    def resetSliceViews(self) -> None:
        for node in self._of("vtkMRMLSliceNode"):
            self._widgets[node].sliceLogic().FitSliceToBackground()

    def pauseRender(self) -> None:
        pass

    def resumeRender(self) -> None:
        pass

    def _of(self, kind: str) -> list:
        return [node for node in self._widgets if node.IsA(kind)]

    def _widget(self, kind: str, which):
        nodes = self._of(kind)
        if isinstance(which, int):
            if which >= len(nodes):
                raise SlicerCrash(f"there is no view {which} of {kind}")
            return self._widgets[nodes[which]]
        return next((self._widgets[node] for node in nodes if node.GetName() == which), None)

    # --- following the scene

    def _added(self):
        import vtk

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def added(_scene, _event, node):
            if node.IsA("vtkMRMLLayoutNode"):
                self._take_scene()
            elif node.IsA("vtkMRMLAbstractViewNode") and not self._scene.IsBatchProcessing():
                self._take_view(node)

        return added

    def _take_scene(self) -> None:
        if self._scene.IsBatchProcessing():
            return
        nodes = self._scene.GetNodesByClass("vtkMRMLAbstractViewNode")
        nodes.UnRegister(None)
        for n in range(nodes.GetNumberOfItems()):
            self._take_view(nodes.GetItemAsObject(n))
        node = self._logic.GetLayoutNode()
        if node is not self._layout_node:
            if self._layout_tag is not None:
                self._layout_node.RemoveObserver(self._layout_tag)
            self._layout_node = node
            self._layout_tag = node.AddObserver("ModifiedEvent", lambda *_: self._arrange())
            self._arrange()

    def _imported(self) -> None:
        self._has_imported = True

    def _lose_at_import(self) -> None:
        """What the selectors of the views' bars take away as they are filled again after a scene
        was read: the series of a shown chart (qMRMLPlotViewControllerWidget), the label layers.
        """
        if not self._has_imported or self._scene.IsBatchProcessing():
            return
        self._has_imported = False
        for node in self._of("vtkMRMLPlotViewNode"):
            chart = node.GetPlotChartNode()
            if node.IsViewVisibleInLayout() and chart is not None:
                chart.RemoveAllPlotSeriesNodeIDs()
        for node in self._of("vtkMRMLSliceNode"):
            logic = self._widgets[node].sliceLogic()
            logic.GetSliceCompositeNode().SetLabelVolumeID(None)

    def _take_view(self, node) -> None:
        if node in self._widgets:
            return
        made = self._made_for(node)
        if made is None:
            return
        made.setParent(self._viewport)
        made.hide()
        self._widgets[node] = made
        self._tags[node] = node.AddObserver(
            "ModifiedEvent", lambda *_: made.setVisible(node.IsViewVisibleInLayout())
        )

    def _made_for(self, node):
        if node.IsA("vtkMRMLSliceNode"):
            import slicer

            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(self._app.application_logic)
            logic.SetMRMLScene(self._scene)
            self._app.application_logic.GetSliceLogics().AddItem(logic)
            logic.SetSliceNode(node)
            return SliceWidget(self._app, node, logic)
        if node.IsA("vtkMRMLViewNode"):
            return ThreeDWidget(self._app, node)
        if node.IsA("vtkMRMLPlotViewNode"):
            return PlotWidget(self._scene, node)
        if node.IsA("vtkMRMLTableViewNode"):
            return TableWidget(node)
        return None

    def _drop_removed(self) -> None:
        for node in [one for one in self._widgets if one.GetScene() is not self._scene]:
            self._drop(node)

    def _drop(self, node) -> None:
        widget = self._widgets.pop(node)
        node.RemoveObserver(self._tags.pop(node))
        widget._let_go()
        widget.hide()
        widget.setParent(None)
        widget.deleteLater()

    # --- the layout

    def _arrange(self) -> None:
        if self._scene.IsBatchProcessing():
            return
        node = self._layout_node
        description = node.GetCurrentLayoutDescription()
        if not description:
            return
        for one in list(self._widgets):
            one.SetMappedInLayout(0)
        old, self._root = self._root, QtWidgets.QWidget(self._viewport)
        self._set_aside(old)
        inside = self._element(ElementTree.fromstring(description))
        if isinstance(inside, QtWidgets.QWidget):
            self._fill(QtWidgets.QVBoxLayout(self._root), inside)
        else:
            self._root.setLayout(inside)
        self._viewport.layout().addWidget(self._root)
        self._root.show()
        if old is not None:
            old.hide()
            old.deleteLater()
        self.layoutChanged.emit(node.GetViewArrangement())

    def _set_aside(self, old) -> None:
        """Views live on when their layout goes."""
        if old is None:
            return
        own = [one.widget() for one in self._factories if one.widget() is not None]
        for widget in [*self._widgets.values(), *own]:
            if old.isAncestorOf(widget):
                widget.hide()
                widget.setParent(self._viewport)

    def _element(self, element):
        """The layout or widget of a ``layout`` or view element."""
        if element.tag != "layout":
            return self._view(element)
        kind = element.get("type", "horizontal")
        if kind == "tab":
            made = QtWidgets.QTabWidget()
        elif element.get("split") == "true":
            made = QtWidgets.QSplitter(
                QtCore.Qt.Vertical if kind == "vertical" else QtCore.Qt.Horizontal
            )
        else:
            made = {
                "vertical": QtWidgets.QVBoxLayout,
                "horizontal": QtWidgets.QHBoxLayout,
                "grid": QtWidgets.QGridLayout,
            }[kind]()
            made.setContentsMargins(0, 0, 0, 0)
            made.setSpacing(1)
        items = element.findall("item")
        for item in items:
            self._add(made, item)
        sizes = [int(item.get("splitSize", 0)) for item in items]
        if isinstance(made, QtWidgets.QSplitter) and all(sizes):
            made.setSizes(sizes)
        return made

    def _add(self, made, item) -> None:
        (child,) = list(item)
        inside = self._element(child)
        if isinstance(made, QtWidgets.QLayout):
            place = ()
            if isinstance(made, QtWidgets.QGridLayout):
                place = tuple(
                    int(item.get(key, usual))
                    for key, usual in (("row", 0), ("column", 0), ("rowspan", 1), ("colspan", 1))
                )
            self._fill(made, inside, *place)
            return
        if isinstance(inside, QtWidgets.QLayout):
            holder = QtWidgets.QWidget()
            holder.setLayout(inside)
            inside = holder
        if isinstance(made, QtWidgets.QTabWidget):
            made.addTab(inside, item.get("name", inside.windowTitle()))
        else:
            made.addWidget(inside)
        inside.show()

    @staticmethod
    def _fill(layout, inside, *place) -> None:
        layout.setContentsMargins(0, 0, 0, 0)
        if isinstance(inside, QtWidgets.QWidget):
            layout.addWidget(inside, *place)
            inside.show()
        else:
            layout.addLayout(inside, *place)

    def _view(self, element):
        own = next((one for one in self._factories if one.tagName() == element.tag), None)
        widget = None
        if own is not None:
            widget = own.widget()
        elif element.tag == "view":
            node = self._scene.GetSingletonNode(element.get("singletontag"), element.get("class"))
            if node is not None:
                self._take_view(node)
                node.SetMappedInLayout(1)
                widget = self._widgets.get(node)
        if widget is None:
            raise SlicerCrash(f"nothing makes a view for <{element.tag}> of the layout")
        return widget

    def close(self) -> None:
        """Let all views go."""
        for tag in self._scene_tags:
            self._scene.RemoveObserver(tag)
        if self._layout_tag is not None:
            self._layout_node.RemoveObserver(self._layout_tag)
        for node in list(self._widgets):
            self._drop(node)
        for factory in self._factories:
            if hasattr(factory.widget(), "_let_go"):
                factory.widget()._let_go()
            factory.setWidget(None)
        self._logic.SetMRMLScene(None)
