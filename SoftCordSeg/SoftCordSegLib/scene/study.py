"""All nodes of one image: made, updated and found together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..morphometry import CordShape, DiscLabel, LevelSummary, Summary
from ..volume import Box, Volume
from .box_node import add_box, boxes_of, display_box, set_box
from .contours import contours_of, ensure_contours, show_contours, update_contours
from .disc_points import add_discs, disc_lists_of, display_discs, set_discs
from .edit_display import show_edits
from .edit_nodes import correction_of, set_prediction
from .follow_image import follow_image, geometry_change
from .hierarchy import place_result
from .links import EDIT_MAP, PREDICTION, linked
from .measure_tables import (
    add_slice_table,
    add_summary_table,
    rename_table,
    set_slice_table,
    set_summary_table,
    tables_of,
)
from .soft_mask_node import add_soft_mask, display_soft_mask, soft_masks_of
from .threshold_view import DEFAULT_THRESHOLD, ThresholdView, add_threshold_view, threshold_views_of


@dataclass
class Study:
    """The nodes of one image; None where there is none (yet), or where the user deleted it.

    Attributes:
        image: ``vtkMRMLScalarVolumeNode`` that was segmented.
        soft: the soft mask's ``vtkMRMLScalarVolumeNode``.
        view: the segment at the threshold.
        contours: the ``vtkMRMLModelNode`` of each of its contours, hidden.
        prediction, edit_map: hidden volume nodes, the mask as predicted and the corrections.
        box: ``vtkMRMLMarkupsROINode`` of the region that was segmented.
        discs: ``vtkMRMLMarkupsFiducialNode``.
        slice_table, summary_table: ``vtkMRMLTableNode`` of the measures slice by slice, and of
            levels or of a range of them.
    """

    image: object
    soft: object = None
    view: ThresholdView | None = None
    contours: tuple = ()
    prediction: object = None
    edit_map: object = None
    box: object = None
    discs: object = None
    slice_table: object = None
    summary_table: object = None

    @property
    def results(self) -> list:
        """All nodes that are there, without the image."""
        view = self.view.node if self.view is not None else None
        mask = (self.soft, view, *self.contours, self.prediction, self.edit_map)
        nodes = (*mask, self.box, self.discs, self.slice_table, self.summary_table)
        return [node for node in nodes if node is not None]


def study_of(image_node) -> Study:
    """The nodes of an image in the scene, for example after a saved scene was opened; of several,
    the newest.
    """
    study = Study(
        image_node, box=_newest(boxes_of(image_node)), discs=_newest(disc_lists_of(image_node))
    )
    study.soft = _newest(soft_masks_of(image_node))
    if study.soft is not None:
        study.view = _newest(threshold_views_of(study.soft))
        study.contours = tuple(contours_of(study.soft).values())
        if correction_of(study.soft) is not None:
            study.prediction, study.edit_map = (
                linked(study.soft, PREDICTION),
                linked(study.soft, EDIT_MAP),
            )
        study.slice_table = _newest(tables_of(study.soft, "slices"))
        study.summary_table = _newest(tables_of(study.soft, "summary"))
    return study


def set_segmentation(
    image_node,
    mask: Volume,
    box: Box | None = None,
    threshold: float | None = None,
    keep_edits: bool = True,
) -> Study:
    """Put a soft mask, its segment and the segmented box into the scene of an image.

    Existing nodes of this image are updated in place (same nodes, same display); nodes of other
    images are not changed.  An image that has other voxels than its mask gets new nodes; the former
    ones, with their corrections, stay in the scene and are hidden.

    Args:
        image_node: the image that was segmented.
        mask: the soft mask, on the image's voxels.
        box: the region that was segmented; None does not change the box.
        threshold: of the segment; None keeps the present one (0.5 for a new one).
        keep_edits: the user's corrections are applied to the new mask; False drops them.

    Raises:
        InputError: the mask does not fit the image, or has values outside [0, 1]; the scene is as
            it was.
    """
    scene = image_node.GetScene()
    follow_image(image_node)
    study = study_of(image_node)
    if geometry_change(image_node, study.soft):
        former, study.soft = study.view, add_soft_mask(scene, image_node, mask)
        study.view = study.slice_table = study.summary_table = None
        study.prediction = study.edit_map = None
        if former is not None:
            _hide(former)
    elif study.soft is None:
        study.soft = add_soft_mask(scene, image_node, mask)
    else:
        shown_at = DEFAULT_THRESHOLD if study.view is None else study.view.threshold
        set_prediction(study.soft, mask, shown_at if threshold is None else threshold, keep_edits)
    if study.view is None:
        study.view = add_threshold_view(
            scene, study.soft, DEFAULT_THRESHOLD if threshold is None else threshold
        )
    else:
        study.view.update(threshold)
    if box is not None and study.box is None:
        study.box = add_box(scene, image_node, box)
    elif box is not None:
        set_box(study.box, box)
    return _in_hierarchy(study)


def set_disc_labels(
    image_node, discs: Iterable[DiscLabel], remarks: Mapping[int, str] | None = None
) -> Study:
    """Put disc labels into the scene of an image, replacing existing ones; ``remarks`` as
    in :func:`.discs.set_discs`.
    """
    study = study_of(image_node)
    if study.discs is None:
        study.discs = add_discs(image_node.GetScene(), image_node, discs, remarks=remarks)
    else:
        set_discs(study.discs, discs, remarks)
    return _in_hierarchy(study)


def set_slice_measures(study: Study, shape: CordShape) -> Study:
    """Put the measures of the soft mask into the scene slice by slice, replacing existing ones."""
    if study.slice_table is None:
        study.slice_table = add_slice_table(study.image.GetScene(), study.soft, shape)
    else:
        set_slice_table(study.slice_table, shape)
    return _in_hierarchy(study)


def set_summary(
    study: Study,
    shape: CordShape,
    summary: Summary | Iterable[LevelSummary] | None,
    what: str = "area by level",
) -> Study:
    """Put the measures of groups of slices into the scene, replacing existing ones.

    Args:
        study: with a soft mask.
        shape: that was measured.
        summary: the groups; None removes the table.
        what: ends the name of the table.
    """
    scene = study.image.GetScene()
    if summary is None:
        if study.summary_table is not None:
            scene.RemoveNode(study.summary_table)
        study.summary_table = None
        return study
    if study.summary_table is None:
        study.summary_table = add_summary_table(scene, study.soft, shape, summary, what)
    else:
        rename_table(study.summary_table, what)
        set_summary_table(study.summary_table, shape, summary)
    return _in_hierarchy(study)


def repair(study: Study, threshold: float = DEFAULT_THRESHOLD) -> Study:
    """Make again what the user deleted and the mask cannot be shown without: the segment (at
    ``threshold``; the corrections are in the edit map) and display nodes.
    """
    if study.soft is not None:
        made = study.view is None
        if made:
            study.view = add_threshold_view(study.image.GetScene(), study.soft, threshold)
        study.view.ensure_display()
        if len(study.contours) < len(ensure_contours(study.view)):
            update_contours(study.view, threshold_moved=False)
            made = True
        if made:
            _in_hierarchy(study)
    for node, display in (
        (study.soft, display_soft_mask),
        (study.box, display_box),
        (study.discs, display_discs),
    ):
        if node is not None and node.GetDisplayNode() is None:
            display(node)
    return study


def _hide(view: ThresholdView) -> None:
    view.ensure_display().SetVisibility(False)
    show_contours(view)
    show_edits(view.soft_node, False)


def _in_hierarchy(study: Study) -> Study:
    if study.soft is not None:
        study.contours = tuple(contours_of(study.soft).values())
    for node in study.results:
        place_result(node, study.image)
    return study


def _newest(nodes: list):
    return nodes[-1] if nodes else None
