"""A mask in the views: its colour, and its smooth contours.

Contours are the iso-surfaces of the soft mask at the threshold and at .25 and .75, which the slice
views cut: sub-voxel lines, with nothing over the anatomy.  They are hidden models that hang on the
soft mask.  The segmentation's own closed surface would do for the threshold alone, and Slicer would
make it anew from the voxels after every stroke.
"""

from __future__ import annotations

import numpy as np

from ..colours import MASKS, hexadecimal, rgb
from ..correction import Box
from .edit_nodes import HIDDEN_ATTRIBUTE
from .iso_surface import iso_surface
from .links import IMAGE, SOFT_MASK, link, linked, nodes_linked_to
from .volume_nodes import array_of

AT_THRESHOLD, FIXED = "threshold", ("0.25", "0.75")
_LEVEL_ATTRIBUTE = "SoftCordSeg.Contour"  # AT_THRESHOLD, or the soft value
_COLOUR_ATTRIBUTE = "SoftCordSeg.Colour"
_THICK, _THIN = 3, 1  # pixels


def colour_of(study) -> str:
    """The colour of a study's mask, ``#rrggbb``: in slices, 3D, profile, tables and legends.

    The user may give the segment another one in Slicer's own modules.  A study without a mask has
    the colour that its mask would get.
    """
    view = study.view
    segment = None if view is None else view.segment
    if segment is not None:
        return hexadecimal(segment.GetColor())
    if study.soft is not None:
        return colour_of_mask(study.soft)
    return _first_free(study.image.GetScene())


def colour_of_mask(soft_node) -> str:
    """The stored colour of a soft mask, ``#rrggbb``; one that has none gets it now, the first that
    no other mask of the scene has.
    """
    colour = soft_node.GetAttribute(_COLOUR_ATTRIBUTE)
    if not colour:
        colour = _first_free(soft_node.GetScene())
        soft_node.SetAttribute(_COLOUR_ATTRIBUTE, colour)
    return colour


def contours_of(soft_node) -> dict:
    """The contours of a soft mask: {:data:`AT_THRESHOLD` or a value of :data:`FIXED`:
    ``vtkMRMLModelNode``}; without those that the user deleted.
    """
    models = nodes_linked_to(soft_node, SOFT_MASK, "vtkMRMLModelNode")
    named = {model.GetAttribute(_LEVEL_ATTRIBUTE): model for model in models}
    return {level: named[level] for level in (AT_THRESHOLD, *FIXED) if level in named}


def ensure_contours(view) -> dict:
    """As :func:`contours_of`, those of a threshold view; what is missing is made, display nodes
    too.
    """
    contours = contours_of(view.soft_node)
    for level in (AT_THRESHOLD, *FIXED):
        if level not in contours:
            contours[level] = _add_contour(view, level)
        elif contours[level].GetDisplayNode() is None:
            _display(view, contours[level])
    return contours


def update_contours(view, threshold_moved: bool) -> None:
    """Bring the contours up to date; those at .25 and .75 while they are shown.

    Args:
        view: the threshold view.
        threshold_moved: False computes only what the soft mask has changed under.
    """
    for level, model in contours_of(view.soft_node).items():
        display = model.GetDisplayNode()
        seen = display is not None and display.GetVisibility() and display.GetVisibility2D()
        if level != AT_THRESHOLD and not seen:
            continue  # until they are shown
        if (threshold_moved and level == AT_THRESHOLD) or _is_stale(model, view.soft_node):
            at = view.threshold if level == AT_THRESHOLD else float(level)
            model.SetAndObservePolyData(surface_at(view.soft_node, at, view.box_at(at)))


def show_contours(view, fixed: bool | None = None, in_3d: bool | None = None) -> None:
    """Show contours in all views while the segment is visible, in the segment's colour.

    Args:
        view: the threshold view.
        fixed: those at .25 and .75 too; as before where None.
        in_3d: the surface at the threshold in 3D; as before where None.
    """
    stored = rgb(colour_of_mask(view.soft_node))
    colour = stored if view.segment is None else view.segment.GetColor()
    for level, model in ensure_contours(view).items():
        display = model.GetDisplayNode()
        changes = display.StartModify()
        display.SetVisibility(view.is_visible)
        display.SetColor(*colour)
        if fixed is not None and level != AT_THRESHOLD:
            display.SetVisibility2D(fixed)
        if in_3d is not None and level == AT_THRESHOLD:
            display.SetVisibility3D(in_3d)
        display.EndModify(changes)
    update_contours(view, threshold_moved=False)


def surface_at(soft_node, threshold: float, box: Box | None):
    """The iso-surface of a soft mask, ``vtkPolyData`` in the frame of its node.

    Args:
        soft_node: the soft mask's node.
        threshold: in (0, 1].
        box: of the voxels at or above it; None where there are none.
    """
    import vtk

    if box is None:
        return vtk.vtkPolyData()
    soft = array_of(soft_node)
    # One voxel more on each side: the surface lies between the last voxel inside and the first one
    # outside.
    box = tuple(slice(max(p.start - 1, 0), min(p.stop + 1, n)) for p, n in zip(box, soft.shape))
    ends = tuple((p.start == 0, p.stop == n) for p, n in zip(box, soft.shape))
    matrix = vtk.vtkMatrix4x4()
    soft_node.GetIJKToRASMatrix(matrix)
    affine = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    affine[:3, 3] += affine[:3, :3] @ [part.start for part in box]
    return iso_surface(soft[box], affine, threshold, ends)


def _add_contour(view, level: str):
    import slicer

    soft_node = view.soft_node
    model = slicer.vtkMRMLModelNode()
    what = "contour" if level == AT_THRESHOLD else f"contour at {level}"
    model.SetName(soft_node.GetScene().GenerateUniqueName(f"{soft_node.GetName()} {what}"))
    model.SetHideFromEditors(True)
    model.SetAttribute(HIDDEN_ATTRIBUTE, "1")
    model.SetAttribute(_LEVEL_ATTRIBUTE, level)
    model = soft_node.GetScene().AddNode(model)
    model.SetAndObserveTransformNodeID(soft_node.GetTransformNodeID())
    link(model, SOFT_MASK, soft_node)
    _display(view, model)
    return model


def _display(view, model) -> None:
    model.CreateDefaultDisplayNodes()
    display = model.GetDisplayNode()
    thick = model.GetAttribute(_LEVEL_ATTRIBUTE) == AT_THRESHOLD
    changes = display.StartModify()
    display.SetVisibility2D(True)
    display.SetVisibility3D(False)
    display.SetVisibility(view.is_visible)
    display.SetSliceIntersectionThickness(_THICK if thick else _THIN)
    display.SetScalarVisibility(False)
    display.SetColor(*rgb(colour_of_mask(view.soft_node)))
    display.EndModify(changes)


def _is_stale(model, soft_node) -> bool:
    """Whether the voxels were written after the surface was made.  The points tell: the views
    themselves modify the surface as a whole.
    """
    surface = model.GetPolyData()
    points = None if surface is None else surface.GetPoints()
    return points is None or points.GetData().GetMTime() < soft_node.GetImageData().GetMTime()


def _first_free(scene) -> str:
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode") for n in range(count)]
    taken = [node.GetAttribute(_COLOUR_ATTRIBUTE) for node in nodes if linked(node, IMAGE)]
    # Of more masks than colours, the colour that the fewest have.
    return min(MASKS, key=taken.count)
