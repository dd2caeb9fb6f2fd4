"""Which images of a data set are found."""

from __future__ import annotations

import json
import os

import pytest

from SoftCordSegLib.bids import ImageChoice, find_images, read_filters, shard_of
from SoftCordSegLib.errors import InputError, OptionError

FILES = (
    "sub-01/anat/sub-01_T2w.nii.gz",
    "sub-01/anat/sub-01_T2starw.nii.gz",
    "sub-01/anat/sub-01_T2w_seg-manual.nii.gz",
    "sub-01/anat/sub-01_acq-b_run-01_part-phase_T2starw.nii.gz",
    "sub-01/dwi/sub-01_dwi.nii.gz",
    "sub-01/fmap/sub-01_epi.nii.gz",
    "sub-02/ses-1/anat/sub-02_ses-1_run-01_T2w.nii.gz",
    "sub-02/ses-2/anat/sub-02_ses-2_run-2_T2w.nii",
    "sub-02/ses-2/anat/sub-02_ses-2_run-2_T2w.nii.gz",
    "derivatives/labels/sub-01/anat/sub-01_T2w_label-SC_seg.nii.gz",
    "derivatives/other/sub-01/anat/sub-01_T1w.nii.gz",
    "sub-03/sub-03_T1w.nii.gz",
    "case 4/t2.nii.gz",
    ".hidden/sub-09_T2w.nii.gz",
    "out/sub-01/anat/sub-01_T2w.nii.gz",
)


@pytest.fixture
def tree(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def keys(tree, **choice):
    found = find_images(tree, ImageChoice(**choice), skip=[tree / "out"])
    return [case.key.rpartition("/")[2] for case in found]


def test_images_of_bids_and_half_bids_and_plain_folders(tree):
    assert keys(tree) == [
        "t2",
        "sub-01_T2starw",
        "sub-01_T2w",
        "sub-01_dwi",
        "sub-02_ses-1_run-01_T2w",
        "sub-02_ses-2_run-2_T2w",
        "sub-03_T1w",
    ]
    two = find_images(tree, ImageChoice(sessions=("2",)))[-1]
    assert two.image.name.endswith(".nii.gz")  # of the two of one name
    assert (two.session, two.participant, two.contrast) == ("sub-02_ses-2", "sub-02", "run-2_T2w")


def test_what_is_asked_for(tree):
    assert keys(tree, suffixes=("T2star",)) == ["sub-01_T2starw"]
    assert keys(tree, participants=("02",), sessions=("ses-1",)) == ["sub-02_ses-1_run-01_T2w"]
    assert keys(tree, participants=("sub-03",)) == ["sub-03_T1w"]
    with pytest.raises(OptionError, match="no participant 'sub-77'"):
        keys(tree, participants=("77",))
    with pytest.raises(InputError, match="no folder of this name"):
        find_images(tree / "nowhere")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"a": {"suffix": "T2w", "run": 1}}, ["sub-02_ses-1_run-01_T2w"]),
        ({"a": {"datatype": "dwi"}}, ["sub-01_dwi"]),
        ({"a": {"suffix": ["T2w", "T1w"], "session": None}}, ["sub-01_T2w", "sub-03_T1w"]),
        (
            {"a": {"datatype": "dwi"}, "b": {"session": "2"}},
            ["sub-01_dwi", "sub-02_ses-2_run-2_T2w"],
        ),
    ],
)
def test_filters_as_other_bids_apps_take_them(tree, tmp_path, filters, found):
    path = tmp_path / "filter.json"
    path.write_text(json.dumps(filters), encoding="utf-8")
    assert keys(tree, filters=read_filters(path)) == found


@pytest.mark.parametrize("text", ["no JSON", "[1, 2]", '{"a": 3}'])
def test_what_is_no_filter_file(tmp_path, text):
    (tmp_path / "f.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_filters(tmp_path / "f.json")


def test_a_visit_is_in_one_shard_and_shards_are_of_like_size():
    names = [f"sub-{number:04d}_ses-{visit}" for number in range(500) for visit in (1, 2)]
    counts = [0] * 10
    for name in names:
        counts[shard_of(name, 10) - 1] += 1
    assert min(counts) > 60
    assert shard_of("sub-01", 50) == 28  # the same on every machine, in every version


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_in_a_circle_is_not_followed(tree):
    (tree / "sub-01" / "again").symlink_to(tree)
    (tree / "sub-01" / "more").symlink_to(tree / "sub-02")
    assert len(keys(tree)) == 7
