"""Pictures of masks over their images."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.loaded_recipe import recipe
from SoftCordSegLib.volume import Volume


@pytest.fixture(scope="module")
def pictures(repository):
    return recipe("mask_pictures", repository)


def a_tube(radius: float, first: int = 0) -> Volume:
    x, y, z = np.indices((40, 50, 30))
    inside = (np.hypot(x - 12, y - 30) <= radius) & (z >= first)
    return Volume(inside.astype(np.float32), np.eye(4))


def test_the_outlines_of_both_masks_are_drawn_where_they_are(pictures):
    mask, drawn = a_tube(5, first=10), a_tube(7)
    figure = pictures.figure_of("neck", a_tube(5), mask, drawn)

    sagittal, *axial = figure.axes
    assert "Dice" in figure.get_suptitle()
    assert len(sagittal.collections) == 2
    assert [axis.get_title() for axis in axial] == [f"slice {k}" for k in (10, 15, 20, 24, 29)]
    colours = [[tuple(c.get_edgecolor()[0][:3]) for c in axis.collections] for axis in axial]
    assert colours == [[(1.0, 1.0, 0.0), (0.0, 1.0, 0.0)]] * 5
    for axis in axial:
        yellow, green = (c.get_paths()[0].vertices for c in axis.collections)
        for outline, radius in ((yellow, 7), (green, 5)):
            assert np.hypot(*(outline - (12, 30)).T) == pytest.approx(radius, abs=1.1)
        assert axis.get_xlim() == pytest.approx((-10, 34), abs=0.6)


def test_scores_are_of_the_drawn_slices(pictures):
    mask, drawn = a_tube(5), a_tube(5, first=15)
    assert pictures.scores(mask, drawn) == "Dice 1.000, volume 1.00"
    assert pictures.scores(mask.with_data(0.5 * mask.data), drawn) == "Dice 1.000, volume 0.50"


def test_where_nothing_was_found_the_image_is_shown(pictures):
    empty = a_tube(5).with_data(np.zeros((40, 50, 30), np.float32))
    figure = pictures.figure_of("head", a_tube(5), empty, None)
    assert figure.get_suptitle() == "head"
    assert not any(axis.collections for axis in figure.axes)
