"""``softcord demo``: files, JSON, refusals and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import zipfile

import pytest

from cli.fakes import (
    Softcord,
    digest,
    names_in,
    soft_from_brightness,
)
from known_phantoms import phantoms_are_known
from reports.parsed_page import ParsedPage
from workflows.phantom_engine import the_truth


@pytest.fixture(scope="module")
def a_demo(tmp_path_factory):
    """The folder of a demonstration in the contrast with the fewest voxels, and its JSON."""
    softcord, folder = Softcord(), tmp_path_factory.mktemp("demo")
    softcord.segment = the_truth
    with phantoms_are_known():
        result = softcord("demo", "-o", folder, "--contrast", "DWI", "--json")
    assert result.exit_code == 0, result.stderr
    return folder, json.loads(result.stdout)


def test_writes_image_mask_segment_tables_and_scene(a_demo):
    folder, summary = a_demo
    names = set(names_in(folder / "DWI"))
    expected = {
        "phantom_DWI.nii.gz",
        "phantom_DWI_truth.nii.gz",
        "phantom_DWI_label-discs_dlabel.nii.gz",
        "phantom_DWI_label-SC_softseg.nii.gz",
        "phantom_DWI_label-SC_softseg.json",
        "phantom_DWI_label-SC_seg.nii.gz",
        "phantom_DWI_csa_perslice.csv",
        "phantom_DWI_csa_perlevel.csv",
    }
    assert expected <= names
    (study,) = summary["studies"]
    if study["scene"]:
        assert zipfile.ZipFile(study["scene"]).testzip() is None


def test_errors_against_the_known_truth_are_below_one_percent_for_the_truth_itself(a_demo):
    (study,) = a_demo[1]["studies"]
    assert [level["level"] for level in study["levels"]] == ["C2", "C3", "C4", "C5", "C6"]
    assert max(abs(level["error_percent"]) for level in study["levels"]) < 1
    assert study["dice"] == pytest.approx(1)


def test_an_image_that_cannot_be_read_makes_no_page(softcord, tmp_path):
    image = tmp_path / "bad.nii.gz"
    image.write_text("nothing", encoding="utf-8")
    result = softcord("demo", "-o", tmp_path / "demo", "--image", image, "--json")
    assert result.exit_code == 1
    assert "not a NIfTI image" in result.stderr
    assert json.loads(result.stdout)["page"] is None
    assert names_in(tmp_path / "demo") == []


def test_a_page_that_is_not_ours_is_never_replaced(softcord, tmp_path):
    (tmp_path / "index.html").write_text("<html>my site</html>", encoding="utf-8")
    with phantoms_are_known():
        result = softcord("demo", "-o", tmp_path, "--contrast", "DWI")
    assert result.exit_code == 2
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "<html>my site</html>"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--contrast", "CT"],
        ["--discs", "d.nii.gz"],
        ["--image", "x.nii.gz", "--contrast", "T2w"],
        ["--threads", "0"],
    ],
)
def test_usage_errors_exit_with_2(softcord, tmp_path, arguments):
    result = softcord("demo", "-o", tmp_path / "demo", *arguments)
    assert result.exit_code == 2
    assert names_in(tmp_path / "demo") == []


def test_ctrl_c_leaves_no_page(softcord, an_image, tmp_path):
    def interrupted(
        image, bundle, *, box=None, progress=None, device="auto", flips=False, located=None
    ):
        os.kill(os.getpid(), signal.SIGINT)
        return soft_from_brightness(image, bundle, box=box, progress=progress, device=device)

    softcord.segment = interrupted
    result = softcord("demo", "-o", tmp_path / "demo", "--image", an_image)
    assert result.exit_code == 130
    assert names_in(tmp_path / "demo") == []


def test_a_real_image_has_no_truth_and_says_so(softcord, an_image, discs_of_the_neck, tmp_path):
    before = digest(an_image)
    result = softcord(
        "demo", "-o", tmp_path / "demo", "--image", an_image, "--discs", discs_of_the_neck, "--json"
    )
    assert result.exit_code == 0, result.stderr
    (study,) = json.loads(result.stdout)["studies"]
    assert study["levels"] == []
    assert study["dice"] is None
    text = "".join(ParsedPage(tmp_path / "demo" / "index.html").text)
    assert "true areas are not known" in text
    assert "C3" in text
    assert "Known, mm²" not in text
    assert (tmp_path / "demo" / "sub-01_T2w" / "sub-01_T2w_csa_perlevel.csv").is_file()
    assert digest(an_image) == before
