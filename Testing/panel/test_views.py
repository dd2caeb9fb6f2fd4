"""The views while the panel is used: layouts, the cord in the middle, and who is on screen."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.scene.cord_layouts import LAYOUTS
from SoftCordSegLib.scene.view_placement import pixel_of_view, plane_of

NAMES = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}


@pytest.fixture
def layout_node(app, slicer_host):
    """Slicer's, made before any panel."""
    return app.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")


@pytest.fixture
def views(slicer_host):
    """Slicer's three slice views, as they are drawn."""
    return {name: slicer_host.drawn(name) for name in NAMES}


def middle_of(node) -> list[float]:
    """The middle of a view, in its pixels."""
    return [size / 2 for size in node.GetDimensions()[:2]]


def test_after_segment_the_cord_is_in_the_middle_and_stays_there(views, neck, widget, slicer_host):
    axial = widget.panel.views.axial_node
    line = widget.panel.views.line_of(widget.panel.situation.study)
    assert axial.GetFieldOfView()[0] == pytest.approx(50.0)
    for node in (axial, widget.panel.views.sagittal_node, widget.panel.views.coronal_node):
        assert pixel_of_view(node, line.middle) == pytest.approx(middle_of(node), abs=0.01)

    told = []
    widget.panel.views.watch(lambda: told.append(widget.panel.views.axial_height_mm))
    axial.SetSliceOffset(30.0)
    slicer_host.process_events()
    assert told == [pytest.approx(30.0)]
    assert pixel_of_view(axial, line.at_height(30.0)) == pytest.approx(middle_of(axial), abs=0.01)


def test_nothing_is_done_to_the_views_once_the_module_is_left(views, neck, widget, slicer_host):
    axial = widget.panel.views.axial_node
    slicer_host.leave_panel(widget)
    before = plane_of(axial)[0]
    axial.SetSliceOffset(40.0)
    slicer_host.process_events()
    assert np.abs(plane_of(axial)[0] - before)[:2].max() < 1e-9


def test_our_layouts_are_shown_and_left(views, widget, layout_node):
    widget.panel.views.show_layout("cord")
    assert layout_node.GetViewArrangement() == LAYOUTS["cord"]
    widget.panel.views.leave_layout()
    assert layout_node.GetViewArrangement() == layout_node.SlicerLayoutFourUpView
