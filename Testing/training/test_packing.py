"""Images on the networks' grids: the part about the cord, and what is trusted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.network import AROUND_CORD
from SoftCordSegLib.segmentation.working_image import working_image
from SoftCordSegLib.training.packed import fractions
from SoftCordSegLib.training.packing import packed_arrays
from SoftCordSegLib.volume import Volume

BUNDLE = SimpleNamespace(
    orientation="LAS", intensities=AROUND_CORD, locator=SimpleNamespace(spacing_mm=2.0)
)


def a_cord(radius: float = 5.0) -> tuple[Volume, Volume]:
    """A bright tube of voxels of 1 × 1 × 2 mm, and its mask."""
    i, j, _ = np.indices((60, 50, 20)) - np.array([30, 20, 0])[:, None, None, None]
    mask = np.clip(radius + 0.5 - np.hypot(i, j), 0, 1).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 5, mask.shape).astype(np.float32)
    affine = np.diag([-1.0, 1.0, 2.0, 1.0])
    return Volume(100 + 50 * mask + noise, affine), Volume(mask, affine)


def packed(mask: Volume, **options):
    image, _mask = a_cord()
    options = {"weight": None, "spacing_mm": 1.0, "margin_mm": (8.0, 4.0, np.inf), **options}
    return packed_arrays(working_image(image, BUNDLE), mask, **options)


def test_only_the_part_about_the_cord_is_kept():
    arrays = packed(a_cord()[1])
    assert arrays["image"].shape == arrays["label"].shape == arrays["weight"].shape
    assert arrays["image"].shape[2] == 40
    assert arrays["image"].shape[0] == pytest.approx(11 + 16, abs=1)
    assert arrays["image"].shape[1] == pytest.approx(11 + 8, abs=1)
    assert arrays["coarse_image"].shape == (30, 25, 20), "the locator sees the whole image"
    volume = fractions(arrays["label"]).sum()
    assert volume == pytest.approx(a_cord()[1].data.sum() * 2, rel=0.02)
    assert arrays["weight"].min() == 255


def test_where_the_label_is_not_trusted_the_weight_is_0():
    _image, mask = a_cord()
    weight = mask.with_data(np.ones(mask.shape, np.float32))
    weight.data[:, :, :10] = 0
    arrays = packed(mask, weight=weight)
    assert not arrays["weight"][:, :, :20].any()
    assert arrays["weight"][:, :, 22:].all()


def test_the_cord_may_lie_elsewhere_than_the_label():
    """As of an image on which a model found little."""
    _image, mask = a_cord()
    little = mask.with_data(np.where(np.arange(20) < 3, mask.data, 0).astype(np.float32))
    arrays = packed(little, cord=mask)
    assert arrays["image"].shape == packed(mask)["image"].shape
    assert np.array_equal(arrays["image"], packed(mask)["image"])
    with pytest.raises(InputError, match="empty on the grid"):
        packed(mask.with_data(mask.data * 0))
