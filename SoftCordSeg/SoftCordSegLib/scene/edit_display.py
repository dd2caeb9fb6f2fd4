"""The corrections in the slice views: added voxels in blue, removed ones in orange, distinguishable
for colour-blind readers.
"""

from __future__ import annotations

import numpy as np

from ..colours import ADDED, REMOVED, rgb
from ..correction import Box
from .edit_nodes import HIDDEN_ATTRIBUTE, correction_of
from .links import SOFT_MASK, link, linked, nodes_linked_to
from .volume_nodes import array_of, voxels_changed

_SUFFIX = "edits shown"
_ENTRIES = (
    ("as predicted", (0.0, 0.0, 0.0, 0.0)),
    ("added", (*rgb(ADDED), 1.0)),
    ("removed", (*rgb(REMOVED), 1.0)),
)
_COLOURS_NAME = "SoftCordSeg edits"


def show_edits(soft_node, visible: bool, opacity: float = 0.6) -> None:
    """Show the edit map as the label layer of every slice view, or remove it.

    The layer is only for display: it is not saved with the scene.

    Args:
        soft_node: the soft mask's node.
        visible: False removes the layer; a label volume that was shown before is shown again.
        opacity: in [0, 1].
    """
    layer = _layer(soft_node)
    if not visible:
        if layer is not None:
            _remove_layer(layer)
        return
    if layer is None:
        layer = _add_layer(soft_node)
    if layer.GetDisplayNode() is None:
        layer.CreateDefaultDisplayNodes()
        layer.GetDisplayNode().SetSaveWithScene(False)
        layer.GetDisplayNode().SetAndObserveColorNodeID(_colours(layer.GetScene()).GetID())
    update_shown(soft_node)
    for composite in _composites(soft_node.GetScene()):
        if composite.GetLabelVolumeID() != layer.GetID():
            layer.SetAttribute(_before(composite), composite.GetLabelVolumeID() or "")
        composite.SetLabelVolumeID(layer.GetID())
        composite.SetLabelOpacity(float(opacity))


def is_shown(soft_node) -> bool:
    """True while :func:`show_edits` shows the edits of this soft mask."""
    layer = _layer(soft_node)
    return layer is not None and layer.GetDisplayNode() is not None


def update_shown(soft_node, box: Box | None = None) -> None:
    """Update the displayed edits from the edit map, in a box of voxels or everywhere; nothing where
    they are not displayed.
    """
    layer = _layer(soft_node)
    if layer is None:
        return
    box = (slice(None),) * 3 if box is None else box
    state = correction_of(soft_node)
    # 0, +1 and -1 become the labels 0, 1 and 2.
    array_of(layer)[box] = 0 if state is None else state.edits[box] % np.int8(3)
    voxels_changed(layer)


def remove_orphans(scene) -> int:
    """Remove the hidden nodes of soft masks that were deleted; their number."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode") for n in range(count)]
    orphans = [
        node
        for node in nodes
        if node.GetAttribute(HIDDEN_ATTRIBUTE) and linked(node, SOFT_MASK) is None
    ]
    for node in orphans:
        if node.IsA("vtkMRMLLabelMapVolumeNode"):
            _remove_layer(node)
        else:
            scene.RemoveNode(node)
    return len(orphans)


def _layer(soft_node):
    layers = nodes_linked_to(soft_node, SOFT_MASK, "vtkMRMLLabelMapVolumeNode")
    return layers[-1] if layers else None


def _add_layer(soft_node):
    import slicer
    import vtk

    scene = soft_node.GetScene()
    layer = slicer.vtkMRMLLabelMapVolumeNode()
    layer.SetName(scene.GenerateUniqueName(f"{soft_node.GetName()} {_SUFFIX}"))
    layer.SetHideFromEditors(True)
    layer.SetAttribute(HIDDEN_ATTRIBUTE, "1")
    layer.SetSaveWithScene(False)
    matrix = vtk.vtkMatrix4x4()
    soft_node.GetIJKToRASMatrix(matrix)
    layer.SetIJKToRASMatrix(matrix)
    image = vtk.vtkImageData()
    image.SetDimensions(soft_node.GetImageData().GetDimensions())
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image.GetPointData().GetScalars().Fill(0)
    layer.SetAndObserveImageData(image)
    layer = scene.AddNode(layer)
    layer.SetAndObserveTransformNodeID(soft_node.GetTransformNodeID())
    link(layer, SOFT_MASK, soft_node)
    return layer


def _colours(scene):
    import slicer

    node = scene.GetFirstNode(_COLOURS_NAME, "vtkMRMLColorTableNode")
    if node is None:
        node = slicer.vtkMRMLColorTableNode()
        node.SetName(_COLOURS_NAME)
        node.SetTypeToUser()
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        node.SetNumberOfColors(len(_ENTRIES))
        for n, (name, colour) in enumerate(_ENTRIES):
            node.SetColor(n, name, *colour)
        node = scene.AddNode(node)
    return node


def _remove_layer(layer) -> None:
    scene = layer.GetScene()
    for composite in _composites(scene):
        if composite.GetLabelVolumeID() == layer.GetID():
            before = layer.GetAttribute(_before(composite))
            composite.SetLabelVolumeID(
                before if before and scene.GetNodeByID(before) is not None else None
            )
    if layer.GetDisplayNode() is not None:
        scene.RemoveNode(layer.GetDisplayNode())
    scene.RemoveNode(layer)


def _composites(scene) -> list:
    count = scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")
    return [scene.GetNthNodeByClass(n, "vtkMRMLSliceCompositeNode") for n in range(count)]


def _before(composite) -> str:
    return f"SoftCordSeg.Before.{composite.GetID()}"
