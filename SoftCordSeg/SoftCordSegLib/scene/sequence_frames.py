"""Which frame of a sequence a mask was made from.

The volume in the views (Slicer's proxy node) stays the same node whatever frame it shows, so that
its masks have to know their frame.
"""

from __future__ import annotations

from .links import IMAGE, SOFT_MASK, linked

_FRAME = "SoftCordSeg.Frame"


def browser_of(image_node):
    """The ``vtkMRMLSequenceBrowserNode`` whose frames a volume shows; None for other volumes."""
    scene = image_node.GetScene()
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSequenceBrowserNode")):
        browser = scene.GetNthNodeByClass(n, "vtkMRMLSequenceBrowserNode")
        if browser.IsProxyNode(image_node.GetID()) and browser.GetSequenceNode(image_node):
            return browser
    return None


def shown_frame(image_node) -> int | None:
    """The number of the frame that a volume shows, from 0; None where it is of no sequence."""
    browser = browser_of(image_node)
    return None if browser is None else browser.GetSelectedItemNumber()


def remember_frame(soft_node, image_node) -> None:
    """Keep with a new mask the frame that it is made from."""
    frame = shown_frame(image_node)
    if frame is not None:
        soft_node.SetAttribute(_FRAME, str(frame))


def is_of_shown_frame(node) -> bool:
    """False for a mask of another frame than the one its image shows, and for what was made from
    that mask.
    """
    soft_node = linked(node, SOFT_MASK) or node
    frame, image_node = soft_node.GetAttribute(_FRAME), linked(soft_node, IMAGE)
    if frame is None or image_node is None:
        return True
    return shown_frame(image_node) in (None, int(frame))
