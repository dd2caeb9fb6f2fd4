"""The pictures of quality control, by their pixels: where the outline is, which slices, which side
is which.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.image import imread

from reports.qc_cases import SLICES, soft_disc
from SoftCordSegLib.colours import MASKS, SKY, rgb
from SoftCordSegLib.reports.qc_pictures import MOST_TILES, case_pictures
from SoftCordSegLib.volume import Volume, reorient

TILE_MM = 32.0


def pixels(content):
    return np.round(255 * imread(io.BytesIO(content), format="png")).astype(int)


def tile_of(pictures, number, of_overlay=True):
    finer = 2 if of_overlay else 1
    (x, y) = next(one[1:] for one in pictures.layout["tiles"] if one[0] == number)
    whole = pixels(pictures.overlay if of_overlay else pictures.background)
    edge = finer * pictures.layout["tile"]
    return whole[finer * y : finer * y + edge, finer * x : finer * x + edge]


def is_coloured(picture, colour):
    wanted = np.round(255 * np.array(rgb(colour)))
    return (np.abs(picture[..., :3] - wanted).max(axis=-1) <= 1) & (picture[..., 3] > 0)


def draw(mask, image=None, **words):
    image = mask if image is None else image
    return case_pictures(
        image, mask, words.get("areas", {}), words.get("levels", {}), words.get("worst")
    )


def test_the_outline_is_where_the_mask_is_half():
    pictures = draw(soft_disc(5.0))

    drawn = tile_of(pictures, 10)
    strong = is_coloured(drawn, MASKS[0]) & (drawn[..., 3] > 240)
    rows, columns = np.nonzero(strong)
    middle = (drawn.shape[0] - 1) / 2
    radius_mm = np.hypot(rows - middle, columns - middle) * TILE_MM / drawn.shape[0]
    assert len(radius_mm) > 100
    assert abs(radius_mm.mean() - 5.0) < 0.15
    assert radius_mm.max() - radius_mm.min() < 1.0


def test_soft_masks_have_thin_lines_too_and_binary_ones_have_not():
    soft = soft_disc(5.0)
    wide = soft.with_data(np.clip(soft.data * 0.5, 0, 1))  # reaches .5 nowhere else than inside
    binary = soft.with_data((soft.data >= 0.5).astype(np.uint8))

    lines = {
        name: (is_coloured(tile_of(draw(one), 10), MASKS[0])).sum()
        for name, one in (("soft", soft), ("binary", binary), ("wide", wide))
    }

    assert lines["soft"] > 1.3 * lines["binary"] > 0
    assert lines["wide"] > 0  # that at .25


@pytest.mark.parametrize("letters", ["LAS", "PSR", "RAI"])
def test_the_patients_right_is_left_and_anterior_is_up(letters):
    mask = soft_disc(3.0)
    data = np.zeros(mask.shape, np.float32)
    data[30:, :, :] = 500  # towards the patient's Left, as axis 0 of LAS goes
    data[:, 30:, :] += 300  # towards Anterior
    data[:, :, 20:] += 100  # towards Superior
    image = reorient(mask.with_data(data), letters)

    pictures = draw(mask, image)

    low, high = (tile_of(pictures, n, of_overlay=False) for n in (5, 25))
    quarter = low.shape[0] // 4
    assert low[:, -quarter:].mean() > low[:, :quarter].mean() + 50
    assert low[:quarter].mean() > low[-quarter:].mean() + 30
    x, y, width, height, top, bottom = pictures.layout["sagittal"]
    side = pixels(pictures.background)[y : y + height, x : x + width]
    assert side[:, : width // 4].mean() > side[:, -width // 4 :].mean() + 30  # anterior is left
    assert side[: height // 4].mean() > side[-height // 4 :].mean() + 5  # superior is up
    assert (top, bottom) == pytest.approx((SLICES - 0.5, -0.5), abs=0.2)
    assert high.mean() >= low.mean()


def test_the_slice_to_look_at_first_is_among_the_tiles_and_marked():
    mask = soft_disc(4.0, shape=(48, 48, 400), spacing=(1, 1, 0.8))

    pictures = draw(mask, worst=123)

    numbers = [one[0] for one in pictures.layout["tiles"]]
    assert len(numbers) <= MOST_TILES
    assert numbers == sorted(numbers, reverse=True)
    assert 123 in numbers
    assert is_coloured(pixels(pictures.overlay), SKY).any()
    assert not is_coloured(pixels(draw(mask).overlay), SKY).any()


def test_number_level_and_area_are_below_each_slice():
    mask = soft_disc(5.0)
    plain, named = draw(mask), draw(mask, areas={10: 78.5}, levels={10: "C5"})

    def caption(pictures):
        x, y = next(one[1:] for one in pictures.layout["tiles"] if one[0] == 10)
        edge = pictures.layout["tile"]
        return pixels(pictures.overlay)[
            2 * (y + edge) : 2 * (y + edge + 18), 2 * x : 2 * (x + edge)
        ]

    assert 0 < (caption(plain)[..., 3] > 0).sum() < (caption(named)[..., 3] > 0).sum()


def test_masks_that_are_empty_or_lie_elsewhere_are_drawn_as_none():
    mask = soft_disc(5.0)
    moved = mask.affine.copy()
    moved[0, 3] += 500
    for other in (mask.with_data(0 * mask.data), Volume(mask.data, moved)):
        pictures = draw(other, mask)

        assert len(pictures.layout["tiles"]) > 10
        assert not is_coloured(pixels(pictures.overlay), MASKS[0]).any()


def test_a_mask_of_the_whole_image_and_an_image_of_one_value_are_drawn():
    mask = soft_disc(5.0)
    everything = mask.with_data(np.ones_like(mask.data))

    assert draw(everything, mask.with_data(0 * mask.data)).background.startswith(b"\x89PNG")
