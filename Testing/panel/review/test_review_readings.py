"""The tab *Review* on the data set of 40 cases: fifteen verdicts by keys in order of doubt, three
corrections, another day, and a blinded second reading whose corrections are the reader's own.
"""

from __future__ import annotations

import numpy as np
import pytest
from PySide6 import QtWidgets

from panel.review_examples import listed, start
from panel_actions import paint_voxels
from SoftCordSegLib.bids import read_sidecar, sidecar_path
from SoftCordSegLib.review import Judgement, find_review_cases, newest, read_verdicts
from SoftCordSegLib.review.second_reading import reader_mask
from SoftCordSegLib.volume import read_nifti
from SoftCordSegLib.workflows.review.review_agreement import (
    SecondReadingOptions,
    find_agreement,
    make_second_reading,
)
from SoftCordSegLib.workflows.review.review_doubt import doubts_of
from SoftCordSegLib.workflows.review.review_session import ReviewOptions, ReviewSession


@pytest.fixture(scope="module")
def judged_dataset(review_dataset, tmp_path_factory):
    """The data set with the doubt of each mask."""
    dataset = review_dataset.copy_to(tmp_path_factory.mktemp("judged") / "data")
    doubts_of(dataset.root, find_review_cases(dataset.root))
    return dataset


@pytest.fixture
def dataset(judged_dataset, tmp_path):
    return judged_dataset.copy_to(tmp_path / "data")


@pytest.fixture
def desk(widget):
    return widget.panel.desk


def a_view(slicer_host):
    return slicer_host.views.sliceWidget("Red").sliceView().VTKWidget()


def current_key(desk) -> str:
    return desk.row.case.key


def paint_more(ui, desk, widget) -> np.ndarray:
    """A stroke of one voxel beside the cord; the voxel, in the node's grid."""
    from SoftCordSegLib.scene.volume_nodes import volume_of

    soft = volume_of(widget.panel.situation.study.soft).data
    free = np.argwhere(soft == 0)
    middle = np.argwhere(soft > 0.5).mean(axis=0)
    one = free[np.abs(free - middle).sum(axis=1).argmin()]
    voxels = np.zeros(soft.shape, bool)
    voxels[tuple(one)] = True
    paint_voxels(ui, voxels)
    return voxels


def test_fifteen_verdicts_by_keys_and_three_corrections_in_order_of_doubt(
    dataset, slicer_host, ui, widget, desk, module, engine
):
    start(slicer_host, ui, dataset.root, "Ada")
    opened = [row.case.key for row in desk.session.rows if not row.is_broken]
    assert set(dataset.wrong) <= set(opened[:9])
    assert desk.order()[2:] == opened
    assert "0 of 38" in ui.cordCasesStatus.text
    view, corrected = a_view(slicer_host), []
    for number in range(15):
        key = current_key(desk)
        if key in dataset.wrong and len(corrected) < 3:
            slicer_host.press(view, "C")
            paint_more(ui, desk, widget)
            corrected.append(key)
            slicer_host.press(view, "Alt+4")
            slicer_host.click(ui.cordCorrectSection, (60, 10))
        else:
            slicer_host.press(view, "P")
            slicer_host.press(view, "8")
        slicer_host.press(view, "N")
        assert current_key(desk) != key, number
    desk.saver.finish()

    said = newest(read_verdicts(dataset.root))
    assert len(said) == 15
    assert {key for (key, _), one in said.items() if one.verdict is Judgement.TO_CORRECT} == set(
        corrected
    )
    assert {one.rank for one in said.values()} == {4, 8}
    for key in corrected:
        content = read_sidecar(sidecar_path(dataset.mask(key)))
        assert content["CorrectedByHand"]["VoxelsAdded"] == 1
        assert content["GeneratedBy"][-1]["Author"] == "Ada"
    stopped_at = current_key(desk)
    slicer_host.close_panel(widget)
    widget.panel = None
    again = slicer_host.open_panel(module)
    again.logic.engine = engine
    start(slicer_host, again.ui, dataset.root, "Ada")
    assert again.panel.desk.row.case.key == stopped_at
    assert "15 of 38" in again.ui.cordCasesStatus.text
    slicer_host.close_panel(again)


def test_a_blinded_second_reading_hides_what_is_read_and_leaves_the_first_alone(
    dataset, slicer_host, ui, widget, desk, app
):
    first = ReviewSession(dataset.root, ReviewOptions("Ada", "name"))
    for _number in range(6):
        first.judge(Judgement.PASS, 8, key=first.next_open().case.key)
    reading = make_second_reading(dataset.root, SecondReadingOptions(4, blinded=True))
    before = {item.key: dataset.mask(item.key).read_bytes() for item in reading.items}

    slicer_host.click(ui.cordReviewTab)
    slicer_host.answers = [str(dataset.root)]
    slicer_host.click(ui.cordReviewFolderButton)
    ui.cordRaterEdit.text = "Grace"
    ui.cordReadingCombo.currentIndex = 1
    slicer_host.click(ui.cordReviewStartButton)
    assert [row[0] for row in listed(ui)] == [f"Case {n:03d}" for n in range(1, 5)]
    assert ui.cordCaseName.text == "Case 001"
    nodes = [app.scene.GetNthNode(n) for n in range(app.scene.GetNumberOfNodes())]
    assert not [node.GetName() for node in nodes if "sub-" in (node.GetName() or "")]
    labels = [
        text
        for name in ("cordVerdictBar", "cordCasesSection", "cordDataSetSection")
        for one in _widgets(getattr(ui, name))
        for text in (one.toolTip(), one.text() if isinstance(one, QtWidgets.QLabel) else "")
    ]
    assert not [text for text in labels if "sub-0" in text or "label-SC" in text or "Ada" in text]

    view = a_view(slicer_host)
    slicer_host.press(view, "C")
    voxels = paint_more(ui, desk, widget)
    corrected = current_key(desk)
    slicer_host.press(view, "Alt+3")
    slicer_host.click(ui.cordCorrectSection, (60, 10))
    slicer_host.press(view, "N")
    desk.saver.finish()
    for _number in range(3):
        slicer_host.press(view, "P")
        slicer_host.press(view, "N")
    assert {key: dataset.mask(key).read_bytes() for key in before} == before
    case = next(one for one in find_review_cases(dataset.root) if one.key == corrected)
    own = reader_mask(dataset.root, "second", "Grace", case)
    assert (read_nifti(own).data >= 0.5).sum() == (
        read_nifti(dataset.mask(corrected)).data >= 0.5
    ).sum() + int(voxels.sum())

    found = {row.measure: row.estimate for row in find_agreement(dataset.root).rows}
    assert found["same verdict, share"].value == pytest.approx(0.75)
    assert found["same verdict, share"].cases == 4


def _widgets(container):
    from host.pythonqt import unwrap

    return unwrap(container).findChildren(QtWidgets.QWidget)


def test_the_masks_of_a_comparison_are_corrected_apart(dataset, slicer_host, ui, widget, desk):
    options = SecondReadingOptions(methods=("labels", "other"))
    reading = make_second_reading(dataset.root, options)
    before = {item.mask: (dataset.root / item.mask).read_bytes() for item in reading.items}
    slicer_host.click(ui.cordReviewTab)
    slicer_host.answers = [str(dataset.root)]
    slicer_host.click(ui.cordReviewFolderButton)
    ui.cordRaterEdit.text = "Grace"
    ui.cordReadingCombo.currentIndex = 1
    slicer_host.click(ui.cordReviewStartButton)
    view = a_view(slicer_host)
    shown = []
    for _letter in "AB":
        shown.append(ui.cordCaseName.text)
        slicer_host.press(view, "C")
        paint_more(ui, desk, widget)
        slicer_host.press(view, "N")
    desk.saver.finish()
    assert shown == ["Case 001 A", "Case 001 B"]
    assert {path: (dataset.root / path).read_bytes() for path in before} == before
    again = ReviewSession(dataset.root, ReviewOptions("Grace", reading="comparison"))
    own = [row.case.masks[0] for row in again.rows[:2]]
    assert [path.parent.name for path in own] == ["A", "B"]
    assert all("readings" in path.parts for path in own)
