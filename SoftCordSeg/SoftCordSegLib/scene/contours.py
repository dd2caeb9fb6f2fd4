"""A mask in the views: its colour."""

from __future__ import annotations

from ..colours import MASKS, hexadecimal
from .links import IMAGE

_COLOUR_ATTRIBUTE = "SoftCordSeg.Colour"


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


def _first_free(scene) -> str:
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode") for n in range(count)]
    taken = [node.GetAttribute(_COLOUR_ATTRIBUTE) for node in nodes if node.GetNodeReference(IMAGE)]
    # Of more masks than colours, the colour that the fewest have.
    return min(MASKS, key=taken.count)
