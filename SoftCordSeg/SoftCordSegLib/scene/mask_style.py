"""How a mask is drawn over its image: contours alone, or its soft values or its inside in its
colour too.
"""

from __future__ import annotations

from enum import Enum

from ..colours import rgb
from .links import IMAGE, linked

# The module's parameter node needs the enumeration while the packages of other files here may be
# missing: those are imported where they are used.


# The composites' own references and attributes: a scene that is saved meanwhile, and the module
# after its Reload, still know what was shown before.
_BEFORE_ROLE = "SoftCordSeg.ForegroundBefore"
_BEFORE_ATTRIBUTE = "SoftCordSeg.BlendingBefore"
_TINT = 0.6  # of the mask's colour, added where the soft value is 1
_FILL_OPACITY = 0.4
_STEPS = 256


class Style(Enum):
    """Contours: lines at the threshold and at .25 and .75, and nothing over the anatomy.

    Soft: the colour grows with the soft value, and nothing is added where it is 0.

    Filled: the inside of the threshold's contour in colour.
    """

    Contours = "contours"
    Soft = "soft"
    Filled = "filled"


def show_style(study, style: Style, in_3d: bool) -> None:
    """Draw the mask of a study in every slice view that shows its image, and in 3D.

    ``Style.Contours`` puts the layers back that the user had in front.
    """
    scene = study.image.GetScene()
    if study.soft is None or study.view is None:
        style = Style.Contours
    else:
        from .contours import show_contours

        study.view.ensure_display()
        show_contours(study.view, fixed=style is Style.Contours, in_3d=in_3d)
        if study.view.shows_surface and not in_3d:  # from a scene of an earlier version
            study.view.update(surface=False)
        if not study.view.is_visible:
            style = Style.Contours
        _display_values(study, style)
    for composite in composites_of(scene):
        image, front = (
            scene.GetNodeByID(node_id) if node_id else None
            for node_id in (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID())
        )
        if style is not Style.Contours and image is study.image:
            _put_in_front(composite, study.soft, style)
        elif not _is_mask(front) or front is study.soft or linked(front, IMAGE) is not image:
            _put_back(composite)


def follow_threshold(study, style: Style) -> None:
    """Fill what the contour at the threshold surrounds; nothing in other styles."""
    display = study.soft.GetDisplayNode()
    if style is Style.Filled and display is not None:
        display.SetThreshold(study.view.threshold, 1.0)


def views_of(image_node) -> tuple[str, ...]:
    """The slice composites, by ID, that show an image in the background."""
    return tuple(
        composite.GetID()
        for composite in composites_of(image_node.GetScene())
        if composite.GetBackgroundVolumeID() == image_node.GetID()
    )


def leave_style(scene) -> None:
    """Put back the layers that the user had in front, in all slice views."""
    for composite in composites_of(scene):
        _put_back(composite)


def _display_values(study, style: Style) -> None:
    """The display of the soft mask's volume, by itself in shades of grey."""
    from .contours import colour_of
    from .soft_mask_node import display_soft_mask

    display_soft_mask(study.soft)
    if style is Style.Contours:
        return
    display = study.soft.GetDisplayNode()
    changes = display.StartModify()
    tint = rgb(colour_of(study))
    if style is Style.Soft:
        table = _table(study.image.GetScene(), [channel * _TINT for channel in tint], graded=True)
    else:
        table = _table(study.image.GetScene(), tint, graded=False)
        display.SetThreshold(study.view.threshold, 1.0)
        display.ApplyThresholdOn()
    display.SetAndObserveColorNodeID(table.GetID())
    display.EndModify(changes)


def _put_in_front(composite, soft_node, style: Style) -> None:
    if composite.GetAttribute(_BEFORE_ATTRIBUTE) is None:
        before = composite.GetForegroundVolumeID()
        ours = before is not None and _is_mask(composite.GetScene().GetNodeByID(before))
        composite.SetNodeReferenceID(_BEFORE_ROLE, None if ours else before)
        opacity = 0.0 if ours else composite.GetForegroundOpacity()
        composite.SetAttribute(_BEFORE_ATTRIBUTE, f"{opacity!r} {composite.GetCompositing()}")
    soft = style is Style.Soft
    changes = composite.StartModify()
    composite.SetForegroundVolumeID(soft_node.GetID())
    composite.SetForegroundOpacity(1.0 if soft else _FILL_OPACITY)
    # A colour table's opacity is not graded in slice views; what is added at 0 is.
    composite.SetCompositing(composite.Add if soft else composite.Alpha)
    composite.EndModify(changes)


def _put_back(composite) -> None:
    """Put back what was before the mask; another layer that the user has chosen since stays."""
    front = composite.GetForegroundVolumeID()
    node = composite.GetScene().GetNodeByID(front) if front else None
    before = composite.GetAttribute(_BEFORE_ATTRIBUTE)
    if before is None and not _is_mask(node):
        return
    opacity, compositing = (before or f"0.0 {composite.Alpha}").split()
    changes = composite.StartModify()
    if node is None or _is_mask(node):
        composite.SetForegroundVolumeID(composite.GetNodeReferenceID(_BEFORE_ROLE))
        composite.SetForegroundOpacity(float(opacity))
    composite.SetCompositing(int(compositing))
    composite.SetNodeReferenceID(_BEFORE_ROLE, None)
    composite.SetAttribute(_BEFORE_ATTRIBUTE, None)
    composite.EndModify(changes)


def _is_mask(node) -> bool:
    return node is not None and linked(node, IMAGE) is not None


def _table(scene, colour, graded: bool):
    """A colour table for soft values from 0 to 1: black to a colour, or the colour throughout."""
    import slicer

    name = f"SoftCordSeg {'tint' if graded else 'fill'} {' '.join(f'{c:.3f}' for c in colour)}"
    node = scene.GetFirstNode(name, "vtkMRMLColorTableNode")
    if node is None:
        node = slicer.vtkMRMLColorTableNode()
        node.SetName(name)
        node.SetTypeToUser()
        node.SetHideFromEditors(True)
        node.SetNumberOfColors(_STEPS)
        for n in range(_STEPS):
            share = n / (_STEPS - 1) if graded else 1.0
            node.SetColor(n, f"{n / (_STEPS - 1):.3f}", *(share * channel for channel in colour), 1)
        node = scene.AddNode(node)
    return node


def composites_of(scene) -> list:
    """The ``vtkMRMLSliceCompositeNode`` of every slice view."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")
    return [scene.GetNthNodeByClass(n, "vtkMRMLSliceCompositeNode") for n in range(count)]
