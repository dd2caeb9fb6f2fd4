"""What a colleague sends back is taken in: each case as a whole, by its edit history, and never
over a mask that has changed since.
"""

from __future__ import annotations

import gzip
import json
import os
import stat
import zipfile

import numpy as np
import pytest

from SoftCordSegLib.bids import Kind, is_as_described, is_corrected, read_sidecar, sidecar_path
from SoftCordSegLib.correction import merge
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.review import (
    Judgement,
    Verdict,
    VerdictStore,
    find_review_cases,
    newest,
    read_verdicts,
)
from SoftCordSegLib.volume import read_nifti
from SoftCordSegLib.workflows.review.correction_merge import (
    MergeOptions,
    Outcome,
    merge_corrections,
)
from SoftCordSegLib.workflows.review.correction_package import chosen_cases, package_cases
from workflows.package_folder import (
    BARE,
    KEYS,
    OTHERS,
    OURS,
    SHAPE,
    contents,
    correct_as_the_panel,
    make_data,
    paint,
    path_of,
    rewrite,
    tube,
    unpacked,
    write_ours,
    zipped,
)


@pytest.fixture
def root(tmp_path):
    return make_data(tmp_path / "data")


@pytest.fixture
def there(root, tmp_path):
    """The package, unpacked at the colleague's."""
    package_cases(root, find_review_cases(root), tmp_path / "cases.zip")
    return unpacked(tmp_path / "cases.zip", tmp_path / "there")


def outcomes(merged):
    return {case.key: case.outcome for case in merged.cases}


def soft_of(root):
    return path_of(root, OURS, Kind.SOFT_MASK)


def test_a_correction_saved_by_the_panel_comes_back_as_it_was_saved(root, there, tmp_path):
    before = read_sidecar(sidecar_path(soft_of(root)))["GeneratedBy"]
    after, edits = correct_as_the_panel(there, OURS)

    merged = merge_corrections(root, zipped(there, tmp_path / "back.zip"))

    assert outcomes(merged) == {
        OURS: Outcome.MERGED,
        OTHERS: Outcome.UNCHANGED,
        BARE: Outcome.UNCHANGED,
    }
    assert (read_nifti(soft_of(root)).data == after).all()
    assert (read_nifti(path_of(root, OURS, Kind.EDIT_MAP)).data == edits).all()
    for kind in (Kind.SOFT_MASK, Kind.BINARY_MASK, Kind.EDIT_MAP):
        path = path_of(root, OURS, kind)
        assert path.read_bytes() == (there / path.relative_to(root)).read_bytes()
    history = read_sidecar(sidecar_path(soft_of(root)))["GeneratedBy"]
    assert history[:-1] == before
    assert (history[-1]["Name"], history[-1]["Author"]) == ("Manual", "Bo")
    assert is_as_described(soft_of(root))
    assert is_as_described(path_of(root, OURS, Kind.BINARY_MASK))
    again = merge_corrections(root, tmp_path / "back.zip")
    assert outcomes(again)[OURS] is Outcome.KNOWN


@pytest.mark.parametrize("kind", [Kind.SOFT_MASK, Kind.BINARY_MASK])
def test_what_another_program_painted_keeps_the_softness(root, there, tmp_path, kind):
    p0 = read_nifti(soft_of(root)).data
    rewrite(path_of(there, OURS, kind), lambda data: paint(data))
    package = zipped(there, tmp_path / "back.zip", top="cases of Bo")
    refused = merge_corrections(root, package)
    assert outcomes(refused)[OURS] is Outcome.REFUSED
    assert "who corrected" in refused.cases[0].sentence

    merged = merge_corrections(root, package, MergeOptions("Bo"))

    assert outcomes(merged)[OURS] is Outcome.MERGED
    soft = read_nifti(soft_of(root))
    edits = read_nifti(path_of(root, OURS, Kind.EDIT_MAP)).data
    painted = paint(p0)
    assert ((edits > 0) == (painted & (p0 < 0.5))).all()
    assert ((edits < 0) == (~painted & (p0 >= 0.5))).all()
    assert (edits > 0).any()
    assert (edits < 0).any()
    assert (soft.data[edits == 0] == p0[edits == 0]).all()
    assert ((soft.data >= 0.5) == painted).all()
    expected = merge(np.ascontiguousarray(p0), edits.astype(np.int8), 0.5, list(soft.spacing))
    assert (soft.data == expected).all()
    assert len(np.unique(soft.data)) > 10
    cut = path_of(root, OURS, Kind.BINARY_MASK)
    assert ((read_nifti(cut).data > 0) == painted).all()
    content = read_sidecar(sidecar_path(soft_of(root)))
    assert content["CorrectedByHand"] == {
        "VoxelsAdded": int((edits > 0).sum()),
        "VoxelsRemoved": int((edits < 0).sum()),
    }
    assert is_corrected(content)
    assert is_as_described(soft_of(root))
    assert is_as_described(cut)
    assert outcomes(merge_corrections(root, package, MergeOptions("Bo")))[OURS] is Outcome.KNOWN


def test_a_second_correction_adds_to_the_first(root, tmp_path):
    _, first = correct_as_the_panel(root, OURS, "Anna")
    package_cases(root, chosen_cases(root, [OURS]), tmp_path / "cases.zip")
    there = unpacked(tmp_path / "cases.zip", tmp_path / "there")

    def drop_the_end(data):
        data[:, :, 0] = 0
        return data

    rewrite(path_of(there, OURS, Kind.BINARY_MASK), drop_the_end)

    merge_corrections(root, there, MergeOptions("Bo"))

    edits = read_nifti(path_of(root, OURS, Kind.EDIT_MAP)).data
    assert (edits[:, :, 1:] == first[:, :, 1:]).all()
    assert (edits[:, :, 0] < 0).any()
    history = read_sidecar(sidecar_path(soft_of(root)))["GeneratedBy"]
    assert [one.get("Author") for one in history[-2:]] == ["Anna", "Bo"]


@pytest.mark.parametrize("change", ["corrected", "segmented again", "removed"])
def test_a_mask_that_has_changed_since_is_a_conflict(root, there, tmp_path, change):
    correct_as_the_panel(there, OURS)
    rewrite(
        path_of(there, OTHERS, Kind.BINARY_MASK, "other"), lambda data: paint(data.astype(float))
    )
    if change == "corrected":
        correct_as_the_panel(root, OURS, "Anna", lambda p0: p0 >= 0.3)
    elif change == "segmented again":
        write_ours(root, OURS, tube(3.5))
    else:
        soft_of(root).unlink()
    before = contents(root)

    merged = merge_corrections(root, zipped(there, tmp_path / "back.zip"), MergeOptions("Bo"))

    assert outcomes(merged)[OURS] is Outcome.CONFLICT
    assert "since it was packed" in merged.cases[0].sentence
    assert outcomes(merged)[OTHERS] is Outcome.MERGED
    assert {name for name in before if contents(root).get(name) != before[name]} == {
        path.relative_to(root).as_posix()
        for path in (
            path_of(root, OTHERS, Kind.BINARY_MASK, "other"),
            sidecar_path(path_of(root, OTHERS, Kind.BINARY_MASK, "other")),
        )
    }


def test_a_mask_of_another_program_comes_as_it_is_with_its_author(root, there):
    path = path_of(there, OTHERS, Kind.BINARY_MASK, "other")
    rewrite(path, lambda data: paint(data.astype(float)))

    merge_corrections(root, there, MergeOptions("Bo"))

    mine = root / path.relative_to(there)
    assert (read_nifti(mine).data == read_nifti(path).data).all()
    assert b"mith" not in gzip.decompress(mine.read_bytes())
    history = read_sidecar(sidecar_path(mine))["GeneratedBy"]
    assert [one["Name"] for one in history] == [
        "spinalcordtoolbox: sct_deepseg -i /lab/data/x.nii.gz",
        "Manual",
    ]
    assert history[-1]["Author"] == "Bo"


def test_new_masks_and_discs_are_taken_where_none_were(root, there):
    write_ours(there, BARE, tube(), binary=False)
    correct_as_the_panel(there, BARE)
    discs = path_of(there, OURS, Kind.DISCS)
    rewrite(discs, lambda data: np.roll(data, 1, axis=2))

    merged = merge_corrections(root, there, MergeOptions("Bo"))

    assert outcomes(merged)[BARE] is Outcome.MERGED
    assert outcomes(merged)[OURS] is Outcome.MERGED
    case = next(case for case in find_review_cases(root) if case.key == BARE)
    assert len(case.masks) == 2
    assert is_corrected(read_sidecar(sidecar_path(path_of(root, BARE, Kind.SOFT_MASK))))
    mine = root / discs.relative_to(there)
    assert (read_nifti(mine).data == read_nifti(discs).data).all()
    assert read_sidecar(sidecar_path(mine))["GeneratedBy"][-1]["Author"] == "Bo"


def test_checking_replaces_nothing(root, there):
    correct_as_the_panel(there, OURS)
    before = contents(root)

    merged = merge_corrections(root, there, MergeOptions(check_only=True))

    assert outcomes(merged)[OURS] is Outcome.MERGED
    assert merged.cases[0].files
    assert contents(root) == before


WRONG = {
    "grid": lambda data: data[:-1],
    "values": lambda data: np.arange(data.size).reshape(data.shape),
    "everything": lambda data: data * 0 + 1,
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_mask_of_the_image_is_refused(root, there, name):
    rewrite(path_of(there, OTHERS, Kind.BINARY_MASK, "other"), WRONG[name])
    before = contents(root)

    merged = merge_corrections(root, there, MergeOptions("Bo"))

    assert outcomes(merged)[OTHERS] is Outcome.REFUSED
    assert contents(root) == before


def test_the_way_back_by_the_same_command(root, there, tmp_path):
    correct_as_the_panel(there, OURS)
    package_cases(there, chosen_cases(there), tmp_path / "back.zip")

    merged = merge_corrections(root, tmp_path / "back.zip")

    assert outcomes(merged)[OURS] is Outcome.MERGED


def said(root, key, verdict, rater, when="2026-03-07T10:05:40+00:00"):
    one = Verdict(key, rater=rater, verdict=Judgement(verdict), when=when)
    VerdictStore(root, rater).add(one)


def test_verdicts_come_back_beside_those_that_are_there(root, tmp_path):
    said(root, OURS, "fail", "Anna")
    package_cases(root, chosen_cases(root), tmp_path / "cases.zip")
    there = unpacked(tmp_path / "cases.zip", tmp_path / "there")
    said(there, OURS, "pass", "Bo", "2026-03-08T10:00:00+00:00")
    said(there, OTHERS, "pass", "Bo", "2026-03-08T10:00:01+00:00")
    # Bo goes on here meanwhile.
    said(root, OURS, "artefact", "Bo", "2026-03-09T10:00:00+00:00")

    merged = merge_corrections(root, there)
    again = merge_corrections(root, there)

    assert [(one.rater, one.case) for one in merged.verdicts] == [("Bo", OURS)]
    assert again.verdicts == ()
    found = read_verdicts(root)
    assert len(found) == 3
    assert newest(found)[OURS, "Bo"].verdict is Judgement.ARTEFACT


@pytest.mark.parametrize("name", ["../evil.nii.gz", "/etc/evil", "a\\..\\evil", "C:/evil"])
def test_an_archive_that_leads_out_is_refused_whole(root, there, tmp_path, name):
    correct_as_the_panel(there, OURS)
    package = zipped(there, tmp_path / "back.zip")
    with zipfile.ZipFile(package, "a") as archive:
        archive.writestr(name.replace("\\", "|"), b"evil")
    if "\\" in name:
        data = package.read_bytes().replace(name.replace("\\", "|").encode(), name.encode())
        package.write_bytes(data)
    before = contents(root)

    with pytest.raises(InputError, match="outside its folder"):
        merge_corrections(root, package)

    assert contents(root) == before
    assert not list(tmp_path.rglob("*evil*"))


def test_links_are_refused(root, there, tmp_path):
    correct_as_the_panel(there, OURS)
    package = zipped(there, tmp_path / "back.zip")
    link = zipfile.ZipInfo("derivatives/labels/x.nii.gz")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(package, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="link"):
        merge_corrections(root, package)
    path = path_of(there, OTHERS, Kind.BINARY_MASK, "other")
    rewrite(path, lambda data: paint(data.astype(float)))
    os.replace(path, tmp_path / "elsewhere.nii.gz")
    os.symlink(tmp_path / "elsewhere.nii.gz", path)

    merged = merge_corrections(root, there, MergeOptions("Bo"))

    assert outcomes(merged) == {
        OURS: Outcome.MERGED,
        OTHERS: Outcome.REFUSED,
        BARE: Outcome.UNCHANGED,
    }


def test_a_file_that_swells_is_not_unpacked(root, there, tmp_path):
    path = path_of(there, OTHERS, Kind.BINARY_MASK, "other")
    path.write_bytes(b"\0" * (2 << 20))
    package = zipped(there, tmp_path / "back.zip")

    merged = merge_corrections(root, package)

    assert outcomes(merged)[OTHERS] is Outcome.REFUSED
    assert "larger than a mask" in merged.cases[1].sentence


def test_a_manifest_that_names_other_files_is_refused(root, there):
    path = there / "package.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["Cases"][OURS]["../../outside.nii.gz"] = {
        "Kind": "mask",
        "SHA256": "0",
        "SourceSHA256": "0",
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="outside its folder"):
        merge_corrections(root, there)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="no package"):
        merge_corrections(root, there)


def test_a_mask_that_was_only_saved_again_is_not_a_correction(root, there):
    rewrite(path_of(there, OTHERS, Kind.BINARY_MASK, "other"), lambda data: data)
    rewrite(path_of(there, OURS, Kind.SOFT_MASK), lambda data: data)
    before = contents(root)

    merged = merge_corrections(root, there, MergeOptions("Bo"))

    assert set(outcomes(merged).values()) == {Outcome.UNCHANGED}
    assert contents(root) == before


def test_an_image_or_a_sidecar_alone_is_nothing_to_merge(root, there):
    rewrite(there / f"{OURS}.nii.gz", lambda data: data + 1)
    beside = sidecar_path(path_of(there, OURS, Kind.SOFT_MASK))
    beside.write_text(json.dumps({"GeneratedBy": [{"Name": "Manual"}]}), encoding="utf-8")
    before = contents(root)

    merged = merge_corrections(root, there, MergeOptions("Bo"))

    assert set(outcomes(merged).values()) == {Outcome.UNCHANGED}
    assert contents(root) == before
    assert read_nifti(root / f"{KEYS[0]}.nii.gz").shape == SHAPE
