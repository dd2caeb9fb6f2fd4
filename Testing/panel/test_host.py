"""The host refuses what Slicer would refuse, and stumbles where Slicer stumbles."""

from __future__ import annotations

import pytest

from host.application import STAND_INS, Settings
from host.pythonqt import unwrap


def test_a_misspelt_property_or_method_raises(ui):
    with pytest.raises(AttributeError, match="QPushButton has no 'tooltip'"):
        ui.cordSegmentButton.tooltip = "x"
    with pytest.raises(AttributeError, match="has no 'setCurrentNod'"):
        ui.cordImageSelector.setCurrentNod(None)
    with pytest.raises(AttributeError, match="can be set"):
        ui.cordSegmentButton.click = None


def test_a_signal_is_connected_by_a_signature_that_exists(ui):
    with pytest.raises(ValueError, match="no signal valueChanged"):
        ui.cordThresholdSlider.connect("valueChanged(float)", lambda value: None)


def test_properties_are_attributes_and_setters_work_too(ui):
    ui.cordSegmentButton.text = "a"
    assert ui.cordSegmentButton.text == "a"
    ui.cordSegmentButton.setText("b")
    assert ui.cordSegmentButton.text == "b"


def test_a_property_cannot_be_called(ui):
    assert ui.cordTable.selectionModel().selectedIndexes == []
    with pytest.raises(TypeError):
        ui.cordTable.selectionModel().selectedIndexes()
    with pytest.raises(TypeError):
        ui.cordSegmentButton.text()


def test_an_exception_in_a_slot_does_not_reach_the_caller_and_is_kept(ui, slicer_host, image_node):
    def broken():
        raise RuntimeError("in a slot")

    ui.cordSegmentButton.connect("clicked()", broken)
    ui.cordSegmentButton.click()

    assert [str(error) for error in slicer_host.unseen_errors] == ["in a slot"]
    slicer_host.slot_errors.clear()


def test_an_exception_in_an_observer_is_kept_too(slicer_host, app):
    def broken(*_):
        raise RuntimeError("in an observer")

    tag = app.scene.AddObserver("ModifiedEvent", broken)
    app.scene.Modified()
    app.scene.RemoveObserver(tag)

    assert [str(error) for error in slicer_host.unseen_errors] == ["in an observer"]
    slicer_host.slot_errors.clear()


def test_a_slot_gets_as_many_arguments_as_it_takes(ui):
    heard = []
    ui.cordSurfaceCheck.connect("toggled(bool)", lambda: heard.append("none"))
    ui.cordSurfaceCheck.connect("toggled(bool)", lambda checked: heard.append(checked))
    ui.cordSurfaceCheck.checked = not ui.cordSurfaceCheck.checked

    assert heard == ["none", ui.cordSurfaceCheck.checked]
    with pytest.raises(TypeError, match="arguments"):
        ui.cordSurfaceCheck.connect("toggled(bool)", lambda *arguments: None)


def test_settings_come_back_as_text():
    settings = Settings({})
    settings.setValue("a", 3.5)
    settings.setValue("b", True)
    settings.setValue("c", ["x", "y"])

    assert (settings.value("a"), settings.value("b"), settings.value("c")) == (
        "3.5",
        "true",
        ("x", "y"),
    )


@pytest.mark.parametrize("kind", sorted(STAND_INS))
def test_a_stand_in_has_no_property_or_signal_that_the_real_class_lacks(kind, slicer_host):
    made = STAND_INS[kind]()
    meta, known = made.metaObject(), slicer_host.platform.names(kind)
    renamed = dict(getattr(made, "signal_names", {}))
    qt_events = {
        "event",
        "eventFilter",
        "childEvent",
        "paintEvent",
        "sizeHint",
        "minimumSizeHint",
        "hitButton",
    }
    ours = {
        "platform_kind",
        "_invalidated",
        "signal_names",
        "staticMetaObject",
        "logic",
        "picture",
        *qt_events,
        *renamed.values(),
    }

    properties = {
        meta.property(n).name() for n in range(meta.propertyOffset(), meta.propertyCount())
    }
    methods = {
        bytes(meta.method(n).name()).decode()
        for n in range(meta.methodOffset(), meta.methodCount())
    }
    public = {name for name in vars(type(made)) if not name.startswith("_")}
    assert (properties | public | methods | set(renamed)) - ours - {
        "_chosen",
        "_slid",
        "_fold",
    } <= known


def test_what_is_folded_away_is_hidden_and_remembers_what_was_shown(ui, slicer_host):
    section = unwrap(ui.cordCorrectSection)
    ui.cordCorrectSection.collapsed = False
    shown, hidden, taken = ui.cordPaintButton, ui.cordEraseButton, ui.cordDrawButton
    hidden.visible = False
    ui.cordCorrectSection.collapsed = True
    assert not shown.visible
    hidden.visible = True
    taken.visible = False
    assert not hidden.visible
    ui.cordCorrectSection.collapsed = False

    assert shown.visible
    assert hidden.visible
    assert not taken.visible
    assert section.sizeHint().height() > 100


def test_a_table_says_the_unit_behind_the_title_itself(slicer_host, app):
    table = app.scene.AddNewNodeByClass("vtkMRMLTableNode")
    table.AddColumn().SetName("area")
    table.SetColumnTitle("area", "Area")
    table.SetColumnUnitLabel("area", "mm2")
    table.AddEmptyRow()
    table.SetCellText(0, 0, "68.2")
    slicer_host.views.setLayout(35)  # a layout with a table
    shown = slicer_host.views.tableWidget(0)
    shown.mrmlAbstractViewNode().SetTableNodeID(table.GetID())
    model = shown.tableView().model()
    heads = [model.horizontalHeaderItem(n).text() for n in range(model.columnCount())]
    assert (heads, model.item(0, 0).text(), model.rowCount()) == (["A"], "Area [mm2]", 2)

    table.SetUseColumnTitleAsColumnHeader(True)
    table.SetLocked(True)
    assert model.horizontalHeaderItem(0).text() == "Area [mm2]"
    assert (model.item(0, 0).text(), model.rowCount()) == ("68.2", 1)
    assert not model.item(0, 0).isEditable()


def test_the_panel_grows_with_what_is_in_it_and_stays_wide(widget, slicer_host):
    from PySide6 import QtWidgets

    panel = slicer_host.main_window.panel
    before = panel.width()
    wide = QtWidgets.QLabel("x")
    wide.setMinimumWidth(494)
    unwrap(widget.parent).layout().addWidget(wide)
    for _ in range(3):  # a layout tells the one above it
        slicer_host.process_events()
    assert panel.width() >= 494 > before
    wide.hide()
    slicer_host.process_events()
    assert panel.width() >= 494
