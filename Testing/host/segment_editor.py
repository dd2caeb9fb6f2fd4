"""Stands for ``qMRMLSegmentEditorWidget`` (Slicer
Modules/Loadable/Segmentations/Widgets/qMRMLSegmentEditorWidget.h).

The editing is the real one: ``vtkSlicerSegmentEditorLogic`` with its undo, over the real scene.
"""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

Property, Signal = QtCore.Property, QtCore.Signal

# The effects of Slicer 5.12, in its order.
EFFECTS = (
    "Threshold",
    "Paint",
    "Draw",
    "Erase",
    "Level tracing",
    "Grow from seeds",
    "Fill between slices",
    "Margin",
    "Hollow",
)
EFFECTS += ("Smoothing", "Scissors", "Islands", "Logical operators", "Mask volume")


class SlicerCrash(RuntimeError):
    """The real application would be gone here."""


class HiddenEditor(RuntimeError):
    """Slicer's own Segment Editor would lose its keys."""


class SegmentEditorWidget(QtWidgets.QWidget):
    """Effects as buttons, the segment, undo and redo."""

    platform_kind = "qMRMLSegmentEditorWidget"
    segmentationNodeChanged = Signal(object)
    sourceVolumeNodeChanged = Signal(object)
    currentSegmentIDChanged = Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        import slicer

        self.logic = slicer.vtkSlicerSegmentEditorLogic()
        self.logic.AddObserver(
            self.logic.SegmentationHistoryChangedEvent, lambda *_: self._show_state()
        )
        self._scene, self._tag = None, None
        self._order, self._unordered, self._effect = list(EFFECTS), True, None
        self._flags: dict[str, bool] = {}
        self._buttons = QtWidgets.QGridLayout()
        self._undo, self._redo = QtWidgets.QPushButton("Undo"), QtWidgets.QPushButton("Redo")
        self._undo.clicked.connect(self.undo)
        self._redo.clicked.connect(self.redo)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        segment = QtWidgets.QLabel("<span style='color: #d9b800'>■</span> Spinal cord")
        segment.setFrameShape(QtWidgets.QFrame.StyledPanel)
        layout.addWidget(segment)
        layout.addLayout(self._buttons)
        row = QtWidgets.QHBoxLayout()
        row.addWidget(self._undo)
        row.addWidget(self._redo)
        layout.addLayout(row)
        self.updateEffectList()

    def setMRMLScene(self, scene) -> None:
        if self._tag is not None:
            self._scene.RemoveObserver(self._tag)
        if scene is not None and self.logic.GetSegmentEditorNode() is None:
            raise RuntimeError("Invalid segment editor parameter set node")
        self._scene = scene
        self._tag = (
            None if scene is None else scene.AddObserver(scene.NodeRemovedEvent, self._check_nodes)
        )
        self.logic.SetMRMLScene(scene)
        import slicer

        self.logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        if scene is None:
            self.logic.SetSegmentEditorNode(None)

    def setMRMLSegmentEditorNode(self, node) -> None:
        self.logic.SetSegmentEditorNode(node)
        self._show_state()

    def mrmlScene(self):
        return self._scene

    def mrmlSegmentEditorNode(self):
        return self.logic.GetSegmentEditorNode()

    def _check_shown(self) -> None:
        """A bound editor of a hidden module takes the keys of the module that is shown."""
        if not self.window().isVisible():
            raise HiddenEditor("the editor is bound while its module is not shown")

    def setSegmentationNode(self, node) -> None:
        if node is not None:
            self._check_shown()
        if self.logic.GetSegmentEditorNode() is None:
            raise RuntimeError("the segment editor has no node: the real one prints an error")
        changed = node is not self.logic.GetSegmentationNode()
        self.logic.SetSegmentationNode(node)
        if node is not None and node.GetSegmentation().GetNumberOfSegments():
            self.logic.SetCurrentSegmentID(node.GetSegmentation().GetNthSegmentID(0))
        self._show_state()
        if changed:
            self.segmentationNodeChanged.emit(node)

    def segmentationNode(self):
        return self.logic.GetSegmentationNode()

    def setSourceVolumeNode(self, node) -> None:
        if self.logic.GetSegmentEditorNode() is not None:
            self.logic.SetSourceVolumeNode(node)

    def sourceVolumeNode(self):
        return self.logic.GetSourceVolumeNode()

    def setCurrentSegmentID(self, segment_id: str) -> None:
        self.logic.SetCurrentSegmentID(segment_id)

    def setEffectNameOrder(self, names) -> None:
        unknown = set(names) - set(EFFECTS)
        if unknown:
            raise ValueError(f"there are no effects {unknown}")
        self._order = list(names)

    def updateEffectList(self) -> None:
        while self._buttons.count():
            old = self._buttons.takeAt(0).widget()
            old.setParent(None)
            old.deleteLater()
        shown = [
            *self._order,
            *(name for name in EFFECTS if self._unordered and name not in self._order),
        ]
        for number, name in enumerate(shown):
            button = QtWidgets.QToolButton()
            button.setText(name)
            button.setToolButtonStyle(QtCore.Qt.ToolButtonTextOnly)
            button.setCheckable(True)
            button.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Fixed)
            button.setChecked(name == self._effect)
            button.clicked.connect(lambda _=False, name=name: self.setActiveEffectByName(name))
            self._buttons.addWidget(button, number // 3, number % 3)

    def setActiveEffectByName(self, name: str) -> None:
        self._effect = name or None
        self.updateEffectList()

    def saveStateForUndo(self) -> None:
        self.logic.SaveStateForUndo()
        self._show_state()

    def undo(self) -> None:
        self.logic.Undo()
        self._show_state()

    def redo(self) -> None:
        self.logic.Redo()
        self._show_state()

    def setupViewObservations(self) -> None:
        self._check_shown()
        self._flags["observing"] = True

    def removeViewObservations(self) -> None:
        self._flags["observing"] = False

    def installKeyboardShortcuts(self, _parent=None) -> None:
        self._check_shown()
        self._flags["shortcuts"] = True

    def uninstallKeyboardShortcuts(self) -> None:
        self._flags["shortcuts"] = False

    def _check_nodes(self, *_) -> None:
        """An effect that observes the views looks at its nodes at the next event of the mouse."""
        if not self._flags.get("observing") or self._effect is None:
            return
        nodes = (self.logic.GetSegmentEditorNode(), self.logic.GetSegmentationNode())
        if any(node is None or node.GetScene() is None for node in nodes):
            self._flags["observing"] = False  # once is enough
            raise SlicerCrash(f"the effect {self._effect} observes views without its nodes")

    def _show_state(self) -> None:
        self._undo.setEnabled(bool(self.logic.CanUndo()))
        self._redo.setEnabled(bool(self.logic.CanRedo()))
        self.setEnabled(self.logic.GetSegmentationNode() is not None)

    def _flag(name):  # noqa: N805  (a maker of properties, not a method)
        return lambda self: self._flags.get(
            name, True
        ), lambda self, value: self._flags.__setitem__(name, value)

    def _set_unordered(self, visible: bool) -> None:
        self._unordered = visible
        self.updateEffectList()

    def _set_states(self, states: int) -> None:
        self.logic.SetMaximumNumberOfUndoStates(states)

    segmentationNodeSelectorVisible = Property(bool, *_flag("segmentation selector"))
    sourceVolumeNodeSelectorVisible = Property(bool, *_flag("source selector"))
    switchToSegmentationsButtonVisible = Property(bool, *_flag("switch"))
    addRemoveSegmentButtonsVisible = Property(bool, *_flag("add and remove"))
    show3DButtonVisible = Property(bool, *_flag("3D"))
    specifyGeometryButtonVisible = Property(bool, *_flag("geometry"))
    maskingSectionVisible = Property(bool, *_flag("masking"))
    jumpToSelectedSegmentEnabled = Property(bool, *_flag("jump"))
    autoShowSourceVolumeNode = Property(bool, *_flag("auto show"))
    unorderedEffectsVisible = Property(bool, lambda self: self._unordered, _set_unordered)
    maximumNumberOfUndoStates = Property(
        int, lambda self: self.logic.GetMaximumNumberOfUndoStates(), _set_states
    )
