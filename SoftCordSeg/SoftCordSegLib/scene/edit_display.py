"""The corrections in the slice views, outlined in a colour that nothing else has: raised voxels are
filled too, lowered ones are empty.
"""

from __future__ import annotations

import numpy as np

from ..colours import EDITS, rgb
from ..correction import bounding_box
from .edit_nodes import HIDDEN_ATTRIBUTE, correction_of
from .links import SOFT_MASK, link, linked, nodes_linked_to

_SUFFIX = "edits shown"
_RAISED, _LOWERED = "Raised by hand", "Lowered by hand"
_FILL = 0.35
_THICKNESS = 2  # pixels


def show_edits(soft_node, visible: bool) -> None:
    """Show the corrections in all views, or hide them.

    They are segments of a hidden segmentation, which is only for display: it is not saved with the
    scene.

    Args:
        soft_node: the soft mask's node.
        visible: False removes the segmentation.
    """
    shown = _shown(soft_node)
    if not visible:
        if shown is not None:
            _remove(shown)
        return
    if shown is None:
        shown = _add(soft_node)
    if shown.GetDisplayNode() is None:
        _display(shown)
    update_shown(soft_node)


def is_shown(soft_node) -> bool:
    """True while :func:`show_edits` shows the edits of this soft mask."""
    shown = _shown(soft_node)
    return shown is not None and shown.GetDisplayNode() is not None


def update_shown(soft_node) -> None:
    """Update the displayed corrections from the edit map; nothing where they are not displayed."""
    if not is_shown(soft_node):  # a segmentation that is written without display node is a crash
        return
    shown, state = _shown(soft_node), correction_of(soft_node)
    box = None if state is None else bounding_box(state.edits != 0)
    changes = shown.StartModify()
    for segment_id, sign in ((_RAISED, 1), (_LOWERED, -1)):
        if shown.GetSegmentation().GetSegment(segment_id) is None:
            _add_segment(shown, segment_id)
        inside = None if box is None else state.edits[box] == sign
        if inside is None or not inside.any():
            shown.GetSegmentation().ClearSegment(segment_id)
        else:
            _write(shown, segment_id, inside, [part.start for part in box], soft_node)
    shown.EndModify(changes)


def remove_orphans(scene) -> int:
    """Remove the hidden nodes of soft masks that were deleted; their number."""
    nodes = [
        scene.GetNthNodeByClass(n, kind)
        for kind in ("vtkMRMLScalarVolumeNode", "vtkMRMLModelNode", "vtkMRMLSegmentationNode")
        for n in range(scene.GetNumberOfNodesByClass(kind))
    ]
    orphans = [
        node
        for node in nodes
        if node.GetAttribute(HIDDEN_ATTRIBUTE) and linked(node, SOFT_MASK) is None
    ]
    for node in orphans:
        _remove(node)
    return len(orphans)


def _shown(soft_node):
    nodes = nodes_linked_to(soft_node, SOFT_MASK, "vtkMRMLSegmentationNode")
    return next((node for node in nodes if node.GetAttribute(HIDDEN_ATTRIBUTE)), None)


def _add(soft_node):
    import slicer

    scene = soft_node.GetScene()
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName(scene.GenerateUniqueName(f"{soft_node.GetName()} {_SUFFIX}"))
    node.SetHideFromEditors(True)
    node.SetAttribute(HIDDEN_ATTRIBUTE, "1")
    node.SetSaveWithScene(False)
    node = scene.AddNode(node)
    node.SetAndObserveTransformNodeID(soft_node.GetTransformNodeID())
    link(node, SOFT_MASK, soft_node)
    return node


def _display(node) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisibility3D(False)
    display.SetSliceIntersectionThickness(_THICKNESS)
    display.SetOpacity2DFill(_FILL)


def _add_segment(node, segment_id: str) -> None:
    import vtk

    node.GetSegmentation().AddEmptySegment(segment_id, segment_id, rgb(EDITS))
    # Slicer makes the properties of a new segment when it is asked for a list.
    node.GetDisplayNode().GetVisibleSegmentIDs(vtk.vtkStringArray())
    node.GetDisplayNode().SetSegmentVisibility2DFill(segment_id, segment_id != _LOWERED)


def _write(node, segment_id: str, inside: np.ndarray, start: list[int], soft_node) -> None:
    import slicer
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    labelmap = slicer.vtkOrientedImageData()
    labelmap.SetExtent([b for s, n in zip(start, inside.shape) for b in (s, s + n - 1)])
    labelmap.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    scalars = vtk_to_numpy(labelmap.GetPointData().GetScalars())
    scalars.reshape(inside.shape, order="F")[...] = inside
    matrix = vtk.vtkMatrix4x4()
    soft_node.GetIJKToRASMatrix(matrix)
    labelmap.SetImageToWorldMatrix(matrix)
    slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(labelmap, node, segment_id)


def _remove(node) -> None:
    scene, display = node.GetScene(), node.GetDisplayNode()
    scene.RemoveNode(node)
    if display is not None and display.GetScene() is not None:
        scene.RemoveNode(display)
