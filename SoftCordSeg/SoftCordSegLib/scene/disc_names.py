"""The names of the points of a disc list: what the next one will be called, renaming from one disc
downwards, and names that are still to be confirmed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputError
from ..morphometry import LAST_DISC, DiscLabel, disc_name, found_remark, parse_disc
from ..morphometry.disc_files import FOUND, KNOWN, LocatedDisc, is_landmark, located_disc
from .disc_points import placed_points
from .links import POINT_NAMES

# On a disc list: the value of the disc whose name is to be confirmed.
_QUESTION = "SoftCordSeg.DiscToConfirm"
# A found disc nearer than this to one that the user marked is that one; discs are 12 mm apart.
_SAME_MM = 6.0


@dataclass(frozen=True)
class DiscRow:
    """A point of a disc list as a table shows it.

    Attributes:
        number: of the control point.
        name: as it is written there; not always a disc's.
        position_mm: (x, y, z), world RAS+, mm.
        confidence: 0 to 1 of a disc that is as the program found it; None for others.
    """

    number: int
    name: str
    position_mm: tuple[float, float, float]
    confidence: float | None

    @property
    def value(self) -> int | None:
        """SCT's value; None where the name is no disc's."""
        try:
            return parse_disc(self.name)
        except InputError:
            return None


def disc_rows(node) -> list[DiscRow]:
    """The placed points of a disc list, from above to below."""
    rows = []
    for number, (name, position, remark) in placed_points(node):
        row = DiscRow(number, name, position, None)
        if row.value is not None:
            found = located_disc(DiscLabel(row.value, position), remark)
            confidence = found.confidence if found.source == FOUND else None
            row = DiscRow(number, name, position, confidence)
        rows.append(row)
    return sorted(rows, key=lambda row: -row.position_mm[2])


def free_disc_values(node) -> list[int]:
    """The values of the discs that are not in a list yet (or in no list, for None)."""
    taken = {row.value for row in disc_rows(node)} if node is not None else set()
    return [value for value in range(1, LAST_DISC + 1) if value not in taken]


def name_next_disc(node, value: int | None) -> None:
    """The next point that is placed gets this name, and the preview of it at the mouse has it
    already.  None leaves the name to Slicer.
    """
    name = disc_name(value) if value is not None else POINT_NAMES
    if node.GetControlPointLabelFormat() != name:
        node.SetControlPointLabelFormat(name)
    for number in range(node.GetNumberOfControlPoints()):
        preview = node.GetNthControlPointPositionStatus(number) == node.PositionPreview
        if preview and value is not None and node.GetNthControlPointLabel(number) != name:
            node.SetNthControlPointLabel(number, name)


def rename_from(node, number: int, value: int) -> None:
    """Give a disc another name, and the discs below it the ones that follow.

    The others keep their distance in number to it; the renamed one counts as marked by the user.

    Args:
        node: the disc list.
        number: of the control point.
        value: SCT's value of its new name.

    Raises:
        InputError: a name that is used above already, or that goes beyond L5/S1; nothing was
            changed.
    """
    rows = {row.number: row for row in disc_rows(node)}
    renamed = rows[number]
    moved = {number: value}
    if renamed.value is not None and renamed.value <= LAST_DISC >= value:
        shift = value - renamed.value
        moved = {
            row.number: row.value + shift
            for row in rows.values()
            if row.value is not None and renamed.value <= row.value <= LAST_DISC
        }
    _check_names(rows, moved, value)
    changes = node.StartModify()
    for point, new in moved.items():
        row = rows[point]
        node.SetNthControlPointLabel(point, disc_name(new))
        if point == number:
            node.SetNthControlPointDescription(point, "")
        elif row.confidence is not None:
            remark = found_remark(DiscLabel(new, row.position_mm), row.confidence)
            node.SetNthControlPointDescription(point, remark)
    node.EndModify(changes)


def _check_names(rows: dict[int, DiscRow], moved: dict[int, int], value: int) -> None:
    if value <= LAST_DISC < max(moved.values()):
        raise InputError(
            f"With {disc_name(value)} here the lowest disc would be below {disc_name(LAST_DISC)}.",
            hint="Choose a name further up, or remove the discs that are too many.",
        )
    others = {row.value for row in rows.values() if row.number not in moved}
    twice = sorted(others & set(moved.values()) - {None})
    if twice:
        raise InputError(
            f"{disc_name(twice[0])} is in the list already.",
            hint="Rename from that disc on, or remove it first.",
        )


def ask_for_name(node, value: int | None) -> None:
    """The name of this disc, and with it all, is to be confirmed; None for no question."""
    if value is None:
        node.RemoveAttribute(_QUESTION)
    else:
        node.SetAttribute(_QUESTION, str(value))


def disc_to_confirm(node) -> DiscRow | None:
    """The disc whose name is to be confirmed; None where there is no question (any more)."""
    value = node.GetAttribute(_QUESTION) if node is not None else None
    if not value:
        return None
    return next((row for row in disc_rows(node) if str(row.value) == value), None)


def confirm_name(node) -> None:
    """The name of :func:`disc_to_confirm` is right: it counts as marked by the user."""
    row = disc_to_confirm(node)
    if row is not None:
        node.SetNthControlPointDescription(row.number, "")
    ask_for_name(node, None)


def merge_found(
    found: Sequence[LocatedDisc], before: Sequence[DiscLabel], now: Sequence[DiscLabel]
) -> tuple[list[LocatedDisc], bool]:
    """What was found together with what the user marked while it was looked for.

    Args:
        found: the discs, known and found, from the discs marked ``before``.
        before: marked by the user when the search began.
        now: marked by the user at its end; moved and renamed ones are among them.

    Returns:
        The discs, and whether the user changed any: then the found ones that contradict ``now``
        are left out.
    """
    if {disc.value: disc for disc in before} == {disc.value: disc for disc in now}:
        return list(found), False
    marked = [LocatedDisc(disc, KNOWN) for disc in now]
    left = [
        disc
        for disc in found
        if disc.source == FOUND and all(_agree(disc.label, other) for other in now)
    ]
    return marked + left, True


def _agree(found: DiscLabel, marked: DiscLabel) -> bool:
    """Whether both can be right."""
    if found.value == marked.value or math.dist(found.position_mm, marked.position_mm) < _SAME_MM:
        return False
    above = found.position_mm[2] > marked.position_mm[2]
    return is_landmark(marked) or above == (found.value < marked.value)
