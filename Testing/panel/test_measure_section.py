"""Section "Measure", on the phantom whose areas are known."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from host.pythonqt import unwrap
from panel_actions import (
    choose_rows,
    column,
    paint_voxels,
    shown_rows,
    wait_until_measured,
)
from SoftCordSegLib.scene.render import SliceView
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of, grid_of


@pytest.fixture
def marked(neck, phantom, mark, widget):
    """The phantom in the scene with its discs, measured."""
    mark(phantom.discs)
    wait_until_measured(widget)
    return neck


def texts(values) -> list[str]:
    return [f"{value:.1f}" for value in values]


def test_a_mask_is_measured_without_a_button(ui, neck, phantom, widget):
    assert "Segment the volume first" not in ui.cordMeasureStatus.text
    assert not ui.cordTable.visible
    ui.cordMeasureSection.collapsed = False
    choose_rows(ui, "Slice")
    wait_until_measured(widget)

    table = study_of(neck).slice_table
    assert ui.cordTable.visible
    assert [row[2] for row in shown_rows(ui)] == texts(column(table, "area"))
    assert ui.cordMeasureStatus.text.startswith(f"{table.GetNumberOfRows()} slices.")
    areas, heights = column(table, "area"), column(table, "S")
    assert (np.diff(heights) < 0).all(), "from above to below"
    assert np.abs(areas / phantom.area_mm2(heights) - 1)[2:-2].max() < 0.06


def test_the_window_stands_still_for_no_more_than_a_moment(ui, neck, widget, monkeypatch):
    """The work is done on another thread: a slow measurement blocks no event."""
    import threading

    from SoftCordSegLib.panel import measuring

    threads, real = [], measuring._measured

    def slow(*arguments):
        threads.append(threading.current_thread())
        return real(*arguments)

    monkeypatch.setattr(measuring, "_measured", slow)
    wait_until_measured(widget)
    assert threads
    assert threading.main_thread() not in threads


def test_the_chips_say_what_a_row_is(ui, marked):
    ui.cordMeasureSection.collapsed = False
    measures = study_of(marked).slice_table
    inside = np.isin(column(measures, "Level"), ["C2", "C3"])
    areas = column(measures, "area")[inside]
    upper = f"{areas.mean():.1f} ± {areas.std():.1f}"
    assert [row[:3] for row in shown_rows(ui)] == [["C2–C3", str(inside.sum()), upper]]
    assert ui.cordMeasureStatus.text == f"Mean ± SD over {inside.sum()} slices."
    head = [ui.cordTable.horizontalHeaderItem(n).text() for n in range(5)]
    assert head == ["Level", "Slices", "Area mm²", "AP mm", "RL mm"]

    choose_rows(ui, "Level")
    assert [row[0] for row in shown_rows(ui)][:4] == ["C1", "C2", "C3", "C4"]
    choose_rows(ui, "Slice")
    assert len(shown_rows(ui)) == measures.GetNumberOfRows()
    choose_rows(ui, "Range")
    assert ui.cordLevelsEdit.visible
    for text in ("C3:C5", "C3-C5", "c3–C5"):
        ui.cordLevelsEdit.text = text
        assert [row[0] for row in shown_rows(ui)] == ["C3–C5"]
    checked = [ui.cordC2C3Chip.checked, ui.cordLevelChip.checked, ui.cordSliceChip.checked]
    assert checked == [False, False, False]
    assert ui.cordRangeChip.checked


def test_the_title_says_the_area_at_c2_c3(ui, marked):
    (row,) = shown_rows(ui) or [None]
    choose_rows(ui, "C2C3")
    ui.cordMeasureSection.collapsed = False
    (row,) = shown_rows(ui)
    ui.cordMeasureSection.collapsed = True
    choose_rows(ui, "Slice")

    assert ui.cordMeasureSection.text.endswith(f"C2–C3  {row[2]} mm²")


def test_without_discs_it_says_what_to_do(ui, neck, widget):
    ui.cordMeasureSection.collapsed = False
    wait_until_measured(widget)
    assert "discs" in ui.cordMeasureStatus.text
    assert not ui.cordTable.visible
    assert "discs" in ui.cordCsvButton.toolTip

    ui.cordToLevelsButton.click()
    assert not ui.cordLevelsSection.collapsed
    choose_rows(ui, "Slice")
    assert not ui.cordToLevelsButton.visible


def test_a_wrong_range_is_said_beside_it_and_leaves_no_rows(ui, marked, widget):
    ui.cordMeasureSection.collapsed = False
    choose_rows(ui, "Level")
    wait_until_measured(widget)
    choose_rows(ui, "Range")
    for text, words in (
        ("", "No levels are given"),
        ("C3:Q9", "'Q9' is not a vertebral level"),
        ("C5:C3", "is not a range"),
    ):
        ui.cordLevelsEdit.text = text
        assert words in ui.cordRangeNote.text
        assert ui.cordRangeNote.visible
        assert not ui.cordTable.visible
        assert not ui.cordCopyButton.enabled
    wait_until_measured(widget)
    assert study_of(marked).summary_table is None
    ui.cordLevelsEdit.text = "L1"
    assert not ui.cordTable.visible
    assert "L1" in ui.cordMeasureStatus.text
    ui.cordLevelsEdit.text = "C4"
    assert not ui.cordRangeNote.visible
    assert [row[0] for row in shown_rows(ui)] == ["C4"]
    wait_until_measured(widget)
    assert study_of(marked).summary_table.GetName() == "sub-phantom_T2w area C4"


def test_discs_that_cannot_be_used_are_said_and_slices_are_measured(ui, marked, widget):
    study_of(marked).discs.SetNthControlPointLabel(1, "nonsense")
    ui.cordMeasureSection.collapsed = False
    wait_until_measured(widget)
    assert "'nonsense' is not a disc" in ui.cordMeasureStatus.text
    assert not ui.cordTable.visible
    choose_rows(ui, "Slice")
    assert len(shown_rows(ui)) > 100


@pytest.mark.parametrize("rows", ["Slice", "Level"])
def test_a_click_on_a_row_jumps_the_slice_views_there(ui, marked, app, rows):
    ui.cordMeasureSection.collapsed = False
    choose_rows(ui, rows)
    with SliceView(app, "Axial", (100, 100), name="Red") as view:
        unwrap(ui.cordTable).selectRow(2)
        offset = view.node.GetSliceToRAS().GetElement(2, 3)

    table = study_of(marked).slice_table
    if rows == "Slice":
        assert offset == pytest.approx(column(table, "S")[2], abs=0.01)
    else:
        inside = column(table, "S")[column(table, "Level") == shown_rows(ui)[2][0]]
        assert inside.min() <= offset <= inside.max()


def test_the_table_follows_a_correction_at_once_and_entirely_when_the_hand_rests(
    ui, marked, widget
):
    neck = marked
    ui.cordCorrectSection.collapsed = False
    choose_rows(ui, "Slice")
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

    wait_until_measured(widget)
    np.testing.assert_allclose(column(study.slice_table, "area"), at_once, rtol=1e-6)
    assert column(study.slice_table, "diameter_AP")[row] < diameters[row]

    ui.cordEditor.undo()
    wait_until_measured(widget)
    np.testing.assert_allclose(column(study.slice_table, "area"), before, rtol=1e-6)
    np.testing.assert_allclose(column(study.slice_table, "diameter_AP"), diameters, rtol=1e-6)


def test_the_table_is_measured_again_after_a_new_mask(ui, marked, widget):
    ui.cordMeasureSection.collapsed = False
    choose_rows(ui, "Slice")
    before = column(study_of(marked).slice_table, "area")
    truth = widget.logic.engine
    widget.logic.engine = lambda request, progress: thinner(truth(request, progress))
    ui.cordSegmentButton.click()
    wait_until_measured(widget)

    areas = column(study_of(marked).slice_table, "area")
    assert (areas[3:-3] < before[3:-3] - 2).all()
    assert [row[2] for row in shown_rows(ui)] == texts(areas)
    assert "found" in ui.cordRunStatus.text, "measuring again says nothing"


def thinner(mask):
    """A mask that lost a layer of voxels."""
    data = mask.volume.data
    return replace(mask, volume=mask.volume.with_data(np.minimum(data, np.roll(data, 1, axis=0))))


def test_the_table_is_measured_again_after_a_disc_was_moved_or_removed(ui, marked, widget):
    ui.cordMeasureSection.collapsed = False
    choose_rows(ui, "Level")
    before = [row[:2] for row in shown_rows(ui)]
    wait_until_measured(widget)
    discs = study_of(marked).discs
    position = list(discs.GetNthControlPointPositionWorld(1))
    discs.SetNthControlPointPositionWorld(1, position[0], position[1], position[2] + 6)
    wait_until_measured(widget)

    after = [row[:2] for row in shown_rows(ui)]
    assert after != before
    counts = [str(int(n)) for n in column(study_of(marked).summary_table, "SliceCount")]
    assert [row[1] for row in after] == counts

    discs.RemoveAllControlPoints()
    wait_until_measured(widget)
    assert not ui.cordTable.visible
    assert study_of(marked).summary_table is None


def test_the_table_is_measured_again_after_the_threshold_with_edits(ui, neck, widget):
    ui.cordCorrectSection.collapsed = False
    shape = array_of(study_of(neck).soft).shape
    voxels = np.zeros(shape, bool)
    voxels[tuple(slice(n // 2 - 3, n // 2 + 4) for n in shape)] = True
    paint_voxels(ui, voxels)
    wait_until_measured(widget)
    before = column(study_of(neck).slice_table, "area")
    ui.cordThresholdSlider.value = 0.9
    wait_until_measured(widget)

    after = column(study_of(neck).slice_table, "area")
    assert np.abs(after - before).max() > 0.01


def test_an_empty_mask_is_said(ui, neck, widget):
    from SoftCordSegLib.scene.volume_nodes import voxels_changed

    wait_until_measured(widget)
    array_of(study_of(neck).soft)[...] = 0
    voxels_changed(study_of(neck).soft)
    wait_until_measured(widget)

    assert "The mask is empty" in ui.cordMeasureStatus.text
    assert not ui.cordTable.visible


def test_copy_gives_what_is_seen_with_the_present_numbers(ui, marked, widget):
    import slicer

    ui.cordMeasureSection.collapsed = False
    choose_rows(ui, "Level")
    discs = study_of(marked).discs
    position = list(discs.GetNthControlPointPositionWorld(1))
    discs.SetNthControlPointPositionWorld(1, position[0], position[1], position[2] + 6)
    ui.cordCopyButton.click()

    copied = [line.split("\t") for line in slicer.app.clipboard().text().splitlines()]
    assert copied[0] == ["Level", "Slices", "Area mm²", "AP mm", "RL mm"]
    assert copied[1:] == shown_rows(ui)
    wait_until_measured(widget)
    assert copied[1:] == shown_rows(ui)


def test_tables_of_a_saved_scene_are_not_made_again(ui, marked, app, tmp_path, widget):
    from SoftCordSegLib.scene.scene_files import load_scene, save_scene

    choose_rows(ui, "Level")
    wait_until_measured(widget)
    save_scene(app.scene, tmp_path / "a.mrb")
    app.scene.Clear(False)
    load_scene(app.scene, tmp_path / "a.mrb")
    study = study_of(ui.cordImageSelector.currentNode())
    tables = (study.slice_table, study.summary_table)
    times = [table.GetMTime() for table in tables]
    ui.cordMeasureSection.collapsed = False
    wait_until_measured(widget)

    assert [table.GetMTime() for table in tables] == times
    assert ui.cordLevelChip.checked
    assert len(shown_rows(ui)) == study.summary_table.GetNumberOfRows()


@pytest.mark.parametrize(
    ("former", "levels", "chip"), [("All", "C3:C4", "Range"), ("Slice", "", "Slice")]
)
def test_the_choice_of_rows_of_an_older_scene_is_understood(widget, former, levels, chip):
    node = widget.panel.parameters.parameterNode
    widget.unbind_parameter_node()
    node.SetParameter("rows", former)
    node.SetParameter("levels", levels)
    widget.bind_parameter_node()

    assert getattr(widget.ui, f"cord{chip}Chip").checked
    assert widget.ui.cordLevelsEdit.text == levels


def test_volumes_are_compared_level_by_level(ui, neck, phantom, app, mark, widget):
    ui.cordCompareButton.click()
    assert "fewer than two" in ui.cordMeasureStatus.text
    again = add_volume(app.scene, phantom.image, "sub-phantom_T1w")
    ui.cordImageSelector.setCurrentNode(again)
    ui.cordSegmentButton.click()
    ui.cordCompareButton.click()
    assert "Mark the discs" in ui.cordMeasureStatus.text

    ui.cordImageSelector.setCurrentNode(neck)
    mark(phantom.discs)
    for _ in range(2):  # the second time the first comparison is replaced
        ui.cordCompareButton.click()
    assert "Compared 2 volumes. The area differs by 0.0 mm²" in ui.cordMeasureStatus.text
    tables = [
        app.scene.GetNthNodeByClass(n, "vtkMRMLTableNode")
        for n in range(app.scene.GetNumberOfNodesByClass("vtkMRMLTableNode"))
    ]
    (table,) = [table for table in tables if table.GetAttribute("SoftCordSeg.Comparison")]
    np.testing.assert_allclose(column(table, "sub-phantom_T2w"), column(table, "sub-phantom_T1w"))
    assert "C4" in column(table, "Level")


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ("C2C3", ["--vert", "2:3"]),
        ("Level", ["--perlevel"]),
        ("Slice", ["--perslice"]),
        ("Range", ["--vert", "C3:C5"]),
    ],
)
def test_the_csv_is_that_of_softcord_csa_on_the_saved_mask(
    ui, marked, phantom, slicer_host, tmp_path, rows, options
):
    from typer.testing import CliRunner

    from SoftCordSegLib.cli.app import app as softcord

    choose_rows(ui, rows)
    ui.cordLevelsEdit.text = "C3-C5"
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
        softcord, ["csa", str(mask), "-o", str(shell), *options, "--discs", str(discs)]
    )
    assert answer.exit_code == 0, answer.output

    ours, theirs = (
        list(csv.DictReader(path.open(encoding="utf-8-sig")))
        for path in (tmp_path / "panel.csv", shell)
    )
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs):
        shared = [
            name
            for name in one
            if name in other and name not in ("Timestamp", "Filename", "SCT Version")
        ]
        assert [one[name] for name in shared] == [other[name] for name in shared]
