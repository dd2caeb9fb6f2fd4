"""``softcord demo``: the whole chain, with an engine that knows the phantom's truth."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cli.fakes import (
    A_BUNDLE,
    Softcord,
    a_neck,
    digest,
    engine,
    names_in,
    nothing_found,
    soft_from_brightness,
)
from SoftCordSegLib.cli.demo.study import study_phantom
from SoftCordSegLib.cli.demo.study_scene import make_views
from SoftCordSegLib.cli.segment import Request
from SoftCordSegLib.cli.tools import Tools
from SoftCordSegLib.phantom import Cord
from SoftCordSegLib.phantom.cord import cord_fraction
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.scene.offscreen import GraphicsMissing, choose_offscreen_graphics
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box, write_nifti


def the_truth(image, bundle, *, box=None, progress=None, device="auto", flips=False, calibre=1.0):
    """Stands in for the network: the phantom's own cord."""
    soft = cord_fraction(Cord(calibre=calibre), image.grid)
    return SoftMask(image.with_data(soft), Box.of_grid(image.grid), "Spinal cord found.")


def ten_percent_too_large(image, bundle, **options):
    return the_truth(image, bundle, **options, calibre=1.1)


@pytest.fixture(scope="module")
def can_draw():
    pytest.importorskip("slicer", reason="the package slicer-core is not installed")
    try:
        choose_offscreen_graphics()
    except GraphicsMissing as error:
        pytest.skip(str(error))


class Page(HTMLParser):
    """What a page shows and what it would fetch."""

    def __init__(self, path):
        super().__init__()
        self.pictures, self.fetched, self.links, self.text = [], [], [], []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "img":
            self.pictures.append(attributes["src"])
        if tag == "a":
            self.links.append(attributes["href"])
        if tag in ("link", "script", "iframe", "img", "image", "use"):
            address = (
                attributes.get("src")
                or attributes.get("href")
                or attributes.get("xlink:href")
                or ""
            )
            if not address.startswith(("data:", "#")):
                self.fetched.append((tag, address))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def a_demo(tmp_path_factory):
    """The folder of a demonstration in the contrast with the fewest voxels, and its JSON."""
    softcord, folder = Softcord(), tmp_path_factory.mktemp("demo")
    softcord.segment = the_truth
    result = softcord("demo", "-o", folder, "--contrast", "DWI", "--json")
    assert result.exit_code == 0, result.stderr
    return folder, json.loads(result.stdout)


def test_writes_image_mask_segment_tables_and_scene(a_demo):
    folder, summary = a_demo
    names = set(names_in(folder / "DWI"))
    expected = {
        "phantom_DWI.nii.gz",
        "phantom_DWI_truth.nii.gz",
        "phantom_DWI_discs.nii.gz",
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


def test_errors_are_those_of_the_mask(softcord, tmp_path):
    """A mask ten percent too large must be reported as that: the comparison is with the formula,
    not with itself.
    """
    softcord.segment = ten_percent_too_large
    result = softcord("demo", "-o", tmp_path, "--contrast", "DWI", "--json")
    (study,) = json.loads(result.stdout)["studies"]
    assert [level["error_percent"] for level in study["levels"]] == pytest.approx([10] * 5, abs=1)
    assert study["dice"] < 0.98
    assert 'class="far"' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_the_page_needs_nothing_from_outside_and_its_links_lead_somewhere(a_demo):
    folder, _ = a_demo
    page = Page(folder / "index.html")
    assert page.fetched == []
    assert not re.search(r"url\((?!#|['\"]?data:)", page.source)
    assert len(page.links) >= 8
    assert all((folder / link).is_file() for link in page.links)
    text = "".join(page.text)
    assert "a-model" in text
    assert A_BUNDLE.sha256["models/segmenter.safetensors"] in text
    assert str(folder) not in page.source


def test_the_page_shows_slicers_views(a_demo, can_draw):
    page = Page(a_demo[0] / "index.html")
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


def test_a_real_image_has_no_truth_and_says_so(softcord, an_image, discs_of_the_neck, tmp_path):
    before = digest(an_image)
    result = softcord(
        "demo", "-o", tmp_path / "demo", "--image", an_image, "--discs", discs_of_the_neck, "--json"
    )
    assert result.exit_code == 0, result.stderr
    (study,) = json.loads(result.stdout)["studies"]
    assert study["levels"] == []
    assert study["dice"] is None
    text = "".join(Page(tmp_path / "demo" / "index.html").text)
    assert "true areas are not known" in text
    assert "C3" in text
    assert "Known, mm²" not in text
    assert (tmp_path / "demo" / "sub-01_T2w" / "sub-01_T2w_csa_perlevel.csv").is_file()
    assert digest(an_image) == before


def test_names_are_escaped_in_the_page(softcord, tmp_path):
    image = tmp_path / "in" / "a&b <i>.nii.gz"
    write_nifti(a_neck(), image)
    assert softcord("demo", "-o", tmp_path / "demo", "--image", image).exit_code == 0
    source = (tmp_path / "demo" / "index.html").read_text(encoding="utf-8")
    assert "a&amp;b &lt;i&gt;" in source
    assert "<i>" not in source


def test_no_cord_found_still_makes_a_page_that_says_so(softcord, tmp_path):
    softcord.segment = nothing_found
    result = softcord("demo", "-o", tmp_path, "--contrast", "DWI")
    assert result.exit_code == 0, result.stderr
    assert "no cord was found" in "".join(Page(tmp_path / "index.html").text)


def test_an_image_that_cannot_be_read_makes_no_page(softcord, tmp_path):
    image = tmp_path / "bad.nii.gz"
    image.write_text("nothing")
    result = softcord("demo", "-o", tmp_path / "demo", "--image", image, "--json")
    assert result.exit_code == 1
    assert "not a NIfTI image" in result.stderr
    assert json.loads(result.stdout)["page"] is None
    assert names_in(tmp_path / "demo") == []


def test_a_page_that_is_not_ours_is_never_replaced(softcord, tmp_path):
    (tmp_path / "index.html").write_text("<html>my site</html>")
    result = softcord("demo", "-o", tmp_path, "--contrast", "DWI")
    assert result.exit_code == 2
    assert (tmp_path / "index.html").read_text() == "<html>my site</html>"


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
    def interrupted(image, bundle, *, box=None, progress=None, device="auto", flips=False):
        os.kill(os.getpid(), signal.SIGINT)
        return soft_from_brightness(image, bundle, box=box, progress=progress, device=device)

    softcord.segment = interrupted
    result = softcord("demo", "-o", tmp_path / "demo", "--image", an_image)
    assert result.exit_code == 130
    assert names_in(tmp_path / "demo") == []


def test_without_opengl_the_scene_is_saved_and_the_page_says_what_to_install(tmp_path):
    pytest.importorskip("slicer", reason="the package slicer-core is not installed")

    def no_opengl(app, study, nodes):
        raise GraphicsMissing("Pictures need OpenGL. Install it with: apt-get install libosmesa6")

    with engine(the_truth):
        study = study_phantom("DWI", tmp_path, A_BUNDLE, Tools(), Request(tmp_path), Progress())
    views = make_views(study, tmp_path, no_opengl)
    assert views.scene.is_file()
    assert views.pictures == ()
    assert "libosmesa6" in views.view_remarks[0]


def test_without_slicer_core_the_page_is_still_made(tmp_path):
    """In another process where the package cannot be imported."""
    repository = Path(__file__).resolve().parents[2]
    code = (
        "import sys\n"
        "sys.modules['slicer'] = None\n"
        "from cli.fakes import engine\n"
        "from cli.test_demo_command import the_truth\n"
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
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "pip install slicer-core" in answer.stderr
    text = "".join(Page(tmp_path / "index.html").text)
    assert "pip install slicer-core" in text
    assert "Measured, mm²" in text
