"""All results of an image are in one folder beside it in the subject hierarchy: same patient, same
study.
"""

from __future__ import annotations

from .links import IMAGE, SOFT_MASK, linked

_FOLDER_ATTRIBUTE = "SoftCordSeg.Results"


def place_result(node, image_node) -> int:
    """Put ``node`` into the results folder of ``image_node``, which is made beside the image if
    missing.

    Args:
        node: a result: soft mask, segmentation, discs, box, table, plot series or chart, in the
            image's scene.
        image_node: the image it was made from.

    Returns:
        The node's item in the subject hierarchy.
    """
    hierarchy = _hierarchy(image_node)
    folder = _results_folder(hierarchy, image_node)
    item = _item(hierarchy, node, folder)
    hierarchy.SetItemParent(item, folder)
    return item


def results_folder(image_node) -> int | None:
    """The item of the results folder of an image; None where there is none yet."""
    hierarchy = _hierarchy(image_node)
    return _find_folder(
        hierarchy, image_node, hierarchy.GetItemParent(_item(hierarchy, image_node))
    )


def _hierarchy(node):
    import slicer

    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())


def _item(hierarchy, node, parent: int | None = None) -> int:
    """The item of a node; made here where Slicer's Qt side, which makes items, is not running."""
    item = hierarchy.GetItemByDataNode(node)
    if item == hierarchy.GetInvalidItemID():
        item = hierarchy.CreateItem(hierarchy.GetSceneItemID() if parent is None else parent, node)
    return item


def _results_folder(hierarchy, image_node) -> int:
    parent = hierarchy.GetItemParent(_item(hierarchy, image_node))
    folder = _find_folder(hierarchy, image_node, parent)
    if folder is None:
        folder = hierarchy.CreateFolderItem(parent, f"{image_node.GetName()}: spinal cord")
        hierarchy.SetItemAttribute(folder, _FOLDER_ATTRIBUTE, "1")
    return folder


def _find_folder(hierarchy, image_node, parent: int) -> int | None:
    """A results folder beside the image is the image's if something in it was made from the image.

    The user may rename the folder, and IDs change on import; references between nodes stay valid.
    """
    for folder in _children(hierarchy, parent):
        if hierarchy.GetItemAttribute(folder, _FOLDER_ATTRIBUTE) != "1":
            continue
        nodes = (hierarchy.GetItemDataNode(child) for child in _children(hierarchy, folder))
        if any(node is not None and _image_of(node) is image_node for node in nodes):
            return folder
    return None


def _image_of(node):
    soft_node = linked(node, SOFT_MASK)
    return linked(node if soft_node is None else soft_node, IMAGE)


def _children(hierarchy, item: int) -> list[int]:
    import vtk

    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(item, ids, False)
    return [ids.GetId(n) for n in range(ids.GetNumberOfIds())]
