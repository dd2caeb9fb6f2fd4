"""Results stay with their image when it is moved: a registration puts the image under a transform,
or hardens one.
"""

from __future__ import annotations

from ..errors import InputError
from .links import IMAGE, SOFT_MASK, linked
from .soft_mask_node import soft_masks_of
from .volume_nodes import SAME_PLACE_MM, grid_difference, grid_of


def images_with_results(scene) -> list:
    """The volumes from which something in the scene was made, each once."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLTransformableNode")
    nodes = (scene.GetNthNodeByClass(n, "vtkMRMLTransformableNode") for n in range(count))
    images = {}
    for node in nodes:
        image = linked(node, IMAGE)
        if image is not None:
            images[image.GetID()] = image
    return list(images.values())


def follow_image(image_node) -> bool:
    """Put everything that was made from an image under the image's transform, where it is not.

    What fitted the image before it was moved goes with it.  What fits the image as it is now (after
    its transform was hardened, or when it was made by an earlier version) keeps its place.  Where
    the image has other voxels than its mask (:func:`geometry_change`), nothing is moved.

    Returns:
        Whether anything was changed.
    """
    wanted, nodes = image_node.GetTransformNodeID(), _left_behind(image_node)
    masks = soft_masks_of(image_node)
    soft_node = masks[-1] if masks else None
    if not nodes or geometry_change(image_node, soft_node):
        return False
    transform, before = image_node.GetParentTransformNode(), None
    fits_already = False
    if soft_node is not None:
        before = soft_node.GetTransformNodeID()
        fits_already = before == wanted or _coincide(soft_node, image_node, in_world=True)
    former = soft_node.GetParentTransformNode() if soft_node is not None else None
    # The voxels first: the segment's are compared with them when they move.
    for node in sorted(nodes, key=lambda node: not node.IsA("vtkMRMLVolumeNode")):
        if fits_already:
            _keep_place(node, transform)
        elif soft_node is not None and node.GetTransformNodeID() != before:
            _keep_place(node, former)
        node.SetAndObserveTransformNodeID(wanted)
    return True


def is_left_behind(image_node) -> bool:
    """Whether anything that was made from an image is not under its transform."""
    return bool(_left_behind(image_node))


def geometry_change(image_node, soft_node) -> str:
    """In what the voxels of an image differ from those of its mask, in words; "" where they do not:
    in their own frames, or in the world.
    """
    if soft_node is None or image_node.GetImageData() is None:
        return ""
    for in_world in (False, True):
        if _coincide(soft_node, image_node, in_world):
            return ""
    try:
        return grid_difference(grid_of(soft_node, False), grid_of(image_node, False))
    except InputError as error:
        return error.sentence


def _left_behind(image_node) -> list:
    wanted = image_node.GetTransformNodeID()
    return [node for node in _made_from(image_node) if node.GetTransformNodeID() != wanted]


def _made_from(image_node) -> list:
    scene = image_node.GetScene()
    count = scene.GetNumberOfNodesByClass("vtkMRMLTransformableNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLTransformableNode") for n in range(count)]
    own = [node for node in nodes if linked(node, IMAGE) is image_node]
    return [
        node for node in nodes if any(node is one or linked(node, SOFT_MASK) is one for one in own)
    ]


def _coincide(first, second, in_world: bool) -> bool:
    try:
        return grid_of(first, in_world).same_as(grid_of(second, in_world), SAME_PLACE_MM)
    except InputError:
        return False


def _keep_place(node, transform) -> None:
    """Change a node's own coordinates so that it will be where it is now, under ``transform``."""
    import vtk

    node.HardenTransform()
    if transform is None:
        return
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformFromWorld(matrix)
    node.ApplyTransformMatrix(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())
