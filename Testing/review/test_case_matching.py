"""A name in another program's file means a case, or none; never one by a guess."""

from __future__ import annotations

import pytest

from review.folders import make_files
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.review import find_review_cases
from SoftCordSegLib.review.exchange import CaseMatcher, uid_of


@pytest.fixture
def cases(tmp_path):
    names = [
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-01/anat/sub-01_T2w.nii",
        "sub-02/ses-1/anat/sub-02_ses-1_T2w.nii.gz",
        "sub-02/ses-2/anat/sub-02_ses-2_T2w.nii.gz",
        "old/a/t2.nii.gz",
        "old/b/t2.nii.gz",
        "old/b/t1.nii.gz",
    ]
    return find_review_cases(make_files(tmp_path, names))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("sub-01/anat/sub-01_T2w", "sub-01/anat/sub-01_T2w"),
        ("/other/disk/data_processed/sub-01/anat/sub-01_T2w.nii.gz", "sub-01/anat/sub-01_T2w"),
        ("C:\\data\\sub-01\\anat\\sub-01_T2w.nii.gz", "sub-01/anat/sub-01_T2w"),
        ("anywhere/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_T1w"),
        (
            "derivatives/labels/sub-01/anat/sub-01_T2w_label-SC_softseg.nii.gz",
            "sub-01/anat/sub-01_T2w",
        ),
        ("sub-01_T2w_seg-manual.nii.gz", "sub-01/anat/sub-01_T2w"),
        ("sub-02__ses-2", "sub-02/ses-2/anat/sub-02_ses-2_T2w"),
        ("sub-01_T1w", "sub-01/anat/sub-01_T1w"),
        ("b/t2.nii.gz", "old/b/t2"),
        ("/x/old/a/t2.nii.gz", "old/a/t2"),
        ("t1.nii.gz", "old/b/t1"),
    ],
)
def test_a_name_means_one_case(cases, name, key):
    assert CaseMatcher(cases).find(name).key == key


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("t2.nii.gz", "fits 2 images"),
        ("sub-01", "fits 2 images"),
        ("sub-02", "No image"),
        ("c/t1.nii.gz", "No image"),
        ("sub-01_T2w_RPI_r.nii.gz", "No image"),
        ("sub-1_T2w.nii.gz", "No image"),
        ("", "No image"),
        ("../../etc/passwd", "No image"),
        ("sub-*", "No image"),
    ],
)
def test_a_name_that_does_not_fit_means_none(cases, name, sentence):
    with pytest.raises(InputError, match=sentence):
        CaseMatcher(cases).find(name)


def test_each_case_is_found_again_by_its_uid(cases):
    matcher = CaseMatcher(cases)

    uids = [uid_of(case, cases) for case in cases]

    assert len(set(uids)) == len(cases)
    assert [matcher.find(uid).key for uid in uids] == [case.key for case in cases]
