"""Lists of participants that are left out."""

from __future__ import annotations

import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.groundtruth import Exclusion, read_exclusions

AUTHORS = """\
FILES_REG:
    - sub-brnoUhb02_T1w.nii.gz   # bad registration
    - /data/processed/sub-oxfordFmrib01/anat/sub-oxfordFmrib01_flip-1_mt-on_MTS.nii.gz
FILES_SEG:
    - sub-ucdavis07
"""


def written(tmp_path, text, name="exclude.yml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_authors_list_is_read_with_its_reasons(tmp_path):
    listed = read_exclusions(written(tmp_path, AUTHORS))

    assert listed.entries == (
        Exclusion("sub-brnoUhb02_T1w", "bad registration"),
        Exclusion("sub-oxfordFmrib01_flip-1_mt-on_MTS", "FILES_REG"),
        Exclusion("sub-ucdavis07", "FILES_SEG"),
    )
    assert listed.of_subject("sub-ucdavis07").reason == "FILES_SEG"
    assert listed.of_subject("sub-brnoUhb02") is None
    assert listed.of_image("sub-brnoUhb02_T1w").reason == "bad registration"
    assert listed.of_image("sub-brnoUhb02_T2w") is None


def test_a_participant_is_left_out_in_every_session(tmp_path):
    listed = read_exclusions(written(tmp_path, "- sub-01\n- sub-02_ses-b\n"))

    assert listed.of_subject("sub-01_ses-a")
    assert listed.of_subject("sub-02_ses-b")
    assert not listed.of_subject("sub-02_ses-a")


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("sub-01\nsub-02  # moved\n\n# a remark\n", [("sub-01", ""), ("sub-02", "moved")]),
        ("- sub-01: no T2w\n- 'sub-02'\n", [("sub-01", "no T2w"), ("sub-02", "")]),
        ("---\nmotion: [sub-01, sub-02_T1w]\n", [("sub-01", "motion"), ("sub-02_T1w", "motion")]),
        ("sub-01: wrong side up\n", [("sub-01", "wrong side up")]),
        ("", []),
    ],
)
def test_text_and_yaml_are_understood(tmp_path, text, entries):
    assert [
        (entry.name, entry.reason) for entry in read_exclusions(written(tmp_path, text)).entries
    ] == entries


def test_a_line_that_names_nobody_is_pointed_at(tmp_path):
    with pytest.raises(InputError, match="Line 2, 'everyone over 60', names no participant"):
        read_exclusions(written(tmp_path, "sub-01\neveryone over 60\n"))


def test_a_list_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(InputError, match="no such exclusion list"):
        read_exclusions(tmp_path / "nowhere.yml")


def test_a_list_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "exclude.yml"
    path.write_bytes(b"\x80\xff\x00\x01")

    with pytest.raises(InputError, match="cannot be read as text"):
        read_exclusions(path)


def test_images_outside_bids_are_told_by_their_ending(tmp_path):
    listed = read_exclusions(
        written(
            tmp_path, 'FILES_SEG:\n- t2.nii.gz  # failed QC\n- "my scan.nii"\n- in/t1_cord.nii\n'
        )
    )

    assert [(entry.name, entry.reason) for entry in listed.entries] == [
        ("t2", "failed QC"),
        ("my scan", "FILES_SEG"),
        ("t1_cord", "FILES_SEG"),
    ]
    assert listed.of_image("t2").reason == "failed QC"
    assert (
        listed.of_subject("t1_cord_2") is None
    )  # only names of BIDS are made of a participant's and more


@pytest.mark.parametrize("line", ["t2", "look at t2.nii.gz", ".nii.gz", "t2.json"])
def test_what_is_neither_participant_nor_image_is_refused(tmp_path, line):
    with pytest.raises(InputError, match="names no participant"):
        read_exclusions(written(tmp_path, f"- {line}\n"))
