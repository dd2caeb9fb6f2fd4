"""The way of a study from loading to the saved scene, on the phantom and on a real image."""

from __future__ import annotations

import csv
import json
import threading

import numpy as np
import pytest

from panel_actions import (
    choose_rows,
    paint_voxels,
    shown_rows,
    table_rows,
    wait_until_measured,
    while_running,
)
from scene.loading import load_image
from SoftCordSegLib.bids import read_sidecar
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.scene.scene_files import load_scene
from SoftCordSegLib.scene.study import set_disc_labels, study_of
from SoftCordSegLib.scene.volume_nodes import array_of, grid_of, values_on
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box, read_nifti, write_nifti


@pytest.fixture(params=["phantom", "t2"])
def case(request, tmp_path):
    """(image file, a soft mask of it, discs)."""
    from SoftCordSegLib.morphometry import discs_from_label_image

    if request.param == "phantom":
        from known_phantoms import known_phantom

        phantom = known_phantom("T2w")
        write_nifti(phantom.image, tmp_path / "sub-01_T2w.nii.gz")
        return tmp_path / "sub-01_T2w.nii.gz", phantom.truth, list(phantom.discs)
    from scipy import ndimage

    data = request.getfixturevalue("shared_data") / "images" / "sct-testing"
    mask = read_nifti(data / "t2_seg-manual.nii.gz")
    soft = ndimage.gaussian_filter((mask.data > 0).astype(np.float32), 0.7)
    soft[soft < 0.05] = 0
    discs = discs_from_label_image(read_nifti(data / "t2_labels-disc.nii.gz"))
    return data / "t2.nii.gz", mask.with_data(np.minimum(soft, 1)), discs


@pytest.mark.parametrize("slicer_host", ["5.8.1", "5.12.3"], indirect=True)
def test_from_the_image_to_the_saved_scene(case, ui, widget, app, slicer_host, tmp_path):
    file, mask, discs = case
    image = load_image(app.logics["Volumes"], file)
    reached, go_on = threading.Event(), threading.Event()

    def engine(request, progress):
        for _tile in range(3):
            progress.check_cancelled()
            progress.report(0.5, "Segmenting the cord")
            reached.set()
            go_on.wait(5)
        soft = np.ascontiguousarray(values_on(mask, request.image.grid))
        return SoftMask(
            request.image.with_data(soft), Box.of_grid(request.image.grid), "Spinal cord found."
        )

    widget.logic.engine = engine
    cancel_the_first_run(slicer_host, ui, reached, go_on)
    ui.cordSegmentButton.click()
    assert study_of(image).soft is None
    ui.cordSegmentButton.click()
    soft_node = study_of(image).soft
    assert soft_node is not None, ui.cordRunStatus.text

    for threshold in (0.3, 0.7, 0.5):
        ui.cordThresholdSlider.value = threshold
        assert study_of(image).view.threshold == threshold
    correct_three_slices(ui, soft_node)
    corrected = array_of(soft_node).copy()

    set_disc_labels(image, discs)
    widget.panel.refresh()
    choose_rows(ui, "Slice")
    wait_until_measured(widget)
    slicer_host.answers = [
        str(tmp_path / "panel.csv"),
        str(tmp_path / "out"),
        str(tmp_path / "study.mrb"),
    ]
    ui.cordCsvButton.click()
    ui.cordSaveButton.click()
    ui.cordSaveSceneButton.click()
    areas_equal_those_of_the_shell(
        tmp_path, next((tmp_path / "out").glob("*_softseg.nii.gz")), discs
    )

    sidecar_is_that_of_the_shell(tmp_path, file)

    app.scene.Clear(False)
    load_scene(app.scene, tmp_path / "study.mrb")
    image = ui.cordImageSelector.currentNode()
    np.testing.assert_array_equal(array_of(study_of(image).soft), corrected)
    assert len(table_rows(ui)) == len(discs)
    ui.cordMeasureSection.collapsed = False
    wait_until_measured(widget)
    assert len(shown_rows(ui)) == study_of(image).slice_table.GetNumberOfRows() > 10
    assert "raised" in ui.cordCorrectStatus.text


def sidecar_is_that_of_the_shell(folder, image) -> None:
    """With the file that was segmented, and the correction."""
    (path,) = (folder / "out").glob("*_softseg.json")
    content = read_sidecar(path)
    assert content["SourceSHA256"] == file_sha256(image)
    assert [entry["Name"] for entry in content["GeneratedBy"]][::2] == ["SoftCordSeg", "Manual"]
    keys = {"SpatialReference", "Source", "Model", "Device", "Found", "Message", "Notes", "Box"}
    assert keys | {"BoxGivenByUser", "Threshold", "CorrectedByHand", "Date"} <= set(content)


def cancel_the_first_run(host, ui, reached, go_on) -> None:
    def press():
        if reached.is_set() and not go_on.is_set() and ui.cordCancelButton.visible:
            ui.cordCancelButton.click()
            go_on.set()

    while_running(host, press)


def correct_three_slices(ui, soft_node) -> None:
    """Erase in one slice, paint in the next, undo a third stroke."""
    ui.cordCorrectSection.collapsed = False
    grid = grid_of(soft_node)
    inside = np.argwhere(array_of(soft_node) >= 0.5)
    along = int(np.abs(grid.affine[2, :3]).argmax())
    levels = np.unique(inside[:, along])
    for number, erase in (
        (len(levels) // 3, True),
        (len(levels) // 2, False),
        (2 * len(levels) // 3, True),
    ):
        before = array_of(soft_node).copy()
        center = inside[inside[:, along] == levels[number]].mean(axis=0).round().astype(int)
        aside = np.where(np.arange(3) == along, 0, 0 if erase else 4)
        reach = np.where(np.arange(3) == along, 0, 2)
        voxels = np.zeros(before.shape, bool)
        voxels[tuple(slice(c + a - r, c + a + r + 1) for c, a, r in zip(center, aside, reach))] = (
            True
        )
        paint_voxels(ui, voxels, erase)
        after = array_of(soft_node)
        assert (after != before).any()
        assert ((after >= 0.5) != (before >= 0.5))[voxels].any()
    ui.cordEditor.undo()
    np.testing.assert_array_equal(array_of(soft_node), before)


def areas_equal_those_of_the_shell(folder, mask, discs) -> None:
    from typer.testing import CliRunner

    from SoftCordSegLib.cli.app import app as softcord

    points = [{"label": disc.name, "position": list(disc.position_mm)} for disc in discs]
    markups = {
        "markups": [{"type": "Fiducial", "coordinateSystem": "RAS", "controlPoints": points}]
    }
    (folder / "discs.mrk.json").write_text(json.dumps(markups), encoding="utf-8")
    command = [
        "csa",
        str(mask),
        "-o",
        str(folder / "shell.csv"),
        "--perslice",
        "--discs",
        str(folder / "discs.mrk.json"),
    ]
    answer = CliRunner().invoke(softcord, command)
    assert answer.exit_code == 0, answer.output
    ours, theirs = (
        {
            row["Slice (I->S)"]: row["MEAN(area)"]
            for row in csv.DictReader((folder / name).open(encoding="utf-8-sig"))
        }
        for name in ("panel.csv", "shell.csv")
    )
    assert ours == theirs
    assert sum(1 for area in ours.values() if area and float(area) > 20) > 10
