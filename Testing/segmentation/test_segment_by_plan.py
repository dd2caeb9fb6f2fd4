"""Networks that were trained on crops around the cord: our locator finds the crop."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from segmentation.test_segment import isotropic
from segmentation.tubes import tube_image
from SoftCordSegLib.errors import ModelError
from SoftCordSegLib.network import ModelBundle, NetworkSpec, NnUNet, UNetConfig
from SoftCordSegLib.network.plans import Margins
from SoftCordSegLib.network.pytorch_engine import pytorch_predict
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.segmentation import segment_by_plan as around_cord
from SoftCordSegLib.volume import Box

MARGINS = Margins(superior=6, inferior=4, left=5, right=5, anterior=3, posterior=7)
PLAN = NnUNet(
    NetworkSpec(
        ("models/fold_0.safetensors",), UNetConfig((2, 4), ((1, 1, 1), (2, 2, 2)), channels_out=2)
    ),
    spacing_mm=(1.0, 1.0, 1.0),
    patch=(16, 16, 16),
    margins=MARGINS,
)


class EverythingIsCord(torch.nn.Module):
    """So that the mask shows what was looked at."""

    def forward(self, x):
        return torch.cat((torch.zeros_like(x), torch.full_like(x, 9.0)), dim=1)


class CropBundle(ModelBundle):
    def predictors(self, spec, engine, check):
        yield pytorch_predict(EverythingIsCord(), engine.device, check)


@pytest.fixture
def nnunet(tmp_path, bundle, monkeypatch):
    """A network for crops; the bright tube is found by the locator of :mod:`conftest`."""
    monkeypatch.setattr(around_cord, "shipped_bundles", lambda: [tmp_path])
    monkeypatch.setattr(around_cord, "load_bundle", lambda folder: bundle)
    return CropBundle(
        tmp_path, {"name": "crops", "version": "4", "weights": {}}, "LAS", None, None, PLAN
    )


@pytest.fixture
def image():
    grid = isotropic()
    return tube_image(grid, grid.to_world([30, 40, 55]), radius_mm=5, half_length_mm=30)[0]


def test_the_network_sees_the_cord_and_its_margins_and_nothing_else(nnunet, image):
    result = segment(image, nnunet, device="cpu")
    filled = np.argwhere(result.volume.data > 0)
    low, high = filled.min(axis=0), filled.max(axis=0) + 1
    # The tube's radius is 5 mm; it is located on voxels of 3 mm.  The image's axes point right,
    # forward, up.
    assert np.abs(low - ([30 - 5 - 5, 40 - 5 - 7, 25 - 4])).max() <= 6
    assert np.abs(high - ([30 + 5 + 5, 40 + 5 + 3, 85 + 6])).max() <= 6
    assert result.notes[0] == "The cord was located with the locator of bright 0."
    assert np.allclose(result.box.size_mm.prod(), result.volume.data.astype(bool).sum(), rtol=0.01)


def test_the_users_box_replaces_the_locator(nnunet, image, bundle):
    start, stop = np.array([10, 10, 10]), np.array([30, 40, 50])
    result = segment(image, nnunet, box=Box.of_grid(image.grid.crop(start, stop)), device="cpu")
    filled = np.argwhere(result.volume.data > 0)
    assert filled.min(axis=0).tolist() == start.tolist()
    assert (filled.max(axis=0) + 1).tolist() == stop.tolist()
    assert bundle.network(None).calls == 0


def test_nothing_located_is_an_empty_mask_and_a_sentence(nnunet, image, bundle):
    bundle.network(None).sighted = False
    result = segment(image, nnunet, device="cpu")
    assert not result.found
    assert "draw a box" in result.message


def test_an_image_cropped_to_the_cord_is_seen_whole(nnunet, bundle):
    grid = isotropic((24, 26, 40))
    image = tube_image(grid, grid.to_world([12, 13, 20]), radius_mm=5, half_length_mm=100)[0]
    assert (segment(image, nnunet, device="cpu").volume.data > 0.9).all()
    assert bundle.network(None).calls == 0


def test_without_margins_the_whole_image_is_seen(nnunet, image, bundle):
    whole = dataclasses.replace(nnunet, plan=dataclasses.replace(PLAN, margins=None))
    assert (segment(image, whole, device="cpu").volume.data > 0.9).all()
    assert bundle.network(None).calls == 0


def test_without_a_shipped_model_there_is_no_locator(nnunet, image, monkeypatch):
    monkeypatch.setattr(around_cord, "shipped_bundles", list)
    with pytest.raises(ModelError, match="needs the locator"):
        segment(image, nnunet, device="cpu")


def test_flips_that_can_have_no_effect_are_said(nnunet, image):
    assert "no effect" in segment(image, nnunet, device="cpu", flips=True).notes[0]
