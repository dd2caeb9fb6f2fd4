"""The group level: tables, visits, doubts and the page of a data set."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from cli.fakes import rows_of
from SoftCordSegLib.bids import ImageChoice
from SoftCordSegLib.review.review_cases import find_review_cases
from SoftCordSegLib.workflows.data_set.data_set_group import GroupOptions, make_group
from workflows.data_sets import participant, write_neck

PAIRS = range(2, 7)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A data set of three participants, and what the two levels made of it."""
    root = tmp_path_factory.mktemp("study")
    data, out = root / "data", root / "out"
    write_neck(data, "sub-01_ses-1_T2w", discs=True)
    write_neck(data, "sub-01_ses-1_T2star", radius_mm=4.2)
    write_neck(data, "sub-01_ses-2_T2w", radius_mm=3.8, discs=True)
    write_neck(data, "sub-09_T2w")
    (data / "sub-01/sub-01_sessions.tsv").write_text(
        "session_id\tacq_time\nses-1\t2020-01-01T00:00:00\nses-2\t2022-01-01T00:00:00\n",
        encoding="utf-8",
    )
    for number in PAIRS:  # a scan and its rescan each
        for run in (1, 2):
            radius = 4.0 + 0.05 * (run - 1) * (-1) ** number
            write_neck(data, f"sub-0{number}_run-{run}_T2w", radius_mm=radius, discs=True)
    (data / "sub-08/anat").mkdir(parents=True)
    (data / "sub-08/anat/sub-08_T2w.nii.gz").write_bytes(b"no image")
    (data / "participants.tsv").write_text(
        "participant_id\tsex\tage\tgroup\tlevel\tnotes\tdoubt\nsub-01\tF\t40\tMS\t7\tx\t1\n"
        "sub-02\tM\t50\t=1+1\nsub-08\tM\t50\t\t5\tA^B\t0.9\nsub-08\tM\t51\t\t5\n",
        encoding="utf-8",
    )
    participant(data, out)
    return data, out, make_group(data, out, GroupOptions(qc=False))


def differences(out, name):
    """Relative differences of scan and rescan in C2 to C4, %."""
    areas = []
    for run in (1, 2):
        rows = rows_of(out / name / "anat" / f"{name}_run-{run}_T2w_csa.csv")
        areas.append([float(r["MEAN(area)"]) for r in rows if r["VertLevel"] in "234"])
    scan, rescan = np.array(areas)
    assert len(scan) == 3
    return 200 * (scan - rescan) / (scan + rescan)


def table(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_one_table_with_the_participants_and_the_failed(results):
    _, out, result = results
    rows = table(out / "csa_group.tsv")
    assert result.counts == {"measured": 14, "failed": 1}
    said = "participants.tsv has no row for 5 participants: sub-03, sub-04, sub-05, sub-06, sub-09."
    assert said in result.problems
    first = next(row for row in rows if row["level_name"] == "C2")
    assert (first["participant_id"], first["session_id"]) == ("sub-01", "ses-1")
    assert (first["sex"], first["age"], first["group"]) == ("F", "40", "MS")
    # What is to be known of a level and of a mask: C1 has no disc above it.
    above = next(row for row in rows if row["level_name"] == "C1")
    assert "upper end not known" in above["notes"]
    assert "upper end not known" not in first["notes"]
    failed = [row for row in rows if row["status"] == "failed"]
    assert [row["case"] for row in failed] == ["sub-08/anat/sub-08_T2w"]
    assert failed[0]["reason"] not in ("", "n/a")
    # Columns of the participants that are called as ours; a row for each visit; a name.
    assert (first["participant_level"], first["level"]) == ("7", "2")
    assert [failed[0][name] for name in ("level", "notes", "doubt", "age")] == ["n/a"] * 4
    assert (failed[0]["participant_level"], failed[0]["sex"]) == ("5", "M")
    assert "A^B" not in (out / "csa_group.tsv").read_text(encoding="utf-8")
    assert {row["group"] for row in rows if row["participant_id"] == "sub-02"} == {"'=1+1"}
    areas = {
        row["contrast"]: float(row["area_mm2"])
        for row in rows
        if row["participant_id"] == "sub-01" and row["level_name"] == "C3"
        if row["session_id"] == "ses-1"
    }
    measured = rows_of(out / "sub-01/ses-1/anat/sub-01_ses-1_T2w_csa.csv")
    own = next(float(row["MEAN(area)"]) for row in measured if row["VertLevel"] == "3")
    assert areas["T2w"] == pytest.approx(own, rel=1e-5)


def test_an_image_without_levels_has_one_row(results):
    _, out, _ = results
    (row,) = rows_of(out / "sub-09/anat/sub-09_T2w_csa.csv")
    (own,) = (r for r in table(out / "csa_group.tsv") if r["participant_id"] == "sub-09")
    assert int(row["SliceCount"]) == int(own["slices"]) > 20
    assert float(own["area_mm2"]) == pytest.approx(np.pi * 4.0**2, rel=0.05)
    assert (own["level"], own["status"]) == ("n/a", "measured")
    assert "No levels from this image" in own["notes"]


def test_contrasts_side_by_side(results):
    _, out, result = results
    rows = rows_of(out / "csa_contrasts.csv")
    # A scan and its rescan are no two contrasts.
    assert {row["Subject"] for row in rows} == {"sub-01_ses-1"}
    one = next(r for r in rows if r["Subject"] == "sub-01_ses-1" and r["LevelName"] == "C3")
    a, b = float(one["area(T2w)"]), float(one["area(T2star)"])
    assert float(one["SD"]) == pytest.approx(abs(a - b) / 2**0.5)
    assert not any("run-" in name for name in one)
    assert [name for name, _, _ in result.sd]
    for name in ("csa_group.png", "csa_contrasts.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")


def test_two_visits_against_the_smallest_detectable_change(results):
    _, out, result = results
    rows = {row["level_name"]: row for row in rows_of(out / "csa_visits.csv")}
    c3 = rows["C3"]
    first, second = float(c3["area_1_mm2"]), float(c3["area_2_mm2"])
    change = 100 * (second - first) / first
    assert change == pytest.approx(100 * (3.8**2 / 4.0**2 - 1), abs=2)
    assert float(c3["change_percent"]) == pytest.approx(change, abs=1e-3)
    assert float(c3["percent_a_year"]) == pytest.approx(change / 2, rel=0.01)
    # 1.96 sqrt(2) s with s = sqrt(mean of d² / 2) of each pair's levels that are shown whole.
    squares = [np.mean(np.square(differences(out, f"sub-0{number}"))) for number in PAIRS]
    expected = 1.96 * np.sqrt(np.mean(squares))
    assert float(c3["smallest_detectable_percent"]) == pytest.approx(expected, rel=1e-3)
    assert 3 < expected < 7  # the radii differ by 1.25 %
    assert c3["beyond"] == "yes"
    open_end = rows["C1"]
    assert (open_end["change_percent"], open_end["beyond"]) == ("", "")
    assert "ends within C1" in open_end["notes"]
    assert any("from 5 scan-rescan pairs" in note for note in result.visits.notes)


def test_a_given_smallest_change(results):
    data, out, _ = results
    choice = ImageChoice(participants=("01",))
    found = make_group(data, out, GroupOptions(smallest_change=20.0, qc=False), choice).visits
    assert {row.is_beyond for row in found.rows} == {False, None}


def test_doubts_and_the_page_show_image_and_mask_from_two_folders(results):
    data, out, _ = results
    cases = {case.key: case for case in find_review_cases(out)}
    case = cases["sub-01/ses-1/anat/sub-01_ses-1_T2w"]
    assert case.image.is_relative_to(data)
    assert case.mask.is_relative_to(out)
    assert case.discs is not None
    assert [row["case"] for row in table(out / "doubt.tsv")].count(case.key) == 1
    chosen = ImageChoice(participants=("01",), sessions=("1",))
    page = make_group(data, out, choice=chosen).files["qc"]
    entries = json.loads(next((page.parent / "_json").glob("*.json")).read_text(encoding="utf-8"))
    assert entries["subject"] == "sub-01_ses-1"
    assert str(data) not in page.read_text(encoding="utf-8")


def test_nothing_of_a_patient_reaches_the_results(tmp_path):
    """A word in every text of the header, in the sidecar and in the table of participants."""
    data, out, word = tmp_path / "data", tmp_path / "out", "CANARY"
    path = write_neck(data, "sub-01_T2w", discs=True)
    image = nibabel.load(path)
    for field in ("descrip", "db_name", "aux_file", "intent_name"):
        image.header[field] = word.encode()
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", word.encode()))
    nibabel.save(image, path)
    path.with_name("sub-01_T2w.json").write_text(
        json.dumps({"PatientName": word, "Site": word}), encoding="utf-8"
    )
    (data / "dataset_description.json").write_text(
        '{"Name": "A study", "BIDSVersion": "1.9.0"}', encoding="utf-8"
    )
    (data / "participants.tsv").write_text(
        f"participant_id\tname\tage\nsub-01\t{word}\t40\n", encoding="utf-8"
    )
    write_neck(data, "sub-02_T2w").write_bytes(f"no image {word}".encode())
    participant(data, out, threshold=0.5)
    result = make_group(data, out)
    assert any("say who somebody is: name" in sentence for sentence in result.problems)
    assert [p for p in out.rglob("*") if word in p.name or str(tmp_path) in p.name] == []
    for file in filter(Path.is_file, out.rglob("*")):
        content = file.read_bytes()
        content = gzip.decompress(content) if file.name.endswith(".gz") else content
        assert word.encode() not in content, file
        assert str(tmp_path).encode() not in content, file


def test_two_runs_of_different_options_into_one_folder(tmp_path):
    data, out = tmp_path / "data", tmp_path / "out"
    write_neck(data, "sub-01_T2w", radius_mm=3.5, discs=True)
    options = GroupOptions(qc=False)
    participant(data, out, standard_names=True)
    first = table(make_group(data, out, options).files["table"])
    write_neck(data, "sub-01_T2w", radius_mm=4.5, discs=True)
    participant(data, out)
    second = table(make_group(data, out, options).files["table"])
    write_neck(data, "sub-02_T2w")
    participant(data, out, ImageChoice(participants=("02",)), flips=True)
    (problem,) = make_group(data, out, options).problems
    assert "not all made in the same way: 1 by " in problem
    assert "with the mirrored image" in problem
    areas = [
        next(float(r["area_mm2"]) for r in rows if r["level"] == "3") for rows in (first, second)
    ]
    assert areas == pytest.approx([np.pi * 3.5**2, np.pi * 4.5**2], rel=0.05)
