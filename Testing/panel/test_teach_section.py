"""The section *Teach*: started, watched, stopped, decided; the rest segmented again.  The process
is this one: each test says what it has got to.
"""

from __future__ import annotations

import json
from unittest import mock

import pytest

from cli.fakes import engine, soft_from_brightness, values
from host.pythonqt import unwrap
from panel.review_examples import start
from panel.teach_examples import ended, history, started
from SoftCordSegLib.colours import BLUE
from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.network.store import Store
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.segmentation.within_memory import segment_within_memory
from SoftCordSegLib.workflows.live_run import STOP_FILE, live_run
from SoftCordSegLib.workflows.review import segment_again, teach_model, training_python
from SoftCordSegLib.workflows.review.again_plan import plan_again
from SoftCordSegLib.workflows.review.training_python import TrainingPython
from workflows.again_dataset import NEW_MM, OLD_MM, again_dataset, some_edits
from workflows.review.test_segment_again import NEW, check_whole
from workflows.teach_dataset import Reviewed, stand_ins

RESULT = {
    "group": "held out",
    "contrast": "T2w",
    "images": 1,
    "soft_dice_before": 0.912,
    "soft_dice_after": 0.945,
}


@pytest.fixture
def tiny(tmp_path, monkeypatch, widget):
    """The chosen model; a Python that needs no look at; and a process that does nothing yet."""
    made = stand_ins(tmp_path, monkeypatch)
    monkeypatch.setattr(
        "SoftCordSegLib.workflows.review.training_python.find_training_python",
        lambda chosen=None, environment=None: TrainingPython("python", {}),
    )
    for module in (teach_model, segment_again):
        monkeypatch.setattr(module, "start_task", lambda folder, model, python: started(folder))
    monkeypatch.setattr(
        "SoftCordSegLib.panel.model_choice.ModelChoice.model", made.folder, raising=False
    )
    return made


@pytest.fixture
def taught(tmp_path, tiny):
    data = Reviewed(tmp_path / "data")
    for number in (1, 2, 3):
        data.add(number, corrected=True)
    return data


def open_section(slicer_host, ui, root):
    start(slicer_host, ui, root)
    ui.cordTeachSection.collapsed = False


def look(widget):
    """What the timer does."""
    section = next(one for one in widget.panel._sections if one.name == "Teach")
    section._look()


def test_started_watched_stopped_gone_on_and_kept(slicer_host, ui, widget, taught, tiny):
    assert not ui.cordTeachSection.visible
    open_section(slicer_host, ui, taught.root)
    assert "Correct or pass some cases" in ui.cordTeachStatus.text

    slicer_host.click(ui.cordTeachButton)

    folder = teach_model.teaching_folder(taught.root)
    listed = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    assert (len(listed["training"]), len(listed["validation"])) == (2, 1)
    assert not ui.cordTeachButton.enabled
    with live_run(folder, Progress()) as live:
        live.report(0.4, "step 40 of 100")
        history(folder, 40)
        look(widget)
        assert ui.cordTeachProgress.value == 40
        assert ui.cordTeachStatus.text == "step 40 of 100"
        check_picture(ui.cordTeachCurve)
        slicer_host.click(ui.cordTeachStopButton)
        assert (folder / STOP_FILE).exists()
    with pytest.raises(Cancelled), live_run(folder, Progress()) as live:
        live.check_cancelled()
    look(widget)
    assert not ui.cordTeachStopButton.visible
    assert ui.cordTeachButton.text == "Go on teaching"
    slicer_host.click(ui.cordTeachButton)
    assert not ui.cordTeachButton.enabled
    ended(folder, tiny.folder, "bundle", contrasts=[RESULT])
    look(widget)

    for text in ("Held out, T2w", "0.912", "0.945"):
        assert text in ui.cordTeachReport.text
    assert "The new model is better" in ui.cordTeachStatus.text
    assert not ui.cordTeachButton.enabled
    assert not ui.cordTeachKeepButton.enabled
    ui.cordTeachNameEdit.text = "ours"
    slicer_host.click(ui.cordTeachKeepButton)

    assert Store().has("ours")
    assert "was kept" in ui.cordTeachStatus.text
    assert not ui.cordTeachKeepButton.visible
    assert ui.cordRestButton.enabled
    assert ui.cordTeachButton.enabled


def check_picture(label):
    """A falling curve: its colour stands higher on the left than on the right."""
    picture = unwrap(label).pixmap().toImage()
    blue = [
        (x, y)
        for x in range(picture.width())
        for y in range(picture.height())
        if picture.pixelColor(x, y).name() == BLUE
    ]
    assert len(blue) > 100
    left, right = min(blue), max(blue)
    assert right[1] > left[1] + 20


def test_without_a_python_that_trains_a_sentence_and_a_worse_model_is_discarded(
    slicer_host, ui, widget, taught, tiny, monkeypatch
):
    def missing(chosen=None, environment=None):
        raise InputError("Teaching needs PyTorch, which this Python lacks.", hint="Install it.")

    finder = "SoftCordSegLib.workflows.review.training_python.find_training_python"
    known = training_python.find_training_python
    monkeypatch.setattr(finder, missing)
    open_section(slicer_host, ui, taught.root)
    slicer_host.click(ui.cordTeachButton)
    assert "Teaching needs PyTorch, which this Python lacks. Install it." in ui.cordTeachStatus.text
    assert not teach_model.teaching_folder(taught.root).exists()

    monkeypatch.setattr(finder, known)
    slicer_host.click(ui.cordTeachButton)
    folder = teach_model.teaching_folder(taught.root)
    ended(folder, tiny.folder, "rejected", objections=["It forgets."])
    look(widget)
    assert ui.cordTeachStatus.text.endswith("It forgets.")
    slicer_host.click(ui.cordTeachDiscardButton)
    assert teach_model.teaching_of(taught.root).decision["discarded"]
    assert not ui.cordTeachDiscardButton.visible
    assert ui.cordTeachButton.enabled


def test_the_rest_is_shown_first_left_and_then_replaced(slicer_host, ui, widget, tiny, tmp_path):
    dataset = again_dataset(tmp_path / "again", "sub-01_T2w", "sub-02_T2w")
    dataset.add_mask("sub-02_T2w", edits=some_edits())
    open_section(slicer_host, ui, dataset.root)
    propose_now(slicer_host, ui, widget, dataset)

    assert "T2w" in ui.cordRestDrift.text
    assert "2 new masks by a-model 1.2, 1 with corrections on top." in ui.cordTeachStatus.text
    assert "moves by more than 3 % in T2w" in ui.cordTeachStatus.text
    slicer_host.click(ui.cordRestLeaveButton)
    check_whole(dataset, "sub-01_T2w", OLD_MM)
    assert not ui.cordRestLeaveButton.visible
    assert segment_again.read_proposal(dataset.root) is None

    propose_now(slicer_host, ui, widget, dataset)
    slicer_host.click(ui.cordRestReplaceButton)

    check_whole(dataset, "sub-01_T2w", NEW_MM)
    assert "2 masks were replaced." in ui.cordTeachStatus.text
    assert not ui.cordRestReplaceButton.visible
    desk = widget.panel.desk
    assert desk.is_shown
    from SoftCordSegLib.scene.volume_nodes import array_of

    new = values(desk.row.case.mask)
    assert array_of(desk.shown.study.soft).sum() == pytest.approx(new.sum(), rel=1e-5)


def propose_now(slicer_host, ui, widget, dataset):
    slicer_host.click(ui.cordRestButton)
    assert not ui.cordRestButton.enabled
    with (
        live_run(segment_again.again_folder(dataset.root), Progress()),
        engine(soft_from_brightness),
        mock.patch("SoftCordSegLib.segmentation.segment_within_memory", segment_within_memory),
    ):
        segment_again.propose_again(dataset.root, plan_again(dataset.root, NEW), NEW)
    look(widget)


def test_the_curve_falls_from_left_to_right_within_its_picture(slicer_host):
    from SoftCordSegLib.panel.teach_curve import curve_points

    points = curve_points([10.0 ** (-n / 100) for n in range(1000)], 300, 64, 3)
    xs, ys = zip(*points)
    assert (min(xs), max(xs)) == (3, 296)
    assert (min(ys), max(ys)) == (3, 60)
    assert list(ys) == sorted(ys)
    assert list(xs) == sorted(set(xs))
    assert curve_points([1.0], 300, 64, 3) == []
    assert curve_points([1.0, 0.0, 1.0], 300, 64, 3) == [(3, 3), (296, 3)]
