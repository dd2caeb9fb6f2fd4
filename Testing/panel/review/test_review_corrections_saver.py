"""Corrections of a review: on the disk a moment after the stroke, without a question."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from host.pythonqt import unwrap
from panel.review_examples import AFFINE, SHAPE, column, make_data_set, start
from panel_actions import paint_voxels, press, wait_until
from SoftCordSegLib.bids import Kind, is_corrected, label_name
from SoftCordSegLib.review.verdicts import Judgement, read_verdicts
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti

NAME = "sub-01_T2w"


@pytest.fixture
def data_set(slicer_host, ui, tmp_path):
    """A data set, opened in the tab, with *Correct* open on the first case."""
    folder = make_data_set(tmp_path / "study", 3)
    start(slicer_host, ui, folder)
    assert ui.cordCaseName.text == NAME
    slicer_host.click(ui.cordCorrectSection, (60, 10))
    return folder


@pytest.fixture
def desk(widget):
    return widget.panel.desk


def labels(folder, pipeline="labels"):
    return folder / "derivatives" / pipeline / "sub-01" / "anat"


def file(folder, kind, pipeline="labels"):
    return labels(folder, pipeline) / label_name(NAME, kind)


def block() -> np.ndarray:
    """Voxels beside the cord, in the node's grid, which is flipped along k."""
    voxels = np.zeros(SHAPE, bool)
    voxels[15:17, 9:11, 5] = True
    return voxels


def in_the_file(voxels: np.ndarray) -> np.ndarray:
    return voxels[:, :, ::-1]


def test_a_stroke_is_on_the_disk_without_a_click(data_set, ui, desk):
    paint_voxels(ui, block())
    wait_until(lambda: file(data_set, Kind.SOFT_MASK).with_suffix("").with_suffix(".json").exists())

    soft = read_nifti(file(data_set, Kind.SOFT_MASK))
    edits = read_nifti(file(data_set, Kind.EDIT_MAP))
    cut = read_nifti(file(data_set, Kind.BINARY_MASK))
    painted = in_the_file(block())
    assert (edits.data[painted] == 1).all()
    assert not edits.data[~painted].any()
    assert (soft.data[painted] >= 0.5).all()
    assert (soft.data[~painted] == column(1)[~painted])[column(1)[~painted] == 1].all()
    assert ((soft.data >= 0.5) == (cut.data > 0)).all()
    assert np.allclose(soft.affine, AFFINE)
    sidecar = json.loads((labels(data_set) / f"{NAME}_label-SC_softseg.json").read_text("utf-8"))
    assert is_corrected(sidecar)
    assert sidecar["GeneratedBy"][-1]["Author"] == "Anna"
    assert sidecar["CorrectedByHand"] == {"VoxelsAdded": int(painted.sum()), "VoxelsRemoved": 0}
    assert (data_set / "derivatives" / "labels" / "dataset_description.json").is_file()


@pytest.fixture
def disk_is_free(monkeypatch):
    """Corrections are not written before this is set."""
    from SoftCordSegLib.workflows.review import review_corrections

    write, free = review_corrections.write_together, threading.Event()

    def wait_and_write(files):
        assert free.wait(60)
        write(files)

    monkeypatch.setattr(review_corrections, "write_together", wait_and_write)
    return free


def test_going_on_saves_at_once_and_the_case_comes_back_corrected(
    data_set, ui, desk, disk_is_free, slicer_host
):
    original = data_set / "derivatives/softcord/sub-01/anat" / label_name(NAME, Kind.SOFT_MASK)
    before = original.read_bytes()
    paint_voxels(ui, block())
    slicer_host.click(ui.cordNextCase)
    assert ui.cordCaseName.text == "sub-02_T2w"
    assert not file(data_set, Kind.SOFT_MASK).exists(), "it is still being written"
    threading.Timer(0.3, disk_is_free.set).start()
    slicer_host.click(ui.cordPreviousCase)
    assert original.read_bytes() == before, "no input is changed"
    assert ui.cordCaseName.text == NAME
    assert desk.data.mask_file == file(data_set, Kind.SOFT_MASK)
    assert "The correction is saved" in ui.cordReviewStatus.text
    assert slicer_host.asked == ["Choose the folder of a data set"]

    # A second correction goes on from the first: its edit map has both.
    more = np.roll(block(), 1, axis=1)
    paint_voxels(ui, more)
    desk.keep()
    desk.saver.finish()
    edits = read_nifti(file(data_set, Kind.EDIT_MAP))
    assert (edits.data[in_the_file(block() | more)] == 1).all()
    sidecar = json.loads((labels(data_set) / f"{NAME}_label-SC_softseg.json").read_text("utf-8"))
    assert [entry["Name"] for entry in sidecar["GeneratedBy"]].count("Manual") == 2


def test_the_verdict_is_on_the_mask_as_it_was_corrected(data_set, ui, slicer_host):
    from SoftCordSegLib.files import file_sha256

    paint_voxels(ui, block())
    slicer_host.click(ui.cordPassButton)
    verdict = read_verdicts(data_set)[-1]
    assert verdict.verdict is Judgement.PASS
    assert verdict.mask == f"derivatives/labels/sub-01/anat/{NAME}_label-SC_softseg.nii.gz"
    assert verdict.mask_sha256 == file_sha256(file(data_set, Kind.SOFT_MASK))
    assert "earlier mask" not in ui.cordReviewStatus.text


def test_what_was_taken_back_leaves_no_file(data_set, ui, desk):
    paint_voxels(ui, block())
    desk.keep()
    desk.saver.finish()
    assert file(data_set, Kind.SOFT_MASK).exists()
    press(ui.cordRevertAllButton)
    wait_until(lambda: not list(labels(data_set).iterdir()))
    # The panel hears of it a moment after the thread has done it.
    wait_until(lambda: "correction is saved" not in ui.cordReviewStatus.text)


def test_files_of_others_are_never_replaced(data_set, ui, desk):
    by_hand = file(data_set, Kind.BINARY_MASK)
    by_hand.parent.mkdir(parents=True)
    write_nifti(Volume((column(1) > 0.5).astype(np.uint8), AFFINE), by_hand)
    before = by_hand.read_bytes()
    paint_voxels(ui, block())
    desk.keep()
    desk.saver.finish()
    assert by_hand.read_bytes() == before
    assert file(data_set, Kind.SOFT_MASK, "labels_corrected").exists()
    assert not file(data_set, Kind.SOFT_MASK).exists()


def test_what_cannot_be_saved_is_said_and_tried_again(data_set, ui, desk, slicer_host, monkeypatch):
    from SoftCordSegLib.errors import OutputError
    from SoftCordSegLib.workflows.review import review_corrections

    def full(files):
        raise OutputError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(review_corrections, "write_together", full)
        paint_voxels(ui, block())
        slicer_host.click(ui.cordNextCase)
        wait_until(lambda: "The disk is full" in ui.cordReviewStatus.text)
    assert not file(data_set, Kind.EDIT_MAP).exists()
    slicer_host.click(ui.cordPassButton)  # stores a verdict, and what waits
    assert file(data_set, Kind.EDIT_MAP).exists()
    assert (labels(data_set) / f"{NAME}_label-SC_softseg.json").exists()


@pytest.mark.parametrize("way", ["button", "list"])
def test_a_case_whose_correction_cannot_be_saved_is_not_shown_without_it(
    way, data_set, ui, desk, slicer_host, monkeypatch
):
    from SoftCordSegLib.errors import OutputError
    from SoftCordSegLib.workflows.review import review_corrections

    def full(files):
        raise OutputError("The disk is full.")

    def go_back():
        if way == "button":
            slicer_host.click(ui.cordPreviousCase)
        else:
            unwrap(ui.cordCaseTable).cellClicked.emit(0, 0)

    key, first = desk.row.case.key, desk.shown
    with monkeypatch.context() as patch:
        patch.setattr(review_corrections, "write_together", full)
        paint_voxels(ui, block())
        slicer_host.click(ui.cordNextCase)
        second = desk.shown
        assert second is not first
        go_back()
        assert "The disk is full" in ui.cordReviewStatus.text
        assert ui.cordCaseName.text == "sub-02_T2w"
        assert desk.shown is second
        assert desk.session.current.case.key != key
    go_back()
    assert ui.cordCaseName.text == NAME
    assert desk.data.mask_file == file(data_set, Kind.SOFT_MASK)


def test_discs_that_were_placed_are_saved(data_set, ui, widget, desk):
    from SoftCordSegLib.morphometry import DiscLabel
    from SoftCordSegLib.morphometry.disc_files import read_discs
    from SoftCordSegLib.scene.study import set_disc_labels

    set_disc_labels(widget.panel.situation.image, [DiscLabel(3, (10.4, -18.0, 20.0))])
    desk.keep()
    desk.saver.finish()
    discs = read_discs(file(data_set, Kind.DISCS))
    assert [disc.value for disc in discs] == [3]
    assert not file(data_set, Kind.SOFT_MASK).exists(), "the mask is as it was"


def test_leaving_the_module_and_closing_the_scene_keep_the_correction(
    data_set, ui, widget, slicer_host, app
):
    paint_voxels(ui, block())
    slicer_host.leave_panel(widget)
    assert file(data_set, Kind.EDIT_MAP).exists()
    slicer_host.show_panel(widget)
    paint_voxels(ui, np.roll(block(), 1, axis=1))
    app.scene.Clear()
    widget.panel.desk.saver.finish()
    assert (read_nifti(file(data_set, Kind.EDIT_MAP)).data == 1).sum() == 6


def test_segment_again_here_changes_the_surroundings_and_keeps_the_edits(
    data_set, ui, widget, desk, slicer_host, engine
):
    from SoftCordSegLib.scene.volume_nodes import array_of

    paint_voxels(ui, block())
    requests = engine.requests
    slicer_host.click(ui.cordAgainButton)
    assert len(requests) == 1
    assert requests[0].options.box is not None
    study = widget.panel.situation.study
    assert (array_of(study.soft)[block()] >= 0.5).all(), "what was painted stays"
    desk.keep()
    desk.saver.finish()
    sidecar = json.loads((labels(data_set) / f"{NAME}_label-SC_softseg.json").read_text("utf-8"))
    regions = [entry for entry in sidecar["GeneratedBy"] if "Region" in entry]
    assert len(regions) == 1
    assert is_corrected(sidecar)
