"""The soft mask in the scene: a float32 scalar volume on the image's own grid, shown in colour over
the image.

Not a fractional labelmap: Slicer does not save those faithfully.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..volume import Volume
from .links import IMAGE, link, nodes_linked_to
from .volume_nodes import (
    array_of,
    file_grid_of,
    grid_of,
    remember_file_grid,
    values_on,
    voxels_changed,
)

# Colour maps that every Slicer has built in, so that a saved scene needs no colour file.
COLOUR_MAPS = {
    "Red to yellow": "vtkMRMLColorTableNodeIron",
    "Yellow to red": "vtkMRMLColorTableNodeWarm1",
    "Blue to green": "vtkMRMLColorTableNodeOcean",
    "Heat": "vtkMRMLPETProceduralColorNodePET-Heat",
    "Rainbow": "vtkMRMLColorTableNodeRainbow",
    "Grey": "vtkMRMLColorTableNodeGrey",
}
# Contrasts with the yellow outline of the segment, for colour-blind readers too.
DEFAULT_COLOUR_MAP = "Blue to green"
# Lower soft values are mostly rounding of the resampling to the native grid, and are not shown.
DEFAULT_SHOWN_FROM = 0.05


def add_soft_mask(scene, image_node, mask: Volume, name: str | None = None):
    """A new soft mask node on the grid (and under the transform) of ``image_node``.

    Args:
        scene: the MRML scene.
        image_node: the image that was segmented.
        mask: values in [0, 1]; its voxels are those of the image, in any order of axes.
        name: of the node; "<image> soft cord" where None.

    Returns:
        ``vtkMRMLScalarVolumeNode``, float32, with display node (:func:`display_soft_mask`),
        referring to the image.

    Raises:
        InputError: the voxels do not coincide with the image's, or values outside [0, 1].
    """
    import slicer
    import vtk

    values = _checked(values_on(mask, grid_of(image_node)), image_node.GetName())
    name = name or f"{image_node.GetName()} soft cord"
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName(scene.GenerateUniqueName(name))
    matrix = vtk.vtkMatrix4x4()
    image_node.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    image = vtk.vtkImageData()
    image.SetDimensions(values.shape)
    image.AllocateScalars(vtk.VTK_FLOAT, 1)
    node.SetAndObserveImageData(image)
    array_of(node)[...] = values
    node = scene.AddNode(node)
    node.SetAndObserveTransformNodeID(image_node.GetTransformNodeID())
    link(node, IMAGE, image_node)
    remember_file_grid(node, file_grid_of(image_node))
    display_soft_mask(node)
    return node


def set_soft_mask(node, mask: Volume) -> None:
    """Replace the values of a soft mask node in place (its display, links and position in the
    hierarchy stay).

    Raises:
        InputError: the voxels do not coincide, or values outside [0, 1].
    """
    array_of(node)[...] = _checked(values_on(mask, grid_of(node)), node.GetName())
    voxels_changed(node)


def soft_masks_of(image_node) -> list:
    """The soft mask nodes made from an image, oldest first."""
    return nodes_linked_to(image_node, IMAGE, "vtkMRMLScalarVolumeNode")


def display_soft_mask(
    node, shown_from: float = DEFAULT_SHOWN_FROM, colour_map: str = DEFAULT_COLOUR_MAP
) -> None:
    """Show values from ``shown_from`` to 1 in colour, lower ones transparent.

    Args:
        node: the soft mask node.
        shown_from: the lowest value that is shown, in [0, 1].
        colour_map: a key of :data:`COLOUR_MAPS`.
    """
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    changes = display.StartModify()
    display.SetAndObserveColorNodeID(COLOUR_MAPS[colour_map])
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, 1.0)
    display.AutoThresholdOff()
    display.SetThreshold(float(shown_from), 1.0)
    display.ApplyThresholdOn()
    display.EndModify(changes)


def show_in_slice_views(scene, image_node, soft_node=None, opacity: float = 0.5) -> None:
    """Show the image in the background and the soft mask in the foreground of every slice view.

    Args:
        scene: the MRML scene.
        image_node: the background; None does not change it.
        soft_node: the foreground; None removes it.
        opacity: of the foreground, in [0, 1].
    """
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        composite = scene.GetNthNodeByClass(n, "vtkMRMLSliceCompositeNode")
        changes = composite.StartModify()
        if image_node is not None:
            composite.SetBackgroundVolumeID(image_node.GetID())
        composite.SetForegroundVolumeID(soft_node.GetID() if soft_node is not None else None)
        composite.SetForegroundOpacity(float(opacity) if soft_node is not None else 0.0)
        composite.EndModify(changes)


def _checked(values: np.ndarray, name: str) -> np.ndarray:
    # Written so that NaN, for which every comparison is false, is refused too.
    if not ((values >= 0.0) & (values <= 1.0)).all():
        raise InputError(
            f"The soft mask for '{name}' has values outside 0 to 1.",
            hint="Divide it by its maximum, or give another mask.",
        )
    return values
