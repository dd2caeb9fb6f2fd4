"""Section "Correct": tools that drive Slicer's own Segment Editor on the segment; the mask stays
soft after every stroke.
"""

from __future__ import annotations

import qt
import slicer
import vtk
from slicer.i18n import tr as _

from .controls import Section
from .editor_effects import EditorEffects

_UNDO_STATES = 20
_EDITOR_TAG = "SoftCordSeg"
# Painting "where the mask is soft" reaches voxels from this value on.
_SOFT_FROM = 0.05


class CorrectSection(Section):
    """The section "Correct".

    Args:
        panel: see :class:`~.panel.Panel`.
        on_change: called with a ``scene.soft_edits.Change`` after every correction.
    """

    def __init__(self, panel, on_change):
        self._panel, self._ui, self._on_change = panel, panel.ui, on_change
        self._watched = None  # the vtkSegmentation whose strokes are followed
        self._prediction = None  # (segmentation, number) whose states for undo the editor has
        self._bound = None  # the segmentation node that the editor edits
        self._effects = EditorEffects(panel)
        self._ui.cordEditor.maximumNumberOfUndoStates = _UNDO_STATES
        self._ui.cordCorrectSection.connect("contentsCollapsed(bool)", self._on_folded)
        # Only when the editor has finished: its history is then up to date, and it takes no voxels
        # any more.
        self._settling = qt.QTimer()
        self._settling.setSingleShot(True)
        self._settling.setInterval(0)
        self._settling.connect("timeout()", self._on_stroke_over)
        scene = panel.scene
        panel.observe(scene, scene.NodeAboutToBeRemovedEvent, self._on_node_leaving)
        panel.observe(scene, scene.StartCloseEvent, self._on_scene_closing)
        self._ui.cordRevertSliceButton.connect("clicked()", self._on_revert_slice)
        self._ui.cordRevertAllButton.connect("clicked()", self._on_revert_all)

    def refresh(self, situation) -> None:
        ui, allow, view = self._ui, self._panel.hints.allow, situation.view
        reason = situation.why_no_mask
        edits = self._panel.edits
        self._watch(edits.segmentation if edits is not None else None)
        self._end_history(edits)
        unedited = reason or (
            "" if edits is not None and edits.has_edits else _("Nothing was corrected by hand yet.")
        )
        allow(ui.cordRevertSliceButton, unedited)
        allow(ui.cordRevertAllButton, unedited)
        allow(ui.cordSoftOnlyCheck, reason)
        allow(ui.cordEditsCheck, unedited)
        ui.cordEditor.enabled = not reason
        shown = self._panel.shown and not ui.cordCorrectSection.collapsed
        if not shown or situation.busy or view is None:
            self._unbind()
        else:
            self._bind(situation)
        self._effects.show(reason)
        self._rest(edits, reason)

    def _rest(self, edits, reason: str) -> None:
        """What was corrected, and what to mind, in the status line."""
        parameters = self._panel.parameters
        tilted = parameters is not None and parameters.squareToCord and self._effects.is_flat_brush
        if tilted and not reason:
            words = _(
                "The axial view is at right angles to the cord: a flat brush leaves stripes in it."
                " Tick Sphere, or let the view be straight."
            )
            self._panel.rest(words, "Correct", warning=True)
        else:
            self._panel.rest(reason or _words(edits), "Correct")

    def title(self, situation) -> str:
        """How many slices were edited."""
        edits = self._panel.edits if situation.view is not None else None
        if edits is None:
            return ""
        count = edits.edited_slices
        if count < 2:
            return _("1 slice edited") if count else _("no edits")
        return _("{count} slices edited").format(count=count)

    def exit(self) -> None:
        """Another module is shown, whose keys a bound editor would take."""
        self._unbind()

    def close(self) -> None:
        self._settling.stop()
        self._settling.disconnect("timeout()", self._on_stroke_over)
        self._watch(None)
        self._unbind()
        self._prediction = None

    # --- following strokes
    # -------------------------------------------------------------------------------------------

    def _watch(self, segmentation) -> None:
        """Follow a ``vtkSegmentation``, not its node: of an undo the node hears only when the
        editor has finished, and what is written then makes it lose the redo.
        """
        if segmentation is self._watched:
            return
        from ..scene.soft_edits import events_to_follow

        for event in events_to_follow():
            if self._watched is not None:
                self._panel.unobserve(self._watched, event, self._on_segment_event)
            if segmentation is not None:
                self._panel.observe(segmentation, event, self._on_segment_event)
        self._watched = segmentation

    def _on_segment_event(self, _caller=None, _event=None) -> None:
        edits = self._panel.edits
        if edits is None or self._panel.refreshing or edits.segmentation is not self._watched:
            return
        with self._panel.guard(_("The correction could not be applied."), False, "Correct"):
            self._end_history(edits)
            self._report(edits.follow())
            self._settling.start()

    def _on_stroke_over(self) -> None:
        edits = self._panel.edits
        if edits is not None:
            with self._panel.guard(_("The segment could not be restored."), False, "Correct", True):
                edits.give_back()
        self._effects.show_undo(self._panel.situation.why_no_mask)

    def _end_history(self, edits) -> None:
        """Empty the editor's history after a new prediction: its states show the former mask, and
        what differs would be taken for the user's corrections.
        """
        prediction = (edits.segmentation, edits.prediction) if edits is not None else None
        if prediction != self._prediction:
            self._prediction = prediction
            self._ui.cordEditor.maximumNumberOfUndoStates = 0
            self._ui.cordEditor.maximumNumberOfUndoStates = _UNDO_STATES

    def _report(self, change) -> None:
        if change is not None:
            self._on_change(change)
            self._panel.refresh()

    # --- the editor
    # ----------------------------------------------------------------------------------------------

    def _bind(self, situation) -> None:
        editor, node = self._ui.cordEditor, situation.view.node
        from ..scene.threshold_view import SEGMENT_ID

        editor_node = self._editor_node()
        if (
            self._bound is not node
            or editor.mrmlSegmentEditorNode() is not editor_node
            or editor.segmentationNode() is not node
        ):
            editor.setMRMLSegmentEditorNode(editor_node)
            if editor.mrmlScene() is None:
                editor.setMRMLScene(self._panel.scene)  # complains without its node
            editor.setSegmentationNode(node)
            editor.setCurrentSegmentID(SEGMENT_ID)
            editor.setupViewObservations()
            editor.installKeyboardShortcuts()
            self._bound = node
        self._effects.follow(editor_node)
        self._limit(editor, editor_node, situation)

    def _limit(self, editor, editor_node, situation) -> None:
        """Limit painting to voxels where the soft mask is above 0, or do not limit it."""
        parameters = self._panel.parameters
        soft_only = parameters is not None and parameters.paintSoftOnly
        source = situation.study.soft if soft_only else situation.image
        if editor.sourceVolumeNode() is not source:
            editor.setSourceVolumeNode(source)
        if bool(editor_node.GetSourceVolumeIntensityMask()) != soft_only:
            editor_node.SetSourceVolumeIntensityMaskRange(_SOFT_FROM, 1.0)
            editor_node.SetSourceVolumeIntensityMask(soft_only)

    def _unbind(self) -> None:
        if self._bound is None:
            return
        editor, self._bound = self._ui.cordEditor, None
        self._effects.follow(None)
        editor.uninstallKeyboardShortcuts()
        # The editor complains without its node.
        if editor.mrmlSegmentEditorNode() is not None:
            editor.setActiveEffectByName("")
        editor.removeViewObservations()
        if editor.mrmlSegmentEditorNode() is not None:
            editor.setSegmentationNode(None)
            editor.setMRMLSegmentEditorNode(None)

    def _on_scene_closing(self, _caller=None, _event=None) -> None:
        self._unbind()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_leaving(self, _scene, _event, node) -> None:
        """Slicer crashes at the next move of the mouse when an effect has lost its nodes."""
        if self._bound is not None and (
            node is self._bound or node is self._ui.cordEditor.mrmlSegmentEditorNode()
        ):
            self._unbind()

    def _editor_node(self):
        scene = self._panel.scene
        node = scene.GetSingletonNode(_EDITOR_TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = slicer.vtkMRMLSegmentEditorNode()
            node.SetSingletonTag(_EDITOR_TAG)
            EditorEffects.prepare(node)
            node = scene.AddNode(node)
        return node

    def _on_folded(self, collapsed) -> None:
        with self._panel.guard(_("The layout could not be shown."), section="Correct"):
            self._panel.views.show_for_correcting(not collapsed)

    # --- reverting
    # ----------------------------------------------------------------------------------------------

    def _on_revert_all(self) -> None:
        with self._panel.guard(_("The corrections could not be reverted."), section="Correct"):
            self._save_for_undo()
            self._report(self._panel.edits.revert_all())

    def _on_revert_slice(self) -> None:
        with self._panel.guard(_("The corrections could not be reverted."), section="Correct"):
            self._panel.say("", "Correct")
            node = self._panel.views.axial_node
            if node is None:
                words = _("There is no axial (red) slice view, whose slice could be reverted.")
                self._panel.say(words, "Correct")
                return
            plane = node.GetSliceToRAS()
            position, normal = (
                [plane.GetElement(row, column) for row in range(3)] for column in (3, 2)
            )
            self._save_for_undo()
            change = self._panel.edits.revert_slice_at(position, normal)
            if change is None:
                words = _("Nothing was corrected in the slice of the axial (red) view.")
                self._panel.say(words, "Correct")
            self._report(change)

    def _save_for_undo(self) -> None:
        if self._bound is not None:
            self._ui.cordEditor.saveStateForUndo()


def _words(edits) -> str:
    if edits is None or not edits.has_edits:
        return ""
    added, removed = edits.counts
    return _("By hand: {added} voxels raised, {removed} lowered.").format(
        added=added, removed=removed
    )
