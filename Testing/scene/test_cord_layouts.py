"""Our layouts in Slicer's own layout node."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from SoftCordSegLib.scene.cord_layouts import (
    LAYOUTS,
    layout_xml,
    leave_layout,
    most_contrasts,
    register_layouts,
    show_layout,
    shown_layout,
    view_names,
)


@pytest.fixture
def layout_node(app):
    """As in Slicer: its logic makes views and node."""
    import slicer

    logic = slicer.vtkMRMLLayoutLogic()
    logic.SetMRMLScene(app.scene)
    node = logic.GetLayoutNode()
    node.SetViewArrangement(node.SlicerLayoutFourUpView)
    yield node
    logic.SetMRMLScene(None)


def test_each_layout_makes_its_views(layout_node, app):
    register_layouts(layout_node)
    for name in LAYOUTS:
        show_layout(layout_node, name, contrasts=3)
        for orientation, views in view_names(name, 3).items():
            for view in views:
                node = app.scene.GetNodeByID(f"vtkMRMLSliceNode{view}")
                assert node.GetOrientation() == orientation


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("contrasts", [2, 3])
def test_the_profile_stands_in_one_row_with_the_sagittal_views(name, wide, contrasts):
    root = ElementTree.fromstring(layout_xml(name, contrasts, wide))
    row = next(
        layout
        for layout in root.iter("layout")
        if any(item[0].tag == "cordprofile" for item in layout.findall("item"))
    )
    views = [item[0].get("singletontag") for item in row.findall("item")]
    assert row.get("type") == "horizontal"
    assert set(view_names(name, contrasts)["Sagittal"]) <= set(views)


def test_the_layout_before_ours_is_brought_back(layout_node):
    register_layouts(layout_node)
    layout_node.SetViewArrangement(layout_node.SlicerLayoutConventionalView)
    show_layout(layout_node, "cord")
    show_layout(layout_node, "correct")
    assert shown_layout(layout_node) == "correct"
    leave_layout(layout_node)
    assert layout_node.GetViewArrangement() == layout_node.SlicerLayoutConventionalView


def test_a_layout_that_the_user_has_chosen_since_stays(layout_node):
    register_layouts(layout_node)
    show_layout(layout_node, "cord")
    layout_node.SetViewArrangement(layout_node.SlicerLayoutOneUp3DView)
    leave_layout(layout_node)
    assert layout_node.GetViewArrangement() == layout_node.SlicerLayoutOneUp3DView


def test_a_saved_scene_with_our_layout_is_shown_once_it_is_known(layout_node):
    layout_node.SetViewArrangement(LAYOUTS["cord"])
    assert not layout_node.GetCurrentLayoutDescription()  # Slicer shows no view at all
    register_layouts(layout_node)
    assert layout_node.GetCurrentLayoutDescription() == layout_xml("cord")


@pytest.mark.parametrize(("width", "count"), [(500, 2), (1020, 2), (1130, 3), (2500, 3)])
def test_as_many_contrasts_as_have_room(width, count):
    assert most_contrasts(width) == count
