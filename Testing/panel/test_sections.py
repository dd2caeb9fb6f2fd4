"""Status lines, and one open section at a time."""

from __future__ import annotations

import pytest
from PySide6 import QtCore, QtGui, QtWidgets

from host.pythonqt import unwrap
from panel_actions import click_title, wait_until_measured
from SoftCordSegLib.colours import ERROR_ON_DARK, ERROR_ON_LIGHT, WARNING_ON_DARK, WARNING_ON_LIGHT
from SoftCordSegLib.errors import InputError

TAKING_TURNS = ("Correct", "Levels", "Measure", "Save")


def open_sections(ui) -> list[str]:
    return [name for name in TAKING_TURNS if not getattr(ui, f"cord{name}Section").collapsed]


def test_opening_a_section_folds_the_others_unless_pinned(ui, image_node):
    for name in TAKING_TURNS:
        click_title(ui, name)
        assert open_sections(ui) == [name]
    ui.cordSavePin.click()
    click_title(ui, "Levels")
    assert open_sections(ui) == ["Levels", "Save"]
    click_title(ui, "Levels")
    assert open_sections(ui) == ["Save"]


def test_an_opened_section_is_scrolled_into_view(ui, neck, widget, slicer_host):
    area = unwrap(widget.parent).scroll_area
    area.setFixedHeight(330)
    slicer_host.process_events()
    for name in ("Save", "Correct"):
        click_title(ui, name)
        slicer_host.process_events()
        slicer_host.process_events()
        section = unwrap(getattr(ui, f"cord{name}Section"))
        top = section.mapTo(area.viewport(), QtCore.QPoint(0, 0)).y()
        assert top >= 0
        assert top + min(section.height(), 330) <= area.viewport().height() + 1


def test_a_folded_section_says_its_result_behind_its_name(ui, image_node, widget):
    sections = widget.panel.sections
    sections.set_title("Save", "not saved")
    assert ui.cordSaveSection.text == "Save   not saved"
    ui.cordSaveSection.collapsed = False
    sections.set_title("Save", "not saved")
    assert ui.cordSaveSection.text == "Save"


@pytest.fixture
def in_style(slicer_host, widget):
    """A function that gives Slicer the ground of its light or dark style."""
    application = slicer_host.qapplication
    before = application.palette()

    def choose(ground: str):
        palette = QtGui.QPalette(before)
        palette.setColor(QtGui.QPalette.Window, QtGui.QColor(ground))
        application.setPalette(palette)

    yield choose
    application.setPalette(before)


def contrast(one: str, other: str) -> float:
    """Of two colours, after WCAG 2.1."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", ["#efefef", "#323232"])
def test_errors_and_warnings_can_be_read_in_both_styles(ui, widget, in_style, ground):
    in_style(ground)
    widget.panel.say_error("It did not work.", section="Levels")
    widget.panel.say("Look here.", section="Measure", warning=True)
    for label in (ui.cordLevelsStatus, ui.cordMeasureStatus):
        colour = label.styleSheet.removeprefix("color: ").removesuffix(";")
        assert colour in (ERROR_ON_DARK, ERROR_ON_LIGHT, WARNING_ON_DARK, WARNING_ON_LIGHT)
        assert contrast(colour, ground) >= 4.5


def test_each_section_has_its_own_line_with_a_button_that_shows_the_place(
    ui, image_node, widget, a_volume
):
    shown = []
    ui.cordLevelsSection.collapsed = False
    widget.panel.say("Here it is.", section="Levels", show=lambda: shown.append("here"))
    assert ui.cordLevelsStatus.text == "Here it is."
    assert ui.cordLevelsShow.visible
    ui.cordLevelsShow.click()
    assert shown == ["here"]
    ui.cordImageSelector.setCurrentNode(a_volume("other"))
    assert "Here it is" not in ui.cordLevelsStatus.text
    assert not ui.cordLevelsShow.visible


def test_a_warning_begins_with_a_sign(ui, image_node, widget):
    widget.panel.say("It ends inside the image.", section="Run", warning=True)
    assert ui.cordRunStatus.text == "⚠ It ends inside the image."
    widget.panel.say("Done.", section="Run")
    assert ui.cordRunStatus.text == "Done."


def test_the_pin_is_a_small_picture(ui):
    for name in TAKING_TURNS:
        pin = unwrap(getattr(ui, f"cord{name}Pin"))
        assert pin.toolButtonStyle() == QtCore.Qt.ToolButtonIconOnly
        assert pin.icon().availableSizes()
        assert pin.sizeHint().width() <= 30
        assert pin.toolTip()


def test_an_error_goes_at_the_next_action_and_the_rest_stays(ui, image_node, widget):
    panel = widget.panel
    panel.rest("Nothing found yet.", section="Levels")
    panel.say_error("It did not work.", section="Levels")
    panel.say("Saved.", section="Save")
    with panel.guard("", refresh=False, section="Mask"):
        pass
    assert ui.cordLevelsStatus.text == "Nothing found yet."
    assert ui.cordSaveStatus.text == "Saved."


def test_an_error_stays_while_the_panel_measures_by_itself(ui, neck, widget, slicer_host):
    def engine(_request, _progress):
        raise InputError("There is not enough memory.")

    widget.logic.engine = engine
    slicer_host.click(ui.cordSegmentButton)
    wait_until_measured(widget)
    slicer_host.process_events()
    assert ui.cordRunStatus.text == "There is not enough memory."


@pytest.mark.parametrize("larger", [1.0, 1.25])
def test_the_panel_is_360_pixels_wide_whatever_is_open(ui, neck, widget, slicer_host, larger):
    """Nothing in it wants more, at 125 % neither: it would be cut off."""
    font = slicer_host.qapplication.font()
    large = QtGui.QFont(font)
    large.setPointSizeF(font.pointSizeF() * larger)
    slicer_host.qapplication.setFont(large)
    try:
        for name in TAKING_TURNS:
            click_title(ui, name)
            slicer_host.process_events()
            assert unwrap(widget.parent).minimumSizeHint().width() == 360
            section = unwrap(getattr(ui, f"cord{name}Section"))
            assert section.minimumSizeHint().width() <= 360, name
        for part in ("RunSection", "MaskSection"):
            (top,) = unwrap(widget.parent).findChildren(QtWidgets.QWidget, part)
            assert top.minimumSizeHint().width() <= 360, part
    finally:
        slicer_host.qapplication.setFont(font)
