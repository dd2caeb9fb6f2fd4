"""The profile in the window: on the scale of the sagittal view, live, and a handle for the
slices.
"""

from __future__ import annotations

import numpy as np
import pytest

from host.pythonqt import unwrap
from panel_actions import wait_until_measured
from scene.pixels import pixel_of
from SoftCordSegLib.colours import rgb
from SoftCordSegLib.scene.contours import colour_of
from SoftCordSegLib.scene.measure_tables import AREA, table_column
from SoftCordSegLib.scene.profile_chart import DARK, LIGHT
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.view_placement import plane_of


@pytest.fixture
def shown(neck, phantom, mark, widget, slicer_host):
    """The layout with the profile, of a measured neck with discs; the inner widget, which gets the
    mouse.
    """
    mark(phantom.discs)
    wait_until_measured(widget)
    widget.panel.views.show_layout("cord")
    slicer_host.process_events()
    return unwrap(widget.panel.profile._place.view).VTKWidget()


def picture_of(inner):
    return inner.parent().picture()


def rows_with(picture, colour: str, columns=slice(None)) -> np.ndarray:
    near = np.abs(picture[:, columns] / 255.0 - rgb(colour)).max(axis=-1) < 0.03
    return np.flatnonzero(near.any(axis=1))


def screen_row(widget, row: float) -> float:
    from PySide6 import QtCore

    return widget.mapToGlobal(QtCore.QPoint(0, 0)).y() + row


def disc_rows(inner, slicer_host, discs):
    """On the screen: (as the sagittal view has them, as the profile draws them)."""
    sagittal = slicer_host.drawn("Yellow")
    slicer_host.picture("Yellow")
    view = slicer_host.views.sliceWidget("Yellow").sliceView()
    seen = [pixel_of(sagittal, np.array(disc.position_mm))[0] for disc in discs]
    picture = picture_of(inner)
    dashes = rows_with(picture, LIGHT.faint, slice(60, -20))
    return [screen_row(view, row) for row in seen], [screen_row(inner, row) for row in dashes]


def test_a_disc_is_on_one_line_with_the_sagittal_view(shown, widget, phantom, slicer_host):
    from SoftCordSegLib.scene.view_placement import show_height

    node = widget.panel.views.sagittal_node
    for height_mm, window in ((130.0, None), (190.0, None), (260.0, None), (190.0, (1024, 700))):
        if window is not None:
            slicer_host.main_window.resize(*window)
        show_height(node, height_mm)
        node.JumpSliceByCentering(*phantom.discs[len(phantom.discs) // 2].position_mm)
        slicer_host.process_events()

        seen, drawn = disc_rows(shown, slicer_host, phantom.discs)

        low, high = screen_row(shown, 0), screen_row(shown, shown.height() - 60)
        inside = [row for row in seen if low < row < high]
        assert len(inside) >= 3
        for row in inside:
            assert np.abs(np.array(drawn) - row).min() <= 1.0, (height_mm, window)


def test_click_drag_and_wheel_move_the_slices(shown, widget, slicer_host):
    from PySide6 import QtCore, QtTest

    views, profile = widget.panel.views, widget.panel.profile.profiles[0][2]
    position = profile.positions_mm[len(profile) // 3]
    slicer_host.picture("Yellow")
    row = pixel_of(slicer_host.drawn("Yellow"), position)[0]
    view = slicer_host.views.sliceWidget("Yellow").sliceView()
    place = int(round(screen_row(view, row) - screen_row(shown, 0)))
    before = views.sagittal_node.GetXYToRAS().GetElement(2, 3)

    slicer_host.click(shown, (80, place))

    assert views.axial_height_mm == pytest.approx(position[2], abs=0.1)
    # The sagittal view did not move up or down: the profile stays under the hand.
    assert views.sagittal_node.GetXYToRAS().GetElement(2, 3) == pytest.approx(before)

    heights = []
    views.watch(lambda: heights.append(views.axial_height_mm))
    slicer_host.drag(shown, [(80, 100), (80, 150), (80, 200)])
    assert heights[0] > heights[-1]
    assert len(set(np.round(heights, 3))) == 3
    at_the_end = views.axial_height_mm
    QtTest.QTest.mouseMove(shown, QtCore.QPoint(80, 300))  # the button is up
    slicer_host.process_events()
    assert views.axial_height_mm == at_the_end

    views.jump(profile.positions_mm[40])
    slicer_host.wheel(shown, +1)
    assert profile.row_at(*plane_of(views.axial_node)) == 41
    slicer_host.wheel(shown, -3)
    assert profile.row_at(*plane_of(views.axial_node)) == 38


def test_slice_and_curve_are_drawn_in_both_styles(shown, neck, widget, slicer_host):
    from PySide6 import QtGui

    middle = widget.panel.profile.profiles[0][2].positions_mm[90]
    widget.panel.views.jump(middle)
    slicer_host.picture("Yellow")

    picture = picture_of(shown)

    assert widget.panel.profile._chart.content.slice_rows == [90]  # as in the corner's text
    full = np.abs(picture[:, 50:-16] / 255.0 - rgb(LIGHT.ink)).max(axis=-1) < 0.03
    (row,) = np.flatnonzero(full.mean(axis=1) > 0.7)[:1]
    view = slicer_host.views.sliceWidget("Yellow").sliceView()
    expected = screen_row(view, pixel_of(slicer_host.drawn("Yellow"), middle)[0])
    assert screen_row(shown, row) == pytest.approx(expected, abs=1.0)
    colour = colour_of(study_of(neck))
    assert len(rows_with(picture, colour)) > 200
    assert (picture[2, 60] == 255).all()

    usual = slicer_host.qapplication.palette()
    dark = QtGui.QPalette(usual)
    dark.setColor(QtGui.QPalette.Window, QtGui.QColor("#323232"))
    slicer_host.qapplication.setPalette(dark)
    try:
        picture = picture_of(shown)
    finally:
        slicer_host.qapplication.setPalette(usual)
    assert np.allclose(picture[2, 60] / 255.0, rgb(DARK.background), atol=0.01)
    assert len(rows_with(picture, colour)) > 200


def test_what_changes_is_drawn_at_once(shown, neck, widget, slicer_host):
    study = study_of(neck)
    before = rows_with(picture_of(shown), LIGHT.faint, slice(60, -20))
    position = np.array(study.discs.GetNthControlPointPositionWorld(3))
    study.discs.SetNthControlPointPositionWorld(3, *(position + [0, 0, 4.0]))
    slicer_host.process_events()
    after = rows_with(picture_of(shown), LIGHT.faint, slice(60, -20))
    assert set(after) - set(before)
    assert set(before) - set(after)

    areas = study.slice_table.GetTable().GetColumnByName(AREA)
    for n in range(areas.GetNumberOfValues()):
        areas.SetValue(n, 0.5 * areas.GetValue(n))
    study.slice_table.Modified()
    slicer_host.process_events()
    drawn = widget.panel.profile.profiles[0][2].area
    assert np.array_equal(np.sort(drawn), np.sort(table_column(study.slice_table, AREA)))


def test_the_other_contrast_of_the_participant_is_drawn_another_participant_is_not(
    shown, neck, phantom, app, ui, widget, slicer_host, a_volume
):
    from SoftCordSegLib.scene.volume_nodes import add_volume

    for name in ("sub-phantom_T2star", "sub-other_T2w"):
        ui.cordImageSelector.setCurrentNode(add_volume(app.scene, phantom.image, name))
        ui.cordSegmentButton.click()
    ui.cordImageSelector.setCurrentNode(neck)
    slicer_host.process_events()
    names = [name for _study, name, _profile in widget.panel.profile.profiles]
    assert names == ["T2w", "T2star"]

    ui.cordImageSelector.setCurrentNode(app.scene.GetFirstNodeByName("sub-other_T2w"))
    slicer_host.process_events()
    assert [study.image.GetName() for study, *_ in widget.panel.profile.profiles] == [
        "sub-other_T2w"
    ]

    colours = [colour_of(study_of(neck)), colour_of(study_of(ui.cordImageSelector.currentNode()))]
    ui.cordImageSelector.setCurrentNode(a_volume("unsegmented"))
    picture = picture_of(shown)
    assert widget.panel.profile.profiles == []
    assert not any(len(rows_with(picture, colour)) for colour in colours)
    assert (picture < 150).all(axis=-1).any()  # words on what to do


def test_whatever_is_deleted_it_goes_on(shown, neck, widget, app, slicer_host):
    for what in ("slice_table", "discs", "soft"):
        app.scene.RemoveNode(getattr(study_of(neck), what))
        slicer_host.process_events()
        picture_of(shown)
    assert widget.panel.profile.profiles == []
    app.scene.RemoveNode(neck)
    app.scene.Clear(False)
    slicer_host.process_events()


def test_reload_and_a_second_panel_share_the_one_widget(shown, module, widget, slicer_host, neck):
    place = widget.panel.profile._place
    slicer_host.leave_panel(widget)
    second = slicer_host.open_panel(module)
    assert second.panel.profile._place is place
    assert place.owner is second.panel.profile
    slicer_host.close_panel(second)
    assert place.owner is None

    slicer_host.show_panel(widget)
    slicer_host.opened = widget
    assert place.owner is widget.panel.profile
    assert len(rows_with(picture_of(shown), colour_of(study_of(neck)))) > 200
