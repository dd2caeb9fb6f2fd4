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
        "SoftCordSegLib.panel.review_data_set_section._stored_doubts",
        lambda folder, cases, progress: doubts_of([case.key for case in cases]),
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
    assert [row[0] for row in listed(ui)] == ["sub-04_T2w", "sub-03_T2w", "sub-02_T2w", "sub-01_T2w"]
    assert ui.cordCaseName.text == "sub-04_T2w"
    assert "C5, slice 6" in ui.cordCaseReason.text
    study = widget.panel.situation.study
    assert study.image.GetName() == "sub-04_T2w"
    assert study.soft is not None
    assert widget.panel.views.axial_node.GetSliceOffset() == pytest.approx(5 + 3 * 6)
    assert "0 of 4" in ui.cordCasesStatus.text
