"""The page of a demonstration: what it shows of a phantom and of a real image."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.fakes import A_BUNDLE, Softcord, a_neck, nothing_found
from known_phantoms import phantoms_are_known
from reports.parsed_page import ParsedPage
from SoftCordSegLib.scene.offscreen import GraphicsMissing, choose_offscreen_graphics
from SoftCordSegLib.volume import write_nifti
from workflows.phantom_engine import ten_percent_too_large, the_truth


@pytest.fixture(scope="module")
def can_draw():
    pytest.importorskip("slicer", reason="the package slicer-core is not installed")
    try:
        choose_offscreen_graphics()
    except GraphicsMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def a_demo(tmp_path_factory):
    """The folder of a demonstration in the contrast with the fewest voxels, and its JSON."""
    softcord, folder = Softcord(), tmp_path_factory.mktemp("demo")
    softcord.segment = the_truth
    with phantoms_are_known():
        result = softcord("demo", "-o", folder, "--contrast", "DWI", "--json")
    assert result.exit_code == 0, result.stderr
    return folder, json.loads(result.stdout)


def test_errors_are_those_of_the_mask(softcord, tmp_path):
    """A mask ten percent too large must be reported as that: the comparison is with the formula,
    not with itself.
    """
    softcord.segment = ten_percent_too_large
    with phantoms_are_known():
        result = softcord("demo", "-o", tmp_path, "--contrast", "DWI", "--json")
    (study,) = json.loads(result.stdout)["studies"]
    assert [level["error_percent"] for level in study["levels"]] == pytest.approx([10] * 5, abs=1)
    assert study["dice"] < 0.98
    assert 'class="far"' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_the_page_needs_nothing_from_outside_and_its_links_lead_somewhere(a_demo):
    folder, _ = a_demo
    page = ParsedPage(folder / "index.html")
    assert page.fetched == []
    assert not re.search(r"url\((?!#|['\"]?data:)", page.source)
    assert len(page.links) >= 8
    assert all((folder / link).is_file() for link in page.links)
    text = "".join(page.text)
    assert "a-model" in text
    assert A_BUNDLE.sha256["models/segmenter.safetensors"] in text
    assert str(folder) not in page.source


def test_the_page_shows_slicers_views(a_demo, can_draw):
    page = ParsedPage(a_demo[0] / "index.html")
    assert len(page.pictures) == 4
    assert a_demo[1]["studies"][0]["pictures"] == ["Axial", "Sagittal", "Coronal", "3D"]


def test_the_page_follows_light_and_dark(a_demo):
    source = (a_demo[0] / "index.html").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in source
    plots = re.findall(r"<svg.*?</svg>", source, re.DOTALL)
    assert len(plots) == 1
    assert not re.search(r"#0[1-5]{5}|#000000|#ffffff", plots[0]), (
        "a colour that would not follow the page"
    )


def test_names_are_escaped_in_the_page(softcord, tmp_path):
    image = tmp_path / "in" / "a&b <i>.nii.gz"
    write_nifti(a_neck(), image)
    assert softcord("demo", "-o", tmp_path / "demo", "--image", image).exit_code == 0
    source = (tmp_path / "demo" / "index.html").read_text(encoding="utf-8")
    assert "a&amp;b &lt;i&gt;" in source
    assert "<i>" not in source


def test_no_cord_found_still_makes_a_page_that_says_so(softcord, tmp_path):
    softcord.segment = nothing_found
    with phantoms_are_known():
        result = softcord("demo", "-o", tmp_path, "--contrast", "DWI")
    assert result.exit_code == 0, result.stderr
    assert "no cord was found" in "".join(ParsedPage(tmp_path / "index.html").text)


def test_without_slicer_core_the_page_is_still_made(tmp_path):
    """In another process where the package cannot be imported."""
    repository = Path(__file__).resolve().parents[2]
    code = (
        "import sys\n"
        "sys.modules['slicer'] = None\n"
        "from cli.fakes import engine\n"
        "from workflows.phantom_engine import the_truth\n"
        "from SoftCordSegLib.cli.app import app\n"
        "with engine(the_truth):\n"
        "    app(sys.argv[1:])\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(
            [str(repository / "SoftCordSeg"), str(repository / "Testing")]
        ),
    }
    command = [sys.executable, "-c", code, "demo", "-o", str(tmp_path), "--contrast", "DWI"]
    answer = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, encoding="utf-8"
    )
    assert answer.returncode == 0, answer.stderr
    assert "pip install slicer-core" in answer.stderr
    text = "".join(ParsedPage(tmp_path / "index.html").text)
    assert "pip install slicer-core" in text
    assert "Measured, mm²" in text
