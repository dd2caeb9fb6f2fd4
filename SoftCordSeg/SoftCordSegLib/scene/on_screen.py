"""Who is on screen: what was made from an image is drawn only while that image is shown."""

from __future__ import annotations

from .contours import contours_of, show_contours
from .cord_layouts import AXIAL, CORONAL, MOST_CONTRASTS, SAGITTAL, view_names
from .edit_nodes import HIDDEN_ATTRIBUTE
from .links import IMAGE, SOFT_MASK, linked
from .sequence_frames import is_of_shown_frame
from .threshold_view import ThresholdView
from .view_placement import composite_node_of, slice_node_of

_HIDDEN_ATTRIBUTE = "SoftCordSeg.HiddenWithItsImage"


def image_of_result(node):
    """The image that a node was made from, directly or by its soft mask; None for other nodes."""
    soft_node = linked(node, SOFT_MASK)
    return linked(node if soft_node is None else soft_node, IMAGE)


def show_only(scene, images) -> None:
    """Show what was made from ``images``, and hide what was made from others: in slices and 3D.  Of
    several images, discs and box of the first alone are shown: those of one participant would lie
    on one another.

    What the user has hidden stays hidden.
    """
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLDisplayableNode")):
        node = scene.GetNthNodeByClass(n, "vtkMRMLDisplayableNode")
        image = None if node.IsA("vtkMRMLVolumeNode") else image_of_result(node)
        if image is not None:
            shown = images[:1] if node.IsA("vtkMRMLMarkupsNode") else images
            _set_shown(node, any(image is one for one in shown) and is_of_shown_frame(node))
    _show_contours_with_segments(scene)


def own_composites(scene) -> list:
    """The composite nodes of Slicer's three slice views: those that are ours to fill.

    Views of other groups, and further ones that the user has opened, are the user's; so is a view
    that does not take part in the choice of volumes.
    """
    nodes = [composite_node_of(scene, name) for name in (SAGITTAL, AXIAL, CORONAL)]
    return [node for node in nodes if node is not None and node.GetDoPropagateVolumeSelection()]


def show_image(scene, image_node) -> None:
    """Show an image in our slice views; layers made from other images are removed."""
    for composite in own_composites(scene):
        put_in_view(composite, image_node)


def put_in_view(composite, image_node) -> None:
    """Show an image in one slice view, without layers that were made from another image."""
    scene = image_node.GetScene()
    if composite.GetBackgroundVolumeID() != image_node.GetID():
        changes = composite.StartModify()
        composite.SetBackgroundVolumeID(image_node.GetID())
        for get, put in (
            (composite.GetForegroundVolumeID, composite.SetForegroundVolumeID),
            (composite.GetLabelVolumeID, composite.SetLabelVolumeID),
        ):
            layer = scene.GetNodeByID(get()) if get() else None
            made_from = image_of_result(layer) if layer is not None else None
            if made_from is not None and made_from is not image_node:
                put(None)
        composite.EndModify(changes)


def images_in_views(scene) -> list:
    """The volumes in the background of our slice views that the layout shows, those of the layout
    *Compare* included, each once.

    A mask counts as the image it was made from.
    """
    composites = own_composites(scene)
    for names in view_names("compare", MOST_CONTRASTS).values():
        further = [composite_node_of(scene, name) for name in names[1:]]
        composites += [node for node in further if node is not None]
    nodes = [slice_node_of(scene, composite.GetLayoutName()) for composite in composites]
    in_layout = [
        composite
        for composite, node in zip(composites, nodes)
        if node is not None and node.IsViewVisibleInLayout()
    ]
    images = []
    for composite in in_layout or composites:
        identity = composite.GetBackgroundVolumeID()
        volume = scene.GetNodeByID(identity) if identity else None
        if volume is None:
            continue
        image = image_of_result(volume) or volume
        if not any(image is one for one in images):
            images.append(image)
    return images


def _show_contours_with_segments(scene) -> None:
    """Whether a mask's contours are drawn is up to its segment's eye alone."""
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")):
        node = scene.GetNthNodeByClass(n, "vtkMRMLSegmentationNode")
        view = ThresholdView(node)
        if node.GetAttribute(HIDDEN_ATTRIBUTE) or view.soft_node is None:
            continue
        displays = [model.GetDisplayNode() for model in contours_of(view.soft_node).values()]
        if any(one is not None and one.GetVisibility() != view.is_visible for one in displays):
            show_contours(view)


def _set_shown(node, shown: bool) -> None:
    """Hidden display nodes remember that it was not the user who hid them."""
    for n in range(node.GetNumberOfDisplayNodes()):
        display = node.GetNthDisplayNode(n)
        if display is None:
            continue
        if shown and display.GetAttribute(_HIDDEN_ATTRIBUTE):
            display.RemoveAttribute(_HIDDEN_ATTRIBUTE)
            display.SetVisibility(True)
        elif not shown and display.GetVisibility():
            display.SetAttribute(_HIDDEN_ATTRIBUTE, "1")
            display.SetVisibility(False)
