"""The present voxels of the segment, on the grid of the soft mask."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..correction import Box
from .threshold_view import SEGMENT_ID

_SAME_MATRIX = 1e-4  # mm; more than the rounding of geometries that were saved as text


class SegmentVoxels(NamedTuple):
    """A segment's voxels.

    Attributes:
        box: where they are, in the indices of the soft mask; None where the segment is empty.
        inside: bool, of the box's shape.
        resampled: True if the segment was stored on another grid than the soft mask's.
    """

    box: Box | None
    inside: np.ndarray
    resampled: bool

    def on(self, box: Box) -> np.ndarray:
        """The voxels in another box around this one: bool, False where the segment has none."""
        voxels = np.zeros([part.stop - part.start for part in box], bool)
        if self.box is not None:
            voxels[
                tuple(
                    slice(own.start - part.start, own.stop - part.start)
                    for own, part in zip(self.box, box)
                )
            ] = self.inside
        return voxels


def labelmap_of(view, segment_id: str = SEGMENT_ID):
    """The stored labelmap of the segment: ``vtkOrientedImageData``; None where the segment was
    deleted, or is being restored.
    """
    segment = view.node.GetSegmentation().GetSegment(segment_id)
    return None if segment is None else segment.GetRepresentation("Binary labelmap")


def other_segments(view) -> list[str]:
    """The IDs of the segments that the user added to a threshold view, for example a lesion."""
    segmentation = view.node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
    return [segment_id for segment_id in ids if segment_id != SEGMENT_ID]


def voxels_of_others(view) -> np.ndarray | None:
    """The voxels (i, j, k) in any of :func:`other_segments`, bool; None where there are none."""
    found = [segment_voxels(view, segment_id) for segment_id in other_segments(view)]
    found = [one for one in found if one is not None and one.box is not None]
    if not found:
        return None
    voxels = np.zeros(view.soft_node.GetImageData().GetDimensions(), bool)
    for one in found:
        voxels[one.box] |= one.inside
    return voxels


def segment_voxels(view, segment_id: str = SEGMENT_ID) -> SegmentVoxels | None:
    """Read a segment of a threshold view, the cord's or another one; None where there is none to
    read (see :func:`labelmap_of`).
    """
    from vtk.util.numpy_support import vtk_to_numpy

    labelmap = labelmap_of(view, segment_id)
    if labelmap is None:
        return None
    resampled = not _on_grid_of(labelmap, view.soft_node)
    if resampled:
        labelmap = _resampled(labelmap, view.soft_node)
    shape = view.soft_node.GetImageData().GetDimensions()
    extent = labelmap.GetExtent()
    scalars = labelmap.GetPointData().GetScalars()
    box = tuple(
        slice(max(extent[2 * n], 0), min(extent[2 * n + 1] + 1, shape[n])) for n in range(3)
    )
    if scalars is None or any(part.stop <= part.start for part in box):
        return SegmentVoxels(None, np.zeros((0, 0, 0), bool), resampled)
    voxels = vtk_to_numpy(scalars).reshape(labelmap.GetDimensions(), order="F")
    voxels = voxels[
        tuple(slice(part.start - first, part.stop - first) for part, first in zip(box, extent[::2]))
    ]
    # Segments that do not overlap share one labelmap, each under its own label.
    label = view.node.GetSegmentation().GetSegment(segment_id).GetLabelValue()
    return SegmentVoxels(box, voxels == label, resampled)


def _on_grid_of(labelmap, volume_node) -> bool:
    import vtk

    own, other = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(own)
    volume_node.GetIJKToRASMatrix(other)
    return all(
        abs(own.GetElement(r, c) - other.GetElement(r, c)) <= _SAME_MATRIX
        for r in range(3)
        for c in range(4)
    )


def _resampled(labelmap, volume_node):
    """The nearest voxels of the labelmap on the grid of a volume node: the user edited in another
    geometry.
    """
    import slicer
    import vtk

    reference = slicer.vtkOrientedImageData()
    reference.SetExtent(volume_node.GetImageData().GetExtent())
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    reference.SetImageToWorldMatrix(matrix)
    resampled = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
        labelmap, reference, resampled, False, False
    )
    return resampled
