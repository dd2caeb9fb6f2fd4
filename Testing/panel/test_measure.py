"""Sections "Levels", "Measure" and "Save", on the phantom whose areas and discs are known."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from host.pythonqt import unwrap
from panel_actions import paint_voxels
from SoftCordSegLib.phantom import make_phantom
from SoftCordSegLib.scene.discs import discs_of
from SoftCordSegLib.scene.render import SliceView
from SoftCordSegLib.scene.study import set_disc_labels, study_of
from SoftCordSegLib.scene.volumes import add_volume, array_of, grid_of, values_on
from SoftCordSegLib.segmentation import Box, SoftMask


@pytest.fixture(scope="module")
def phantom():
    """A neck whose cord is known."""
    return make_phantom("T2w")


@pytest.fixture
def neck(phantom, app, widget):
    """The phantom in the scene; the engine gives its true mask."""
    node = add_volume(app.scene, phantom.image, "sub-phantom_T2w")

    def truth(request, progress):
        values = np.ascontiguousarray(values_on(phantom.truth, request.image.grid))
        return SoftMask(request.image.with_data(values), Box.of_grid(request.image.grid), "Spinal cord found.")

    widget.logic.engine = truth
    widget.ui.cordImageSelector.setCurrentNode(node)
    widget.ui.cordSegmentButton.click()
    return node


@pytest.fixture
def mark(neck, widget):
    """A function that marks discs, as another module would."""

    def mark(discs):
        set_disc_labels(neck, discs)
        widget.panel.refresh()

    return mark


def column(table, name) -> np.ndarray:
    values = table.GetTable().GetColumnByName(name)
    return np.array([values.GetValue(n) for n in range(values.GetNumberOfValues())])


def choose_rows(ui, name: str) -> None:
    ui.cordRowsSelector.currentIndex = [ui.cordRowsSelector.itemText(n) for n in range(ui.cordRowsSelector.count)].index(name)


# --- measure -----------------------------------------------------------------------------------------------------------


def test_before_measuring_the_buttons_say_what_is_missing(ui, neck):
    assert ui.cordMeasureButton.enabled
    assert "Measure first" in ui.cordCsvButton.toolTip
    assert not ui.cordTable.visible


def test_the_areas_are_those_of_the_phantom(ui, neck, phantom):
    ui.cordMeasureSection.collapsed = False
    assert not ui.cordTable.visible
    ui.cordMeasureButton.click()

    table = study_of(neck).slice_table
    assert ui.cordTable.visible
    shown = ui.cordTable.mrmlTableNode()
    assert list(column(shown, "Area mm²")) == [f"{area:.1f}" for area in column(table, "area")]
    assert shown.GetHideFromEditors()
    areas = column(table, "area")
    known = phantom.area_mm2(column(table, "S"))
    assert np.abs(areas / known - 1)[2:-2].max() < 0.06
    assert "Measured" in ui.cordMessageLabel.text


def test_rows_by_level_need_discs_and_then_have_their_names(ui, neck, phantom, mark):
    choose_rows(ui, "Level")
    ui.cordMeasureButton.click()
    assert "need discs" in ui.cordMessageLabel.text

    mark(phantom.discs)
    ui.cordLevelsEdit.text = "C3:C5"
    ui.cordMeasureButton.click()

    table = study_of(neck).summary_table
    assert list(column(table, "LevelName")) == ["C3", "C4", "C5"]
    assert list(column(ui.cordTable.mrmlTableNode(), "Level")) == ["C3", "C4", "C5"]


def test_a_wrong_level_is_a_sentence(ui, neck, phantom, mark):
    mark(phantom.discs)
    ui.cordLevelsEdit.text = "C3:Q9"
    ui.cordMeasureButton.click()

    assert "'Q9' is no vertebral level" in ui.cordMessageLabel.text


@pytest.mark.parametrize("rows", ["Slice", "Level"])
def test_a_click_on_a_row_jumps_the_slice_views_there(ui, neck, phantom, app, rows, mark):
    mark(phantom.discs)
    choose_rows(ui, rows)
    ui.cordMeasureButton.click()
    with SliceView(app, "Axial", (100, 100), name="Red") as view:
        unwrap(ui.cordTable).selectRow(2)
        offset = view.node.GetSliceToRAS().GetElement(2, 3)

    table = study_of(neck).slice_table
    if rows == "Slice":
        assert offset == pytest.approx(column(table, "S")[2], abs=0.01)
    else:
        levels = column(table, "Level")
        inside = column(table, "S")[levels == column(study_of(neck).summary_table, "LevelName")[2]]
        assert inside.min() <= offset <= inside.max()


def test_a_click_on_a_point_of_the_plot_jumps_there(ui, neck, app):
    import slicer
    import vtk

    ui.cordMeasureButton.click()
    ui.cordPlotButton.click()
    manager = slicer.app.layoutManager()
    study = study_of(neck)
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView
    assert app.application_logic.GetSelectionNode().GetActivePlotChartID() == study.chart.GetID()

    ids, points, names = vtk.vtkCollection(), vtk.vtkIdTypeArray(), vtk.vtkStringArray()
    points.InsertNextValue(5)
    ids.AddItem(points)
    names.InsertNextValue(study.series.GetID())
    with SliceView(app, "Axial", (100, 100), name="Red") as view:
        unwrap(manager.plotWidget(0).plotView()).dataSelected.emit(names, ids)
        assert view.node.GetSliceToRAS().GetElement(2, 3) == pytest.approx(column(study.slice_table, "S")[5], abs=0.01)


def test_the_table_follows_a_correction_at_once_and_entirely_when_the_hand_rests(ui, neck):
    ui.cordCorrectSection.collapsed = False
    ui.cordMeasureButton.click()
    study = study_of(neck)
    before = column(study.slice_table, "area")
    diameters = column(study.slice_table, "diameter_AP")
    row = before.size // 2
    at = grid_of(study.soft).to_voxel([column(study.slice_table, axis)[row] for axis in ("R", "A", "S")])
    voxels = np.zeros(array_of(study.soft).shape, bool)
    i, j, k = np.round(at).astype(int)
    voxels[i - 2 : i + 3, j : j + 3, k - 1 : k + 2] = True
    paint_voxels(ui, voxels, erase=True)

    at_once = column(study.slice_table, "area")
    assert at_once[row] < before[row] - 5
    np.testing.assert_array_equal(column(study.slice_table, "diameter_AP"), diameters)

    rest(ui)
    np.testing.assert_allclose(column(study.slice_table, "area"), at_once, rtol=1e-6)
    assert column(study.slice_table, "diameter_AP")[row] < diameters[row]


def rest(ui) -> None:
    """Let the hand rest until everything is measured."""
    from PySide6.QtTest import QTest

    QTest.qWait(600)


def test_volumes_are_compared_level_by_level(ui, neck, phantom, app, mark, widget):
    import slicer

    ui.cordCompareButton.click()
    assert "fewer than two" in ui.cordMessageLabel.text
    again = add_volume(app.scene, phantom.image, "sub-phantom_T1w")
    ui.cordImageSelector.setCurrentNode(again)
    ui.cordSegmentButton.click()
    ui.cordCompareButton.click()
    assert "Mark the discs" in ui.cordMessageLabel.text

    ui.cordImageSelector.setCurrentNode(neck)
    mark(phantom.discs)
    for _ in range(2):  # the second time the first comparison is replaced
        ui.cordCompareButton.click()
    assert "Compared 2 volumes. The area differs by 0.0 mm²" in ui.cordMessageLabel.text
    tables = [
        app.scene.GetNthNodeByClass(n, "vtkMRMLTableNode") for n in range(app.scene.GetNumberOfNodesByClass("vtkMRMLTableNode"))
    ]
    (table,) = [table for table in tables if table.GetAttribute("SoftCordSeg.Comparison")]
    np.testing.assert_allclose(column(table, "sub-phantom_T2w"), column(table, "sub-phantom_T1w"))
    assert "C4" in column(table, "Level")
    selection = app.application_logic.GetSelectionNode()
    chart = app.scene.GetNodeByID(selection.GetActivePlotChartID())
    assert chart.GetNumberOfPlotSeriesNodes() == 2
    assert selection.GetActiveTableID() == table.GetID()
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView


def test_the_table_can_be_copied(ui, neck, slicer_host):
    import slicer

    ui.cordMeasureButton.click()
    ui.cordCopyButton.click()

    lines = slicer.app.clipboard().text().splitlines()
    header = lines[0].split("\t")
    assert header[:4] == ["Slice", "Level", "Distance along cord (mm)", "area (mm²)"]
    areas = column(study_of(neck).slice_table, "area")
    assert len(lines) == 1 + len(areas)
    assert float(lines[1].split("\t")[3]) == areas[0]


def test_the_csv_is_that_of_softcord_csa_on_the_saved_mask(ui, neck, phantom, slicer_host, tmp_path, mark):
    from typer.testing import CliRunner

    from SoftCordSegLib.cli.app import app as softcord

    mark(phantom.discs)
    choose_rows(ui, "Level")
    ui.cordMeasureButton.click()
    slicer_host.answers = [str(tmp_path / "panel.csv"), str(tmp_path)]
    ui.cordCsvButton.click()
    ui.cordSaveButton.click()

    mask = tmp_path / "sub-phantom_T2w_label-SC_softseg.nii.gz"
    discs = tmp_path / "discs.mrk.json"
    points = [{"label": disc.name, "position": list(disc.position_mm)} for disc in phantom.discs]
    discs.write_text(json.dumps({"markups": [{"type": "Fiducial", "coordinateSystem": "RAS", "controlPoints": points}]}))
    shell = tmp_path / "shell.csv"
    answer = CliRunner().invoke(softcord, ["csa", str(mask), "-o", str(shell), "--perlevel", "--discs", str(discs)])
    assert answer.exit_code == 0, answer.output

    ours, theirs = (list(csv.DictReader(path.open(encoding="utf-8-sig"))) for path in (tmp_path / "panel.csv", shell))
    assert len(ours) == len(theirs) > 3
    for one, other in zip(ours, theirs):
        shared = [name for name in one if name in other and name not in ("Timestamp", "Filename", "SCT Version")]
        assert [one[name] for name in shared] == [other[name] for name in shared]


# --- levels ------------------------------------------------------------------------------------------------------------


def test_discs_are_named_in_their_order_as_they_are_clicked(ui, neck, phantom, app):
    import vtk

    assert "first click is C2/C3" in ui.cordDiscsNote.text
    ui.cordPlaceButton.click()
    node = study_of(neck).discs
    selection, interaction = app.application_logic.GetSelectionNode(), app.application_logic.GetInteractionNode()
    assert selection.GetActivePlaceNodeID() == node.GetID()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    assert ui.cordPlaceButton.checked

    for disc in phantom.discs[2:5]:
        node.AddControlPointWorld(vtk.vtkVector3d(*disc.position_mm))

    assert [disc.value for disc in discs_of(node)] == [3, 4, 5]
    assert ui.cordDiscsNote.text == "C2/C3, C3/C4, C4/C5"
    node.SetNthControlPointLabel(0, "C5/C6")
    node.RemoveNthControlPoint(2)
    node.AddControlPointWorld(vtk.vtkVector3d(0, 0, 0))
    assert node.GetNthControlPointLabel(2) == "C6/C7", "the next one is the one below the lowest"

    interaction.SwitchToViewTransformMode()
    assert not ui.cordPlaceButton.checked


def test_a_second_click_or_another_module_ends_placing(ui, neck, app, widget):
    interaction = app.application_logic.GetInteractionNode()
    ui.cordPlaceButton.click()
    ui.cordPlaceButton.click()
    assert interaction.GetCurrentInteractionMode() != interaction.Place
    ui.cordPlaceButton.click()
    widget.exit()
    assert interaction.GetCurrentInteractionMode() != interaction.Place


def test_a_name_that_is_no_disc_is_said(ui, neck, phantom, mark):
    mark(phantom.discs)
    study_of(neck).discs.SetNthControlPointLabel(0, "C3")

    assert "'C3' is a vertebra, not a disc" in ui.cordDiscsNote.text


def test_discs_are_found_in_the_image(ui, neck, phantom, mark):
    mark([disc for disc in phantom.discs if disc.value == 3])
    ui.cordProposeButton.click()

    found = {disc.value: np.array(disc.position_mm) for disc in discs_of(study_of(neck).discs)}
    known = {disc.value: np.array(disc.position_mm) for disc in phantom.discs}
    assert "Found:" in ui.cordMessageLabel.text
    assert len(found) > 3
    assert np.median([abs((found[value] - known[value])[2]) for value in found if value in known]) < 3


@pytest.mark.parametrize("ending", ["mrk.json", "nii.gz"])
def test_discs_are_saved_and_loaded(ui, neck, phantom, slicer_host, tmp_path, ending, mark):
    mark(phantom.discs)
    if ending == "nii.gz":
        slicer_host.answers = [str(tmp_path)]
        ui.cordSaveButton.click()
        path = tmp_path / "sub-phantom_T2w_label-discs_dlabel.nii.gz"
    else:
        path = tmp_path / "discs.mrk.json"
        node = study_of(neck).discs
        node.AddDefaultStorageNode()
        node.GetStorageNode().SetFileName(str(path))
        assert node.GetStorageNode().WriteData(node)
    ui.cordRemoveDiscsButton.click()
    assert study_of(neck).discs is None
    assert not ui.cordRemoveDiscsButton.enabled

    slicer_host.answers = [str(path)]
    ui.cordLoadDiscsButton.click()
    loaded = discs_of(study_of(neck).discs)
    assert [disc.value for disc in loaded] == [disc.value for disc in phantom.discs]
    np.testing.assert_allclose([disc.position_mm for disc in loaded], [disc.position_mm for disc in phantom.discs], atol=1.0)


def test_a_file_without_discs_is_a_sentence(ui, neck, slicer_host, tmp_path):
    (tmp_path / "no.mrk.json").write_text("{}")
    slicer_host.answers = [str(tmp_path / "no.mrk.json")]
    ui.cordLoadDiscsButton.click()

    assert "no.mrk.json" in ui.cordMessageLabel.text


# --- save --------------------------------------------------------------------------------------------------------------


def test_results_are_saved_with_their_provenance_and_only_replaced_after_asking(ui, neck, slicer_host, tmp_path):
    from SoftCordSegLib.volume import read_nifti

    ui.cordThresholdSlider.value = 0.3
    slicer_host.answers = [str(tmp_path)]
    ui.cordSaveButton.click()

    names = sorted(path.name for path in tmp_path.iterdir())
    start = "sub-phantom_T2w_label-SC_"
    assert names == [f"{start}seg.nii.gz", f"{start}softseg.json", f"{start}softseg.nii.gz"]
    soft, segment = read_nifti(tmp_path / f"{start}softseg.nii.gz"), read_nifti(tmp_path / f"{start}seg.nii.gz")
    np.testing.assert_array_equal(segment.data > 0, soft.data >= 0.3)
    assert soft.data.sum() == pytest.approx(array_of(study_of(neck).soft).sum())
    record = json.loads((tmp_path / f"{start}softseg.json").read_text())
    assert record["Message"] == "Spinal cord found."
    assert record["Threshold"] == 0.3
    assert record["Source"] == "sub-phantom_T2w"
    assert record["CorrectedByHand"] == {"VoxelsAdded": 0, "VoxelsRemoved": 0}

    (tmp_path / f"{start}softseg.json").write_text("mine")
    slicer_host.answers = [str(tmp_path), False]
    ui.cordSaveButton.click()
    assert (tmp_path / f"{start}softseg.json").read_text() == "mine"
    slicer_host.answers = [str(tmp_path), True]
    ui.cordSaveButton.click()
    assert (tmp_path / f"{start}softseg.json").read_text() != "mine"


def test_a_folder_that_cannot_be_written_is_a_sentence(ui, neck, slicer_host, tmp_path):
    (tmp_path / "file").write_text("")
    slicer_host.answers = [str(tmp_path / "file" / "folder")]
    ui.cordSaveButton.click()

    assert "Choose another folder" in ui.cordMessageLabel.text


def test_the_image_itself_is_never_written_over(neck, tmp_path):
    from SoftCordSegLib.errors import OutputError
    from SoftCordSegLib.panel.saving import write_all

    neck.AddDefaultStorageNode()
    neck.GetStorageNode().SetFileName(str(tmp_path / "a.nii.gz"))
    with pytest.raises(OutputError, match="the image itself"):
        write_all({tmp_path / "a.nii.gz": lambda path: path.write_text("")}, neck)
    assert not (tmp_path / "a.nii.gz").exists()


def test_the_scene_is_saved_and_everything_comes_back(ui, neck, phantom, slicer_host, tmp_path, app, mark):
    from SoftCordSegLib.scene.save import load_scene

    mark(phantom.discs)
    choose_rows(ui, "Level")
    ui.cordMeasureButton.click()
    areas = column(study_of(neck).summary_table, "MEAN(area)")
    slicer_host.answers = [str(tmp_path / "all")]
    ui.cordSaveSceneButton.click()
    app.scene.Clear(False)
    assert not ui.cordTable.visible
    load_scene(app.scene, tmp_path / "all.mrb")

    image = ui.cordImageSelector.currentNode()
    assert image.GetName() == "sub-phantom_T2w"
    assert len(column(ui.cordTable.mrmlTableNode(), "Level")) == len(areas)
    np.testing.assert_allclose(column(study_of(image).summary_table, "MEAN(area)"), areas, rtol=1e-5)  # Slicer saves it as text
    assert ui.cordDiscsNote.text.startswith("top of C1") or "C2/C3" in ui.cordDiscsNote.text
    choose_rows(ui, "Slice")
    ui.cordMeasureButton.click()
    assert "Measured" in ui.cordMessageLabel.text


def test_names_of_files_come_from_the_image():
    from types import SimpleNamespace

    from SoftCordSegLib.panel.saving import stem_of

    def image(name, file=None):
        storage = SimpleNamespace(GetFileName=lambda: file) if file else None
        return SimpleNamespace(GetStorageNode=lambda: storage, GetName=lambda: name)

    assert stem_of(image("x", "/data/sub-01_T2w.nii.gz")) == "sub-01_T2w"
    assert stem_of(image("4: T2 sag/Halswirbelsäule")) == "4--T2-sag-Halswirbelsäule"
