"""Masks of real images do not depend on padding, on cropping, or on where the image is cut."""

from __future__ import annotations

from segmentation.real_properties import (
    an_image,
    cropping_changes_volume_by,
    halves_agree,
    padding_changes_volume_by,
)

SMALL = "sct-testing/t2"


def test_padding_changes_the_volume_by_less_than_1_percent(shared_data):
    image = an_image(shared_data, SMALL)
    assert padding_changes_volume_by(image, [(7, 0), (0, 13), (20, 5)], 0) < 0.01


def test_cropping_to_the_cord_changes_the_volume_by_less_than_1_percent(shared_data):
    image = an_image(shared_data, "gm-challenge/sub-9709Ses1_run-1_T2star")
    assert cropping_changes_volume_by(image) < 0.01


def test_two_halves_of_a_long_image_show_the_same_cord(shared_data):
    assert halves_agree(an_image(shared_data, "errsm/sub-errsm21_T2w")) > 0.97
