"""What the networks see of an image, by the contract that their bundle names."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from segmentation.test_segment import isotropic
from segmentation.tubes import tube_image
from SoftCordSegLib.network import AROUND_CORD, load_bundle, shipped_bundles
from SoftCordSegLib.network.bundle import INTENSITIES
from SoftCordSegLib.network.engines import Engine
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.segmentation.working_image import fine_grid, prepare_locator, working_image
from SoftCordSegLib.training.packed import image_bytes
from SoftCordSegLib.training.packing import packed_arrays
from SoftCordSegLib.volume import Box, Grid, Volume, read_nifti, reorient, resample
from SoftCordSegLib.volume.intensities import Scaling
from SoftCordSegLib.volume.resampling import IMAGE_ORDER


@pytest.fixture
def noisy_tube() -> Volume:
    """A bright tube among dim noise."""
    grid = isotropic()
    image = tube_image(grid, grid.to_world([40, 50, 55]), radius_mm=5, half_length_mm=40, noise=0)[
        0
    ]
    data = image.data + np.random.default_rng(0).uniform(0, 0.1, image.shape).astype(np.float32)
    return image.with_data(data)


def around(bundle):
    return dataclasses.replace(bundle, intensities=AROUND_CORD)


def padded(image: Volume, voxels: int, value: float) -> Volume:
    grid = image.grid.crop(np.full(3, -voxels), np.array(image.shape) + voxels)
    return Volume(np.pad(image.data, voxels, constant_values=value), grid.affine)


def test_the_shipped_contract_scales_both_networks_by_the_percentiles_of_the_coarse_image(
    noisy_tube, bundle
):
    working = working_image(noisy_tube, bundle)
    expected = Scaling(*(float(x) for x in np.percentile(working.coarse.data, (1, 99))))
    located = np.zeros(working.coarse.shape, bool)
    located[10:12, 10:12, 10:12] = True
    assert working.intensities.for_locator() == working.scaling_about(located) == expected
    assert working.scaling_in(Box.of_grid(noisy_tube.grid.crop([0, 0, 0], [9, 9, 9]))) == expected


@pytest.mark.parametrize("value", [-5.0, 0.05, 400.0])
def test_around_the_cord_padding_leaves_the_mask_as_it_was(noisy_tube, bundle, value):
    plain = segment(noisy_tube, around(bundle), device="cpu").volume.data
    assert (plain > 0.9).sum() > 1000
    wide = segment(padded(noisy_tube, 7, value), around(bundle), device="cpu").volume.data
    assert np.abs(wide[7:-7, 7:-7, 7:-7] - plain).max() < 1e-5
    assert wide.sum() == pytest.approx(plain.sum(), rel=1e-5)


@pytest.mark.parametrize("letters", ["LAS", "PSR", "SLP"])
def test_the_locator_is_made_ready_by_the_header_as_by_the_image(noisy_tube, letters, monkeypatch):
    image, bundle = reorient(noisy_tube, letters), load_bundle(shipped_bundles()[0])
    asked: list = []
    monkeypatch.setattr(type(bundle), "prepare", lambda _bundle, *what: asked.append(what))
    prepare_locator(image.grid, bundle, Engine("openvino"))
    working_image(image, bundle, Engine("openvino"))
    assert len(asked) == 2
    assert asked[0] == asked[1]
    prepare_locator(image.grid, dataclasses.replace(bundle, locator=None), Engine("openvino"))
    assert len(asked) == 2


def test_a_box_is_scaled_by_what_lies_in_it(noisy_tube, bundle):
    working = working_image(noisy_tube, around(bundle))
    beside = working.scaling_in(Box.of_grid(noisy_tube.grid.crop([66, 76, 10], [84, 94, 100])))
    # There is nothing but noise; the fluid about the tube is brighter by hundreds.
    assert 0 < beside.high - beside.low < 0.1
    about = working.scaling_in(Box.of_grid(noisy_tube.grid.crop([34, 44, 30], [46, 56, 80])))
    assert about.high - about.low > 100
    # One that reaches beyond the image is cut; one beyond it falls back on the whole.
    beyond = working.scaling_in(
        Box.of_grid(noisy_tube.grid.crop([-300, -300, -300], [-200, -200, -200]))
    )
    assert beyond == working.intensities.for_locator()


def test_the_shipped_networks_see_a_padded_image_as_it_was(shared_data):
    """The whole way, on a real image: the same mask, whatever stands beside the image."""
    image = read_nifti(shared_data / "images" / "sct-testing" / "t2.nii.gz")
    model = around(load_bundle(shipped_bundles()[0]))
    plain = segment(image, model, device="cpu").volume.data
    assert plain.sum() > 1000
    wide = segment(padded(image, 9, 5000), model, device="cpu").volume.data
    assert np.abs(wide[9:-9, 9:-9, 9:-9] - plain).max() < 1e-3
    # The cord leaves this image at both ends; what stands beyond them is not cord.
    assert wide.sum() == pytest.approx(plain.sum(), rel=1e-5)


@pytest.mark.parametrize("contract", INTENSITIES)
def test_around_the_cord_a_cropped_image_is_sampled_at_the_same_places(contract):
    """Voxels of 0.7 mm and of 5 mm: where the grid begins at the corner of the image, it moves by a
    part of a voxel.
    """
    image = Grid((60, 70, 30), np.diag([0.7, 0.7, 5.0, 1.0]))
    part = image.crop([5, 3, 2], [51, 64, 27])

    whole, cropped = (fine_grid(grid, 1.0, contract) for grid in (image, part))

    moved = whole.to_voxel(cropped.to_world((0, 0, 0)))
    assert np.allclose(moved, np.rint(moved), atol=1e-3) == (contract == AROUND_CORD)


def test_training_samples_an_image_on_the_grid_of_its_contract(noisy_tube, bundle):
    stretched = Volume(noisy_tube.data, noisy_tube.affine @ np.diag([0.7, 0.7, 1.0, 1.0]))
    label = stretched.with_data((stretched.data > 100).astype(np.float32))
    for model in (bundle, around(bundle)):
        working = working_image(stretched, model)
        arrays = packed_arrays(
            working, label, None, spacing_mm=1.0, margin_mm=(np.inf, np.inf, np.inf)
        )
        grid = fine_grid(working.image.grid, 1.0, model.intensities)
        assert arrays["image"].shape == grid.shape
        scaling = working.scaling_about(resample(label, working.coarse.grid).data > 0.25)
        expected = image_bytes(scaling(resample(working.image, grid, order=IMAGE_ORDER).data))
        assert np.abs(arrays["image"].astype(int) - expected).max() <= 1
