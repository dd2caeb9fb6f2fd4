"""Disc labels as points in the views: one markups list an image, each point named as its disc ("C2/C3")."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import InputError
from ..morphometry import DiscLabel, disc_name, discs_from_points, parse_disc
from .links import IMAGE, link, nodes_linked_to

_COLOUR = (1.0, 0.45, 0.1)


def add_discs(scene, image_node, discs: Iterable[DiscLabel] = (), name: str | None = None):
    """A new list of disc points for an image, from above to below.

    Returns:
        ``vtkMRMLMarkupsFiducialNode`` with display node, referring to the image.
    """
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", scene.GenerateUniqueName(name or f"{image_node.GetName()} discs"))
    node.CreateDefaultDisplayNodes()
    link(node, IMAGE, image_node)
    display = node.GetDisplayNode()
    display.SetSelectedColor(*_COLOUR)
    display.SetGlyphScale(2.0)
    display.SetTextScale(3.0)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(True)
    set_discs(node, discs)
    return node


def set_discs(node, discs: Iterable[DiscLabel]) -> None:
    """Replace the points of a disc list."""
    import vtk

    changes = node.StartModify()
    node.RemoveAllControlPoints()
    for disc in sorted(discs, key=_from_above):
        node.AddControlPointWorld(vtk.vtkVector3d(*(float(x) for x in disc.position_mm)), disc_name(disc.value))
    node.EndModify(changes)


def discs_of(node) -> list[DiscLabel]:
    """The placed points of a disc list, in its order; a point that is still being placed is left out.

    Raises:
        InputError: a point whose name is no disc, or two points of one disc; the list is named.
    """
    try:
        return discs_from_points(_placed_points(node))
    except InputError as error:
        raise InputError(f"In the point list '{node.GetName()}': {error}") from error


def disc_lists_of(image_node) -> list:
    """The disc lists made for an image, oldest first."""
    return nodes_linked_to(image_node, IMAGE, "vtkMRMLMarkupsFiducialNode")


def next_disc_value(node, first: int = 3) -> int:
    """The disc to name the next point by: the one below the lowest that is there, C2/C3 in an empty list.

    Points with names that are no discs are passed over, so that one typing mistake does not stop placing.
    """
    values = []
    for label, _ in _placed_points(node):
        try:
            value = parse_disc(label)
        except InputError:
            continue
        if value < 49:  # landmarks of the brainstem and the conus are not in the row
            values.append(value)
    return max(values) + 1 if values else first


def _placed_points(node) -> list[tuple[str, tuple[float, float, float]]]:
    points = []
    for n in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(n) == node.PositionDefined:
            position = [0.0, 0.0, 0.0]
            node.GetNthControlPointPositionWorld(n, position)
            points.append((node.GetNthControlPointLabel(n), tuple(position)))
    return points


def _from_above(disc: DiscLabel) -> int:
    """Landmarks of the brainstem (49, 50) lie above C1; the conus (60) below all."""
    return disc.value - 100 if disc.value in (49, 50) else disc.value
