""" "Segment again here": the network looks once more at the surroundings of one place; the mask
elsewhere, and what was corrected by hand, stays.
"""

from __future__ import annotations

import numpy as np
from slicer.i18n import tr as _

from ...errors import InputError
from ..platforms import install_missing_packages

# Edges of the box: along the cord, and across it, mm.
_ALONG_MM, _ACROSS_MM = 60.0, 50.0


def segment_around(panel, desk, run) -> None:
    """Segment again around the place in view.

    Args:
        panel: see :class:`~.panel.Panel`.
        desk: see :class:`~.review_desk.ReviewDesk`.
        run: see :class:`~.run_section.RunSection`.

    Raises:
        InputError: no case or no place is in view, or no cord was found there.
    """
    from dataclasses import replace

    from ...scene.study import set_segmentation

    install_missing_packages(panel.requirements)
    shown = desk.shown
    if shown is None or not shown.is_whole:
        raise InputError(_("No case is shown."), hint=_("Choose one of the list."))
    box = _box_around(_place_in_view(panel, desk), shown.image)
    request = panel.logic.request(shown.image, run.model, run.device, only_in_box=False)
    request = replace(request, options=replace(request.options, box=box))
    mask = run.run_network(request)
    panel.say("")
    if not shown.is_whole or desk.shown is not shown:
        raise InputError(_("The case was left while it was being segmented. Nothing was changed."))
    if not mask.found:
        raise InputError(
            _("No cord was found here. Nothing was changed."),
            hint=_("Show a slice that has some cord, or correct the mask by hand."),
        )
    study = shown.study
    set_segmentation(shown.image, _within(study, mask.volume, box))
    desk.saver.add_region(_entry(run.model, box))
    panel.say(_("Segmented again around the place in view."), "Review")


def _place_in_view(panel, desk) -> np.ndarray:
    """The cord in the slice of the axial view; where there is no mask, the middle of the view."""
    from ...scene.view_placement import plane_of

    node = panel.views.axial_node
    if node is None:
        place = desk.worst_place
        if place is None:
            raise InputError(_("There is no axial (red) slice view that says where."))
        return np.asarray(place, float)
    origin, normal = plane_of(node)
    line = panel.views.line_of(desk.shown.study)
    return np.asarray(origin if line is None else line.crossing(origin, normal)[0], float)


def _box_around(place: np.ndarray, image):
    from ...scene.volume_nodes import grid_of
    from ...volume import Box

    grid = grid_of(image)
    axes = grid.affine[:3, :3] / grid.spacing
    # The cord runs along the axis of the image that is nearest to up and down.
    along = int(np.abs(axes[2]).argmax())
    size = np.full(3, _ACROSS_MM)
    size[along] = _ALONG_MM
    return Box(place, axes, size)


def _within(study, new, box):
    """The prediction as it was, with ``new`` inside the box."""
    from ...scene.edit_nodes import correction_of
    from ...scene.volume_nodes import array_of, grid_of, values_on
    from ...volume import Volume

    if study.soft is None:
        return new
    grid = grid_of(study.soft)
    state = correction_of(study.soft)
    combined = (array_of(study.soft) if state is None else state.p0).copy(order="K")
    start, stop = box.voxels_of(grid)
    inside = tuple(
        slice(max(int(a), 0), min(int(b), size)) for a, b, size in zip(start, stop, combined.shape)
    )
    combined[inside] = values_on(new, grid)[inside]
    return Volume(combined, grid.affine)


def _entry(model, box) -> dict:
    """For the history of the mask."""
    from ...network import store
    from ...provenance import box_of, generated_by

    made = generated_by(store.open_bundle(model))
    return {**made[0], "Model": made[-1], "Region": box_of(box)}
