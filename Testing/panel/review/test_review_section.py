"""The tab *Review*: a data set is read case by case, with clicks and with keys over the views."""

from __future__ import annotations

import pytest
from PySide6 import QtWidgets

from host.pythonqt import unwrap
from panel.review_examples import doubts_of, listed, make_data_set, start
from SoftCordSegLib.review.verdicts import Judgement, read_verdicts


@pytest.fixture
def data_set(tmp_path):
    return make_data_set(tmp_path / "study")


@pytest.fixture
def desk(widget):
    return widget.panel.desk


@pytest.fixture
def opened(slicer_host, ui, data_set, monkeypatch):
    """The data set, opened in the tab."""
    monkeypatch.setattr(
        "SoftCordSegLib.workflows.review.review_doubt.doubts_of",
        lambda folder, cases, **_options: doubts_of([case.key for case in cases]),
    )
    start(slicer_host, ui, data_set)
    return data_set


def said(data_set) -> list[tuple]:
    return [
        (one.case.rpartition("/")[2], one.verdict, one.rank, one.comment)
        for one in read_verdicts(data_set)
    ]


def a_view(slicer_host):
    """A slice view, to have the focus."""
    return slicer_host.views.sliceWidget("Red").sliceView().VTKWidget()


def test_the_most_doubtful_case_is_shown_first_with_its_mask_at_the_worst_place(
    opened, ui, widget, desk, slicer_host
):
    assert [row[0] for row in listed(ui)] == [
        "sub-04_T2w",
        "sub-03_T2w",
        "sub-02_T2w",
        "sub-01_T2w",
    ]
    assert ui.cordCaseName.text == "sub-04_T2w"
    assert "C5, slice 6" in ui.cordCaseReason.text
    study = widget.panel.situation.study
    assert study.image.GetName() == "sub-04_T2w"
    assert study.soft is not None
    assert widget.panel.views.axial_node.GetSliceOffset() == pytest.approx(5 + 3 * 6)
    assert "0 of 4" in ui.cordCasesStatus.text


def test_verdict_rank_and_next_by_keys_while_a_view_has_the_focus(opened, ui, slicer_host):
    view = a_view(slicer_host)
    for key in ("F", "3", "N"):
        slicer_host.press(view, key)

    assert ui.cordCaseName.text == "sub-03_T2w"
    assert said(opened)[-1] == ("sub-04_T2w", Judgement.FAIL, 3, "")
    assert [row[2] for row in listed(ui)] == ["✗ 3", "", "", ""]
    assert "1 of 4" in ui.cordCasesStatus.text

    slicer_host.press(view, "B")
    assert ui.cordCaseName.text == "sub-04_T2w"
    assert ui.cordFailButton.checked
    assert ui.cordRankCombo.currentIndex == 4


def test_keys_are_text_while_something_is_typed(opened, ui, widget, slicer_host):
    console = QtWidgets.QTextEdit(slicer_host.main_window)  # stands for Slicer's Python console
    console.show()
    for control in (ui.cordCommentEdit, ui.cordCaseSearch, ui.cordRaterEdit, console):
        before = said(opened)
        for key in ("P", "n", "3"):
            slicer_host.press(unwrap(control) if control is not console else console, key)
        assert ui.cordCaseName.text == "sub-04_T2w"
        typed = console.toPlainText() if control is console else control.text
        assert typed.lower().endswith("pn3")
        assert all(one[1] is None for one in said(opened)[len(before) :])
    spin = unwrap(ui.cordThresholdSlider)._box
    ui.cordMaskSection.collapsed = False
    slicer_host.press(spin, "7")
    assert all(one[2] is None for one in said(opened))


def test_keys_do_nothing_in_the_other_tab_nor_in_another_module(opened, ui, widget, slicer_host):
    view = a_view(slicer_host)
    slicer_host.click(ui.cordImageTab)
    slicer_host.press(view, "P")
    slicer_host.click(ui.cordReviewTab)
    slicer_host.leave_panel(widget)
    slicer_host.press(view, "P")
    assert said(opened) == []
    slicer_host.show_panel(widget)
    slicer_host.press(view, "P")
    assert [one[1] for one in said(opened)] == [Judgement.PASS]


def test_the_digits_belong_to_the_segment_editor_while_it_is_open(opened, ui, slicer_host):
    view = a_view(slicer_host)
    slicer_host.press(view, "C")  # opens Correct
    assert not ui.cordCorrectSection.collapsed
    slicer_host.press(view, "4")
    slicer_host.press(view, "Alt+5")
    assert [one[1:3] for one in said(opened)] == [
        (Judgement.TO_CORRECT, None),
        (Judgement.TO_CORRECT, 5),
    ]


def test_a_comment_is_stored_when_it_is_left_and_before_the_next_case(opened, ui, slicer_host):
    view = a_view(slicer_host)
    slicer_host.press(view, "M")
    assert unwrap(ui.cordCommentEdit).hasFocus()
    ui.cordCommentEdit.text = "motion"
    slicer_host.press(ui.cordCommentEdit, "Return")
    assert said(opened) == [("sub-04_T2w", None, None, "motion")]
    slicer_host.press(view, "A")
    ui.cordCommentEdit.text = "motion, very much"
    slicer_host.click(ui.cordNextCase)
    assert said(opened)[-1] == ("sub-04_T2w", Judgement.ARTEFACT, None, "motion, very much")
    assert ui.cordCommentEdit.text == ""


def test_the_same_verdict_again_takes_it_back(opened, ui, slicer_host):
    slicer_host.click(ui.cordPassButton)
    slicer_host.click(ui.cordPassButton)
    assert [one[1] for one in said(opened)] == [Judgement.PASS, None]
    assert not ui.cordPassButton.checked


def test_search_filter_and_heading_choose_what_is_listed(opened, ui, slicer_host):
    ui.cordCaseSearch.text = "C3"  # in the reason
    slicer_host.press(ui.cordCaseSearch, "Return")
    assert [row[0] for row in listed(ui)] == ["sub-02_T2w"]
    assert ui.cordCaseName.text == "sub-02_T2w"
    ui.cordCaseSearch.text = ""
    slicer_host.press(ui.cordCaseSearch, "Return")
    slicer_host.press(a_view(slicer_host), "P")
    ui.cordVerdictFilter.currentIndex = 1
    assert len(listed(ui)) == 3
    ui.cordVerdictFilter.currentIndex = 0
    unwrap(ui.cordCaseTable).horizontalHeader().sectionClicked.emit(0)
    assert [row[0] for row in listed(ui)] == [f"sub-0{n}_T2w" for n in (1, 2, 3, 4)]
    slicer_host.press(a_view(slicer_host), "N")
    assert ui.cordCaseName.text == "sub-03_T2w", "the next one of the list as it is shown"


def test_a_rater_goes_on_another_day_at_the_same_case(
    opened, ui, widget, slicer_host, module, engine
):
    slicer_host.press(a_view(slicer_host), "P")
    slicer_host.press(a_view(slicer_host), "N")
    assert ui.cordCaseName.text == "sub-03_T2w"
    slicer_host.close_panel(widget)
    widget.panel = None

    again = slicer_host.open_panel(module)
    again.logic.engine = engine
    start(slicer_host, again.ui, opened)
    assert again.ui.cordRaterEdit.text == "Anna"
    assert again.ui.cordCaseName.text == "sub-03_T2w"
    assert "1 of 4" in again.ui.cordCasesStatus.text
    slicer_host.close_panel(again)


def test_a_blinded_rater_sees_no_name_no_doubt_and_no_file(opened, ui, slicer_host, app, widget):
    slicer_host.click(ui.cordDataSetSection, (60, 10))
    slicer_host.click(ui.cordBlindedCheck)
    slicer_host.click(ui.cordReviewStartButton)
    names = [row[0] for row in listed(ui)]
    assert names == [f"Case {n:03d}" for n in range(1, 5)]
    nodes = [app.scene.GetNthNode(n) for n in range(app.scene.GetNumberOfNodes())]
    assert not [node.GetName() for node in nodes if "sub-" in (node.GetName() or "")]
    shown = [one.text() for one in unwrap(ui.cordVerdictBar).findChildren(QtWidgets.QLabel)] + [
        one.toolTip() for one in unwrap(ui.cordVerdictBar).findChildren(QtWidgets.QLabel)
    ]
    assert not [text for text in shown if "sub-" in text or "area drops" in text]
    slicer_host.press(a_view(slicer_host), "P")
    assert read_verdicts(opened)[-1].blinded


def test_a_broken_file_costs_itself_only(opened, ui, slicer_host, desk):
    broken = opened / "sub-03" / "anat" / "sub-03_T2w.nii.gz"
    broken.write_bytes(b"no image" * 100)
    desk._cache.clear()
    slicer_host.press(a_view(slicer_host), "N")
    assert ui.cordCaseName.text == "sub-03_T2w"
    assert "not a NIfTI image" in ui.cordReviewStatus.text
    slicer_host.press(a_view(slicer_host), "N")
    assert ui.cordCaseName.text == "sub-02_T2w"
    assert "not a NIfTI" not in ui.cordReviewStatus.text


def test_nodes_of_the_user_stay_and_those_of_cases_go(opened, ui, slicer_host, app, a_volume, desk):
    own = a_volume("my own")
    count = None
    for _round in range(2):
        for key in desk.order():
            desk.go_to(key)
            slicer_host.process_events()
        now = app.scene.GetNumberOfNodes()
        assert count in (None, now), "nodes are left behind"
        count = now
    assert own.GetScene() is app.scene
    desk.leave()
    assert own.GetScene() is app.scene
    names = [app.scene.GetNthNode(n).GetName() or "" for n in range(app.scene.GetNumberOfNodes())]
    assert not [name for name in names if name.startswith("sub-")]


def test_the_data_set_is_judged_when_asked_for_and_listed_anew(
    slicer_host, ui, data_set, monkeypatch
):
    def judged(folder, cases, compute=True, progress=None):
        return doubts_of([case.key for case in cases]) if compute else {}

    monkeypatch.setattr("SoftCordSegLib.workflows.review.review_doubt.doubts_of", judged)
    start(slicer_host, ui, data_set)
    assert [row[1] for row in listed(ui)] == [""] * 4
    assert "not computed yet" in ui.cordCaseReason.text
    slicer_host.click(ui.cordDataSetSection, (60, 10))
    slicer_host.click(ui.cordJudgeButton)
    assert [row[:2] for row in listed(ui)] == [
        [f"sub-0{n}_T2w", f"{n / 10:.2f}"] for n in (4, 3, 2, 1)
    ]
    assert "4 masks were judged" in ui.cordDataSetStatus.text


def test_another_mask_and_the_other_contrasts_stand_beside_the_case(
    slicer_host, ui, widget, tmp_path, desk, app
):
    import numpy as np

    from panel.review_examples import AFFINE, column
    from SoftCordSegLib.volume import Volume, write_nifti

    study = make_data_set(tmp_path / "study", 2, ("T2w", "T1w"))
    other = study / "derivatives/other/sub-01/anat/sub-01_T2w_seg.nii.gz"
    other.parent.mkdir(parents=True)
    write_nifti(Volume((column(2) > 0.5).astype(np.uint8), AFFINE), other)
    start(slicer_host, ui, study)
    desk.go_to("sub-01/anat/sub-01_T2w")
    slicer_host.press(a_view(slicer_host), "S")

    compared = widget.panel.views.compared
    assert widget.panel.views.layout == "compare"
    assert [one.image.GetName() for one in desk_studies(desk)] == [
        "sub-01_T2w",
        "sub-01_T2w mask 2",
        "sub-01_T1w",
    ]
    assert compared[1].soft is not None
    assert compared[1].image.GetImageData() is compared[0].image.GetImageData()
    slicer_host.press(a_view(slicer_host), "N")
    slicer_host.process_events()
    assert widget.panel.views.layout == "compare", "it stays for the next case"
    slicer_host.press(a_view(slicer_host), "S")
    assert widget.panel.views.layout == "cord"
    desk.go_to("sub-01/anat/sub-01_T2w")
    slicer_host.process_events()
    kinds = ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode")
    assert [app.scene.GetNumberOfNodesByClass(kind) for kind in kinds] == [2, 1]


def desk_studies(desk) -> list:
    from SoftCordSegLib.scene.study import study_of

    return [study_of(image) for image in (desk.shown.image, *desk.shown.beside)]


def test_removed_cases_keep_no_voxels(opened, desk, slicer_host):
    image = desk.shown.image
    soft = desk.shown.study.soft
    slicer_host.press(a_view(slicer_host), "N")
    assert image.GetScene() is None
    assert image.GetImageData() is None
    assert soft.GetImageData() is None
