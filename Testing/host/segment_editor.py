"""Stands for ``qMRMLSegmentEditorWidget`` (Slicer
Modules/Loadable/Segmentations/Widgets/qMRMLSegmentEditorWidget.cxx, its ``.ui`` file) and for the
effects in it (EditorEffects/qSlicerSegmentEditorAbstractEffect.cxx,
qSlicerSegmentEditorPaintEffect.cxx).

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
# The width of the whole editor in a real Slicer 5.12.3, by effect; of the effects' column.
_WIDTHS, _WIDTH, _COLUMN = {"Paint": 494, "Erase": 527, "Scissors": 521}, 369, 83
# qSlicerSegmentEditorPaintEffect::setMRMLDefaults
_DEFAULTS = {
    "BrushMinimumAbsoluteDiameter": "0.01",
    "BrushMaximumAbsoluteDiameter": "100",
    "BrushAbsoluteDiameter": "5",
    "BrushRelativeDiameter": "3",
    "BrushDiameterIsRelative": "1",
    "BrushSphere": "0",
    "EditIn3DViews": "0",
}


class SlicerCrash(RuntimeError):
    """The real application would be gone here."""


class HiddenEditor(RuntimeError):
    """Slicer's own Segment Editor would lose its keys."""


class Effect(QtCore.QObject):
    """``qSlicerSegmentEditorAbstractEffect``: parameters are attributes of the editor's node."""

    platform_kind = "qSlicerSegmentEditorAbstractEffect"

    def __init__(self, editor, name: str):
        super().__init__(editor)
        self._editor, self._name = editor, name

    name = Property(str, lambda self: self._name)

    def active(self) -> bool:
        return self._editor.activeEffect() is self

    def _node(self):
        node = self._editor.mrmlSegmentEditorNode()
        if node is None:
            raise RuntimeError(f"the effect {self._name} has no node: the real one prints an error")
        return node

    def parameter(self, name: str) -> str:
        # The effect's own value hides the common one.
        own = self._node().GetAttribute(f"{self._name}.{name}")
        return own if own is not None else self._node().GetAttribute(name) or ""

    def doubleParameter(self, name: str) -> float:
        return float(self.parameter(name))

    def integerParameter(self, name: str) -> int:
        return int(self.parameter(name))

    def setParameter(self, name: str, value) -> None:
        self.setCommonParameter(f"{self._name}.{name}", value)

    def setCommonParameter(self, name: str, value) -> None:
        node, value = self._node(), str(value)
        if node.GetAttribute(name) == value:
            return
        before = node.GetDisableModifiedEvent()
        node.SetDisableModifiedEvent(1)
        node.SetAttribute(name, value)
        node.SetDisableModifiedEvent(before)
        node.InvokeCustomModifiedEvent(node.EffectParameterModified)


class SegmentsTableView(QtWidgets.QLabel):
    """``qMRMLSegmentsTableView``, as a label."""

    platform_kind = "qMRMLSegmentsTableView"


class ExpandableWidget(QtWidgets.QFrame):
    """``ctkExpandableWidget``."""

    platform_kind = "ctkExpandableWidget"


class SegmentEditorWidget(QtWidgets.QWidget):
    """Effects as buttons, the list of segments, undo and redo, the options of the active effect."""

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
        self._scene, self._tag, self._node_tag = None, None, None
        self._order, self._unordered, self._effect = list(EFFECTS), True, None
        self._effects = {name: Effect(self, name) for name in EFFECTS}
        self._flags: dict[str, bool] = {}
        self._lay_out()
        self.updateEffectList()
        self._show_options()

    def _lay_out(self) -> None:
        """As the ``.ui`` file: what is inside, by the names there."""
        layout = QtWidgets.QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._rotated = self._named(QtWidgets.QToolButton(text="!"), "SliceRotateWarningButton")
        self._segments = self._named(SegmentsTableView("■ Spinal cord"), "SegmentsTableView")
        self._frame = self._named(ExpandableWidget(), "SegmentsTableResizableFrame")
        QtWidgets.QVBoxLayout(self._frame).addWidget(self._segments)
        self._group = self._named(QtWidgets.QFrame(), "EffectsGroupBox")
        self._group.setFixedWidth(_COLUMN)
        self._buttons = QtWidgets.QGridLayout(self._group)
        self._buttons.setContentsMargins(0, 0, 0, 0)
        self._undo_group = self._named(QtWidgets.QFrame(), "UndoRedoGroupBox")
        self._undo = self._named(QtWidgets.QToolButton(text="Undo"), "UndoButton")
        self._redo = self._named(QtWidgets.QToolButton(text="Redo"), "RedoButton")
        self._undo.clicked.connect(self.undo)
        self._redo.clicked.connect(self.redo)
        row = QtWidgets.QHBoxLayout(self._undo_group)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._undo)
        row.addWidget(self._redo)
        self._options = self._named(QtWidgets.QGroupBox(), "OptionsGroupBox")
        self._options_frame = self._named(QtWidgets.QFrame(), "EffectsOptionsFrame")
        QtWidgets.QVBoxLayout(self._options).addWidget(self._options_frame)
        self._masking = self._named(QtWidgets.QGroupBox("Masking"), "MaskingGroupBox")
        layout.addWidget(self._rotated, 0, 0, 1, 2)
        layout.addWidget(self._group, 1, 0)
        layout.addWidget(self._undo_group, 2, 0)
        for number, widget in enumerate((self._frame, self._options, self._masking)):
            layout.addWidget(widget, 1 + number, 1)

    def _named(self, widget, name: str):
        widget.setObjectName(name)
        return widget

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
            self.setMRMLSegmentEditorNode(None)

    def setMRMLSegmentEditorNode(self, node) -> None:
        former = self.logic.GetSegmentEditorNode()
        if former is not None and self._node_tag is not None:
            former.RemoveObserver(self._node_tag)
            self._node_tag = None
        self.logic.SetSegmentEditorNode(node)
        if node is not None:
            for name, value in _DEFAULTS.items():
                if not node.GetAttribute(name):
                    node.SetAttribute(name, value)
            self._node_tag = node.AddObserver("ModifiedEvent", lambda *_: self._show_effect())
        self._show_effect()
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
        self._show_effect()
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

    # --- effects
    # ---------------------------------------------------------------------------------------------

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
        for number, name in enumerate(["NULL", *shown]):
            button = self._named(QtWidgets.QToolButton(text=name), name)
            button.setCheckable(True)
            # Icons in a real Slicer.
            button.setSizePolicy(QtWidgets.QSizePolicy.Ignored, QtWidgets.QSizePolicy.Fixed)
            button.setChecked(name == (self._effect or "NULL"))
            wanted = "" if name == "NULL" else name
            button.clicked.connect(lambda _=False, name=wanted: self.setActiveEffectByName(name))
            self._buttons.addWidget(button, number // 2, number % 2)

    def effectByName(self, name: str):
        return self._effects.get(name)

    def activeEffect(self):
        return self._effects.get(self._effect)

    def setActiveEffectByName(self, name: str) -> None:
        node = self.logic.GetSegmentEditorNode()
        if node is None:
            if name:
                raise RuntimeError("Invalid segment editor parameter set node")
            return
        if not name or name in self._effects:
            node.SetActiveEffectName(name)

    def _show_effect(self) -> None:
        """``updateEffectsSectionFromMRML``."""
        node = self.logic.GetSegmentEditorNode()
        name = (node.GetActiveEffectName() if node is not None else None) or None
        if node is None or name == self._effect:
            return
        self._effect = name
        if name is not None:
            self.setupViewObservations()
            import slicer

            interaction = slicer.app.applicationLogic().GetInteractionNode()
            if interaction.GetCurrentInteractionMode() != interaction.ViewTransform:
                interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        else:
            self.removeViewObservations()
        self._show_options()
        self.updateEffectList()

    def _show_options(self) -> None:
        # Shown and hidden here each time, whatever a module did to them.
        self._options.setVisible(self._effect is not None)
        self._options.setTitle(self._effect or "")
        wide = _WIDTHS.get(self._effect, _WIDTH)
        self._options_frame.setMinimumWidth(wide - _COLUMN - 24)
        self._masking.setVisible(
            self._effect is not None and self._flags.get("masking section", True)
        )
        self._rotated.setVisible(self.logic.GetSegmentationNode() is not None)

    # --- undo, keys, views
    # -----------------------------------------------------------------------------------

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
        bound = self.logic.GetSegmentationNode() is not None
        self._group.setEnabled(bound)
        self._options_frame.setEnabled(bound)

    # --- properties
    # ------------------------------------------------------------------------------------------

    def _flag(name):  # noqa: N805  (a maker of properties, not a method)
        return lambda self: self._flags.get(
            name, True
        ), lambda self, value: self._flags.__setitem__(name, value)

    def _set_unordered(self, visible: bool) -> None:
        self._unordered = visible
        self.updateEffectList()

    def _set_states(self, states: int) -> None:
        self.logic.SetMaximumNumberOfUndoStates(states)

    def _set_undo(self, visible: bool) -> None:
        if visible:
            self.logic.ClearUndoState()
        self._undo_group.setVisible(visible)

    segmentationNodeSelectorVisible = Property(bool, *_flag("segmentation selector"))
    sourceVolumeNodeSelectorVisible = Property(bool, *_flag("source selector"))
    switchToSegmentationsButtonVisible = Property(bool, *_flag("switch"))
    addRemoveSegmentButtonsVisible = Property(bool, *_flag("add and remove"))
    show3DButtonVisible = Property(bool, *_flag("3D"))
    specifyGeometryButtonVisible = Property(bool, *_flag("geometry"))
    maskingSectionVisible = Property(bool, *_flag("masking section"))
    jumpToSelectedSegmentEnabled = Property(bool, *_flag("jump"))
    autoShowSourceVolumeNode = Property(bool, *_flag("auto show"))
    undoEnabled = Property(bool, lambda self: self._undo_group.isVisible(), _set_undo)
    unorderedEffectsVisible = Property(bool, lambda self: self._unordered, _set_unordered)
    maximumNumberOfUndoStates = Property(
        int, lambda self: self.logic.GetMaximumNumberOfUndoStates(), _set_states
    )
