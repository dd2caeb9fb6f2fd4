"""The host's layouts and views behave as Slicer's: nodes, widgets, sizes and pixels."""

from __future__ import annotations

import numpy as np
import pytest

from host.pythonqt import unwrap
from host.segment_editor import SlicerCrash

LAYOUT = """
<layout type="horizontal" split="true">
 <item splitSize="500"><view class="vtkMRMLSliceNode" singletontag="Yellow">
  <property name="orientation" action="default">Sagittal</property></view></item>
 <item splitSize="250"><ownprofile></ownprofile></item>
 <item splitSize="250"><layout type="vertical">
  <item><view class="vtkMRMLSliceNode" singletontag="Red">
   <property name="orientation" action="default">Axial</property></view></item>
  <item><view class="vtkMRMLViewNode" singletontag="1"/></item>
 </layout></item>
</layout>"""


@pytest.fixture
def manager(slicer_host):
    import slicer

    return slicer.app.layoutManager()


@pytest.fixture
def own(manager, slicer_host):
    """A label of ours in a layout of ours."""
    import qt
    import slicer

    label = qt.QLabel("profile")
    factory = slicer.qSlicerSingletonViewFactory()
    factory.setTagName("ownprofile")
    factory.setWidget(label)
    manager.registerViewFactory(factory)
    manager.layoutLogic().GetLayoutNode().AddLayoutDescription(870, LAYOUT)
    manager.setLayout(870)
    slicer_host.process_events()
    return label


def test_the_views_of_the_layout_stand_where_its_xml_says(own, manager):
    sagittal, axial = manager.sliceWidget("Yellow"), manager.sliceWidget("Red")
    assert manager.layout == 870
    assert sagittal.visible
    assert own.visible
    assert not manager.sliceWidget("Green").visible
    assert manager.threeDWidget(0).visible
    left, middle, right = (unwrap(one) for one in (sagittal, own, axial))
    assert left.height() == unwrap(manager).viewport().height()
    assert left.width() == pytest.approx(2 * middle.width(), abs=4)
    assert right.height() < left.height()
    assert sagittal.mrmlSliceNode().GetOrientation() == "Sagittal"


def test_the_slice_node_has_the_size_of_its_view(own, manager, slicer_host):
    view = unwrap(manager.sliceWidget("Yellow").sliceView())
    node = manager.sliceWidget("Yellow").mrmlSliceNode()
    assert node.GetDimensions()[:2] == (view.width(), view.height())
    slicer_host.main_window.resize(1024, 768)
    slicer_host.process_events()
    assert node.GetDimensions()[:2] == (view.width(), view.height())


def test_a_widget_of_ours_outlives_its_layout(own, manager, slicer_host):
    manager.setLayout(3)
    assert not own.visible
    manager.setLayout(870)
    assert own.visible


def test_a_layout_with_a_view_that_nobody_makes_is_a_crash(own, manager, slicer_host):
    own.deleteLater()
    slicer_host.flush_deletions()
    manager.setLayout(3)
    manager.setLayout(870)
    assert any(isinstance(error, SlicerCrash) for error in slicer_host.slot_errors)
    slicer_host.slot_errors.clear()


def test_an_unknown_layout_becomes_the_conventional_one(manager):
    manager.setLayout(4321)
    assert manager.layout == 2


def test_every_change_of_the_layout_is_told(manager):
    heard = []
    manager.connect("layoutChanged(int)", lambda layout: heard.append(layout))
    manager.layoutLogic().GetLayoutNode().SetViewArrangement(6)
    assert heard == [6]


def test_there_is_no_plot_view_before_a_layout_has_one(manager):
    assert manager.plotViewCount == 0
    with pytest.raises(SlicerCrash):
        manager.plotWidget(0)
    manager.setLayout(36)
    assert manager.plotViewCount == 1
    assert manager.plotWidget(0).plotView().chart().GetNumberOfPlots() == 0


def test_view_widgets_have_the_names_of_slicer_and_no_other(manager):
    with pytest.raises(AttributeError, match="qMRMLSliceView has no 'sliceNode'"):
        manager.sliceWidget("Red").sliceView().sliceNode()
    with pytest.raises(AttributeError, match="has no 'widgetOfView'"):
        manager.widgetOfView("Red")
    with pytest.raises(AttributeError):
        manager.sliceWidget("Red").sliceView().picture()


def test_the_corner_text_is_drawn(manager, slicer_host, image_node):
    red = manager.sliceWidget("Red")
    before = slicer_host.picture("Red")
    red.sliceView().cornerAnnotation().SetText(3, "C5 69.7")
    changed = (slicer_host.picture("Red") != before).any(axis=2)
    rows, columns = np.nonzero(changed)
    height, width = changed.shape
    assert rows.max() < height / 3
    assert columns.min() > width / 2


def test_volumes_are_shown_by_the_slice_logics(manager, image_node):
    import slicer

    slicer.app.applicationLogic().GetSelectionNode().SetActiveVolumeID(image_node.GetID())
    slicer.app.applicationLogic().PropagateVolumeSelection()
    for name in ("Red", "Yellow", "Green"):
        composite = manager.sliceWidget(name).sliceLogic().GetSliceCompositeNode()
        assert composite.GetBackgroundVolumeID() == image_node.GetID()


def test_the_camera_looks_at_what_is_there_only_when_told(manager, app):
    import slicer
    import vtk

    ball = vtk.vtkSphereSource()
    ball.SetCenter(300, 40, -20)
    ball.SetRadius(5)
    ball.Update()
    model = app.scene.AddNewNodeByClass("vtkMRMLModelNode")
    model.SetAndObservePolyData(ball.GetOutput())
    model.CreateDefaultDisplayNodes()
    view = manager.threeDWidget(0).threeDView()
    view.resetFocalPoint()
    view.resetCamera()
    camera = view.cameraNode().GetCamera()
    assert camera.GetFocalPoint() == pytest.approx((300, 40, -20), abs=0.5)
    assert slicer.app.layoutManager().threeDViewCount == 1


def test_a_removed_view_node_takes_its_widget_along(manager, app):
    node = manager.sliceWidget("Green").mrmlSliceNode()
    app.scene.RemoveNode(node)
    assert manager.sliceWidget("Green") is None


def test_closing_the_scene_keeps_the_views(own, manager, app):
    app.scene.Clear(False)
    assert set(manager.sliceViewNames()) >= {"Red", "Yellow", "Green"}
    assert manager.sliceWidget("Red").mrmlSliceNode().GetScene() is app.scene


def test_a_chart_has_the_size_of_its_widget_and_is_drawn(slicer_host):
    import ctk
    import vtk

    view = ctk.ctkVTKChartView()
    view.resize(200, 300)
    chart = view.chart()
    table, xs, ys = vtk.vtkTable(), vtk.vtkFloatArray(), vtk.vtkFloatArray()
    for name, column in (("x", xs), ("y", ys)):
        column.SetName(name)
        table.AddColumn(column)
    table.SetNumberOfRows(2)
    for row in range(2):
        table.SetValue(row, 0, row)
        table.SetValue(row, 1, row)
    plot = chart.AddPlot(vtk.vtkChart.LINE)
    plot.SetInputData(table, 0, 1)
    plot.SetColor(255, 0, 0, 255)
    picture = unwrap(view).picture()
    assert picture.shape == (300, 200, 3)
    assert ((picture[..., 0] > 200) & (picture[..., 1] < 80)).sum() > 100


def test_a_filter_derived_in_python_hears_events(manager, slicer_host):
    import qt

    class Filter(qt.QObject):
        def __init__(self):
            super().__init__()
            self.heard = []

        def eventFilter(self, watched, event):  # noqa: N802  (Qt calls it)
            if event.type() == qt.QEvent.MouseButtonPress:
                self.heard.append((watched, event.button()))
                return True
            return False

    inner = manager.sliceWidget("Red").sliceView().VTKWidget()
    one = Filter()
    inner.installEventFilter(one)
    slicer_host.click(inner, (20, 30))
    assert [button for _, button in one.heard] == [qt.Qt.LeftButton]
    assert one.heard[0][0] is inner
    inner.removeEventFilter(one)
    slicer_host.click(inner, (20, 30))
    assert len(one.heard) == 1


def test_the_wheel_scrolls_a_slice_view(manager, slicer_host, image_node):
    import slicer

    slicer.app.applicationLogic().GetSelectionNode().SetActiveVolumeID(image_node.GetID())
    slicer.app.applicationLogic().PropagateVolumeSelection()
    red = manager.sliceWidget("Red")
    before = red.mrmlSliceNode().GetSliceOffset()
    slicer_host.wheel(red.sliceView().VTKWidget(), +1)
    assert red.mrmlSliceNode().GetSliceOffset() != before


def test_keys_of_the_main_window_act_wherever_the_focus_is(slicer_host, widget, image_node):
    import qt
    import slicer

    heard = []
    shortcut = qt.QShortcut(slicer.util.mainWindow())
    shortcut.setKey(qt.QKeySequence("Ctrl+J"))
    shortcut.connect("activated()", lambda: heard.append("window"))
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView().VTKWidget()
    slicer_host.press(view, "Ctrl+J")
    assert heard == ["window"]
    inside = qt.QShortcut(widget.parent)
    inside.setKey(qt.QKeySequence("Ctrl+K"))
    inside.setContext(qt.Qt.WidgetWithChildrenShortcut)
    inside.connect("activated()", lambda: heard.append("panel"))
    slicer_host.press(view, "Ctrl+K")
    assert heard == ["window"], "keys of the panel are silent while a view has the focus"
    slicer_host.press(widget.ui.cordSegmentButton, "Ctrl+K")
    assert heard == ["window", "panel"]


def test_an_import_takes_the_series_of_a_shown_chart_and_the_label_layers(
    manager, app, image_node, tmp_path
):
    from SoftCordSegLib.scene.scene_files import load_scene, save_scene

    series = app.scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode")
    chart = app.scene.AddNewNodeByClass("vtkMRMLPlotChartNode")
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    manager.setLayout(36)
    manager.plotWidget(0).mrmlPlotViewNode().SetPlotChartNodeID(chart.GetID())
    labels = app.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    composite = manager.sliceWidget("Red").sliceLogic().GetSliceCompositeNode()
    composite.SetLabelVolumeID(labels.GetID())
    save_scene(app.scene, tmp_path / "a.mrb")
    app.scene.Clear(False)
    load_scene(app.scene, tmp_path / "a.mrb")
    (chart,) = slicer_nodes(app, "vtkMRMLPlotChartNode")
    assert chart.GetNumberOfPlotSeriesNodes() == 0
    composite = manager.sliceWidget("Red").sliceLogic().GetSliceCompositeNode()
    assert composite.GetLabelVolumeID() is None


def slicer_nodes(app, kind):
    """The nodes of a class."""
    nodes = app.scene.GetNodesByClass(kind)
    nodes.UnRegister(None)
    return [nodes.GetItemAsObject(n) for n in range(nodes.GetNumberOfItems())]


@pytest.fixture
def points(app):
    """An empty list of points."""
    node = app.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "discs")
    node.CreateDefaultDisplayNodes()
    return node


def test_markups_are_drawn_only_near_their_slice(manager, slicer_host, points, image_node):
    node = manager.sliceWidget("Red").mrmlSliceNode()
    node.JumpSliceByCentering(0, 0, 20)
    empty = slicer_host.picture("Red")
    points.AddControlPoint(0, 0, 20)
    assert (slicer_host.picture("Red") != empty).any()
    node.JumpSliceByCentering(0, 0, 30)
    assert (slicer_host.picture("Red") == empty).all()


def test_the_preview_point_has_the_name_that_slicer_gives(manager, slicer_host, points, app):
    selection = app.application_logic.GetSelectionNode()
    selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
    selection.SetActivePlaceNodeID(points.GetID())
    interaction = app.application_logic.GetInteractionNode()
    interaction.SetCurrentInteractionMode(interaction.Place)
    view = manager.sliceWidget("Red").sliceView().VTKWidget()
    slicer_host.picture("Red")
    slicer_host.move(view, (100, 100))
    slicer_host.move(view, (110, 100))
    assert points.GetNumberOfControlPoints() == 1
    assert points.GetNthControlPointLabel(0) == "discs-1"


def test_another_module_leaves_ours_and_hides_it(widget, slicer_host):
    import slicer

    slicer.util.selectModule("Data")
    assert not widget.parent.isVisible()
    assert not widget.panel.shown
    slicer.util.selectModule("SoftCordSeg")
    assert widget.parent.isVisible()
    assert widget.panel.shown
