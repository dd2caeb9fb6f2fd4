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
from SoftCordSegLib.scene.cord_layouts import LAYOUTS
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
def test_a_click_on_a_row_goes_there_and_the_row_of_the_slice_is_marked(
    ui, marked, widget, slicer_host, rows
):
    ui.cordMeasureSection.collapsed = False
    choose_rows(ui, rows)
    table, axial = study_of(marked).slice_table, widget.panel.views.axial_node
    heights = column(table, "S")
    click_row(ui, 2)
    slicer_host.process_events()
    height = widget.panel.views.axial_height_mm
    if rows == "Slice":
        assert height == pytest.approx(heights[2], abs=0.01)
    else:
        inside = heights[column(table, "Level") == shown_rows(ui)[2][0]]
        assert inside.min() <= height <= inside.max()
    assert marked_row(ui) == 2

    axial.SetSliceOffset(heights[40])
    slicer_host.process_events()
    level = column(table, "Level")[40]
    assert shown_rows(ui)[marked_row(ui)][0] == (level or "–")
    if rows == "Slice":
        assert marked_row(ui) == 40
    axial.SetSliceOffset(heights[0] + 30)
    slicer_host.process_events()
    assert marked_row(ui) is None
    click_row(ui, 2)
    slicer_host.process_events()
    assert widget.panel.views.axial_height_mm == pytest.approx(height, abs=0.01)


def click_row(ui, row: int) -> None:
    """A click of the mouse into a row of the table."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    table = unwrap(ui.cordTable)
    table.scrollToItem(table.item(row, 0))
    at = table.visualItemRect(table.item(row, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.LeftButton, pos=at)


def marked_row(ui) -> int | None:
    rows = {index.row() for index in unwrap(ui.cordTable).selectedIndexes()}
    return rows.pop() if rows else None


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
    assert "mL" in ui.cordRunStatus.text, "measuring again says nothing"


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


def test_a_table_that_was_deleted_is_made_again_in_the_panel_only(
    ui, marked, app, widget, slicer_host
):
    slicer_host.leave_panel(widget)
    app.scene.RemoveNode(study_of(marked).slice_table)
    wait_until_measured(widget)
    assert study_of(marked).slice_table is None, "somebody is deleting in the module Data"
    slicer_host.show_panel(widget)
    wait_until_measured(widget)
    assert study_of(marked).slice_table.GetNumberOfRows() > 100


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


@pytest.fixture
def two_contrasts(ui, marked, phantom, app, widget):
    """A second volume of the participant, without discs, whose mask ends within C5; chosen."""
    other = add_volume(app.scene, phantom.image, "sub-phantom_T1w")
    truth, levels = widget.logic.engine, study_of(marked).slice_table
    heights = column(levels, "S")[column(levels, "Level") == "C5"]

    def shorter(request, progress):
        mask = truth(request, progress)
        data, grid = mask.volume.data.copy(), mask.volume.grid
        along = int(np.abs(grid.affine[2, :3]).argmax())
        corners = np.zeros((data.shape[along], 3))
        corners[:, along] = np.arange(data.shape[along])
        below = grid.to_world(corners)[:, 2] < heights.mean()
        data[tuple(below if axis == along else slice(None) for axis in range(3))] = 0
        return replace(mask, volume=mask.volume.with_data(data))

    widget.logic.engine = shorter
    ui.cordImageSelector.setCurrentNode(other)
    ui.cordSegmentButton.click()
    ui.cordMeasureSection.collapsed = False
    choose_rows(ui, "Level")
    wait_until_measured(widget)
    return marked, other


def test_volumes_are_compared_with_the_discs_of_one_of_them(ui, two_contrasts, app, widget):
    first, other = two_contrasts
    assert not ui.cordTable.visible, "it has no discs of its own"
    ui.cordCompareButton.click()
    wait_until_measured(widget)

    head = [ui.cordTable.horizontalHeaderItem(n).text() for n in range(ui.cordTable.columnCount)]
    assert head == ["Level", "T1w mm²", "T2w mm²", "Difference"]
    rows = {row[0]: row[1:] for row in shown_rows(ui)}
    assert list(rows)[:4] == ["C1", "C2", "C3", "C4"]
    assert "nan" not in str(rows).lower()
    # The centreline of a shorter mask is a little another one.
    assert float(rows["C3"][0]) == pytest.approx(float(rows["C3"][1]), abs=0.4)
    assert rows["C3"][2][0] in "+-"
    words = ui.cordMeasureStatus.text
    assert "T1w: levels by the discs of T2w." in words
    # C5 is compared where both have cord; below it there is only one.
    assert "C5" not in rows
    whole = column(study_of(first).slice_table, "area")
    in_c5 = whole[column(study_of(first).slice_table, "Level") == "C5"]
    assert abs(float(rows["C5*"][2])) < 1.0
    assert float(rows["C5*"][1]) != pytest.approx(in_c5.mean(), abs=0.06)
    assert "only the stretch" in words
    assert rows["C6"][0] == "–"
    assert rows["C6"][2] == "–"
    assert rows["C6"][1] != "–"
    table = comparison(app)
    assert table.GetName() == "sub-phantom_T1w area by contrast"
    assert list(column(table, "Level")) == list(rows)
    assert table.GetColumnUnitLabel("T2w") == "mm²"
    assert study_of(other).discs is None
    layout = app.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    assert layout.GetViewArrangement() == LAYOUTS["compare"]
    ui.cordCompareButton.click()
    assert layout.GetViewArrangement() == LAYOUTS["cord"]


def comparison(app):
    """The scene's table of a comparison."""
    scene, kind = app.scene, "vtkMRMLTableNode"
    nodes = [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]
    (table,) = [node for node in nodes if node.GetAttribute("SoftCordSeg.Comparison")]
    return table


def test_a_comparison_follows_the_chips_and_is_left_again(
    ui, two_contrasts, app, widget, slicer_host, tmp_path
):
    choose_rows(ui, "Slice")
    ui.cordCompareButton.click()
    assert ui.cordLevelChip.checked
    assert not ui.cordSliceChip.checked
    assert not ui.cordSliceChip.enabled
    choose_rows(ui, "C2C3")
    wait_until_measured(widget)
    assert [row[0] for row in shown_rows(ui)] == ["C2–C3"]
    slicer_host.answers = [str(tmp_path / "both.csv")]
    ui.cordCsvButton.click()
    (row,) = csv.DictReader((tmp_path / "both.csv").open(encoding="utf-8-sig"))
    assert (row["Subject"], row["LevelName"]) == ("sub-phantom", "C2:C3")
    assert [f"{float(row[f'area({name})']):.1f}" for name in ("T1w", "T2w")] == shown_rows(ui)[0][
        1:3
    ]

    ui.cordCompareButton.click()
    wait_until_measured(widget)
    assert ui.cordSliceChip.enabled
    assert not ui.cordTable.visible
    assert ui.cordToLevelsButton.visible
    assert study_of(two_contrasts[1]).summary_table is None


def test_volumes_that_do_not_tell_whose_they_are_are_compared_and_it_is_said(
    ui, phantom, app, widget, neck
):
    from SoftCordSegLib.scene.study import set_disc_labels

    neck.SetName("axial")  # the engine gives the phantom's mask for each
    for _ in range(2):
        node = add_volume(app.scene, phantom.image, "sagittal")
        node.SetName("sagittal")
        ui.cordImageSelector.setCurrentNode(node)
        ui.cordSegmentButton.click()
    set_disc_labels(neck, phantom.discs)
    ui.cordMeasureSection.collapsed = False
    ui.cordCompareButton.click()
    choose_rows(ui, "C2C3")
    wait_until_measured(widget)

    names = [ui.cordTable.horizontalHeaderItem(n).text() for n in (1, 2, 3)]
    assert sorted(names) == ["axial mm²", "sagittal (1) mm²", "sagittal (2) mm²"]
    assert "differ by 0.0 mm² (SD over 3 volumes)" in ui.cordMeasureStatus.text
    (row,) = shown_rows(ui)
    assert row[0] == "C2–C3"
    assert row[1] == row[2] == row[3]
    assert row[4] == "0.0"
    assert "do not tell whose they are" in ui.cordMeasureStatus.text
    for number in (1, 2):
        words = f"sagittal ({number}): levels by the discs of axial."
        assert words in ui.cordMeasureStatus.text


def test_nothing_to_compare_is_a_sentence(ui, neck, widget, phantom, app):
    other = add_volume(app.scene, phantom.image, "sub-other_T1w")
    ui.cordImageSelector.setCurrentNode(other)
    ui.cordSegmentButton.click()
    ui.cordCompareButton.click()

    assert "No other volume of this participant has a mask" in ui.cordMeasureStatus.text
    assert not ui.cordCompareButton.checked


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
        ),
        encoding="utf-8",
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
