"""The pages of ground truths: judging, from the key F to ``softcord softgt --exclude``."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
import yaml

from cli.fakes import Softcord, digest
from groundtruth.cords import Cord, grid
from reports.browser import Browser, with_script
from SoftCordSegLib.groundtruth import read_exclusions
from SoftCordSegLib.volume import read_nifti, write_nifti

PARTICIPANTS, CONTRASTS = ("sub-01", "sub-02"), ("T1w", "T2star", "T2w")
STATE = 'said.verdicts = all("[data-image]").map(row => [row.dataset.image, row.dataset.verdict]);'
SAVE = 'click(document.getElementById("save"));'


def a_mask(shift=(0.0, 0.0)):
    return Cord().mask(grid(1.0, (24, 24, 16)), shift, soft=False)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two participants in three contrasts."""
    root = tmp_path_factory.mktemp("data")
    for name in PARTICIPANTS:
        for number, contrast in enumerate(CONTRASTS):
            mask = a_mask((0.4 * number, 0.0))
            write_nifti(
                mask,
                root
                / "derivatives"
                / "labels"
                / name
                / "anat"
                / f"{name}_{contrast}_label-SC_seg.nii.gz",
            )
    return root


def index_of(out):
    return out / "derivatives" / "labels_softseg" / "softgt.html"


@pytest.fixture(scope="module")
def results(dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    result = Softcord()("softgt", dataset, "-o", out)
    assert result.exit_code == 0, result.stderr
    return out


@pytest.fixture
def browser(tmp_path):
    return Browser(tmp_path)


def test_each_row_names_its_image_and_its_mask(dataset, results):
    page = index_of(results).read_text(encoding="utf-8")

    rows = dict(re.findall(r'data-image="([^"]*)" data-mask="([^"]*)"', page))

    assert len(rows) == 6
    mask = dataset / "derivatives/labels/sub-01/anat/sub-01_T2star_label-SC_seg.nii.gz"
    assert rows["sub-01_T2star.nii.gz"] == digest(mask)[:12]
    assert 'data-page="./sub-01/sub-01_softgt.html#T2star"' in page
    theirs = (index_of(results).parent / "sub-01" / "sub-01_softgt.html").read_text(
        encoding="utf-8"
    )
    assert '<section id="T2star">' in theirs  # where the address leads to
    assert 'class="verdict"' not in theirs  # a data set is judged in one place


def test_from_the_keys_to_the_list_to_what_is_left_out(
    softcord, browser, dataset, results, tmp_path
):
    keys = "j f f ArrowDown F j f f f j f f f f k ArrowUp j j f f f f".split()
    order = [f"{name}_{contrast}" for name in PARTICIPANTS for contrast in CONTRASTS]

    said = browser.run(
        index_of(results),
        f"for (const key of {json.dumps(keys)}) press(key);"
        f'const last = all("button.verdict")[5]; click(last); click(last); {STATE} {SAVE}'
        'said.counts = all("#counts")[0].textContent;'
        'said.focus = all("[data-image]").findIndex(row => row.classList.contains("focus"));',
    )

    verdicts = ["fail", "pass", "artifact", "", "", "fail"]
    assert said["verdicts"] == [
        [f"{name}.nii.gz", verdict] for name, verdict in zip(order, verdicts)
    ]
    assert said["counts"] == "1 pass, 2 fail, 1 artifact, 2 not judged"
    assert said["focus"] == 5
    assert said["name"] == "qc_fail.yml"
    assert yaml.safe_load(said["saved"]) == {
        "FILES_SEG": [
            "sub-01_T1w.nii.gz",
            "sub-01_T2w.nii.gz",
            "sub-02_T2w.nii.gz",
        ]  # as SCT's manual correction reads it
    }
    listed = tmp_path / said["name"]
    listed.write_text(said["saved"], encoding="utf-8")

    result = softcord(
        "softgt",
        dataset,
        "-o",
        tmp_path / "out",
        "--reference",
        "T2star",
        "--exclude",
        listed,
        "--json",
    )

    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["left_out"] == [
        "sub-01: T1w is left out: failed QC. sub-01: T2w is left out: artifact.",
        "sub-02: T2w is left out: failed QC.",
    ]
    assert [list(one["contrasts"]) for one in answer["results"]] == [["T2star"], ["T1w", "T2star"]]


def test_nothing_failed_is_an_empty_list(browser, results, tmp_path):
    said = browser.run(index_of(results), f'press("j"); press("f"); {SAVE}')

    assert yaml.safe_load(said["saved"]) == {"FILES_SEG": []}
    (tmp_path / "qc_fail.yml").write_text(said["saved"], encoding="utf-8")
    assert not read_exclusions(tmp_path / "qc_fail.yml").entries


def test_verdicts_are_kept_until_the_mask_is_another(softcord, browser, dataset, results, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    shutil.copytree(results, first)
    browser.run(index_of(first), 'press("j"); press("f"); press("j"); press("f"); press("f")')
    corrected = dataset / "derivatives/labels/sub-01/anat/sub-01_T2star_label-SC_seg.nii.gz"
    mask = read_nifti(corrected)
    write_nifti(mask.with_data(np.roll(mask.data, 1, axis=0)), corrected)
    softcord("softgt", dataset, "-o", again)

    said = [browser.run(index_of(out), STATE)["verdicts"][:3] for out in (first, again)]

    write_nifti(mask, corrected)  # the data set is shared by the tests
    assert said[0] == [
        ["sub-01_T1w.nii.gz", "pass"],
        ["sub-01_T2star.nii.gz", "fail"],
        ["sub-01_T2w.nii.gz", ""],
    ]
    assert sorted(said[1]) == [
        ["sub-01_T1w.nii.gz", "pass"],
        ["sub-01_T2star.nii.gz", ""],
        ["sub-01_T2w.nii.gz", ""],
    ]


def test_a_browser_that_stores_nothing_says_so(browser, results):
    said = browser.run(
        index_of(results),
        'Storage.prototype.setItem = () => { throw new DOMException("no room",'
        ' "QuotaExceededError"); };said.before = all("#unsaved")[0].hidden; press("j");'
        f' press("f"); said.after = all("#unsaved")[0].hidden; {STATE}',
    )

    assert (said["before"], said["after"]) == (True, False)
    assert said["verdicts"][0][1] == "pass"


def test_keys_that_are_pressed_in_the_pane_count_too(browser, results, tmp_path):
    theirs = index_of(results).parent / "sub-01" / "sub-01_softgt.html"
    pressed = 'document.dispatchEvent(new KeyboardEvent("keydown", { key: "f" }));'
    copy = tmp_path / "sub-01" / theirs.name
    copy.parent.mkdir()
    copy.write_text(with_script(theirs.read_text(encoding="utf-8"), pressed), encoding="utf-8")
    index = tmp_path / "softgt.html"
    index.write_bytes(index_of(results).read_bytes())

    said = browser.run(index, f'press("j"); await later(3000); {STATE}')

    assert [verdict for _, verdict in said["verdicts"]][:2] == ["pass", ""]


def test_one_participant_is_judged_on_its_own_page(softcord, browser, tmp_path):
    for number, name in enumerate(("t2", "t1")):
        write_nifti(a_mask((0.5 * number, 0.0)), tmp_path / f"{name}_seg.nii.gz")
    words = [
        "softgt",
        "--mask",
        f"T2w={tmp_path / 't2_seg.nii.gz'}",
        "--mask",
        f"T1w={tmp_path / 't1_seg.nii.gz'}",
    ]
    softcord(*words, "-o", tmp_path / "out")

    said = browser.run(
        tmp_path / "out" / "t2_softgt.html",
        f'press("j"); press("f"); press("j"); press("f"); press("f"); {SAVE}',
    )

    assert yaml.safe_load(said["saved"]) == {"FILES_SEG": ["t1.nii.gz"]}
    (tmp_path / "qc_fail.yml").write_text(said["saved"], encoding="utf-8")
    result = softcord(
        *words, "-o", tmp_path / "again", "--exclude", tmp_path / "qc_fail.yml", "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["left_out"] == ["t2: T1w is left out: failed QC."]


def test_names_are_escaped(softcord, tmp_path):
    name = "<script>alert(1)</script>"
    for contrast in ("T2w", name.replace("/", "")):
        write_nifti(a_mask(), tmp_path / f"{contrast}_seg.nii.gz")
    masks = [f"{one}={tmp_path / one.replace('/', '')}_seg.nii.gz" for one in ("T2w", name)]

    result = softcord("softgt", "--mask", masks[0], "--mask", masks[1], "-o", tmp_path / "out")

    assert result.exit_code == 0, result.stderr
    (page,) = (tmp_path / "out").glob("*.html")
    source = page.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in source
    assert source.count("<script>") == 1  # our own
