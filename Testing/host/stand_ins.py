"""The stand-ins for classes that are not Qt's own: name -> class."""

from __future__ import annotations

from . import layout_manager, render_view, segment_editor, views, widgets

STAND_INS = {
    kind.platform_kind: kind
    for kind in (
        widgets.CollapsibleButton,
        widgets.SliderWidget,
        widgets.NodeComboBox,
        widgets.SortFilterProxyModel,
        widgets.MRMLWidget,
        widgets.TableView,
        segment_editor.SegmentEditorWidget,
        views.ChartView,
        views.PlotView,
        render_view.RenderView,
        layout_manager.SingletonViewFactory,
    )
}
