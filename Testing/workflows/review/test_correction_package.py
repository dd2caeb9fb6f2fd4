"""Cases in a zip for a colleague: a data set in itself, without anything of a patient or of this
computer, the same bytes each time.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import zipfile

import nibabel
import numpy as np
import pytest

from SoftCordSegLib.bids import Kind, sidecar_path
from SoftCordSegLib.errors import InputError, OptionError, OutputError
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.review import Judgement, Verdict, VerdictStore, find_review_cases
from SoftCordSegLib.workflows.review.correction_package import (
    PackageOptions,
    chosen_cases,
    package_cases,
)
from workflows.package_folder import BARE, KEYS, OTHERS, OURS, make_data, path_of, rewrite, unpacked

WHEN = "2026-03-07T10:05:40.250000+00:00"


@pytest.fixture
def root(tmp_path):
    return make_data(tmp_path / "data")


def judge(root, key, verdict, **more):
    said = Verdict(key, rater="Anna", verdict=Judgement(verdict), when=WHEN, **more)
    VerdictStore(root, "Anna").add(said)


def pack(root, out, **options):
    cases = find_review_cases(root)
    return package_cases(root, cases, out, PackageOptions(**options))


def test_a_package_is_a_data_set_of_the_chosen_cases(root, tmp_path):
    judge(root, OURS, "to correct", comment="=wide, at C4")
    judge(root, OTHERS, "pass")

    cases = chosen_cases(root)
    result = package_cases(root, cases, tmp_path / "cases.zip")

    assert result.keys == (OURS,)
    folder = unpacked(tmp_path / "cases.zip", tmp_path / "there")
    found = find_review_cases(folder)
    assert [case.key for case in found] == [OURS]
    assert [mask.name for mask in found[0].masks] == [mask.name for mask in cases[0].masks]
    assert found[0].discs is not None
    for mask in (path_of(root, OURS, Kind.SOFT_MASK), path_of(root, OURS, Kind.BINARY_MASK)):
        assert (folder / mask.relative_to(root)).read_bytes() == mask.read_bytes()
    text = (folder / "cases.csv").read_text(encoding="utf-8")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["verdict"], row["comment"]) == ("to correct", "'=wide, at C4")
    files = json.loads((folder / "package.json").read_text(encoding="utf-8"))["Cases"][OURS]
    assert all(file_sha256(folder / name) == one["SHA256"] for name, one in files.items())
    assert all(file_sha256(root / name) == one["SourceSHA256"] for name, one in files.items())


def test_the_same_cases_give_the_same_bytes(root, tmp_path, monkeypatch):
    judge(root, OURS, "fail")
    rewrite(root / f"{OURS}.nii.gz", lambda data: data)
    pack(root, tmp_path / "a.zip")
    monkeypatch.setattr("time.time", lambda: 5e8)
    for path in root.rglob("*"):
        os.utime(path, (1e9, 1e9))
    pack(root, tmp_path / "b.zip")

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_nothing_of_a_patient_or_of_this_computer_leaves(root, tmp_path):
    path = root / f"{OURS}.nii.gz"
    image = nibabel.load(path)
    data = np.asarray(image.dataobj)
    header = image.header.copy()
    header["descrip"], header["db_name"] = b"SMITH^JOHN 19610203", b"Smith"
    header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"PatientName=Smith"))
    named = nibabel.Nifti1Image(data, image.affine, header)
    named.to_filename(tmp_path / "plain.nii")
    with open(path, "wb") as raw, gzip.GzipFile("Smith_John.nii", "wb", fileobj=raw) as stream:
        stream.write((tmp_path / "plain.nii").read_bytes())
    beside = sidecar_path(path_of(root, OTHERS, Kind.BINARY_MASK, "other"))
    content = json.loads(beside.read_text(encoding="utf-8"))
    content |= {"PatientName": "Smith", "CSVLogPath": "C:\\Users-of\\smith\\log.csv"}
    beside.write_text(json.dumps(content), encoding="utf-8")

    result = pack(root, tmp_path / "cases.zip")

    assert result.cleaned == 2
    with zipfile.ZipFile(tmp_path / "cases.zip") as archive:
        texts = {
            name: gzip.decompress(archive.read(name))
            if name.endswith(".gz")
            else archive.read(name)
            for name in archive.namelist()
        }
        raw = {name: archive.read(name) for name in archive.namelist()}
    for name in texts:
        for text in (texts[name], raw[name]):
            assert b"mith" not in text.lower(), name
            assert str(tmp_path).encode() not in text
            assert b"/lab/data" not in text
    folder = unpacked(tmp_path / "cases.zip", tmp_path / "there")
    assert (np.asarray(nibabel.load(folder / f"{OURS}.nii.gz").dataobj) == data).all()
    kept = json.loads((folder / beside.relative_to(root)).read_text(encoding="utf-8"))
    assert kept["GeneratedBy"][0]["Name"] == "spinalcordtoolbox: sct_deepseg -i x.nii.gz"


def test_a_case_that_cannot_be_packed_costs_itself_only(root, tmp_path):
    (root / f"{BARE}.nii.gz").write_bytes(b"<html>no image</html>" * 9)

    result = pack(root, tmp_path / "cases.zip")

    assert [failure.name for failure in result.failures] == [BARE]
    assert result.keys == (OURS, OTHERS)
    with zipfile.ZipFile(tmp_path / "cases.zip") as archive:
        assert not any("sub-03" in name for name in archive.namelist())


def test_other_contrasts_come_along_where_they_can_be_read(root, tmp_path):
    other, broken = (root / f"sub-01/anat/sub-01_{name}.nii.gz" for name in ("T1w", "PDw"))
    shutil.copyfile(root / f"{OURS}.nii.gz", other)
    broken.write_bytes(b"<html>no image</html>" * 9)

    package_cases(root, chosen_cases(root, [OURS]), tmp_path / "a.zip")
    options = PackageOptions(other_contrasts=True)
    package_cases(root, chosen_cases(root, [OURS]), tmp_path / "b.zip", options)

    with zipfile.ZipFile(tmp_path / "a.zip") as one, zipfile.ZipFile(tmp_path / "b.zip") as two:
        more = set(two.namelist()) - set(one.namelist())
    assert more == {other.relative_to(root).as_posix()}


def test_verdicts_can_stay_at_home(root, tmp_path):
    judge(root, OURS, "fail", comment="secret")

    pack(root, tmp_path / "cases.zip", verdicts=False)

    with zipfile.ZipFile(tmp_path / "cases.zip") as archive:
        assert all(b"secret" not in archive.read(name) for name in archive.namelist())


def test_what_was_said_blinded_or_in_a_second_reading_stays_at_home(root, tmp_path):
    judge(root, OURS, "to correct", comment="for all")
    judge(root, OURS, "fail", comment="hidden", blinded=True)
    judge(root, OURS, "fail", comment="again", reading="two")

    pack(root, tmp_path / "cases.zip")

    with zipfile.ZipFile(tmp_path / "cases.zip") as archive:
        said = [archive.read(name).decode() for name in archive.namelist() if "verdicts" in name]
    assert "for all" in said[0]
    assert not any("hidden" in text or "again" in text for text in said)


def test_cases_are_chosen_by_name_or_verdict(root):
    judge(root, OTHERS, "artefact")

    assert [case.key for case in chosen_cases(root, ["sub-03_T2w.nii.gz", OURS])] == [BARE, OURS]
    assert [one.key for one in chosen_cases(root, (), [Judgement.ARTEFACT])] == [OTHERS]
    with pytest.raises(InputError, match="asks for a correction"):
        chosen_cases(root)
    with pytest.raises(InputError, match="No image"):
        chosen_cases(root, ["sub-44"])


def test_what_cannot_be_is_refused(root, tmp_path):
    cases = find_review_cases(root)
    with pytest.raises(OptionError, match="zip"):
        package_cases(root, cases, tmp_path / "cases.tar")
    with pytest.raises(OptionError, match="no cases"):
        package_cases(root, [], tmp_path / "cases.zip")
    with pytest.raises(OptionError, match="in the data set itself"):
        package_cases(root, cases, root / "derivatives" / "cases.zip")
    assert not (root / "derivatives" / "cases.zip").exists()
    (tmp_path / "cases.zip").write_bytes(b"mine")
    with pytest.raises(OutputError, match="there already"):
        package_cases(root, cases, tmp_path / "cases.zip")
    assert (tmp_path / "cases.zip").read_bytes() == b"mine"
    for key in KEYS:
        (root / f"{key}.nii.gz").write_bytes(b"<html>no image</html>" * 9)
    with pytest.raises(InputError, match="None of the cases"):
        package_cases(root, find_review_cases(root), tmp_path / "other.zip")
    assert not (tmp_path / "other.zip").exists()
