"""``softcord qc``: cases of a data set become entries; what has not changed is kept."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.fakes import Softcord
from reports.qc_cases import DATASET, RADII_MM, soft_disc, write_qc_dataset
from SoftCordSegLib.errors import Cancelled, InputError, OptionError
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.review import (
    Judgement,
    Verdict,
    VerdictStore,
    find_review_cases,
    read_verdicts,
)
from SoftCordSegLib.review.doubt import Doubt
from SoftCordSegLib.review.qc_entry import SIGNS
from SoftCordSegLib.review.second_reading import (
    Reading,
    ReadingItem,
    draw_second_reading,
    write_reading,
)
from SoftCordSegLib.review.verdicts import utc_now
from SoftCordSegLib.volume import read_nifti, reorient, write_nifti
from SoftCordSegLib.workflows.review import qc_pages
from SoftCordSegLib.workflows.review.qc_pages import QcOptions, make_qc_page


@pytest.fixture
def dataset(tmp_path):
    return write_qc_dataset(tmp_path / DATASET)


def mask_of(dataset, name):
    return dataset / f"derivatives/labels/{name}/anat/{name}_T2w_label-SC_softseg.nii.gz"


def entries_of(result):
    paths = sorted((result.page.parent / "_json").glob("*.json"))
    entries = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return {entry["case"].rpartition("/")[2]: entry for entry in entries}


def test_entries_say_what_was_measured_and_where_everything_lies(dataset, tmp_path):
    result = make_qc_page(dataset)

    assert result.page == dataset / "derivatives/review/qc/softcord_qc.html"
    entries = entries_of(result)
    assert len(result.made) == len(entries) == 3
    for radius, (name, entry) in zip(RADII_MM, sorted(entries.items())):
        participant = name.split("_")[0]
        assert entry["path"] == f"{participant}/anat"
        assert entry["inputFile"] == f"{name}.nii.gz"
        assert entry["mask_sha256"] == file_sha256(dataset / entry["mask"])
        assert entry["cmdline"] == f"softcord qc {DATASET}/{participant}/anat/{name}"
        assert str(tmp_path) not in json.dumps(entry)
        view = entry["softcord"]
        areas = np.array(view["areas"], float)
        assert np.nanmean(areas) == pytest.approx(np.pi * radius**2, rel=0.03)
        assert len(view["tiles"]) == 30
    # Discs C2/C3, C3/C4 and C4/C5 lie in slices 25, 15 and 5.
    assert entries["sub-01_T2w"]["softcord"]["levels"] == [
        ["C5", 0, 5],
        ["C4", 6, 15],
        ["C3", 16, 25],
        ["C2", 26, 29],
    ]
    assert entries["sub-02_T2w"]["softcord"]["levels"] == []


def test_a_second_run_keeps_what_holds_and_draws_what_changed(dataset):
    before = entries_of(make_qc_page(dataset))
    say(dataset, "Anna", "sub-02", Judgement.PASS, "of the mask as it was")
    changed = mask_of(dataset, "sub-02")
    write_nifti(soft_disc(5.5), changed)
    say(dataset, "Anna", "sub-01", Judgement.ARTEFACT, "ghosts")

    result = make_qc_page(dataset)

    assert result.made == ["sub-02/anat/sub-02_T2w"]
    after = entries_of(result)
    assert after["sub-02_T2w"]["mask_sha256"] == file_sha256(changed)
    assert after["sub-02_T2w"]["id"] != before["sub-02_T2w"]["id"]
    assert not (result.page.parent / before["sub-02_T2w"]["overlayImage"]).exists()
    assert after["sub-03_T2w"] == before["sub-03_T2w"]
    assert after["sub-01_T2w"]["id"] == before["sub-01_T2w"]["id"]
    assert after["sub-02_T2w"]["softcord"]["verdicts"] == []
    assert after["sub-01_T2w"]["softcord"]["verdicts"] == [
        {"rater": "Anna", "verdict": "artefact", "rank": 4, "comment": "ghosts"}
    ]
    image = dataset / "sub-03/anat/sub-03_T2w.nii.gz"
    write_nifti(read_nifti(image), image)
    (result.page.parent / after["sub-01_T2w"]["overlayImage"]).unlink()
    (dataset / "derivatives/labels/sub-02/anat/sub-02_T2w_label-discs_dlabel.nii.gz").write_bytes(
        (
            dataset / "derivatives/labels/sub-01/anat/sub-01_T2w_label-discs_dlabel.nii.gz"
        ).read_bytes()
    )
    assert len(make_qc_page(dataset).made) == 3


def test_a_case_is_once_on_the_page_after_a_correction_elsewhere_and_under_a_new_name(dataset):
    """A corrected mask lies in another folder than the program's and goes before it; the folder of
    the data set is called otherwise.
    """
    (dataset / "sub-02/anat/sub-02_T1w.nii.gz").write_bytes(b"no mask of it, and not read" * 9)
    make_qc_page(dataset)
    mask = mask_of(dataset, "sub-02")
    other = dataset / "derivatives/labels/sub-02/anat/sub-02_T2w_desc-corr_label-SC_softseg.nii.gz"
    write_nifti(soft_disc(5.5), mask.rename(other))
    renamed = dataset.rename(dataset.parent / "renamed")

    result = make_qc_page(renamed)

    files = sorted((result.page.parent / "_json").iterdir())
    entries = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    assert sorted(entry["case"] for entry in entries) == sorted([*result.made, *result.kept])
    assert result.made == ["sub-02/anat/sub-02_T2w"]
    assert {entry["dataset"] for entry in entries} == {"renamed"}
    assert all((result.page.parent / entry["overlayImage"]).is_file() for entry in entries)
    page = result.page.read_text(encoding="utf-8")
    assert f"{DATASET}: " not in page
    assert "renamed: sub-02/anat/sub-02_T1w" in page


def say(dataset, rater, name, word, comment):
    """A verdict on the mask as it is."""
    mask = mask_of(dataset, name)
    VerdictStore(dataset, rater).add(
        Verdict(
            case=f"{name}/anat/{name}_T2w",
            mask=mask.relative_to(dataset).as_posix(),
            mask_sha256=file_sha256(mask),
            rater=rater,
            verdict=word,
            rank=4,
            comment=comment,
            when=utc_now(),
        )
    )


def test_doubts_sort_and_their_slice_is_counted_from_below(dataset, monkeypatch):
    image = dataset / "sub-03/anat/sub-03_T2w.nii.gz"
    write_nifti(reorient(read_nifti(image), "RAI"), image)  # from above to below in the file
    doubts = {
        f"sub-0{n}/anat/sub-0{n}_T2w": Doubt(0.1 * n, f"slice {n}", slice=n) for n in (1, 2, 3)
    }
    monkeypatch.setattr(qc_pages, "_doubts", lambda *_all: doubts)

    views = {name: one["softcord"] for name, one in entries_of(make_qc_page(dataset)).items()}

    assert [views[f"sub-0{n}_T2w"]["worst"] for n in (1, 2, 3)] == [1, 2, 29 - 3]
    assert views["sub-02_T2w"]["doubt"] == pytest.approx(0.2)
    assert views["sub-02_T2w"]["reason"] == "slice 2"
    assert "slice 3 of the file is 26 here" in views["sub-03_T2w"]["notes"][0]


def test_a_mask_that_cannot_be_measured_is_shown_and_a_broken_file_costs_itself(dataset):
    empty = mask_of(dataset, "sub-01")
    write_nifti(soft_disc(5.0).with_data(np.zeros((48, 48, 30), np.uint8)), empty)
    labels = soft_disc(5.0)
    data = (labels.data > 0.5).astype(np.uint8) * np.arange(2, 32, dtype=np.uint8)
    write_nifti(labels.with_data(data), mask_of(dataset, "sub-02"))
    broken = dataset / "sub-03/anat/sub-03_T2w.nii.gz"
    broken.write_bytes(broken.read_bytes()[:2000])

    result = make_qc_page(dataset)

    views = {name: one["softcord"] for name, one in entries_of(result).items()}
    assert views["sub-01_T2w"]["notes"] == ["The mask is empty."]
    assert "label image" in views["sub-02_T2w"]["notes"][0]
    assert list(result.not_shown) == ["sub-03/anat/sub-03_T2w"]
    assert "sub-03/anat/sub-03_T2w: The file is truncated" in result.page.read_text("utf-8")


def test_what_was_drawn_before_a_stop_is_on_the_page(dataset):
    import contextlib

    drawn = []

    @contextlib.contextmanager
    def bar(name):
        yield Progress(is_cancelled=lambda: len(drawn) == 3)
        drawn.append(name)  # the first is what looks for doubts

    with pytest.raises(Cancelled):
        make_qc_page(dataset, bar=bar)

    result = make_qc_page(dataset)
    assert (len(result.kept), len(result.made)) == (2, 1)


def test_one_case_can_be_named_and_an_unknown_one_is_refused(dataset, tmp_path):
    result = make_qc_page(dataset, tmp_path / "qc", QcOptions(cases=("sub-02_T2w",)))
    assert result.made == ["sub-02/anat/sub-02_T2w"]
    with pytest.raises(OptionError, match="no case"):
        make_qc_page(dataset, tmp_path / "qc", QcOptions(cases=("sub-09",)))
    (tmp_path / "void").mkdir()
    with pytest.raises(InputError):
        make_qc_page(tmp_path / "void", tmp_path / "qc")


def test_the_command(dataset, tmp_path):
    softcord = Softcord()
    (dataset / "sub-02/anat/sub-02_T1w.nii.gz").write_bytes(
        (dataset / "sub-02/anat/sub-02_T2w.nii.gz").read_bytes()
    )

    first = softcord("qc", dataset, "-o", tmp_path / "qc", "--rater", "Anna", "--json")
    again = softcord("qc", dataset, "-o", tmp_path / "qc")
    blinded = softcord("qc", dataset, "-o", tmp_path / "qc", "--blinded")

    answer = json.loads(first.stdout)
    assert first.exit_code == again.exit_code == 0
    assert len(answer["made"]) == 3
    assert answer["not_shown"] == {"sub-02/anat/sub-02_T1w": "There is no mask of it."}
    assert "0 cases drawn, 3 unchanged" in again.stderr
    assert blinded.exit_code == 2
    assert "not blinded" in blinded.stderr


@pytest.mark.parametrize("blinded", [False, True])
def test_what_a_page_saved_comes_into_the_review(dataset, tmp_path, blinded):
    """As the page's button Save All writes it; the browser's part is in test_qc_page.py."""
    reading = draw_second_reading(find_review_cases(dataset), [], 2, blinded=blinded, seed=4)
    write_reading(dataset, reading)
    softcord = Softcord()
    result = softcord("qc", dataset, "--reading", "second", "--json")
    assert result.exit_code == 0, result.stderr
    folder = dataset / "derivatives/review/qc_second"
    entries = [json.loads(path.read_text("utf-8")) for path in sorted((folder / "_json").iterdir())]
    assert len(entries) == 2
    assert {entry["case"].startswith("Case ") for entry in entries} == {blinded}
    # Who has a mask cannot look up its neutral name by the mask's SHA-256.
    named = [path for end in ("html", "js", "json") for path in folder.rglob(f"*.{end}")]
    texts = [path.read_text("utf-8") for path in named]
    digests = [file_sha256(case.mask) for case in find_review_cases(dataset)]
    assert any(one in text for one in digests for text in texts) is not blinded
    for entry, word in zip(entries, ("to correct", "pass")):
        del entry["softcord"]
        entry.update(verdict=word, qc=SIGNS[word], rank=7, comment="seen", rater="Bo")
        entry.update(seconds=4.5, when="2026-11-28T14:05:00.123Z", judged=f"{SIGNS[word]}7")
    saved = tmp_path / "qc_report.json"
    saved.write_text(json.dumps({"datasets": entries}), "utf-8")

    answer = softcord("review", "import", dataset, saved, "--json")

    assert answer.exit_code == 0, answer.stderr
    verdicts = sorted(read_verdicts(dataset), key=lambda one: one.case)
    assert {one.case for one in verdicts} == {item.key for item in reading.items}
    assert {one.verdict.value for one in verdicts} == {"to correct", "pass"}
    for one in verdicts:
        assert (one.rater, one.rank, one.comment, one.seconds) == ("Bo", 7, "seen", 4.5)
        assert (one.reading, one.blinded) == ("second", blinded)
        assert one.mask_sha256 == file_sha256(mask_of(dataset, one.case.split("/")[0]))


def test_what_is_said_of_a_blinded_page_names_no_case(dataset):
    """Also where only the reading says that it is blinded, and of cases that cannot be drawn."""
    cases = find_review_cases(dataset)
    write_reading(dataset, draw_second_reading(cases, [], 3, blinded=True))
    assert len(cases) == 3
    cases[0].image.write_bytes(b"<html>Please log in, this is no image.</html>")
    cases[1].mask.write_bytes(b"")

    result = Softcord()("qc", dataset, "--reading", "second", "--json")

    answer = json.loads(result.stdout)
    assert result.exit_code == 1
    assert len(answer["made"]) == len(answer["failed"]) == 1
    assert sorted(answer["not_shown"]) == sorted(
        {"Case 001", "Case 002", "Case 003"} - set(answer["made"])
    )
    assert "sub-" not in result.stdout + result.stderr


def test_a_comparison_of_methods_is_not_for_a_page(dataset):
    reading = Reading("two", "comparison", (ReadingItem("a#A", "a", "Case 001 A"),), True)
    write_reading(dataset, reading)

    with pytest.raises(OptionError, match="two masks"):
        make_qc_page(dataset, options=QcOptions(reading="two"))
