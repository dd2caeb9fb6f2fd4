"""Disc labels from points and from label images."""

from __future__ import annotations

import numpy as np
import pytest

from morphometry.cords import cylinder
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import (
    DiscLabel,
    discs_from_label_image,
    discs_from_points,
)
from SoftCordSegLib.volume import Volume, reorient

CORD = cylinder(shape=(40, 40, 60))


def test_discs_from_markups():
    found = discs_from_points([("C2/C3", (1, 2, 3)), ("4", (4, 5, 6))])
    assert found == [DiscLabel(3, (1.0, 2.0, 3.0)), DiscLabel(4, (4.0, 5.0, 6.0))]
    with pytest.raises(InputError, match="marked twice"):
        discs_from_points([("C2/C3", (1, 2, 3)), ("3", (4, 5, 6))])


def label_image(points: dict[tuple[int, int, int], float], letters: str = "LAS") -> Volume:
    data = np.zeros(CORD.shape)
    for place, value in points.items():
        data[place] = value
    return reorient(Volume(data, CORD.affine), letters)


@pytest.mark.parametrize("letters", ["LAS", "RPI", "PSR"])
def test_discs_from_a_label_image_of_any_orientation(letters):
    found = discs_from_label_image(label_image({(20, 30, 40): 3, (20, 31, 25): 4}, letters))
    assert [d.value for d in found] == [3, 4]
    assert found[1].position_mm == pytest.approx(CORD.grid.to_world([20, 31, 25]))


def test_a_blob_is_one_label_at_its_centre():
    image = label_image({(20, 30 + d, 40): 3 for d in (-1, 0, 1)})
    assert discs_from_label_image(image)[0].position_mm == pytest.approx(
        CORD.grid.to_world([20, 30, 40])
    )


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (label_image({}), "has no labels"),
        (label_image({(20, 30, 40): 3.5}), "not integers"),
        (label_image({(20, 30, 5): 3, (20, 30, 50): 3}), "marked at two positions"),
        (Volume(np.where(CORD.data > 0.5, 3, 0), CORD.affine), "labelled segmentation"),
        (label_image({(20, 30, 40): 77}), "is not a disc"),
    ],
)
def test_label_images_that_cannot_be_used_are_a_sentence(image, sentence):
    with pytest.raises(InputError, match=sentence):
        discs_from_label_image(image)
