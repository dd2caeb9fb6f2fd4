"""The page of quality control in a browser: keys, clicks, files, hostile names, many cases."""

from __future__ import annotations

import json

import pytest
import yaml

from cli.fakes import Softcord
from reports.live_page import LivePage
from reports.qc_cases import DATASET, entry_of, write_qc_dataset
from SoftCordSegLib.reports.qc_page import qc_html
from SoftCordSegLib.review import read_verdicts
from SoftCordSegLib.review.qc_entry import SCT_FIELDS, entry_id
from SoftCordSegLib.workflows.review.qc_pages import QcOptions, make_qc_page

MANY = 1000


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Three cases, of which the first is the most doubtful."""
    dataset = write_qc_dataset(tmp_path_factory.mktemp("study") / DATASET)
    made = make_qc_page(dataset).page
    entries = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((made.parent / "_json").iterdir())
    ]
    for entry, doubt in zip(entries, (0.1, 0.9, 0.4)):
        entry["softcord"].update(doubt=doubt, reason=f"slice {10 * doubt:.0f}", worst=5)
    made.write_text(qc_html(DATASET, entries, {"sub-04": "There is no mask of it."}), "utf-8")
    return made


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with LivePage(tmp_path_factory.mktemp("browser")) as live:
        yield live


@pytest.fixture
def live(browser, page):
    """The browser, as if nothing had been judged or saved in it."""
    browser.open(page)
    browser.say("localStorage.clear()")
    for path in browser.saved.iterdir():
        path.unlink()
    return browser


def verdicts(report):
    return {
        one["subject"]: [one[name] for name in ("qc", "verdict", "rank", "comment", "rater")]
        for one in report["datasets"]
    }


def judge_by_keys(live, page):
    """Three cases judged, by keys alone."""
    live.open(page)
    live.click("#rater")
    live.type("Anna B.")
    live.press("Enter")
    # Most doubtful first: sub-02, sub-03, sub-01.  The first is in view.
    assert live.text("#name") == "sub-02 · T2w"
    assert live.text("#reason").startswith("90 %")
    live.press("f", "f", "7")
    live.press("ArrowDown", "f", "F", "f", "c")
    live.press(*"f5/d")  # letters of a comment, no keys of the page
    live.type(", a vessel")
    live.press("Escape", "ArrowRight")
    assert live.say("document.body.classList.contains('plain')")
    live.press("ArrowLeft", "j", "t", "3", "4")
    assert not live.say("document.body.classList.contains('plain')")
    assert live.text("#counts") == "3 of 3 judged, 1 fail, 1 artefact, 1 to correct"


def saved_report(live):
    live.click("#save-all")
    return json.loads(live.wait_for_saved("qc_report.json").read_text("utf-8"))


def test_from_the_keys_to_the_files_to_the_review(live, page):
    judge_by_keys(live, page)

    for button in ("save-all", "save-fails", "save-artifacts"):
        live.click(f"#{button}")
    saved = live.wait_for_saved("qc_report.json")
    report = json.loads(saved.read_text("utf-8"))
    assert verdicts(report) == {
        "sub-02": ["❌", "fail", 7, "", "Anna B."],
        "sub-03": ["⚠️", "artefact", None, "f5/d, a vessel", "Anna B."],
        "sub-01": ["❌", "to correct", 4, "", "Anna B."],
    }
    for one in report["datasets"]:
        assert set(SCT_FIELDS) <= set(one)
        assert "softcord" not in one
        assert one["id"] == entry_id(one)
        assert one["seconds"] >= 0
        assert one["case"].endswith(f"{one['subject']}_T2w")
        assert len(one["mask_sha256"]) == 64
    fails = yaml.safe_load(live.wait_for_saved("qc_fail.yml").read_text(encoding="utf-8"))
    # "To correct" is among what SCT lists for correction.
    assert sorted(fails["FILES_SEG"]) == [
        "sub-01/anat/sub-01_T2w.nii.gz",
        "sub-02/anat/sub-02_T2w.nii.gz",
    ]
    artefacts = live.wait_for_saved("qc_artifact.yml")
    assert yaml.safe_load(artefacts.read_text(encoding="utf-8")) == {
        "FILES_SEG": ["sub-03/anat/sub-03_T2w.nii.gz"]
    }
    assert live.faults() == []

    # The review of the data set takes it, once.
    dataset = page.parents[3]
    for _ in range(2):
        assert Softcord()("review", "import", dataset, saved).exit_code == 0
    assert {
        (one.case.split("/")[0], one.verdict.value, one.rank, one.comment, one.rater)
        for one in read_verdicts(dataset)
    } == {
        ("sub-02", "fail", 7, "", "Anna B."),
        ("sub-03", "artefact", None, "f5/d, a vessel", "Anna B."),
        ("sub-01", "to correct", 4, "", "Anna B."),
    }
    assert len(read_verdicts(dataset)) == 3


def test_what_scts_page_changed_is_read_and_what_it_does_not_know_is_kept(live, page, tmp_path):
    judge_by_keys(live, page)
    report = saved_report(live)
    report["datasets"][0].update(qc="✅", mark="kept")
    report["tableState"] = {"rowFilter": "sub"}
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(report), "utf-8")
    other = live.saved / "qc_report.json"
    other.unlink()
    live.say("localStorage.clear()")
    live.open(page)
    assert live.text("#counts") == "0 of 3 judged"
    live.give("#upload", changed)
    live.wait_for("document.getElementById('said').textContent")
    assert live.text("#said") == "3 verdicts read."
    assert live.say("document.getElementById('rater').value") == "Anna B."
    again = saved_report(live)
    first = report["datasets"][0]["subject"]
    assert again["tableState"] == {"rowFilter": "sub"}
    assert verdicts(again) == {
        **verdicts(report),
        first: ["✅", "pass", *verdicts(report)[first][2:]],
    }
    assert [one.get("mark") for one in again["datasets"] if one["subject"] == first] == ["kept"]


def test_lists_of_sct_are_read_and_a_verdict_holds_for_its_mask(live, page, tmp_path):
    listed = tmp_path / "qc_fail.yml"
    listed.write_text(
        "FILES_SEG:\n    - /data/x/sub-01/anat/sub-01_T2w.nii.gz # old\n    - y.nii\n",
        encoding="utf-8",
    )
    entries = json.loads(page.read_text("utf-8").split('id="entries">')[1].split("</script>")[0])
    report = {"datasets": [{**entries[1], "qc": "✅", "rater": "Bo", "mask_sha256": "0" * 64}]}
    earlier = tmp_path / "qc_report.json"
    earlier.write_text(json.dumps(report), "utf-8")

    live.open(page)
    live.give("#upload", listed)
    live.wait_for("document.getElementById('said').textContent")
    assert live.text("#said") == "1 verdict read; 1 of cases that are not on this page."
    live.say("document.getElementById('said').textContent = ''")
    live.give("#upload", earlier)
    live.wait_for("document.getElementById('said').textContent")

    assert "1 of masks that have changed since" in live.text("#said")
    assert live.text("#counts") == "1 of 3 judged, 1 fail"
    live.click("#rater")
    live.type("Cleo")
    live.press("Enter")
    assert live.text("#counts") == "0 of 3 judged"  # another rater has other verdicts
    live.say(
        "(e => { e.value = ''; e.dispatchEvent(new Event('change')); })"
        "(document.getElementById('rater'))"
    )
    assert live.text("#counts") == "1 of 3 judged, 1 fail"
    live.press("n")
    assert live.text("#name") == "sub-03 · T2w"  # the next without a verdict after sub-02
    live.press("ArrowDown", "ArrowDown", "k")
    assert live.text("#name") == "sub-01 · T2w"
    assert live.say("document.querySelector('[data-word=fail]').className") == "verdict on"
    sha = next(one["mask_sha256"] for one in entries if one["subject"] == "sub-01")
    other = page.with_name("corrected.html")
    other.write_text(page.read_text("utf-8").replace(sha, "1" * 64), "utf-8")
    live.open(other)
    assert live.text("#counts") == "0 of 3 judged"  # the mask is another one


def test_the_views(live, page):
    live.open(page)
    tiles = live.say("Array.from(document.querySelectorAll('.tile'), one => one.innerText.trim())")
    assert [tile.split()[0] for tile in tiles] == [str(number) for number in range(29, -1, -1)]
    assert all(abs(float(tile.split()[1]) - 78.5) < 2 for tile in tiles)  # π 5²
    assert live.say("document.querySelectorAll('.tile.marked').length") == 1
    assert live.say("document.querySelector('#curve .own').getAttribute('d').length") > 100
    edge = live.say("document.querySelector('.picture').clientWidth")
    live.press("d")
    assert live.say("document.querySelector('.picture').clientWidth") == 176 != edge
    live.press("d")
    live.click(".tile:nth-child(4)")
    assert live.text("#large").startswith("26")
    assert live.say("document.querySelectorAll('#curve .here').length") == 1
    live.press("Escape")
    assert live.say("document.getElementById('large').hidden")
    live.press("/")
    live.type("sub-03")
    assert live.say("document.querySelectorAll('.row').length") == 1
    assert live.text("#not-shown summary") == "1 not shown"
    assert live.faults() == []


def test_a_thousand_cases_are_a_window_of_rows_and_the_pictures_in_view(live, tmp_path):
    entries = [entry_of(number) for number in range(MANY)]
    many = tmp_path / "softcord_qc.html"
    many.write_text(qc_html("many", entries, {}), "utf-8")

    live.open(many)

    assert live.say("document.querySelectorAll('.row').length") < 40
    live.press("ArrowUp")  # from the first to the last
    assert live.text("#name") == f"sub-{MANY - 1:04d} · T2w"
    live.wait_for(f"document.querySelector('.row[id=row-{MANY - 1}][aria-selected=true]') !== null")
    assert live.say("document.querySelectorAll('.row').length") < 40
    pictures = {url for url in live.fetched() if url.endswith(".png")}
    # Of a case two, and those of its neighbours.
    assert 2 <= len(pictures) <= 12


HOSTILE = '</script><img src=x onerror="document.title=1">'


def test_what_was_said_in_slicer_is_known(live, tmp_path):
    entry = entry_of(1)
    entry["softcord"]["verdicts"] = [
        {"rater": "Anna", "verdict": "artefact", "rank": 3, "comment": "ghosts"},
        {"rater": "Bo", "verdict": "pass", "rank": None, "comment": ""},
    ]
    known = tmp_path / "softcord_qc.html"
    known.write_text(qc_html("known", [entry], {}, rater="Anna"), "utf-8")

    live.open(known)

    assert live.text("#counts") == "1 of 1 judged, 1 artefact"
    assert live.say("document.getElementById('comment').value") == "ghosts"
    assert live.text("#others") == "Bo: pass"
    live.press("f")
    assert live.text("#counts") == "0 of 1 judged"


def test_names_and_comments_are_text(live, tmp_path):
    entry = entry_of(1)
    entry.update(subject=HOSTILE, contrast=HOSTILE, inputFile=HOSTILE, path="=1+1")
    entry["backgroundImage"] = "javascript:alert(1)"
    view = entry["softcord"]
    view.update(reason=HOSTILE, notes=[HOSTILE], levels=[[HOSTILE, 0, 9]])
    view["verdicts"] = [{"rater": HOSTILE, "verdict": "fail", "rank": 1, "comment": HOSTILE}]
    foreign = dict.fromkeys(SCT_FIELDS, HOSTILE)
    hostile = tmp_path / "softcord_qc.html"
    rater = f"{HOSTILE}2"
    hostile.write_text(
        qc_html(HOSTILE, [entry, foreign], {HOSTILE: HOSTILE}, rater=rater), encoding="utf-8"
    )

    live.open(hostile)
    live.press("f", "f", "c")
    live.type(HOSTILE)
    live.press("Escape", "ArrowDown", "ArrowDown")
    live.click("#save-fails")
    listed = live.wait_for_saved("qc_fail.yml").read_text("utf-8")

    assert live.say("document.title") == "Quality control"
    assert live.say("document.querySelectorAll('img[onerror]').length") == 0
    assert yaml.safe_load(listed)["FILES_SEG"] == [f"=1+1/{HOSTILE}"]
    assert [fault for fault in live.faults() if "ERR_FILE_NOT_FOUND" not in fault] == []
    assert [url for url in live.fetched() if not url.startswith(("file:", "blob:"))] == []


def test_a_blinded_page_names_nobody(live, tmp_path):
    dataset = write_qc_dataset(tmp_path / DATASET)
    made = make_qc_page(dataset, options=QcOptions(blinded=True, seed=3)).page
    names = ("sub-0", DATASET, "softseg", 'doubt":0', "T2w", str(tmp_path))
    for path in made.parent.rglob("*"):
        assert not any(name in path.relative_to(made.parent).as_posix() for name in names)
        if path.suffix in (".json", ".html", ".js"):
            content = path.read_text("utf-8")
            assert [name for name in names if name in content] == [], path.name

    live.open(made)
    assert live.text("#name") == "Case 001"
    assert live.text("#facts") == ""
    assert live.say("document.querySelector('#sort option').value") == "name"
