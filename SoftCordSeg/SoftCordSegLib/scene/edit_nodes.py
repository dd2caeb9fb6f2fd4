"""The nodes of a correction: the mask as predicted and the edit map, hidden behind the soft mask.

Both are made at the first correction.  A soft mask without them is as predicted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..correction import bounding_box, merge_into
from ..volume import Volume
from .hierarchy import place_result
from .links import EDIT_MAP, IMAGE, PREDICTION, SOFT_MASK, link, linked
from .soft_mask_node import set_soft_mask
from .volume_nodes import (
    array_of,
    file_grid_of,
    grid_of,
    remember_file_grid,
    values_on,
    voxels_changed,
)

_PREDICTION_NUMBER = "SoftCordSeg.PredictionNumber"  # of a soft mask: how many replaced the first
HIDDEN_ATTRIBUTE = "SoftCordSeg.Hidden"  # of nodes that are useless without their soft mask


class Correction(NamedTuple):
    """The state of a corrected soft mask: the voxels of its nodes **themselves**, (i, j, k), not
    copies.

    Attributes:
        soft: float32, ``merge(p0, edits, threshold, spacing)``.
        p0: float32, as predicted.
        edits: int8 of -1, 0, +1.
        spacing: (3,) mm.
    """

    soft: np.ndarray
    p0: np.ndarray
    edits: np.ndarray
    spacing: tuple[float, float, float]


def correction_of(soft_node) -> Correction | None:
    """The state of a soft mask that was corrected; None where it never was (or one of the two nodes
    was deleted).
    """
    prediction, edit_map = (linked(soft_node, role) for role in (PREDICTION, EDIT_MAP))
    if prediction is None or edit_map is None or not _belong_to(soft_node, prediction, edit_map):
        return None
    # Slicer writes plain char but not signed char, and plain char is unsigned on some machines.
    edits = array_of(edit_map).view(np.int8)
    return Correction(array_of(soft_node), array_of(prediction), edits, soft_node.GetSpacing())


def start_correction(soft_node) -> Correction:
    """The state of a soft mask; where it was never corrected, its present values become the
    prediction.
    """
    state = correction_of(soft_node)
    if state is not None:
        return state
    _remove_half(soft_node)
    soft = array_of(soft_node)
    for role, kind, ending, values in (
        (PREDICTION, "vtkFloatArray", "as predicted", soft),
        (EDIT_MAP, "vtkCharArray", "edits", np.zeros((), np.int8)),
    ):
        node = _add_hidden_volume(soft_node, kind, ending)
        array_of(node)[...] = values
        link(soft_node, role, node)
    return correction_of(soft_node)


def has_edits(soft_node) -> bool:
    """True if the user corrected this soft mask and did not revert everything."""
    state = correction_of(soft_node)
    return state is not None and bool(state.edits.any())


def set_prediction(soft_node, mask: Volume, threshold: float, keep_edits: bool = True) -> None:
    """Put a new prediction into a soft mask node; the caller renews the segment.

    Args:
        soft_node: the soft mask's node.
        mask: as for :func:`~.soft_mask.set_soft_mask`.
        threshold: of the segment, in (0, 1].
        keep_edits: True applies the user's corrections to the new prediction; False drops them.

    Raises:
        InputError: the voxels do not coincide, or values outside [0, 1]; nothing was changed.
    """
    set_soft_mask(soft_node, mask)
    soft_node.SetAttribute(_PREDICTION_NUMBER, str(prediction_number(soft_node) + 1))
    state = correction_of(soft_node)
    if state is None:
        return
    state.p0[...] = values_on(mask, grid_of(soft_node))
    voxels_changed(linked(soft_node, PREDICTION))
    if keep_edits:
        box = bounding_box(state.edits != 0)
        if box is not None:
            merge_into(state.soft, state.p0, state.edits, threshold, state.spacing, box)
            voxels_changed(soft_node)
    else:
        state.edits[...] = 0
        voxels_changed(linked(soft_node, EDIT_MAP))


def prediction_number(soft_node) -> int:
    """How many predictions have replaced the first one in a soft mask node."""
    return int(soft_node.GetAttribute(_PREDICTION_NUMBER) or 0)


def _add_hidden_volume(soft_node, array_class: str, ending: str):
    """A scalar volume with the geometry of the soft mask, hidden from all selectors."""
    import slicer
    import vtk

    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName(soft_node.GetScene().GenerateUniqueName(f"{soft_node.GetName()} {ending}"))
    node.SetHideFromEditors(True)
    node.SetAttribute(HIDDEN_ATTRIBUTE, "1")
    matrix = vtk.vtkMatrix4x4()
    soft_node.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    image = vtk.vtkImageData()
    image.SetDimensions(soft_node.GetImageData().GetDimensions())
    scalars = getattr(vtk, array_class)()
    scalars.SetNumberOfTuples(image.GetNumberOfPoints())
    image.GetPointData().SetScalars(scalars)
    node.SetAndObserveImageData(image)
    node = soft_node.GetScene().AddNode(node)
    node.SetAndObserveTransformNodeID(soft_node.GetTransformNodeID())
    link(node, SOFT_MASK, soft_node)
    remember_file_grid(node, file_grid_of(soft_node))
    image_node = linked(soft_node, IMAGE)
    if image_node is not None:
        place_result(node, image_node)
    return node


def _belong_to(soft_node, *nodes) -> bool:
    """False for a copy that the user made of a corrected mask: it refers to the nodes of the
    original.
    """
    return all(linked(node, SOFT_MASK) is soft_node for node in nodes)


def _remove_half(soft_node) -> None:
    """One of the two nodes alone is useless: the user deleted the other."""
    for role in (PREDICTION, EDIT_MAP):
        node = linked(soft_node, role)
        if node is not None and _belong_to(soft_node, node):
            node.GetScene().RemoveNode(node)
