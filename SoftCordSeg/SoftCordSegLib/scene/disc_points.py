"""Disc labels as points in the views: one markups list for an image, each point with the name of
its disc ("C2/C3").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..colours import DISC, rgb
from ..errors import InputError
from ..morphometry import (
    DiscLabel,
    disc_name,
    discs_from_points,
    is_unmoved,
    parse_disc,
    parse_found_remark,
)
from .links import IMAGE, POINT_NAMES, link, nodes_linked_to

_Point = tuple[str, tuple[float, float, float], str]


def add_discs(
    scene,
    image_node,
    discs: Iterable[DiscLabel] = (),
    name: str | None = None,
    remarks: Mapping[int, str] | None = None,
):
    """A new list of disc points for an image, from above to below; ``remarks`` as in
    :func:`set_discs`.

    Returns:
        ``vtkMRMLMarkupsFiducialNode`` with display node, referring to the image.
    """
    node = scene.AddNewNodeByClass(
        "vtkMRMLMarkupsFiducialNode",
        scene.GenerateUniqueName(name or f"{image_node.GetName()} discs"),
    )
    node.SetControlPointLabelFormat(POINT_NAMES)
    link(node, IMAGE, image_node)
    node.SetAndObserveTransformNodeID(image_node.GetTransformNodeID())
    display_discs(node)
    set_discs(node, discs, remarks)
    return node


def display_discs(node) -> None:
    """Make the display node of a disc list: points with their names, drawn near their own slice, as
    Slicer does; :func:`show_discs_beside_axial` draws them in every slice of the right views.
    """
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSelectedColor(*rgb(DISC))
    display.SetGlyphScale(2.0)
    display.SetTextScale(3.0)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(True)


def show_discs_beside_axial(node) -> None:
    """Draw a disc list in 3D and in every slice of the views that are not axial: in an axial view,
    all discs would lie on one another.
    """
    from .view_placement import has_orientation

    display = node.GetDisplayNode()
    if display is None:
        return
    scene, wanted = node.GetScene(), []
    for kind in ("vtkMRMLSliceNode", "vtkMRMLViewNode"):
        for n in range(scene.GetNumberOfNodesByClass(kind)):
            view = scene.GetNthNodeByClass(n, kind)
            if kind == "vtkMRMLViewNode" or not has_orientation(view, "Axial"):
                wanted.append(view.GetID())
    # Without any view named, Slicer draws in all of them.
    if wanted and (
        set(wanted) != set(display.GetViewNodeIDs()) or not display.GetSliceProjection()
    ):
        changes = display.StartModify()
        display.SetSliceProjection(True)
        display.SetSliceProjectionUseFiducialColor(True)
        display.SetSliceProjectionOpacity(1.0)
        display.RemoveAllViewNodeIDs()
        for identity in wanted:
            display.AddViewNodeID(identity)
        display.EndModify(changes)


def set_discs(node, discs: Iterable[DiscLabel], remarks: Mapping[int, str] | None = None) -> None:
    """Replace the points of a disc list.

    Args:
        node: the list.
        discs: in any order.
        remarks: disc value -> description of its point, such as
            :func:`~..morphometry.found_remark`; empty for the others.
    """
    import vtk

    remarks = remarks or {}
    changes = node.StartModify()
    node.RemoveAllControlPoints()
    for disc in sorted(discs, key=_from_above):
        n = node.AddControlPointWorld(
            vtk.vtkVector3d(*(float(x) for x in disc.position_mm)), disc_name(disc.value)
        )
        node.SetNthControlPointDescription(n, remarks.get(disc.value, ""))
    node.EndModify(changes)


def discs_of(node) -> list[DiscLabel]:
    """The placed points of a disc list, in its order; a point that is still being placed is left
    out.

    Raises:
        InputError: a point whose name is not a disc, or two points of one disc; the sentence names
            the list.
    """
    return _discs(node, _placed_points(node))


def placed_discs_of(node) -> list[DiscLabel]:
    """As :func:`discs_of`, without the points that the program found and the user has not changed.

    A found point that the user moved or renamed is included.

    Raises:
        InputError: as :func:`discs_of`; a disc that is both placed and found is not an error.
    """
    return _discs(node, [point for point in _placed_points(node) if not _is_left_as_found(*point)])


def remarks_of(node) -> dict[int, str]:
    """Disc value -> description of its point, where one is written; as :func:`set_discs` takes it.

    Raises:
        InputError: as :func:`discs_of`.
    """
    remarks = [remark for _, _, remark in _placed_points(node)]
    return {disc.value: remark for disc, remark in zip(discs_of(node), remarks) if remark}


def has_found_discs(node) -> bool:
    """Whether any point of a disc list was found by the program, even if it was moved."""
    return any(parse_found_remark(remark) is not None for _, _, remark in _placed_points(node))


def disc_lists_of(image_node) -> list:
    """The disc lists made for an image, oldest first."""
    return nodes_linked_to(image_node, IMAGE, "vtkMRMLMarkupsFiducialNode")


def next_disc_value(node, first: int = 3) -> int:
    """The disc to name the next point by: the one below the lowest that is there, C2/C3 in an empty
    list.

    Points with other names are skipped, so that one typing mistake does not stop placing.
    """
    values = []
    for label, _, _ in _placed_points(node):
        try:
            value = parse_disc(label)
        except InputError:
            continue
        if value < 49:  # landmarks of the brainstem and the conus are not discs
            values.append(value)
    return max(values) + 1 if values else first


def _discs(node, points: list[_Point]) -> list[DiscLabel]:
    try:
        return discs_from_points((label, position) for label, position, _ in points)
    except InputError as error:
        raise InputError(
            f"In the point list '{node.GetName()}': {error.sentence}", hint=error.hint
        ) from error


def _is_left_as_found(label: str, position: tuple[float, float, float], remark: str) -> bool:
    found = parse_found_remark(remark)
    if found is None:
        return False
    try:
        return is_unmoved(DiscLabel(parse_disc(label), position), *found)
    except InputError:
        return False  # renamed, not to a disc


def _placed_points(node) -> list[_Point]:
    """(name, world position, description) of each."""
    return [point for _, point in placed_points(node)]


def placed_points(node) -> list[tuple[int, _Point]]:
    """The points of a disc list that are not being placed any more: (number, (name, world position,
    description)) of each.
    """
    points = []
    for n in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(n) == node.PositionDefined:
            position = [0.0, 0.0, 0.0]
            node.GetNthControlPointPositionWorld(n, position)
            name, remark = node.GetNthControlPointLabel(n), node.GetNthControlPointDescription(n)
            points.append((n, (name, tuple(position), remark)))
    return points


def _from_above(disc: DiscLabel) -> int:
    """Landmarks of the brainstem (49, 50) are above C1; the conus (60) is below all."""
    return disc.value - 100 if disc.value in (49, 50) else disc.value
