"""What contrasts of one cord differ by, told apart: by the masks, or by the images."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.loaded_recipe import recipe
from SoftCordSegLib.volume import Volume


@pytest.fixture(scope="module")
def floor(repository):
    return recipe("contrast_floor", repository)


def cord(radius_mm: float) -> Volume:
    """A dark straight cord of a radius in bright fluid, (64, 64, 40) voxels of 0.5 x 0.5 x 1 mm;
    and its soft mask where ``outside`` moves that outline.
    """
    affine = np.diag([-0.5, 0.5, 1.0, 1.0])
    distance = radius_mm - np.hypot(*(np.indices((64, 64)) - 31.5)) * 0.5
    inside = np.clip(distance / 0.5 + 0.5, 0, 1).astype(np.float32)
    return Volume(np.repeat(inside[:, :, None], 40, axis=2), affine)


def numbers(floor, radii: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """SD of the masks, and of the seen edges, of images and masks of these radii."""
    pairs = {}
    for name, (seen, masked) in radii.items():
        image = cord(seen)
        pairs[name] = (image.with_data(1 - np.asarray(image.data)), cord(masked))
    cells = floor.row("one", "bundle", pairs).split("|")
    return float(cells[4]), float(cells[5])


def test_masks_that_differ_where_the_images_do_not(floor):
    as_it_is, seen = numbers(floor, {"T2w": (5.0, 5.2), "DWI": (5.0, 4.8)})
    assert as_it_is == pytest.approx(100 * (5.2**2 - 4.8**2) / (5.2**2 + 4.8**2) * 2**0.5, abs=0.5)
    assert seen < 1


def test_images_that_differ_where_the_masks_follow_them(floor):
    as_it_is, seen = numbers(floor, {"T2w": (5.2, 5.1), "DWI": (4.8, 4.7)})
    assert as_it_is > 8
    assert seen == pytest.approx(as_it_is, abs=1)


def test_only_participants_with_several_contrasts_count(floor, shared_data):
    cases = floor.read_cases(floor.HERE / "development.csv", shared_data)
    groups = {key[0]: list(found) for key, found in floor.several_contrasts(cases).items()}
    assert groups == {"errsm18": ["T2w", "T2star"], "errsm22": ["T2w", "DWI"]}
