"""Node references, so that nodes of one image are still connected when a saved scene is opened.

References, unlike attributes that hold an ID, are remapped by Slicer when a scene is imported
beside another.
"""

from __future__ import annotations

IMAGE = (
    "SoftCordSeg.Image"  # from a soft mask, disc list, box or table to the image it was made from
)
# from a segmentation, contour, table or plot series to the soft mask it was made from
SOFT_MASK = "SoftCordSeg.SoftMask"
PREDICTION = "SoftCordSeg.Prediction"  # from a corrected soft mask to the mask as predicted
EDIT_MAP = "SoftCordSeg.EditMap"  # from a corrected soft mask to its edit map

# Names of points without one.  Slicer's own format has the name of the list in it, and
# takes a "%" of that for one of the format's: "%s" crashes it.
POINT_NAMES = "point-%d"


def link(node, role: str, target) -> None:
    """Make ``node`` refer to ``target`` in ``role``."""
    node.SetNodeReferenceID(role, target.GetID())


def linked(node, role: str):
    """The node that ``node`` refers to in ``role``, or None."""
    return node.GetNodeReference(role)


def nodes_linked_to(target, role: str, class_name: str) -> list:
    """All nodes of ``class_name`` that refer to ``target`` in ``role``, in the scene's order."""
    scene = target.GetScene()
    if scene is None:
        return []
    nodes = (
        scene.GetNthNodeByClass(n, class_name)
        for n in range(scene.GetNumberOfNodesByClass(class_name))
    )
    return [node for node in nodes if node.GetNodeReferenceID(role) == target.GetID()]
