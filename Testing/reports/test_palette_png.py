"""PNG files straight from arrays, as another program reads them."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.image import imread

from SoftCordSegLib.reports.palette_png import grey_png, letters, palette_png


def read(content):
    return np.round(255 * imread(io.BytesIO(content), format="png")).astype(int)


def test_greys_are_read_as_they_were_written():
    pixels = np.random.default_rng(1).integers(0, 256, (37, 53), dtype=np.uint8)

    assert np.array_equal(read(grey_png(pixels)), pixels)


def test_colours_and_opacities_are_read_as_they_were_written():
    pixels = np.array([[0, 1], [2, 1]], np.uint8)
    table = [("#000000", 0.0), ("#e69f00", 1.0), ("#ffffff", 0.4)]

    assert read(palette_png(pixels, table)).tolist() == [
        [[0, 0, 0, 0], [230, 159, 0, 255]],
        [[255, 255, 255, 102], [230, 159, 0, 255]],
    ]


def test_letters_stand_on_one_line_and_one_beside_the_other():
    one, two, wide, low = (letters(text, 20) for text in ("1", "11", "mm²", "."))

    assert one.max() == 255
    assert two.shape == (one.shape[0], 2 * one.shape[1])
    assert np.array_equal(two[:, : one.shape[1]], two[:, one.shape[1] :])
    assert wide.shape[1] > two.shape[1]
    assert letters("1.", 20).shape[0] == one.shape[0]  # the point does not reach above
    assert np.flatnonzero(letters("1.", 20)[:, one.shape[1] :].any(axis=1)).min() > 10
    assert low.shape[0] < 5
    assert letters("", 20).shape[1] == 0
