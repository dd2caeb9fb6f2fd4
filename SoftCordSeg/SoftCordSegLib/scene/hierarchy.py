"""All results of an image are under its own item in the subject hierarchy: with the image they are
in its patient and study, move, and are deleted.
"""

from __future__ import annotations

# Scenes of version 0.5 have a folder of results beside the image.
_FORMER_FOLDER = "SoftCordSeg.Results"


def place_result(node, image_node) -> int:
    """Put ``node`` under the item of ``image_node``.

    Args:
        node: a result: soft mask, segmentation, discs, box, table, plot series or chart, in the
            image's scene.
        image_node: the image it was made from.

    Returns:
        The node's item in the subject hierarchy.
    """
    hierarchy = _hierarchy(image_node)
    owner = _item(hierarchy, image_node)
    item = _item(hierarchy, node, owner)
    former = hierarchy.GetItemParent(item)
    if former != owner:
        hierarchy.SetItemParent(item, owner)
        _remove_former_folder(hierarchy, former)
    return item


def _hierarchy(node):
    import slicer

    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())


def _item(hierarchy, node, parent: int | None = None) -> int:
    """The item of a node; made here where Slicer's Qt side, which makes items, is not running."""
    item = hierarchy.GetItemByDataNode(node)
    if item == hierarchy.GetInvalidItemID():
        item = hierarchy.CreateItem(hierarchy.GetSceneItemID() if parent is None else parent, node)
    return item


def _remove_former_folder(hierarchy, item: int) -> None:
    """Once it is empty."""
    is_ours = hierarchy.GetItemAttribute(item, _FORMER_FOLDER) == "1"
    if is_ours and not _children(hierarchy, item):
        hierarchy.RemoveItem(item)


def _children(hierarchy, item: int) -> list[int]:
    import vtk

    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(item, ids, False)
    return [ids.GetId(n) for n in range(ids.GetNumberOfIds())]
