"""The user at the Segment Editor: strokes, undo and redo through the editor's own logic."""

from __future__ import annotations

import numpy as np

from SoftCordSegLib.scene.threshold_view import SEGMENT_ID, ThresholdView


class Editor:
    """A Segment Editor without its window, on the segment of a threshold view."""

    def __init__(self, app, view: ThresholdView, image_node):
        import slicer

        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(app.scene)
        for node in (view.node, image_node):
            if hierarchy.GetItemByDataNode(node) == hierarchy.GetInvalidItemID():
                hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
        self.view = view
        self.image_node = image_node
        self.logic = slicer.vtkSlicerSegmentEditorLogic()
        self.logic.SetMRMLApplicationLogic(app.application_logic)
        self.logic.SetMRMLScene(app.scene)
        parameters = app.scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        parameters.SetOverwriteMode(parameters.OverwriteNone)
        self.logic.SetSegmentEditorNode(parameters)
        self.logic.SetSegmentationNode(view.node)
        self.logic.SetSourceVolumeNode(image_node)
        self.logic.SetCurrentSegmentID(SEGMENT_ID)
        self.parameters = parameters

    def paint(self, voxels: np.ndarray, segment_id: str = SEGMENT_ID) -> None:
        """One stroke over the True voxels of a bool array (i, j, k) on the image's grid."""
        self._stroke(voxels, self.logic.ModificationModeAdd, segment_id)

    def erase(self, voxels: np.ndarray, segment_id: str = SEGMENT_ID) -> None:
        """One stroke of the eraser."""
        self._stroke(voxels, self.logic.ModificationModeRemove, segment_id)

    def undo(self) -> None:
        self.logic.Undo()

    def redo(self) -> None:
        self.logic.Redo()

    def _stroke(self, voxels: np.ndarray, mode, segment_id: str) -> None:
        from vtk.util.numpy_support import vtk_to_numpy

        self.logic.SaveStateForUndo()
        self.logic.UpdateReferenceGeometryImage()
        self.logic.ResetModifierLabelmapToDefault()
        modifier = self.logic.GetModifierLabelmap()
        assert modifier.GetDimensions() == voxels.shape
        scalars = modifier.GetPointData().GetScalars()
        vtk_to_numpy(scalars).reshape(voxels.shape, order="F")[...] = voxels
        scalars.Modified()
        self.logic.ModifySegmentByLabelmap(self.view.node, segment_id, modifier, mode, False, False)
