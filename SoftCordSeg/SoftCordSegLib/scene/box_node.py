"""The box of a segmentation as a region of interest in the scene."""

from __future__ import annotations

import numpy as np

from ..colours import BOX, rgb
from ..errors import InputError
from ..volume import Box
from .links import IMAGE, POINT_NAMES, link, nodes_linked_to


def add_box(scene, image_node, box: Box, name: str | None = None):
    """A new region of interest, shown as an outline in the views.

    Returns:
        ``vtkMRMLMarkupsROINode`` with display node, referring to the image.
    """
    node = scene.AddNewNodeByClass(
        "vtkMRMLMarkupsROINode", scene.GenerateUniqueName(name or f"{image_node.GetName()} box")
    )
    node.SetControlPointLabelFormat(POINT_NAMES)
    link(node, IMAGE, image_node)
    node.SetAndObserveTransformNodeID(image_node.GetTransformNodeID())
    display_box(node)
    set_box(node, box)
    return node


def display_box(node) -> None:
    """Make the display node of a box: an outline."""
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetFillVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetSelectedColor(*rgb(BOX))
    display.SetGlyphScale(1.0)


def set_box(node, box: Box) -> None:
    """Set the region of interest to ``box``, which is in the world; Slicer turns left-handed axes
    right-handed itself, for the same box.
    """
    import vtk

    matrix = vtk.vtkMatrix4x4()
    for row in range(3):
        for column in range(3):
            matrix.SetElement(row, column, float(box.axes[row, column]))
        matrix.SetElement(row, 3, float(box.center_mm[row]))
    transform = node.GetParentTransformNode()
    if transform is not None:
        from_world = vtk.vtkMatrix4x4()
        transform.GetMatrixTransformFromWorld(from_world)
        vtk.vtkMatrix4x4.Multiply4x4(from_world, matrix, matrix)
    changes = node.StartModify()
    node.SetSize(*(float(edge) for edge in box.size_mm))
    node.SetAndObserveObjectToNodeMatrix(matrix)
    node.EndModify(changes)


def box_of(node) -> Box:
    """The region of interest as a box in the world, linear parent transforms included.

    Raises:
        InputError: the region is not placed yet, or is flat.
    """
    matrix = node.GetObjectToWorldMatrix()
    linear = np.array([[matrix.GetElement(row, column) for column in range(3)] for row in range(3)])
    scale = np.linalg.norm(linear, axis=0)
    size = np.array(node.GetSize()) * scale
    if node.GetNumberOfDefinedControlPoints() == 0 or not (size > 0).all():
        raise InputError(
            f"The box '{node.GetName()}' is not placed yet, or is flat.",
            hint="Draw it around the cord, or leave it out.",
        )
    center = [matrix.GetElement(row, 3) for row in range(3)]
    return Box(np.array(center), linear / scale, size)


def boxes_of(image_node) -> list:
    """The boxes made for an image, oldest first."""
    return nodes_linked_to(image_node, IMAGE, "vtkMRMLMarkupsROINode")
