"""Layouts of the views: *Cord*, *Compare* and *Correct*, under numbers of their own in Slicer's
layout node.
"""

from __future__ import annotations

SAGITTAL, AXIAL, CORONAL = "Yellow", "Red", "Green"  # Slicer's own names of its three views
# Slicer's own numbers are below 100; these are stored in saved scenes.
LAYOUTS = {"cord": 5051, "compare": 5052, "correct": 5053}
LAYOUT_NAMES = {
    "cord": "Spinal cord",
    "compare": "Spinal cord: compare",
    "correct": "Spinal cord: correct",
}
# Stands in a layout for the profile of the area; whatever is registered for it is shown there.
PROFILE_TAG = "cordprofile"
# What Slicer starts with: somebody who has one of these has not chosen it.
USUAL_LAYOUTS = (0, 1, 2, 3)
FOUR_UP = 3
MOST_CONTRASTS = 3
# A slice view is at least this wide; axial views stand beside the sagittal ones in wide windows.
LEAST_VIEW_PIXELS, WIDE_WINDOW_PIXELS = 320, 1700
_PROFILE_SHARE, _VIEW_SHARE = 170, 400
_FORMER_ATTRIBUTE, _LEFT_ATTRIBUTE = "SoftCordSeg.FormerLayout", "SoftCordSeg.LeftLayout"
_PASSING_ATTRIBUTE = "SoftCordSeg.PassingLayout"  # *Correct*, in the place of *Cord* for a while
_COLOURS = {"Yellow": "#EDD54C", "Red": "#F34A33"}


def layout_node_of(scene):
    """The scene's ``vtkMRMLLayoutNode``; None where there is none (a Slicer without a window)."""
    return scene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def register_layouts(layout_node) -> None:
    """Make the three layouts known, with two contrasts to compare; nothing where they are."""
    for name, number in LAYOUTS.items():
        if not layout_node.IsLayoutDescription(number):
            layout_node.AddLayoutDescription(number, layout_xml(name))
    if layout_node.GetViewArrangement() in LAYOUTS.values():
        # Chosen before it was known, by a saved scene or Slicer's settings: now it can be shown.
        layout_node.SetViewArrangement(layout_node.GetViewArrangement())


def shown_layout(layout_node) -> str | None:
    """Which of our layouts is shown: "cord", "compare", "correct", or None for another one."""
    number = layout_node.GetViewArrangement()
    return next((name for name, ours in LAYOUTS.items() if ours == number), None)


def show_layout(layout_node, name: str, contrasts: int = 2, wide: bool = False) -> None:
    """Show one of our layouts, and remember the one before.

    Args:
        layout_node: where :func:`register_layouts` was called.
        name: "cord", "compare" or "correct".
        contrasts: how many to compare, 2 or 3.
        wide: the window is at least 1,700 pixels wide.
    """
    if shown_layout(layout_node) is None:
        layout_node.SetAttribute(_FORMER_ATTRIBUTE, str(layout_node.GetViewArrangement()))
    layout_node.SetLayoutDescription(LAYOUTS[name], layout_xml(name, contrasts, wide))
    layout_node.SetViewArrangement(LAYOUTS[name])


def leave_layout(layout_node) -> None:
    """Show the layout before ours again; nothing where the user has chosen another one since."""
    if shown_layout(layout_node) is not None:
        layout_node.SetViewArrangement(_former(layout_node))


def suspend_layout(layout_node) -> None:
    """As :func:`leave_layout`, until :func:`resume_layout`."""
    name = shown_layout(layout_node)
    if name is not None:
        layout_node.SetAttribute(_LEFT_ATTRIBUTE, name)
        leave_layout(layout_node)


def resume_layout(layout_node, contrasts: int = 2, wide: bool = False) -> None:
    """Show the layout again that :func:`suspend_layout` left; nothing where the user has chosen
    another one since.
    """
    name = layout_node.GetAttribute(_LEFT_ATTRIBUTE)
    layout_node.RemoveAttribute(_LEFT_ATTRIBUTE)
    if name in LAYOUTS and layout_node.GetViewArrangement() == _former(layout_node):
        show_layout(layout_node, name, contrasts, wide)


def set_passing(layout_node, passing: bool) -> None:
    """Remember whether *Correct* is shown only while its section is open, or as the user chose."""
    if passing:
        layout_node.SetAttribute(_PASSING_ATTRIBUTE, "1")
    else:
        layout_node.RemoveAttribute(_PASSING_ATTRIBUTE)


def layout_for_correcting(layout_node, opened: bool) -> str | None:
    """The layout to change to when the section *Correct* is opened or folded: *Correct* in the
    place of *Cord*, and *Cord* again; None where the user has chosen another one.
    """
    shown = shown_layout(layout_node)
    if opened:
        return "correct" if shown == "cord" else None
    passing = shown == "correct" and layout_node.GetAttribute(_PASSING_ATTRIBUTE)
    return "cord" if passing else None


def is_first_time(layout_node) -> bool:
    """Whether the user still has a layout that Slicer starts with, and has not seen ours."""
    return (
        layout_node.GetViewArrangement() in USUAL_LAYOUTS
        and layout_node.GetAttribute(_FORMER_ATTRIBUTE) is None
    )


def view_names(name: str, contrasts: int = 2) -> dict[str, list[str]]:
    """The slice views of a layout by what they show: {"Sagittal": [...], "Axial": [...]}, one of
    each for a contrast.
    """
    count = contrasts if name == "compare" else 1
    return {
        "Sagittal": [SAGITTAL, *(f"Cord{SAGITTAL}{n}" for n in range(2, count + 1))],
        "Axial": [AXIAL, *(f"Cord{AXIAL}{n}" for n in range(2, count + 1))],
    }


def most_contrasts(width_pixels: int) -> int:
    """How many contrasts can be compared in views that are wide enough.

    Args:
        width_pixels: of the part of the window that holds the views.
    """
    fitting = (width_pixels - _PROFILE_SHARE) // LEAST_VIEW_PIXELS
    return int(min(max(fitting, 2), MOST_CONTRASTS))


def layout_xml(name: str, contrasts: int = 2, wide: bool = False) -> str:
    """The description of a layout for Slicer's layout node; arguments as for :func:`show_layout`.

    The profile always stands in one row with a sagittal view: they have one scale.
    """
    names = view_names(name, contrasts)
    sagittal = [_slice_view(one, "Sagittal") for one in names["Sagittal"]]
    axial = [_slice_view(one, "Axial") for one in names["Axial"]]
    profile = f"<{PROFILE_TAG}></{PROFILE_TAG}>"
    if name == "cord":
        shares = (450, _PROFILE_SHARE, 330)
        return _split("horizontal", shares, [*sagittal, profile, _even("vertical", [*axial, _3D])])
    if name == "correct":
        return _split("horizontal", (520, 260, _PROFILE_SHARE), [*axial, *sagittal, profile])
    columns = (*[_VIEW_SHARE] * contrasts, _PROFILE_SHARE)
    if wide:
        return _split(
            "horizontal", (*columns, _VIEW_SHARE), [*sagittal, profile, _even("vertical", axial)]
        )
    rows = [_split("horizontal", columns, row) for row in ([*sagittal, profile], [*axial, _3D])]
    return _split("vertical", (560, 340), rows)


def _former(layout_node) -> int:
    former = int(layout_node.GetAttribute(_FORMER_ATTRIBUTE) or FOUR_UP)
    return former if layout_node.IsLayoutDescription(former) else FOUR_UP


_3D = (
    '<view class="vtkMRMLViewNode" singletontag="1">'
    '<property name="viewlabel" action="default">1</property></view>'
)


def _slice_view(name: str, orientation: str) -> str:
    colour = SAGITTAL if SAGITTAL in name else AXIAL
    label = colour[0] + name.rpartition(colour)[2]
    return (
        f'<view class="vtkMRMLSliceNode" singletontag="{name}">'
        f'<property name="orientation" action="default">{orientation}</property>'
        f'<property name="viewlabel" action="default">{label}</property>'
        f'<property name="viewcolor" action="default">{_COLOURS[colour]}</property></view>'
    )


def _split(direction: str, shares, parts) -> str:
    """Beside or above one another, in shares that the user can move."""
    items = "".join(
        f'<item splitSize="{share}">{part}</item>' for share, part in zip(shares, parts)
    )
    return f'<layout type="{direction}" split="true">{items}</layout>'


def _even(direction: str, parts) -> str:
    items = "".join(f"<item>{part}</item>" for part in parts)
    return f'<layout type="{direction}">{items}</layout>'
