"""What the user may delete in the module *Data*, and what must hold afterwards."""

from __future__ import annotations

import numpy as np

from panel_actions import paint_voxels, wait_until_measured
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import array_of

DELETABLE = (
    "soft display",
    "view display",
    "box display",
    "discs display",
    "view",
    "prediction",
    "edit_map",
    "box",
    "discs",
    "slice_table",
    "summary_table",
)


def check_after_deleting(ui, neck, app, widget, mark, phantom, host, what: str) -> None:
    """It is made again or done without, and no correction is lost.

    Args:
        ui, neck, app, widget, mark, phantom: fixtures of the panel's tests.
        host: the application.
        what: of :data:`DELETABLE`.
    """
    mark(phantom.discs)
    ui.cordCorrectSection.collapsed = False
    voxels = np.zeros(neck.GetImageData().GetDimensions(), bool)
    voxels[2:5, 2:5, 2:5] = True
    paint_voxels(ui, voxels)
    wait_until_measured(widget)
    ui.cordEditsCheck.click()
    study = study_of(neck)
    node = getattr(study, what.split()[0])
    node = node.node if what.startswith("view") else node
    widget.exit()
    app.scene.RemoveNode(node.GetDisplayNode() if what.endswith("display") else node)
    host.process_events()
    widget.enter()
    host.process_events()

    again = study_of(neck)
    assert again.view is not None
    for made in (again.soft, again.view.node, again.box, again.discs):
        assert made is None or made.GetDisplayNode() is not None
    for control in (ui.cordSurfaceCheck, ui.cordFilledRadio, ui.cordEditsCheck):
        control.click()
    ui.cordThresholdSlider.value = 0.3
    soft = array_of(again.soft)
    assert (soft[voxels] >= 0.3).all(), "the correction is lost"
    wait_until_measured(widget)
    again = study_of(neck)
    assert again.slice_table.GetNumberOfRows() > 10
    assert (again.summary_table is None) == (again.discs is None)
