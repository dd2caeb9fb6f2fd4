"""Section "Save": files with their provenance, and the whole scene."""

from __future__ import annotations

import json

import numpy as np
import pytest

from panel_actions import (
    choose_rows,
    column,
    paint_voxels,
    shown_rows,
    table_rows,
    wait_until_measured,
)
from SoftCordSegLib.scene.disc_points import placed_discs_of
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import array_of, values_on, volume_of
from SoftCordSegLib.volume import Volume, read_nifti
from SoftCordSegLib.workflows.review.review_doubt import doubt_of_mask


def test_results_are_saved_with_their_provenance_and_only_replaced_after_asking(
    ui, neck, slicer_host, tmp_path
):
    ui.cordThresholdSlider.value = 0.3
    slicer_host.answers = [str(tmp_path)]
    ui.cordSaveButton.click()

    names = sorted(path.name for path in tmp_path.iterdir())
    start = "sub-phantom_T2w_label-SC_"
    assert names == [f"{start}seg.nii.gz", f"{start}softseg.json", f"{start}softseg.nii.gz"]
    soft, segment = (
        read_nifti(tmp_path / f"{start}softseg.nii.gz"),
        read_nifti(tmp_path / f"{start}seg.nii.gz"),
    )
    np.testing.assert_array_equal(segment.data > 0, soft.data >= 0.3)
    assert soft.data.sum() == pytest.approx(array_of(study_of(neck).soft).sum())
    record = json.loads((tmp_path / f"{start}softseg.json").read_text(encoding="utf-8"))
    assert record["Message"] == "Spinal cord found."
    assert record["Threshold"] == 0.3
    assert record["Source"] == "sub-phantom_T2w"
    assert [entry["Name"] for entry in record["GeneratedBy"]] == [
        "SoftCordSeg",
        record["Model"]["Name"],
    ]
    assert "CorrectedByHand" not in record


def test_files_of_others_are_only_replaced_after_asking_and_our_own_without(
    ui, neck, slicer_host, tmp_path
):
    sidecar = tmp_path / "sub-phantom_T2w_label-SC_softseg.json"
    sidecar.write_text("mine", encoding="utf-8")
    slicer_host.answers = [str(tmp_path), False]
    ui.cordSaveButton.click()
    assert sidecar.read_text(encoding="utf-8") == "mine"
    slicer_host.answers = [str(tmp_path), True]
    ui.cordSaveButton.click()
    assert sidecar.read_text(encoding="utf-8") != "mine"
    asked = len(slicer_host.asked)
    ui.cordThresholdSlider.value = 0.4
    ui.cordSaveButton.click()
    assert len(slicer_host.asked) == asked, "neither the folder nor our own files are asked for"
    assert json.loads(sidecar.read_text(encoding="utf-8"))["Threshold"] == 0.4


def test_the_files_are_listed_before_they_are_written_and_the_folder_is_remembered(
    ui, neck, phantom, mark, slicer_host, tmp_path, widget
):
    def listed() -> set[str]:
        text = ui.cordSaveFiles.text.replace("\u200b", "")
        return {line.split(": ")[0] for line in text.splitlines()}

    mark(phantom.discs)
    ui.cordCorrectSection.collapsed = False
    paint_voxels(ui, array_of(study_of(neck).soft) > 0.9, erase=True)
    ui.cordSaveSection.collapsed = False
    assert "asked for" in ui.cordSaveFolder.text
    before = listed()
    slicer_host.answers = [str(tmp_path)]
    ui.cordSaveButton.click()
    assert before == {path.name for path in tmp_path.iterdir()}
    assert str(tmp_path) in ui.cordSaveFolder.text.replace("\u200b", "")

    other = tmp_path / "other"
    other.mkdir()
    slicer_host.answers = [str(other)]
    ui.cordSaveFolderButton.click()
    ui.cordSaveButton.click()
    assert {path.name for path in other.iterdir()} == before


def test_the_title_says_whether_all_is_saved_and_slicer_asks_when_it_is_not(
    ui, neck, slicer_host, tmp_path, app, widget, phantom, mark
):
    from SoftCordSegLib.scene.scene_files import load_scene

    def says() -> str:
        widget.panel.refresh()
        return ui.cordSaveSection.text

    assert says() == "Save   not saved"
    slicer_host.answers = [str(tmp_path)]
    ui.cordSaveButton.click()
    assert says() == "Save   saved"
    ui.cordThresholdSlider.value = 0.3
    assert says() == "Save   not saved"
    ui.cordSaveButton.click()
    mark(phantom.discs)
    assert says() == "Save   not saved"
    ui.cordSaveButton.click()
    assert says() == "Save   saved"

    ui.cordCorrectSection.collapsed = False
    paint_voxels(ui, array_of(study_of(neck).soft) > 0.9, erase=True)
    assert says() == "Save   not saved"
    assert study_of(neck).soft.GetModifiedSinceRead(), "Slicer asks before it closes the scene"
    slicer_host.answers = [str(tmp_path / "all")]
    ui.cordSaveSceneButton.click()
    assert says() == "Save   saved"
    app.scene.Clear(False)
    load_scene(app.scene, tmp_path / "all.mrb")
    assert says() == "Save   saved"


def test_the_command_line_writes_the_same_names_and_the_same_sidecar(
    ui, widget, app, slicer_host, tmp_path
):
    """The panel's Segment and Save beside ``softcord segment --threshold``, by the shipped
    model's stand-in.
    """
    from cli.fakes import Softcord, a_neck
    from scene.loading import load_image
    from SoftCordSegLib.volume import write_nifti
    from SoftCordSegLib.workflows.segment_images import segment_volume

    image = tmp_path / "in" / "sub-01_T2w.nii.gz"
    write_nifti(a_neck(), image)
    shell, panel = Softcord(), tmp_path / "panel"
    panel.mkdir()
    widget.logic.engine = segment_volume
    ui.cordImageSelector.setCurrentNode(load_image(app.logics["Volumes"], image))
    with shell.engine():
        ui.cordSegmentButton.click()
        slicer_host.answers = [str(panel)]
        ui.cordSaveButton.click()
    assert shell("segment", image, "-o", tmp_path / "shell", "--threshold", "0.5").exit_code == 0

    folders = (panel, tmp_path / "shell")
    names = [{path.name for path in folder.iterdir()} for folder in folders]
    assert names[0] == names[1]
    ours, theirs = (
        json.loads((folder / "sub-01_T2w_label-SC_softseg.json").read_text(encoding="utf-8"))
        for folder in folders
    )
    assert set(theirs) - set(ours) == {"Command"}
    assert set(ours) <= set(theirs)
    own = ("Date", "Box", "Device")
    assert [key for key in ours if key not in own and ours[key] != theirs[key]] == []


def test_a_correction_by_hand_is_written_down_with_who_made_it(
    ui, neck, app, slicer_host, tmp_path
):
    app.application_logic.GetUserInformation().SetName("Ada Example")
    ui.cordCorrectSection.collapsed = False
    soft = array_of(study_of(neck).soft)
    voxels = soft >= 0.5
    voxels[:, :, : voxels.shape[2] // 2] = False
    paint_voxels(ui, voxels, erase=True)
    slicer_host.answers = [str(tmp_path)]
    ui.cordSaveButton.click()

    start = tmp_path / "sub-phantom_T2w_label-SC_softseg"
    record = json.loads(start.with_suffix(".json").read_text(encoding="utf-8"))
    last = record["GeneratedBy"][-1]
    assert (last["Name"], last["Author"]) == ("Manual", "Ada Example")
    assert record["CorrectedByHand"]["VoxelsRemoved"] > 0
    assert (tmp_path / "sub-phantom_T2w_label-SC_edits.nii.gz").exists()
    # The doubt is that of the mask as it was saved: half of the cord is missing.
    mask, image = read_nifti(start.with_suffix(".nii.gz")), volume_of(neck)
    saved = doubt_of_mask(mask, Volume(values_on(image, mask.grid), mask.affine))
    assert record["Doubt"] == saved
    assert record["Doubt"]["Score"] > 0.5


def test_found_discs_are_still_told_from_marked_ones_when_loaded_again(
    ui, neck, phantom, mark, slicer_host, tmp_path
):
    mark([disc for disc in phantom.discs if disc.value == 3])
    ui.cordProposeButton.click()
    slicer_host.answers = [str(tmp_path)]
    ui.cordSaveButton.click()
    ui.cordRemoveDiscsButton.click()
    slicer_host.answers = [str(tmp_path / "sub-phantom_T2w_label-discs_dlabel.nii.gz")]
    ui.cordLoadDiscsButton.click()

    assert ui.cordProposeButton.text == "Re-fit"
    assert [disc.value for disc in placed_discs_of(study_of(neck).discs)] == [3]


def test_a_folder_that_cannot_be_written_is_a_sentence(ui, neck, slicer_host, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    slicer_host.answers = [str(tmp_path / "file" / "folder")]
    ui.cordSaveButton.click()

    assert "Choose another folder" in ui.cordSaveStatus.text


def test_the_image_itself_is_never_written_over(neck, tmp_path):
    from SoftCordSegLib.errors import OptionError
    from SoftCordSegLib.panel.saving import write_all

    neck.AddDefaultStorageNode()
    neck.GetStorageNode().SetFileName(str(tmp_path / "a.nii.gz"))
    with pytest.raises(OptionError, match="would be overwritten"):
        write_all({tmp_path / "a.nii.gz": lambda path: path.write_text("", encoding="utf-8")}, neck)
    assert not (tmp_path / "a.nii.gz").exists()


def test_the_scene_is_saved_and_everything_comes_back(
    ui, neck, phantom, slicer_host, tmp_path, app, mark, widget
):
    from SoftCordSegLib.scene.scene_files import load_scene

    mark(phantom.discs)
    choose_rows(ui, "Level")
    wait_until_measured(widget)
    areas = column(study_of(neck).summary_table, "MEAN(area)")
    slicer_host.answers = [str(tmp_path / "all")]
    ui.cordSaveSceneButton.click()
    app.scene.Clear(False)
    assert not ui.cordTable.visible
    load_scene(app.scene, tmp_path / "all.mrb")

    image = ui.cordImageSelector.currentNode()
    assert image.GetName() == "sub-phantom_T2w"
    ui.cordMeasureSection.collapsed = False
    wait_until_measured(widget)
    assert len(shown_rows(ui)) == len(areas)
    np.testing.assert_allclose(
        column(study_of(image).summary_table, "MEAN(area)"), areas, rtol=1e-5
    )  # Slicer saves it as text
    assert "C2/C3" in [row[0] for row in table_rows(ui)]


def test_the_sidecar_has_the_whole_name_of_a_volume_without_a_file(image_node, ui):
    from SoftCordSegLib.panel.saving import run_of

    image_node.SetName("SAG T1 W/O 50%; a:b")
    ui.cordSegmentButton.click()
    assert run_of(study_of(image_node).soft)["Source"] == "SAG T1 W-O 50%; a:b"


def test_names_of_files_come_from_the_image():
    from types import SimpleNamespace

    from SoftCordSegLib.panel.saving import stem_of

    def image(name, file=None):
        storage = SimpleNamespace(GetFileName=lambda: file) if file else None
        return SimpleNamespace(GetStorageNode=lambda: storage, GetName=lambda: name)

    assert stem_of(image("x", "/data/sub-01_T2w.nii.gz")) == "sub-01_T2w"
    assert stem_of(image("4: T2 sag/Halswirbelsäule")) == "4--T2-sag-Halswirbelsäule"
