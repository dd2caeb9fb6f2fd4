"""A case of a data set in the scene: image, mask and discs are put in, and taken out again with
everything that was made from them; nodes of the user are never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..morphometry import DiscLabel
from ..volume import Volume
from .edit_nodes import correction_of
from .links import EDIT_MAP, IMAGE, SOFT_MASK, linked
from .scene_files import soft_mask_as_stored
from .study import Study, set_disc_labels, set_segmentation, study_of
from .view_placement import own_window
from .volume_nodes import add_volume

# Of an image node: it belongs to a review, and goes with its case.
# The window of an image is read from so many voxels along each axis.
_FEW = 48
_SHOWN_PERCENT = (1.0, 99.5)


@dataclass(eq=False)
class ShownCase:
    """The nodes of one case.

    Attributes:
        image: ``vtkMRMLScalarVolumeNode``.
        beside: further image nodes, for other contrasts and second masks.
        problem: why the mask or the discs are not shown; "" where they are.
    """

    image: object
    beside: list = field(default_factory=list)
    problem: str = ""

    @property
    def study(self) -> Study:
        """The image's nodes, as they are in the scene now."""
        return study_of(self.image)

    @property
    def is_whole(self) -> bool:
        """False where the user has removed the image, or closed the scene."""
        return self.image.GetScene() is not None


def add_case_image(scene, volume: Volume, name: str, file: Path | None = None):
    """The node of an image of a review.

    Args:
        scene: the MRML scene.
        volume: its voxels.
        name: as it is shown.
        file: that it was read from; None hides that, for a blinded reading.
    """
    import slicer

    few = volume.data[tuple(slice(None, None, max(size // _FEW, 1)) for size in volume.data.shape)]
    low, high = (float(value) for value in np.percentile(few, _SHOWN_PERCENT))
    node = add_volume(scene, volume, name, (low, max(high, low + 1e-6)))
    own_window(node)
    node.SetName(name)  # as it is: the case before, of the same name, goes
    if file is not None:
        # The scene, when it is saved, refers to the file and does not write it again.
        storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
        storage.SetFileName(str(file))
        node.SetAndObserveStorageNodeID(scene.AddNode(storage).GetID())
    return node


def add_mask_beside(shown: ShownCase, mask: Volume, name: str):
    """A second mask of the case's image, for the column beside it: the image's voxels are shared,
    not copied.

    Returns:
        The image node of that column.

    Raises:
        InputError: the mask does not fit the image.
    """
    import vtk

    scene, image = shown.image.GetScene(), shown.image
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    matrix = vtk.vtkMatrix4x4()
    image.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveImageData(image.GetImageData())
    node.CreateDefaultDisplayNodes()
    if image.GetDisplayNode() is not None:
        node.GetDisplayNode().CopyContent(image.GetDisplayNode())
    shown.beside.append(node)
    set_segmentation(node, mask)
    return node


def put_mask(
    shown: ShownCase,
    mask: Volume | None,
    discs: Iterable[DiscLabel] = (),
    remarks: Mapping[int, str] | None = None,
) -> None:
    """Put the mask and the discs of a case into the scene; what does not fit is told in
    :attr:`ShownCase.problem`.
    """
    try:
        if mask is not None:
            set_segmentation(shown.image, mask)
        points = list(discs)
        if points:
            set_disc_labels(shown.image, points, remarks)
    except InputError as error:
        shown.problem = f"{error.sentence} {error.hint}".rstrip()


def edit_map_as_stored(soft_node) -> Volume | None:
    """The edit map of a soft mask on the grid of the image's file, int8: a copy; None where nothing
    was corrected.
    """
    state = correction_of(soft_node)
    if state is None or not state.edits.any():
        return None
    volume = soft_mask_as_stored(linked(soft_node, EDIT_MAP))
    return volume.with_data(volume.data.view(np.int8))


def remove_case(shown: ShownCase) -> None:
    """Take a case out of the scene: its images, and everything that was made from them."""
    for image in (*shown.beside, shown.image):
        scene = image.GetScene()
        if scene is None:
            continue
        nodes = _made_from(image)
        for node in (*nodes, image):
            _remove(scene, node)
    shown.beside = []


def _made_from(image) -> list:
    """Every node that refers to an image, or to a mask of it: those of deleted masks too."""
    scene = image.GetScene()
    masks = _referring(scene, IMAGE, {image.GetID()})
    ids = {node.GetID() for node in masks}
    further = _referring(scene, SOFT_MASK, ids)
    # Plot series refer to tables.
    last = [node for node in further if node.IsA("vtkMRMLTableNode")]
    last += [node for node in masks if node.IsA("vtkMRMLTableNode")]
    series = [
        node
        for node in _all(scene, "vtkMRMLPlotSeriesNode")
        if node.GetTableNode() is not None and node.GetTableNode() in last
    ]
    return [*series, *(node for node in further if node not in masks), *masks]


def _referring(scene, role: str, ids: set) -> list:
    return [node for node in _all(scene, "vtkMRMLNode") if node.GetNodeReferenceID(role) in ids]


def _all(scene, kind: str) -> list:
    return [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]


def _remove(scene, node) -> None:
    """A node with what it is displayed and stored by, and its item."""
    import slicer

    if node.GetScene() is not scene:
        return
    own = []
    if node.IsA("vtkMRMLDisplayableNode"):
        own += [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        own += [node.GetNthStorageNode(n) for n in range(node.GetNumberOfStorageNodes())]
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(node)
    if item != hierarchy.GetInvalidItemID():
        hierarchy.RemoveItem(item, False, False)
    scene.RemoveNode(node)
    for one in own:
        if one is not None and one.GetScene() is scene:
            scene.RemoveNode(one)
    # VTKObservationMixin keeps what it has observed for good: not its voxels too.
    if node.IsA("vtkMRMLVolumeNode"):
        node.SetAndObserveImageData(None)
    elif node.IsA("vtkMRMLModelNode"):
        node.SetAndObservePolyData(None)
    elif node.IsA("vtkMRMLSegmentationNode"):
        node.GetSegmentation().RemoveAllSegments()
