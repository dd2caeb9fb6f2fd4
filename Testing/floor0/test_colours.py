"""Colours that mean different things are told apart, by colour-blind readers too."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from SoftCordSegLib.colours import BOX, DISC, EDITS, MASKS, hexadecimal, rgb

# What is left of linear red, green and blue without one kind of cone: Viénot, Brettel and Mollon
# (1999), Digital video colourmaps for checking the legibility of displays by dichromats.
SEEN_BY = {
    "everybody": np.eye(3),
    "protanopes": np.array([[0.1124, 0.8876, 0], [0.1124, 0.8876, 0], [0.004, -0.004, 1]]),
    "deuteranopes": np.array([[0.2928, 0.7072, 0], [0.2928, 0.7072, 0], [-0.0223, 0.0223, 1]]),
}


def lab(colour: str, seen_by: str) -> np.ndarray:
    """CIE L*a*b* of a colour (sRGB, D65)."""
    channels = np.array(rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    linear = np.clip(SEEN_BY[seen_by] @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(xyz @ linear / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("reader", SEEN_BY)
def test_the_edits_have_a_colour_that_nothing_else_has(reader):
    for other in (*MASKS, DISC, BOX):
        assert np.linalg.norm(lab(EDITS, reader) - lab(other, reader)) > 15, other


@pytest.mark.parametrize("reader", SEEN_BY)
def test_the_masks_are_told_apart(reader):
    for one, other in itertools.combinations(MASKS, 2):
        assert np.linalg.norm(lab(one, reader) - lab(other, reader)) > 15, (one, other)


def test_a_colour_is_written_as_it_was_read():
    for colour in (*MASKS, EDITS):
        assert hexadecimal(rgb(colour)) == colour
