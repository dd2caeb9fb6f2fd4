"""Every name of Slicer, CTK and Qt that the module uses exists in the versions it is meant for."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest

from host.carry_names import NAMES, reduced
from host.platform_names import Platform, Uses, controls, unknown_in_ui
from house.floors import PACKAGE

OTHERS = {
    "slicer.app": "qSlicerApplication",
    "slicer.app.layoutManager()": "qSlicerLayoutManager",
    "slicer.app.dicomDatabase()": "ctkDICOMDatabase",
    "database": "ctkDICOMDatabase",
    "qt.QSettings()": "QSettings",
    "qt.QFileDialog": "QFileDialog",
    "editor": "qMRMLSegmentEditorWidget",
    "self._timer": "QTimer",
    "shortcut": "QShortcut",
    "self.view": "ctkVTKRenderView",
    "place.view": "ctkVTKRenderView",
    "self._place.view": "ctkVTKRenderView",
    "self._factory": "qSlicerSingletonViewFactory",
    "widget.sliceView()": "qMRMLSliceView",
}


@pytest.fixture(params=["5.8.1", "5.12.3"])
def platform(request) -> Platform:
    """The names of one version of Slicer, from the lists carried with the tests."""
    return Platform(NAMES, request.param)


@pytest.fixture
def ui_files(repository):
    return sorted((repository / "SoftCordSeg" / "Resources" / "UI").glob("*.ui"))


@pytest.fixture
def all_controls(ui_files):
    """The controls of all files: name -> class."""
    return {name: kind for path in ui_files for name, kind in controls(path).items()}


@pytest.fixture
def sources(repository):
    """Every file with Slicer's Qt side in it."""
    module = repository / "SoftCordSeg"
    return [module / "SoftCordSeg.py", *sorted((module / PACKAGE / "panel").glob("*.py"))]


def test_the_module_uses_names_that_slicer_has(platform, sources, all_controls):
    unknown = [
        f"{path.name}:{sentence}"
        for path in sources
        for sentence in Uses(path.read_text(encoding="utf-8"), all_controls, OTHERS).unknown(
            platform
        )
    ]
    # slicer.packaging came with 5.11; platforms.py has the way of before.
    assert [
        sentence
        for sentence in unknown
        if not (platform.python.get("slicer.packaging") is None and "packaging" in sentence)
    ] == []


def test_the_uses_are_really_gathered(sources, all_controls):
    used = set().union(
        *(Uses(path.read_text(encoding="utf-8"), all_controls, OTHERS).names() for path in sources)
    )

    assert ("QPushButton", "connect") in used
    assert ("ctkSliderWidget", "value") in used
    assert ("qSlicerApplication", "processEvents") in used
    assert len(used) > 20


def test_the_panel_sets_properties_that_its_controls_have(platform, ui_files):
    assert [found for path in ui_files for found in unknown_in_ui(path, platform)] == []


def test_every_control_has_a_name_of_its_own(ui_files):
    roots = {path.stem for path in ui_files}
    names = [
        element.get("name")
        for path in ui_files
        for element in ElementTree.parse(path).iter()
        if element.tag in ("widget", "layout", "spacer")
    ]

    assert len(names) == len(set(names)), "the last of two equal names wins, silently"
    assert all(name.startswith("cord") for name in names if name not in roots), (
        "inner controls of composite ones must not have our names"
    )


def test_the_carried_names_are_those_of_the_full_lists(repository):
    folder = repository.parent / "shared" / "reference" / "platform_api"
    if not folder.is_dir():
        pytest.skip(
            "the full lists (../shared/reference/platform_api beside the checkout) are not here"
        )
    for name, content in reduced(folder).items():
        assert json.loads((NAMES / name).read_text(encoding="utf-8")) == json.loads(
            json.dumps(content)
        ), f"carry {name} again"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("self._ui.cordSegmentButton.tooltip = ''", "QPushButton has no 'tooltip'"),
        ("ui.cordSegmentButton.tooltip = ''", "QPushButton has no 'tooltip'"),
        ("self.ui.cordButton.text = ''", "there is no control"),
        (
            "self._ui.cordThresholdSlider.connect('valueChanged(float)', f)",
            "no signal valueChanged(float)",
        ),
        ("self._panel.ui.cordImageSelector.connect('nodeChanged()', f)", "no signal nodeChanged()"),
        ("ui.cordThresholdSlider.value()", "'value' of ctkSliderWidget is a property"),
        ("slicer.util.loadUi('a.ui')", "slicer.util has no 'loadUi'"),
        ("slicer.util.tryWithErrorDisplay('a', cursor=True)", "takes no 'cursor'"),
        ("from slicer.i18n import gettext", "slicer.i18n has no 'gettext'"),
        ("slicer.app.processEvent()", "qSlicerApplication has no 'processEvent'"),
    ],
)
def test_a_name_that_slicer_has_not_is_caught(platform, all_controls, line, complaint):
    found = Uses(line, all_controls, OTHERS).unknown(platform)

    assert any(complaint in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("file", "right", "wrong", "complaint"),
    [
        (
            "MaskSection",
            'name="decimals"',
            'name="digits"',
            "ctkSliderWidget cordThresholdSlider: digits",
        ),
        (
            "RunSection",
            "setMRMLScene(",
            "setScene(",
            "qMRMLNodeComboBox cordImageSelector: setScene(vtkMRMLScene*)",
        ),
    ],
)
def test_a_name_that_a_control_has_not_is_caught_in_the_ui_file(
    platform, ui_files, tmp_path, file, right, wrong, complaint
):
    text = next(path for path in ui_files if path.stem == file).read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "a.ui").write_text(text.replace(right, wrong, 1), encoding="utf-8")

    assert unknown_in_ui(tmp_path / "a.ui", platform) == [complaint]
