"""Stand-ins for the CTK and qMRML widgets of the panel, on PySide6 over the real scene; each names
the header it follows.
"""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

Property, Signal = QtCore.Property, QtCore.Signal


class CollapsibleButton(QtWidgets.QAbstractButton):
    """``ctkCollapsibleButton`` (commontk/CTK Libs/Widgets/ctkCollapsibleButton.h): a title that
    folds away what is below it.
    """

    platform_kind = "ctkCollapsibleButton"
    contentsCollapsed = Signal(bool)
    _TITLE = 24

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setCheckable(True)
        self.setChecked(True)
        self._wanted: dict = {}
        self._hiding = False
        self.toggled.connect(self._fold)

    def _get_collapsed(self) -> bool:
        return not self.isChecked()

    def _set_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, _get_collapsed, _set_collapsed)

    def _fold(self, opened: bool) -> None:
        self._hiding = True
        for child in self._contents():
            if opened:
                child.setVisible(self._wanted.pop(child, True))
            else:
                self._wanted[child] = not child.isHidden()
                self._fold_away(child)
        self._hiding = False
        if self.layout() is not None:
            self.layout().invalidate()
        self.updateGeometry()
        self.contentsCollapsed.emit(not opened)

    def _contents(self) -> list:
        return [child for child in self.children() if isinstance(child, QtWidgets.QWidget)]

    def childEvent(self, event):
        if event.type() == QtCore.QEvent.ChildAdded and isinstance(
            event.child(), QtWidgets.QWidget
        ):
            event.child().installEventFilter(self)
        super().childEvent(event)

    def eventFilter(self, child, event):
        # What is shown or hidden while folded away is remembered for when it is unfolded.
        if not self._hiding and event.type() in (
            QtCore.QEvent.ShowToParent,
            QtCore.QEvent.HideToParent,
        ):
            shown = event.type() == QtCore.QEvent.ShowToParent
            if not self.isChecked():
                self._wanted[child] = shown
                if shown:
                    self._hiding = True
                    self._fold_away(child)
                    self._hiding = False
        return False

    @staticmethod
    def _fold_away(child) -> None:
        # Not as if somebody had hidden it (setChildVisibility): what hides it later is heard.
        child.hide()
        child.setAttribute(QtCore.Qt.WA_WState_ExplicitShowHide, False)

    def event(self, event):
        if (
            event.type() in (QtCore.QEvent.Polish, QtCore.QEvent.LayoutRequest)
            and self.layout() is not None
        ):
            margins = self.layout().contentsMargins()
            if margins.top() < self._TITLE:
                self.layout().setContentsMargins(
                    margins.left(), self._TITLE + 6, margins.right(), margins.bottom()
                )
        return super().event(event)

    def hitButton(self, position) -> bool:
        return position.y() < self._TITLE

    def sizeHint(self):
        if not self.isChecked() or self.layout() is None:
            return QtCore.QSize(120, self._TITLE)
        return self.layout().totalSizeHint().expandedTo(QtCore.QSize(120, self._TITLE))

    def minimumSizeHint(self):
        if not self.isChecked() or self.layout() is None:
            return QtCore.QSize(60, self._TITLE)
        return self.layout().totalMinimumSize().expandedTo(QtCore.QSize(60, self._TITLE))

    def paintEvent(self, _event):
        painter = QtGui.QPainter(self)
        title = QtCore.QRect(0, 0, self.width(), self._TITLE)
        painter.fillRect(title, self.palette().button().color().darker(104))
        painter.setPen(self.palette().mid().color())
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        option = QtWidgets.QStyleOption()
        option.initFrom(self)
        option.rect = QtCore.QRect(6, 6, 12, 12)
        element = (
            QtWidgets.QStyle.PE_IndicatorArrowDown
            if self.isChecked()
            else QtWidgets.QStyle.PE_IndicatorArrowRight
        )
        self.style().drawPrimitive(element, option, painter, self)
        painter.setPen(self.palette().buttonText().color())
        painter.drawText(title.adjusted(24, 0, 0, 0), QtCore.Qt.AlignVCenter, self.text())


class SliderWidget(QtWidgets.QWidget):
    """``ctkSliderWidget`` (commontk/CTK Libs/Widgets/ctkSliderWidget.h): a slider and its
    number.
    """

    platform_kind = "ctkSliderWidget"
    valueChanged = Signal(float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._slider, self._box = (
            QtWidgets.QSlider(QtCore.Qt.Horizontal),
            QtWidgets.QDoubleSpinBox(),
        )
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._box)
        self._minimum, self._maximum, self._step, self._page, self._decimals, self._value = (
            0.0,
            99.0,
            1.0,
            10.0,
            2,
            0.0,
        )
        self._arrange()
        self._slider.valueChanged.connect(self._slid)
        self._box.valueChanged.connect(self.setValue)

    def _arrange(self) -> None:
        for control in (self._slider, self._box):
            control.blockSignals(True)
        self._slider.setRange(0, round((self._maximum - self._minimum) / self._step))
        self._slider.setValue(round((self._value - self._minimum) / self._step))
        self._box.setDecimals(self._decimals)
        self._box.setRange(self._minimum, self._maximum)
        self._box.setSingleStep(self._step)
        self._box.setValue(self._value)
        for control in (self._slider, self._box):
            control.blockSignals(False)

    def _slid(self, position: int) -> None:
        self.setValue(self._minimum + position * self._step)

    def setValue(self, value: float) -> None:
        value = round(min(max(float(value), self._minimum), self._maximum), self._decimals)
        changed, self._value = value != self._value, value
        self._arrange()
        if changed:
            self.valueChanged.emit(value)

    def _limit(name, clamps=True):  # noqa: N805  (a maker of properties, not a method)
        def write(self, value):
            setattr(self, name, value)
            # The real one clamps its value to new limits, and tells of it.
            self.setValue(self._value) if clamps else self._arrange()

        return lambda self: getattr(self, name), write

    minimum = Property(float, *_limit("_minimum"))
    maximum = Property(float, *_limit("_maximum"))
    singleStep = Property(float, *_limit("_step", False))
    pageStep = Property(float, *_limit("_page", False))
    decimals = Property(int, *_limit("_decimals", False))
    suffix = Property(
        str, lambda self: self._box.suffix(), lambda self, value: self._box.setSuffix(value)
    )
    value = Property(float, lambda self: self._value, setValue)


class SortFilterProxyModel(QtCore.QObject):
    """``qMRMLSortFilterProxyModel`` (Slicer Libs/MRML/Widgets/qMRMLSortFilterProxyModel.h): what a
    list of nodes leaves out.
    """

    platform_kind = "qMRMLSortFilterProxyModel"
    _invalidated = Signal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self._hidden: list[str] = []

    def _set_hidden(self, ids) -> None:
        self._hidden = list(ids)
        self._invalidated.emit()

    hiddenNodeIDs = Property("QStringList", lambda self: self._hidden, _set_hidden)


class NodeComboBox(QtWidgets.QWidget):
    """``qMRMLNodeComboBox`` (Slicer Libs/MRML/Widgets/qMRMLNodeComboBox.h): the nodes of some
    classes in the scene.
    """

    platform_kind = "qMRMLNodeComboBox"
    currentNodeChanged = Signal(object)
    nodeAdded = Signal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._box = QtWidgets.QComboBox()
        self._box.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Fixed)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._types, self._children, self._none = [], True, False
        self._add = self._remove = self._rename = self._edit = True
        self._scene, self._nodes, self._tags, self._current = None, [], [], None
        self._filter = SortFilterProxyModel(self)
        self._filter._invalidated.connect(lambda: self._fill())
        self._box.currentIndexChanged.connect(self._chosen)
        self.setEnabled(False)  # as the real one, until it has a scene

    def setMRMLScene(self, scene) -> None:
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._scene, self._tags = scene, []
        self.setEnabled(scene is not None)
        if scene is not None:
            events = (
                scene.NodeAddedEvent,
                scene.NodeRemovedEvent,
                scene.EndBatchProcessEvent,
                scene.EndCloseEvent,
            )
            self._tags = [scene.AddObserver(event, self._scene_changed) for event in events]
        self._fill()

    def mrmlScene(self):
        return self._scene

    def sortFilterProxyModel(self):
        return self._filter

    def currentNode(self):
        return self._current

    def nodeCount(self) -> int:
        return len(self._nodes)

    def setCurrentNode(self, node) -> None:
        if isinstance(node, str):
            node = self._scene.GetNodeByID(node)
        if node is not None and node not in self._nodes:
            node = None
        if node is None and not self._none and self._nodes:
            return  # the real one has nothing to show for it
        self._select(node)

    def _scene_changed(self, _scene, _event) -> None:
        if not self._scene.IsBatchProcessing():
            self._fill()

    def _matches(self, node) -> bool:
        if node.GetHideFromEditors() or node.GetID() in self._filter.hiddenNodeIDs:
            return False
        return any(
            node.IsA(kind) if self._children else node.GetClassName() == kind
            for kind in self._types
        )

    def _fill(self) -> None:
        nodes = (
            []
            if self._scene is None
            else [self._scene.GetNthNode(n) for n in range(self._scene.GetNumberOfNodes())]
        )
        self._nodes = [node for node in nodes if self._matches(node)]
        self._box.blockSignals(True)
        self._box.clear()
        if self._none:
            self._box.addItem("None")
        self._box.addItems([node.GetName() for node in self._nodes])
        self._box.blockSignals(False)
        current = self._current
        if current not in self._nodes:
            current = self._nodes[0] if self._nodes and not self._none else None
        self._select(current)

    def _select(self, node) -> None:
        self._box.blockSignals(True)
        self._box.setCurrentIndex(
            self._nodes.index(node) + self._none if node is not None else (0 if self._none else -1)
        )
        self._box.blockSignals(False)
        if node is not self._current:
            self._current = node
            self.currentNodeChanged.emit(node)

    def _chosen(self, index: int) -> None:
        index -= self._none
        self._select(self._nodes[index] if 0 <= index < len(self._nodes) else None)

    def _refilled(name):  # noqa: N805  (a maker of properties, not a method)
        def write(self, value):
            setattr(self, name, value)
            self._fill()

        return lambda self: getattr(self, name), write

    nodeTypes = Property("QStringList", *_refilled("_types"))
    showChildNodeTypes = Property(bool, *_refilled("_children"))
    noneEnabled = Property(bool, *_refilled("_none"))
    addEnabled = Property(bool, *_refilled("_add"))
    removeEnabled = Property(bool, *_refilled("_remove"))
    renameEnabled = Property(bool, *_refilled("_rename"))
    editEnabled = Property(bool, *_refilled("_edit"))


class MRMLWidget(QtWidgets.QWidget):
    """``qMRMLWidget`` (Slicer Libs/MRML/Widgets/qMRMLWidget.h): hands the scene to the widgets in
    it that are connected to it.
    """

    platform_kind = "qMRMLWidget"
    mrmlSceneChanged = Signal(object)

    def setMRMLScene(self, scene) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self):
        return self._scene


class TableView(QtWidgets.QTableView):
    """``qMRMLTableView`` (Slicer Libs/MRML/Widgets/qMRMLTableView.h): a table node; not sorted, not
    edited here.
    """

    platform_kind = "qMRMLTableView"
    rowsSelected = Signal()
    signal_names = {"selectionChanged": "rowsSelected"}

    def __init__(self, parent=None):
        super().__init__(parent)
        self._node = self._scene = self._tag = None
        self._model = QtGui.QStandardItemModel(self)
        self.setModel(self._model)
        self.selectionModel().selectionChanged.connect(lambda *_: self.rowsSelected.emit())

    def setMRMLScene(self, scene) -> None:
        self._scene = scene
        if self._node is not None and self._node.GetScene() is not scene:
            self.setMRMLTableNode(None)

    def setMRMLTableNode(self, node) -> None:
        if self._tag is not None:
            self._node.RemoveObserver(self._tag)
            self._tag = None
        self._node = node
        if node is not None:
            self._tag = node.AddObserver("ModifiedEvent", lambda *_: self._fill())
        self._fill()

    def mrmlTableNode(self):
        return self._node

    def _fill(self) -> None:
        """As ``qMRMLTableModel`` (Slicer Libs/MRML/Widgets/qMRMLTableModel.cxx)."""
        self._model.clear()
        if self._node is None:
            return
        columns = [self._heading(column) for column in range(self._node.GetNumberOfColumns())]
        named = self._node.GetUseColumnTitleAsColumnHeader()
        # Without that the columns are called A, B, C, and the titles are the first row.
        letters = [chr(ord("A") + number % 26) for number in range(len(columns))]
        self._model.setHorizontalHeaderLabels(columns if named else letters)
        rows = [
            [self._node.GetCellText(row, column) for column in range(len(columns))]
            for row in range(self._node.GetNumberOfRows())
        ]
        for number, cells in enumerate(rows if named else [columns, *rows]):
            for column, text in enumerate(cells):
                item = QtGui.QStandardItem(text)
                item.setEditable(not self._node.GetLocked())
                self._model.setItem(number, column, item)

    def _heading(self, column: int) -> str:
        """The title, and the unit behind it."""
        name = self._node.GetColumnName(column)
        title, unit = self._node.GetColumnTitle(name) or name, self._node.GetColumnUnitLabel(name)
        return f"{title} [{unit}]" if unit else title

    def copySelection(self) -> None:
        rows = {}
        for index in sorted(
            self.selectionModel().selectedIndexes(), key=lambda one: (one.row(), one.column())
        ):
            rows.setdefault(index.row(), []).append(index.data())
        QtGui.QGuiApplication.clipboard().setText(
            "\n".join("\t".join(cells) for cells in rows.values())
        )
