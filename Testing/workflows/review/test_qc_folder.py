"""The folder of quality control as SCT's programs and its page read it, written twice, and by two
processes at once.
"""

from __future__ import annotations

import json
import multiprocessing
import re
from datetime import datetime
from pathlib import Path

import pytest

from reports.qc_cases import entry_of
from SoftCordSegLib.errors import OptionError
from SoftCordSegLib.reports.qc_pictures import CasePictures
from SoftCordSegLib.review.qc_entry import SCT_FIELDS, entry_id, judgement_word
from SoftCordSegLib.workflows.review.qc_folder import QcFolder, safe_part

PICTURES = CasePictures(b"\x89PNG background", b"\x89PNG overlay", {})
# What report-ui takes an entry's fields for (src/components/Datasets.tsx).
TEXTS = [name for name in SCT_FIELDS if name not in ("rank", "qc")]


def fields(number=1, name="a", **changes):
    entry = entry_of(number)
    kept = ("path", "cmdline", "sctVersion", "dataset", "subject", "contrast", "inputFile", "case")
    view = {"id": f"many|{name}", "made_from": number}
    return {**{key: entry[key] for key in kept}, "softcord": view, **changes}


def listed(folder):
    """As a page sees it that runs ``js/datasets.js``."""
    script = (folder / "js" / "datasets.js").read_text("utf-8")
    found = re.search(r"window\.SCT_QC_DATASETS = (\[.*\]);$", script, re.DOTALL | re.MULTILINE)
    return re.search(r"window\.SCT_QC_UUID = '([^']+)'", script)[1], json.loads(found[1])


def as_sct_refreshes(folder):
    """What SCT does after each of its programs (refresh_qc_entries.py): all of ``_json``."""
    content = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((folder / "_json").glob("*.json"))
    ]
    script = f"window.SCT_QC_DATASETS = {json.dumps(content)};"
    (folder / "js" / "datasets.js").write_text(script, encoding="utf-8")


def sct_entry(folder, number=1):
    """An entry as ``create_qc_entry`` of SCT's qc2.py writes it."""
    stamp = f"2026_11_28_1405{number:02d}.000000"
    place = Path("study") / "sub-01" / "anat" / "sct_deepseg" / stamp
    (folder / place).mkdir(parents=True)
    for name in ("background_img.png", "overlay_img.png"):
        (folder / place / name).write_bytes(b"")
    entry = {
        "path": "/data",
        "cmdline": f"sct_deepseg spinalcord -i t2.nii.gz -qc qc{number}",
        "command": "sct_deepseg",
        "sctVersion": "7.0",
        "dataset": "study",
        "subject": "sub-01",
        "contrast": "anat",
        "inputFile": "t2.nii.gz",
        "plane": "Axial",
        "backgroundImage": str(place / "background_img.png"),
        "overlayImage": str(place / "overlay_img.png"),
        "date": f"2026-11-28 14:05:{number:02d}",
        "rank": "",
        "qc": "",
    }
    (folder / "_json").mkdir(exist_ok=True)
    (folder / "_json" / f"qc_{stamp}.json").write_text(
        json.dumps(entry, indent=1), encoding="utf-8"
    )
    return entry


def test_an_entry_is_as_scts_page_takes_it(tmp_path):
    store = QcFolder(tmp_path / "qc")
    store.add(fields(), PICTURES)

    page = store.refresh("many", {})

    _, (entry,) = listed(tmp_path / "qc")
    assert all(isinstance(entry[name], str) for name in TEXTS)
    assert (entry["rank"], entry["qc"], entry["plane"]) == ("", "", "Axial")
    assert entry["id"] == entry_id(entry)
    stamp = datetime.strptime(entry["date"], "%Y-%m-%d %H:%M:%S.%f").strftime("%Y_%m_%d_%H%M%S.%f")
    place = f"many/sub-0001/T2w/softcord_qc/{stamp}"
    assert entry["backgroundImage"] == f"{place}/background_img.png"
    assert entry["overlayImage"] == f"{place}/overlay_img.png"
    for name, content in (("backgroundImage", b"background"), ("overlayImage", b"overlay")):
        assert (tmp_path / "qc" / entry[name]).read_bytes().endswith(content)
    assert [path.name for path in (tmp_path / "qc" / "_json").iterdir()] == [f"qc_{stamp}.json"]
    assert "softcord" not in entry  # what only our page needs
    assert '"made_from"' in page.read_text("utf-8")
    assert "softcord_qc.html" in (tmp_path / "qc" / "index.html").read_text("utf-8")


def test_a_folder_of_scts_keeps_its_page_and_its_entries(tmp_path):
    theirs = sct_entry(tmp_path)
    (tmp_path / "index.html").write_text("<title>SCT - Quality Control</title>", encoding="utf-8")
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "datasets.js").write_text(
        'window.SCT_QC_UUID = "0a1b2c3d-aaaa";\n', encoding="utf-8"
    )
    store = QcFolder(tmp_path)
    store.add(fields(), PICTURES)

    page = store.refresh("many", {})

    mark, entries = listed(tmp_path)
    assert mark == "0a1b2c3d-aaaa"  # by which the browser keeps what was judged there
    assert [one["command"] for one in entries] == ["sct_deepseg", "softcord_qc"]
    assert entries[0] == theirs
    assert "SCT" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "sct_deepseg" in page.read_text("utf-8")

    as_sct_refreshes(tmp_path)  # a program of SCT's runs afterwards
    QcFolder(tmp_path).refresh("many", {})
    assert listed(tmp_path) == (mark, entries)


def test_the_newest_of_a_case_stays_and_nothing_else_is_removed(tmp_path):
    sct_entry(tmp_path, 1), sct_entry(tmp_path, 2)
    store = QcFolder(tmp_path)
    first = store.add(fields(1), PICTURES)
    store.add(fields(2, "b", subject="sub-0002"), PICTURES)
    second = store.add(fields(3), PICTURES)
    beside = (tmp_path / first.fields["backgroundImage"]).with_name("notes.txt")
    beside.write_text("mine", encoding="utf-8")

    store.refresh("many", {})

    ours = [one["id"] for one in listed(tmp_path)[1] if one["command"] == "softcord_qc"]
    assert len(ours) == 2
    assert first.fields["id"] not in ours
    assert second.fields["id"] in ours
    assert not first.file.exists()
    assert not (tmp_path / first.fields["backgroundImage"]).exists()
    assert beside.read_text(encoding="utf-8") == "mine"
    assert len(listed(tmp_path)[1]) == 4


def test_an_entry_that_names_a_place_outside_is_not_followed(tmp_path):
    outside = tmp_path / "outside" / "softcord_qc" / "x"
    outside.mkdir(parents=True)
    (outside / "background_img.png").write_bytes(b"mine")
    store = QcFolder(tmp_path / "qc")
    entry = store.add(fields(1), PICTURES)
    evil = {**entry.fields, "backgroundImage": "../outside/softcord_qc/x/background_img.png"}
    store.change(entry, evil)
    store.add(fields(2), PICTURES)

    store.refresh("many", {})

    assert (outside / "background_img.png").read_bytes() == b"mine"


def test_what_is_no_entry_is_left_alone(tmp_path):
    store = QcFolder(tmp_path)
    store.add(fields(), PICTURES)
    for name, text in (("a", "{"), ("b", "[1]"), ("c", '{"path": 1}'), ("d", "[" * 100_000)):
        (tmp_path / "_json" / f"qc_{name}.json").write_text(text, encoding="utf-8")
    (tmp_path / "softcord_qc.json").write_text("null", encoding="utf-8")

    store.refresh("many", {"sub-03": "There is no mask of it."})

    assert len(listed(tmp_path)[1]) == 1
    assert len(list((tmp_path / "_json").iterdir())) == 5


def test_why_a_case_is_missing_is_told_until_it_is_there(tmp_path):
    store = QcFolder(tmp_path)
    store.refresh("many", {"sub-03": "There is no mask of it.", "sub-04": "It is empty."})

    page = QcFolder(tmp_path).refresh("many", {"sub-03": ""}).read_text("utf-8")

    assert "sub-04: It is empty." in page
    assert "There is no mask" not in page


def test_folders_of_another_kind_are_refused(tmp_path):
    QcFolder(tmp_path / "a", blinded=True).refresh("x", {})
    with pytest.raises(OptionError):
        QcFolder(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "softcord_qc.html").write_text("mine", encoding="utf-8")
    with pytest.raises(OptionError):
        QcFolder(tmp_path / "b")
    assert (tmp_path / "b" / "softcord_qc.html").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("sub-01", "sub-01"),
        ("../../x", "_.._x"),
        ("a/b#c?d%e", "a_b_c_d_e"),
        ("", "none"),
        ("..", "none"),
        ("日本", "_"),
        ("aux.x", "_aux.x"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names_become_folders_on_every_system(name, part):
    assert safe_part(name) == part


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ({"qc": "✅"}, "pass"),
        ({"qc": "❌"}, "fail"),
        ({"qc": "❌", "verdict": "to correct"}, "to correct"),
        ({"qc": "⚠️", "verdict": "fail"}, "artefact"),
        ({"qc": "", "verdict": "fail"}, ""),
        ({"qc": 1, "verdict": ["x"]}, ""),
    ],
)
def test_the_sign_counts(entry, word):
    assert judgement_word(entry) == word


def add_entries(folder, who, count):
    """What each of several processes does; called by ``make stress`` too."""
    for number in range(count):
        store = QcFolder(folder)
        store.add(fields(number, f"{who}-{number}", subject=f"sub-{who}"), PICTURES)
        store.refresh("many", {f"{who}-{number}": "Missing."})


def check_processes(folder, processes, count):
    """So many processes write into one folder at once: nothing is lost."""
    ways = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in ways else "spawn")
    running = [
        context.Process(target=add_entries, args=(folder, who, count)) for who in range(processes)
    ]
    for one in running:
        one.start()
    for one in running:
        one.join()
        assert one.exitcode == 0
    entries = listed(folder)[1]
    assert len({one["id"] for one in entries}) == len(entries) == processes * count
    for one in entries:
        assert (folder / one["overlayImage"]).is_file()
    state = json.loads((folder / "softcord_qc.json").read_text(encoding="utf-8"))
    assert len(state["not_shown"]) == processes * count
    assert not list(folder.rglob(".softcord-*"))


def test_two_processes_at_once_lose_nothing(tmp_path):
    check_processes(tmp_path, 2, 5)
