"""Every name of Slicer, CTK and Qt that the module uses exists in the versions it is meant for."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from host.platform_names import Platform, controls, unknown_in_source, unknown_in_ui
from host.slicer_module import MODULE_FILE

UI_FILE = MODULE_FILE.parent / "Resources" / "UI" / "SoftCordSeg.ui"

KINDS = {
    **{f"self.ui.{name}": kind for name, kind in controls(UI_FILE).items()},
    "panel": "qMRMLWidget",
    "dialog": "QProgressDialog",
    "slicer.app": "qSlicerApplication",
}


@pytest.fixture(params=["5.8.1", "5.12.3"])
def platform(request, repository) -> Platform:
    """The names of one version of Slicer."""
    folder = repository.parent / "shared" / "reference" / "platform_api"
    if not folder.is_dir():
        pytest.skip("the lists of Slicer's names (../shared/reference/platform_api beside the checkout) are not here")
    return Platform(folder, request.param)


def test_the_module_uses_names_that_slicer_has(platform):
    assert unknown_in_source(MODULE_FILE.read_text(encoding="utf-8"), KINDS, platform) == []


def test_the_panel_sets_properties_that_its_controls_have(platform):
    assert unknown_in_ui(UI_FILE, platform) == []


def test_every_control_has_a_name_of_its_own():
    names = [element.get("name") for element in ElementTree.parse(UI_FILE).iter() if element.tag in ("widget", "layout", "spacer")]

    assert len(names) == len(set(names)), "the last of two equal names wins, silently"
    assert all(name.startswith("cord") for name in names[1:]), "inner controls of composite ones must not have our names"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("self.ui.cordSegmentButton.tooltip = ''", "QPushButton has no 'tooltip'"),
        ("self.ui.cordButton.text = ''", "there is no control"),
        ("self.ui.cordThresholdSlider.connect('valueChanged(float)', f)", "no signal valueChanged(float)"),
        ("self.ui.cordImageSelector.connect('nodeChanged()', f)", "no signal nodeChanged()"),
        ("slicer.util.loadUi('a.ui')", "slicer.util has no 'loadUi'"),
        ("slicer.util.tryWithErrorDisplay('a', cursor=True)", "takes no 'cursor'"),
        ("from slicer.i18n import gettext", "slicer.i18n has no 'gettext'"),
        ("slicer.app.processEvent()", "qSlicerApplication has no 'processEvent'"),
        ("dialog.wasCancelled", "QProgressDialog has no 'wasCancelled'"),
    ],
)
def test_a_name_that_slicer_has_not_is_caught(platform, line, complaint):
    found = unknown_in_source(line, KINDS, platform)

    assert any(complaint in sentence for sentence in found), found


def test_a_property_that_a_control_has_not_is_caught(platform, tmp_path):
    text = UI_FILE.read_text(encoding="utf-8").replace('name="decimals"', 'name="digits"')
    (tmp_path / "a.ui").write_text(text, encoding="utf-8")

    assert unknown_in_ui(tmp_path / "a.ui", platform) == ["ctkSliderWidget cordThresholdSlider: digits"]
