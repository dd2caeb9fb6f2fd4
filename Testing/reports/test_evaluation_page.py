"""The page of an evaluation: every table and figure, and names that are not taken for HTML."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluation.study import write_study
from reports.parsed_page import ParsedPage
from SoftCordSegLib.evaluation import FolderMethod
from SoftCordSegLib.reports.evaluation_figures import FigureOptions
from SoftCordSegLib.reports.evaluation_page import evaluation_html, write_evaluation_page
from SoftCordSegLib.workflows.evaluate_study import StudyOptions, evaluate_study

NAME = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study whose first method has a hostile name, and one mask that cannot be read."""
    folder = tmp_path_factory.mktemp("study")
    table = write_study(folder)
    (folder / "tall" / "sub-03_T1w_seg.nii.gz").write_text("nothing", encoding="utf-8")
    methods = [FolderMethod(NAME, folder / "tall"), FolderMethod("aside", folder / "aside")]
    options = StudyOptions(drift_limit=5.0, figures=FigureOptions(("png",), panels=2))
    return evaluate_study(table, methods, folder / "out", options)


@pytest.fixture
def page(study, tmp_path):
    return ParsedPage(
        write_evaluation_page(tmp_path, study.evaluation, study.summary, study.figures)
    )


def test_names_are_escaped(page):
    assert "&lt;script&gt;" in page.source
    assert "<script" not in page.source
    assert NAME in "".join(page.text)


def test_it_has_every_table_and_figure(study, page):
    text = "".join(page.text)

    assert page.fetched == []
    assert len(page.pictures) == len(study.figures) >= 8
    assert all(table.caption in text for table in study.summary.tables)
    assert all(figure.caption in text for figure in study.figures)
    for words in ("Drift of CSA", "Beyond 5 %", "Repeated-measures ANOVA of", "p (Bonferroni)"):
        assert words in text
    assert 'class="best"' in page.source


def test_it_says_what_could_not_be_evaluated_without_the_folders_of_this_machine(study, page):
    text = "".join(page.text)

    assert f"{NAME}, sub-03_T1w.nii.gz: 'sub-03_T1w_seg.nii.gz': The file is not a NIfTI" in text
    assert str(study.files[0].parent) not in page.source
    assert all(note in text for note in study.notes)


def test_a_figure_that_is_a_pdf_only_is_named(study):
    figures = [replace(one, paths=(one.paths[0].with_suffix(".pdf"),)) for one in study.figures]

    page = evaluation_html(study.evaluation, study.summary, figures)

    assert "<img" not in page
    assert "<code>csa_by_contrast.pdf</code>" in page
