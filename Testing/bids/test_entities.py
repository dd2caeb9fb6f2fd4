"""Names in the manner of BIDS, taken apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from SoftCordSegLib.bids import (
    contrast_names,
    contrast_of,
    image_identity,
    is_session,
    parse_entities,
    participant_of,
    session_of,
    short_names,
    split_extension,
)


@pytest.mark.parametrize(
    ("stem", "parts", "suffix"),
    [
        ("sub-01_T2w", ("sub-01",), "T2w"),
        (
            "sub-01_ses-1_flip-1_mt-on_MTS",
            ("sub-01", "ses-1", "flip-1", "mt-on"),
            "MTS",
        ),
        ("sub-01_ses-1", ("sub-01", "ses-1"), ""),
    ],
)
def test_entities(stem, parts, suffix):
    found = parse_entities(stem)
    assert (found.parts, found.suffix, found.stem) == (parts, suffix, stem)


@pytest.mark.parametrize(
    "stem", ["scan", "t2_seg", "sub-01_T2w_r", "ses-1_T2w", "sub-01_T2w_label-SC_seg", "sub-", ""]
)
def test_names_that_are_not_bids(stem):
    assert parse_entities(stem) is None


def test_the_value_of_an_entity():
    found = parse_entities("sub-01_acq-MTon_MTS")
    assert (found.value("acq"), found.value("run")) == ("MTon", "")


@pytest.mark.parametrize(
    ("name", "stem", "extension"),
    [
        ("sub-01_T2w.nii.gz", "sub-01_T2w", ".nii.gz"),
        ("A.NII", "A", ".NII"),
        ("discs.mrk.json", "discs", ".mrk.json"),
        ("patient.7", "patient.7", ""),
        ("image.nrrd", "image", ".nrrd"),
        (".nii", ".nii", ""),
    ],
)
def test_extensions(name, stem, extension):
    assert split_extension(Path("folder") / name) == (stem, extension)


@given(st.text("abc-_.019", min_size=1, max_size=20))
def test_a_name_is_its_stem_and_its_extension(name):
    assert "".join(split_extension(f"{name}")) == Path(name).name


@pytest.mark.parametrize("participant", ["sub-02-pre", "sub-02<b>", "sub-été"])
def test_a_participant_whose_name_is_not_bids_keeps_all_of_it(participant):
    """Cut at the first odd letter, sub-02-pre and sub-02-post would be one participant."""
    for name in (f"{participant}_ses-1_T2w.nii.gz", f"{participant}_ses-1_T2w_label-SC_seg.json"):
        assert (participant_of(name), session_of(name)) == (participant, f"{participant}_ses-1")
    assert contrast_of(f"{participant}_T2w.nii.gz") == "T2w"
    assert session_of(f"{participant}.nii.gz") == participant
    assert not is_session(participant)


def test_participant_session_and_contrast():
    path = Path("a") / "sub-01_ses-2_acq-MTon_MTS.nii.gz"
    assert (participant_of(path), session_of(path)) == ("sub-01", "sub-01_ses-2")
    assert contrast_of(path) == "acq-MTon_MTS"
    assert (participant_of("scan.nii"), session_of("scan.nii"), contrast_of("scan.nii")) == (
        "",
        "",
        "scan",
    )
    assert is_session("sub-01_ses-2")
    assert not is_session("sub-01_T2w")


def test_the_same_image_in_another_space():
    assert image_identity("sub-01_space-other_T2w") == image_identity("sub-01_T2w")
    assert image_identity("sub-01_acq-a_T2w") != image_identity("sub-01_T2w")
    assert image_identity("scan") == ()


def test_short_names_tell_files_apart_and_no_more():
    files = [Path("sub-01_T1w_softseg.nii.gz"), Path("sub-01_T2w_softseg.nii.gz")]
    assert short_names(files) == ["T1w", "T2w"]
    assert short_names([Path("a/x.nii"), Path("b/x.nii")]) == [
        str(Path("a/x.nii")),
        str(Path("b/x.nii")),
    ]
    assert contrast_names([Path("sub-01_T1w_seg.nii"), Path("sub-02_T2w_seg.nii")]) == [
        "T1w",
        "T2w",
    ]
