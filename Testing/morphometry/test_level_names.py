"""Names of discs and levels in every usual form; lists as SCT writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import (
    disc_name,
    level_name,
    parse_disc,
    parse_level,
    parse_levels,
    parse_slices,
)


@pytest.mark.parametrize(
    "text",
    [
        "C2-C3",
        "C2/C3",
        "c2c3",
        "C2_C3",
        "C02-C03",
        "C2-3",
        "3",
        "3.0",
        3,
        "disc 3",
        "Disc C2/C3",
        " C2 / C3 ",
    ],
)
def test_every_usual_form_of_a_disc_name_is_read(text):
    assert parse_disc(text) == 3


@given(st.integers(1, 25))
def test_names_of_discs_can_be_read_back(value):
    assert parse_disc(disc_name(value)) == value
    assert parse_level(level_name(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("C7/T1", 8), ("T12-L1", 20), ("L5/S1", 25), ("PMJ", 50), ("conus", 60), ("top of C1", 1)],
)
def test_discs_between_regions_and_landmarks(text, value):
    assert parse_disc(text) == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("C3", "is a vertebra"),
        ("C2-C4", "not neighbours"),
        ("C3/C2", "not neighbours"),
        ("hello", "is not a disc"),
        ("99", "is not a disc"),
    ],
)
def test_names_that_are_no_disc_are_a_sentence(text, sentence):
    with pytest.raises(InputError, match=sentence):
        parse_disc(text)


def test_levels_and_slices_are_read_as_sct_writes_them():
    assert parse_levels("2:4") == [2, 3, 4]
    assert parse_levels("C2:C4;T1") == [2, 3, 4, 8]
    assert parse_slices("5:7,9") == [5, 6, 7, 9]
    with pytest.raises(InputError, match="not a range"):
        parse_levels("4:2")
    with pytest.raises(InputError, match="not a slice number"):
        parse_slices("a:b")
    with pytest.raises(InputError, match="not a vertebral level"):
        parse_levels("C9")


@pytest.mark.parametrize("text", ["0:3000000000", "9" * 5000, "0:99999999999"])
def test_slices_that_no_image_has_are_refused_before_they_fill_the_memory(text):
    with pytest.raises(InputError, match="not a slice number"):
        parse_slices(text)
