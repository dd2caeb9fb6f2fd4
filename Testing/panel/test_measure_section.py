"""Section "Measure", on the phantom whose areas are known."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from host.pythonqt import unwrap
from panel_actions import choose_rows, column, paint_voxels
from SoftCordSegLib.scene.render import SliceView
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of, grid_of


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
    assert "levels are not known" in ui.cordMessageLabel.text

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

    assert "'Q9' is not a vertebral level" in ui.cordMessageLabel.text


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
        assert view.node.GetSliceToRAS().GetElement(2, 3) == pytest.approx(
            column(study.slice_table, "S")[5], abs=0.01
        )


def test_the_table_follows_a_correction_at_once_and_entirely_when_the_hand_rests(ui, neck):
    ui.cordCorrectSection.collapsed = False
    ui.cordMeasureButton.click()
    study = study_of(neck)
    before = column(study.slice_table, "area")
    diameters = column(study.slice_table, "diameter_AP")
    row = before.size // 2
    at = grid_of(study.soft).to_voxel(
        [column(study.slice_table, axis)[row] for axis in ("R", "A", "S")]
    )
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


def test_the_table_is_measured_again_after_a_new_mask(ui, neck, widget):
    ui.cordMeasureButton.click()
    before = column(study_of(neck).slice_table, "area")
    truth = widget.logic.engine
    widget.logic.engine = lambda request, progress: thinner(truth(request, progress))
    ui.cordSegmentButton.click()
    rest(ui)

    areas = column(study_of(neck).slice_table, "area")
    assert (areas[3:-3] < before[3:-3] - 2).all()
    assert list(column(ui.cordTable.mrmlTableNode(), "Area mm²")) == [f"{a:.1f}" for a in areas]
    assert "found" in ui.cordMessageLabel.text, "measuring again says nothing"


def thinner(mask):
    """A mask that lost a layer of voxels."""
    data = mask.volume.data
    return replace(mask, volume=mask.volume.with_data(np.minimum(data, np.roll(data, 1, axis=0))))


def test_the_table_is_measured_again_after_a_disc_was_moved(ui, neck, phantom, mark):
    mark(phantom.discs)
    choose_rows(ui, "Level")
    ui.cordMeasureButton.click()
    before = list(column(study_of(neck).summary_table, "Slice (I->S)"))
    discs = study_of(neck).discs
    position = list(discs.GetNthControlPointPositionWorld(1))
    discs.SetNthControlPointPositionWorld(1, position[0], position[1], position[2] + 6)
    rest(ui)

    after = list(column(study_of(neck).summary_table, "Slice (I->S)"))
    assert after != before
    assert list(column(ui.cordTable.mrmlTableNode(), "Slices")) == after


def test_the_table_is_measured_again_after_the_threshold_with_edits(ui, neck):
    ui.cordCorrectSection.collapsed = False
    shape = array_of(study_of(neck).soft).shape
    voxels = np.zeros(shape, bool)
    voxels[tuple(slice(n // 2 - 3, n // 2 + 4) for n in shape)] = True
    paint_voxels(ui, voxels)
    ui.cordMeasureButton.click()
    before = column(study_of(neck).slice_table, "area")
    ui.cordThresholdSlider.value = 0.9
    rest(ui)

    after = column(study_of(neck).slice_table, "area")
    assert np.abs(after - before).max() > 0.01
    ui.cordMeasureButton.click()
    np.testing.assert_allclose(column(study_of(neck).slice_table, "area"), after, rtol=1e-6)


def test_other_rows_are_measured_and_a_wrong_level_leaves_none_standing(ui, neck, phantom, mark):
    mark(phantom.discs)
    ui.cordMeasureSection.collapsed = False
    ui.cordMeasureButton.click()
    assert ui.cordTable.visible
    choose_rows(ui, "Level")
    assert not ui.cordTable.visible, "slices are shown as levels"
    rest(ui)
    assert "C4" in column(ui.cordTable.mrmlTableNode(), "Level")

    ui.cordLevelsEdit.text = "Q9"
    rest(ui)
    assert "'Q9' is not a vertebral level" in ui.cordMessageLabel.text
    assert not ui.cordTable.visible
    assert not ui.cordCopyButton.enabled
    ui.cordLevelsEdit.text = "C4"
    rest(ui)
    assert list(column(ui.cordTable.mrmlTableNode(), "Level")) == ["C4"]


def test_copy_gives_the_present_numbers(ui, neck, phantom, mark):
    import slicer

    mark(phantom.discs)
    choose_rows(ui, "Level")
    ui.cordMeasureButton.click()
    discs = study_of(neck).discs
    position = list(discs.GetNthControlPointPositionWorld(1))
    discs.SetNthControlPointPositionWorld(1, position[0], position[1], position[2] + 6)
    ui.cordCopyButton.click()

    slices = list(column(study_of(neck).summary_table, "Slice (I->S)"))
    copied = [line.split("\t") for line in slicer.app.clipboard().text().splitlines()]
    number = copied[0].index("Slice (I->S)")
    assert [line[number] for line in copied[1:]] == slices
    ui.cordMeasureButton.click()
    assert list(column(study_of(neck).summary_table, "Slice (I->S)")) == slices


def test_a_saved_table_that_is_current_is_not_measured_again(ui, neck, app, tmp_path, monkeypatch):
    from SoftCordSegLib.panel import measure_section
    from SoftCordSegLib.scene.scene_files import load_scene, save_scene

    ui.cordMeasureSection.collapsed = False
    ui.cordMeasureButton.click()
    save_scene(app.scene, tmp_path / "a.mrb")
    app.scene.Clear(False)
    monkeypatch.setattr(measure_section, "measure_study", None)
    load_scene(app.scene, tmp_path / "a.mrb")
    rest(ui)

    assert ui.cordTable.visible


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
        app.scene.GetNthNodeByClass(n, "vtkMRMLTableNode")
        for n in range(app.scene.GetNumberOfNodesByClass("vtkMRMLTableNode"))
    ]
    (table,) = [table for table in tables if table.GetAttribute("SoftCordSeg.Comparison")]
    np.testing.assert_allclose(column(table, "sub-phantom_T2w"), column(table, "sub-phantom_T1w"))
    assert "C4" in column(table, "Level")
    selection = app.application_logic.GetSelectionNode()
    chart = app.scene.GetNodeByID(selection.GetActivePlotChartID())
    assert chart.GetNumberOfPlotSeriesNodes() == 2
    assert selection.GetActiveTableID() == table.GetID()
    assert (
        slicer.app.layoutManager().layout
        == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView
    )


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


def test_the_csv_is_that_of_softcord_csa_on_the_saved_mask(
    ui, neck, phantom, slicer_host, tmp_path, mark
):
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
    discs.write_text(
        json.dumps(
            {"markups": [{"type": "Fiducial", "coordinateSystem": "RAS", "controlPoints": points}]}
        )
    )
    shell = tmp_path / "shell.csv"
    answer = CliRunner().invoke(
        softcord, ["csa", str(mask), "-o", str(shell), "--perlevel", "--discs", str(discs)]
    )
    assert answer.exit_code == 0, answer.output

    ours, theirs = (
        list(csv.DictReader(path.open(encoding="utf-8-sig")))
        for path in (tmp_path / "panel.csv", shell)
    )
    assert len(ours) == len(theirs) > 3
    for one, other in zip(ours, theirs):
        shared = [
            name
            for name in one
            if name in other and name not in ("Timestamp", "Filename", "SCT Version")
        ]
        assert [one[name] for name in shared] == [other[name] for name in shared]
