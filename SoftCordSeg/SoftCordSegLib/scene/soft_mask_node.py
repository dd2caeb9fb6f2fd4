"""The soft mask in the scene: a float32 scalar volume on the image's own grid.

Not a fractional labelmap: Slicer does not save those faithfully.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..volume import Volume
from .links import IMAGE, link, nodes_linked_to
from .sequence_frames import is_of_shown_frame, remember_frame
from .volume_nodes import (
    array_of,
    file_grid_of,
    grid_of,
    remember_file_grid,
    values_on,
    voxels_changed,
)

_GREY = "vtkMRMLColorTableNodeGrey"  # built in: a saved scene needs no colour file


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
    node = scene.AddNode(node)
    # Before the voxels: the display would look for their window, which it does not need.
    display_soft_mask(node)
    node.SetAndObserveImageData(image)
    array_of(node)[...] = values
    node.SetAndObserveTransformNodeID(image_node.GetTransformNodeID())
    link(node, IMAGE, image_node)
    remember_frame(node, image_node)
    remember_file_grid(node, file_grid_of(image_node))
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
    """The soft mask nodes made from an image, oldest first; of a frame of a sequence, those of the
    frame that is shown.
    """
    nodes = nodes_linked_to(image_node, IMAGE, "vtkMRMLScalarVolumeNode")
    return [node for node in nodes if is_of_shown_frame(node)]


def display_soft_mask(node) -> None:
    """Display a soft mask by itself: 0 black, 1 white."""
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    changes = display.StartModify()
    display.SetAndObserveColorNodeID(_GREY)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, 1.0)
    display.AutoThresholdOff()
    display.ApplyThresholdOff()
    display.EndModify(changes)


def show_in_slice_views(scene, image_node) -> None:
    """Show an image in the background of every slice view."""
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        composite = scene.GetNthNodeByClass(n, "vtkMRMLSliceCompositeNode")
        composite.SetBackgroundVolumeID(image_node.GetID())


def _checked(values: np.ndarray, name: str) -> np.ndarray:
    # Written so that NaN, for which every comparison is false, is refused too.
    if not ((values >= 0.0) & (values <= 1.0)).all():
        raise InputError(
            f"The soft mask for '{name}' has values outside 0 to 1.",
            hint="Divide it by its maximum, or give another mask.",
        )
    return values
