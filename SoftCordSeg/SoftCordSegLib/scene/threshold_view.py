"""The segment "Spinal cord": a derived view, soft mask >= t, kept up to date on the cord's bounding
box only.

The soft mask is the truth.  Where the user corrected it, it is merged anew at each threshold, so
that added voxels stay in the segment and removed ones stay out.  Everything here can be rebuilt
from it, and the class has no state that the scene does not have: a new :class:`ThresholdView` can
be made on the segmentation node of a scene read from a file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

from ..colours import rgb
from ..correction import Box, bounding_box, merge_into, moved, union
from ..errors import InputError
from .contours import colour_of_mask, ensure_contours, surface_at, update_contours
from .edit_nodes import HIDDEN_ATTRIBUTE, correction_of
from .links import EDIT_MAP, IMAGE, SOFT_MASK, link, linked, nodes_linked_to
from .volume_nodes import array_of, voxels_changed

SEGMENT_ID = "SpinalCord"
SEGMENT_NAME = "Spinal cord"
DEFAULT_THRESHOLD = 0.5
_THRESHOLD_ATTRIBUTE = "SoftCordSeg.Threshold"
# Category Anatomical Structure (SNOMED CT 123037004), type Spinal cord (SNOMED CT 2748008), no
# modifier, no region.
_TERMINOLOGY = (
    "Segmentation category and type - DICOM master list"
    "~SCT^123037004^Anatomical Structure~SCT^2748008^Spinal cord~^^"
    "~Anatomic codes - DICOM master list~^^~^^"
)
_LABELMAP, _SURFACE = "Binary labelmap", "Closed surface"
_being_written: set = set()  # segmentation nodes; VTK has one Python object a node


def add_threshold_view(
    scene, soft_node, threshold: float = DEFAULT_THRESHOLD, name: str | None = None
) -> ThresholdView:
    """A new segmentation node with the segment "Spinal cord" = soft mask >= ``threshold``.

    Args:
        scene: the MRML scene.
        soft_node: made by :func:`~SoftCordSegLib.scene.soft_mask_node.add_soft_mask`.
        threshold: in (0, 1].
        name: of the segmentation node; "<image> cord" where None.
    """
    image_node = linked(soft_node, IMAGE)
    owner = image_node if image_node is not None else soft_node
    node = scene.AddNewNodeByClass(
        "vtkMRMLSegmentationNode", scene.GenerateUniqueName(name or f"{owner.GetName()} cord")
    )
    node.SetReferenceImageGeometryParameterFromVolumeNode(owner)
    node.SetAndObserveTransformNodeID(soft_node.GetTransformNodeID())
    link(node, SOFT_MASK, soft_node)
    view = ThresholdView(node)
    view.update(threshold)
    return view


def threshold_views_of(soft_node) -> list[ThresholdView]:
    """The threshold views of a soft mask node."""
    return [
        ThresholdView(node)
        for node in nodes_linked_to(soft_node, SOFT_MASK, "vtkMRMLSegmentationNode")
        if not node.GetAttribute(HIDDEN_ATTRIBUTE)
    ]


class ThresholdView:
    """Keeps one segment equal to soft mask >= t.

    Attributes:
        node: the ``vtkMRMLSegmentationNode``.
    """

    def __init__(self, node):
        self.node = node
        self._nonzero = _KnownBox()  # of soft > 0
        self._edited = _KnownBox()  # of edits that are not 0
        self._surface_written = (
            None  # what we last wrote, and when, and the time stamp of the voxels it was made of
        )

    @property
    def soft_node(self):
        """The soft mask's volume node; None when it was deleted."""
        return linked(self.node, SOFT_MASK)

    @property
    def is_visible(self) -> bool:
        """Whether the segment is to be seen in the views: the eye beside it in Slicer's modules."""
        display = self.node.GetDisplayNode()
        if display is None or self.segment is None:
            return True
        return bool(display.GetVisibility()) and SEGMENT_ID in _visible_segments(display)

    @property
    def is_updating(self) -> bool:
        """True while the segment is being written, by this or another view of the same node.

        An observer of the user's strokes ignores events while it is True.
        """
        return self.node in _being_written

    @property
    def threshold(self) -> float:
        """The threshold of the last :meth:`update`, saved with the scene."""
        return float(self.node.GetAttribute(_THRESHOLD_ATTRIBUTE) or DEFAULT_THRESHOLD)

    @property
    def shows_surface(self) -> bool:
        """True if the segment has a closed surface, which :meth:`update` then keeps up to date."""
        return self.surface is not None

    @property
    def surface(self):
        """The segment's closed surface, ``vtkPolyData``; None where it has none."""
        return None if self.segment is None else self.segment.GetRepresentation(_SURFACE)

    @property
    def segment(self):
        """The ``vtkSegment``; None where the user deleted it."""
        return self.node.GetSegmentation().GetSegment(SEGMENT_ID)

    def update(self, threshold: float | None = None, surface: bool | None = None) -> None:
        """Make the segment soft mask >= ``threshold``.

        Args:
            threshold: in (0, 1]; the last one where None (the soft mask has changed).
            surface: whether the segment has a closed surface afterwards; as before where None.

        Raises:
            InputError: threshold out of range, or the soft mask is gone.
        """
        threshold = self.threshold if threshold is None else float(threshold)
        if not 0.0 < threshold <= 1.0:
            raise InputError(
                f"The threshold is {threshold:g}.", hint="Choose one above 0 and at most 1."
            )
        surface = self.shows_surface if surface is None else surface
        soft = self._soft_array()
        self._merge_edits(threshold)
        box = self.box_at(threshold)
        with self._writing():
            segment = self._segment()
            # With a surface there, Slicer would convert the new labelmap to one: slower, and not
            # the iso-surface.
            segment.RemoveRepresentation(_SURFACE)
            self._write_labelmap(soft, box, threshold)
            self.node.SetAttribute(_THRESHOLD_ATTRIBUTE, repr(threshold))
            if surface:
                self._write_surface(segment, box, threshold)
        ensure_contours(self)
        update_contours(self, threshold_moved=True)

    def ensure_display(self):
        """The segmentation's display node, made again where the user deleted it.

        In the slices the contours stand for the cord; segments that the user adds are shown as
        Slicer does.
        """
        display = self.node.GetDisplayNode()
        if display is None:
            self.node.CreateDefaultDisplayNodes()
            display = self.node.GetDisplayNode()
            display.SetPreferredDisplayRepresentationName2D(_LABELMAP)
            display.SetPreferredDisplayRepresentationName3D(_SURFACE)
        if self.segment is not None:
            _visible_segments(display)
            for shown, show in (
                (display.GetSegmentVisibility2DFill, display.SetSegmentVisibility2DFill),
                (display.GetSegmentVisibility2DOutline, display.SetSegmentVisibility2DOutline),
            ):
                if shown(SEGMENT_ID):
                    show(SEGMENT_ID, False)
        return display

    def box_at(self, threshold: float) -> Box | None:
        """The box of soft mask >= ``threshold``, computed only where the mask is above 0; None if
        there are no such voxels.
        """
        soft = self._soft_array()
        around = self._nonzero.known(_voxels_time(self.soft_node), lambda: bounding_box(soft > 0))
        inner = None if around is None else bounding_box(soft[around] >= threshold)
        return None if inner is None else moved(inner, [part.start for part in around])

    def soft_written(self, box: Box) -> None:
        """Tell the scene, and this view, that voxels of the soft mask were written in ``box``; the
        segment is left as it is.
        """
        before = _voxels_time(self.soft_node)
        voxels_changed(self.soft_node)
        self._nonzero.grow(before, _voxels_time(self.soft_node), box)

    def renew_surfaces(self) -> None:
        """Bring the contours up to date with the soft mask; and where the segment has a closed
        surface, put the iso-surface in place of one that Slicer made of the segment's voxels.
        """
        update_contours(self, threshold_moved=False)
        if not self.shows_surface or self._surface_written == self._surface_stamp():
            return
        with self._writing():
            self._write_surface(self._segment(), self.box_at(self.threshold), self.threshold)

    def _merge_edits(self, threshold: float) -> None:
        state = correction_of(self.soft_node)
        if state is None:
            return
        box = self._edited.known(
            _voxels_time(linked(self.soft_node, EDIT_MAP)), lambda: bounding_box(state.edits != 0)
        )
        written = (
            None
            if box is None
            else merge_into(state.soft, state.p0, state.edits, threshold, state.spacing, box)
        )
        if written is not None:
            self.soft_written(written)

    def _soft_array(self) -> np.ndarray:
        if self.soft_node is None:
            raise InputError(
                f"The soft mask of '{self.node.GetName()}' was deleted.",
                hint="Segment the image again.",
            )
        return array_of(self.soft_node)

    def _segment(self):
        segmentation = self.node.GetSegmentation()
        if segmentation.GetSegment(SEGMENT_ID) is None:
            colour = rgb(colour_of_mask(self.soft_node))
            segmentation.AddEmptySegment(SEGMENT_ID, SEGMENT_NAME, colour)
            segment = segmentation.GetSegment(SEGMENT_ID)
            segment.SetTag(segment.GetTerminologyEntryTagName(), _TERMINOLOGY)
            self.ensure_display()
        return segmentation.GetSegment(SEGMENT_ID)

    def _write_labelmap(self, soft: np.ndarray, box, threshold: float) -> None:
        import slicer
        import vtk
        from vtk.util.numpy_support import vtk_to_numpy

        if box is None:
            self.node.GetSegmentation().ClearSegment(SEGMENT_ID)
            return
        labelmap = slicer.vtkOrientedImageData()
        labelmap.SetExtent([bound for part in box for bound in (part.start, part.stop - 1)])
        labelmap.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        crop = soft[box]
        voxels = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(crop.shape, order="F")
        np.greater_equal(crop, threshold, out=voxels.view(bool))
        labelmap.SetImageToWorldMatrix(self._ijk_to_ras())
        written = slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(
            labelmap, self.node, SEGMENT_ID
        )
        if not written:
            raise InputError(
                f"Slicer could not write the segment '{SEGMENT_NAME}' of '{self.node.GetName()}'.",
                hint="Delete it and segment again.",
            )

    def _write_surface(self, segment, box: Box | None, threshold: float) -> None:
        segment.AddRepresentation(_SURFACE, surface_at(self.soft_node, threshold, box))
        self._surface_written = self._surface_stamp()

    def _surface_stamp(self) -> tuple:
        # Slicer converts into the object that is there, so that identity alone does not tell.
        return self.surface, self.surface.GetMTime(), _voxels_time(self.soft_node)

    def _ijk_to_ras(self):
        import vtk

        matrix = vtk.vtkMatrix4x4()
        self.soft_node.GetIJKToRASMatrix(matrix)
        return matrix

    @contextlib.contextmanager
    def _writing(self):
        self.ensure_display()  # Slicer's slice views crash where a written segment has none
        changes = self.node.StartModify()
        _being_written.add(self.node)
        try:
            yield
        finally:
            self.node.EndModify(changes)  # the node passes on the segmentation's events now
            _being_written.discard(self.node)


class _KnownBox:
    """A box that is computed again only when its voxels have changed."""

    def __init__(self):
        self._box, self._time = None, None

    def known(self, time: int, find: Callable[[], Box | None]) -> Box | None:
        """The box at a time stamp, by ``find`` where it is not known."""
        if self._time != time:
            self._box, self._time = find(), time
        return self._box

    def grow(self, before: int, after: int, box: Box) -> None:
        """Voxels in ``box`` were written between the two time stamps, and no others."""
        if self._time == before:
            self._box, self._time = union(self._box, box), after


def _visible_segments(display) -> list[str]:
    """The IDs of the segments that are visible.  Slicer makes the properties of a new segment only
    when it is asked for this list, and complains about those of one that has none.
    """
    import vtk

    ids = vtk.vtkStringArray()
    display.GetVisibleSegmentIDs(ids)
    return [ids.GetValue(n) for n in range(ids.GetNumberOfValues())]


def _voxels_time(volume_node) -> int:
    return volume_node.GetImageData().GetMTime()
