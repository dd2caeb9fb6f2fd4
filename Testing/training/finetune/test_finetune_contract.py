"""Fine-tuning keeps the input contract of its parent: in the bundle it writes, and in the patches
it trains on.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from SoftCordSegLib.network import AROUND_CORD, WHOLE_IMAGE, ModelBundle, load_bundle
from SoftCordSegLib.network.unet import UNet
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.segmentation.tiles import predict_tiled
from SoftCordSegLib.segmentation.working_image import working_image
from SoftCordSegLib.training.finetune import ReplayImage, Scorer, finetune
from SoftCordSegLib.training.finetune.finetune_batches import (
    case_batches,
    packed_case,
    replayed_cases,
    synthetic_batches,
)
from SoftCordSegLib.training.packed import image_values
from SoftCordSegLib.training.real_cases import OpenCase
from SoftCordSegLib.volume import Volume, resample
from training.finetune.necks import TINY, a_neck, a_request, compare, write_bundle
from training.generator.made_packed import made_packed


def segment(image: Volume, bundle: ModelBundle, progress: Progress) -> Volume:
    """The segmenter over the whole image, whose values are scaled by the bundle's own contract, as
    the program does.
    """
    working = working_image(image, bundle)
    network = bundle.network(bundle.segmenter)

    def predict(tile: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return network(torch.from_numpy(tile.copy())[None, None])[0][0, 0].numpy()

    scaled = working.scaling_about(np.ones(working.coarse.shape, bool))(image.data)
    return image.with_data(
        predict_tiled(scaled, predict, bundle.segmenter.tile, 0.25, progress).clip(0, 1)
    )


SCORER = Scorer(segment, compare)


def a_bundle(folder, intensities: str) -> ModelBundle:
    """An untrained one."""
    torch.manual_seed(3)
    write_bundle(folder, UNet(TINY).state_dict())
    path = folder / "configs" / "inference.json"
    path.write_text(
        json.dumps({**json.loads(path.read_text(encoding="utf-8")), "intensities": intensities}),
        encoding="utf-8",
    )
    return load_bundle(folder)


@pytest.fixture
def around(tmp_path) -> ModelBundle:
    return a_bundle(tmp_path / "around", AROUND_CORD)


def test_the_child_of_a_bundle_names_its_contract_and_is_trained_by_it(
    around, wide_cases, tmp_path
):
    whole = a_bundle(tmp_path / "whole", WHOLE_IMAGE)
    assert whole.sha256 == around.sha256
    how = {"steps": 3, "replace": True}
    children = [
        finetune(a_request(parent, wide_cases, tmp_path / "out", **how), SCORER)
        for parent in (around, whole)
    ]
    # The second takes the place of the first.
    first, second = load_bundle(tmp_path / "out" / "previous"), load_bundle(children[1].folder)
    assert (first.intensities, second.intensities) == (AROUND_CORD, WHOLE_IMAGE)
    assert children[0].history.parent != children[1].history.parent, "each is a run of its own"
    assert first.sha256[first.segmenter.weights] != second.sha256[second.segmenter.weights]
    assert first.sha256[first.locator.weights] == second.sha256[second.locator.weights]


def a_wide_case() -> OpenCase:
    """A neck in a wide field of view that is bright far away from it, and padded."""
    image, label = a_neck(7)
    rng = np.random.default_rng(0)
    wide = np.pad(image.data, ((40, 40), (40, 40), (0, 0)), mode="linear_ramp", end_values=9)
    wide = np.pad(wide + 0.02 * rng.standard_normal(wide.shape), 3, constant_values=-7).astype(
        np.float32
    )
    mask = np.pad(label.data, ((43, 43), (43, 43), (3, 3)))
    return OpenCase(Volume(wide, image.affine), Volume(mask, image.affine), None, "one")


def program_scaling(case: OpenCase, bundle: ModelBundle):
    working = working_image(case.image, bundle)
    return working.scaling_about(
        resample(case.label, working.coarse.grid, order=1, antialias=True).data > 0.25
    )


@pytest.mark.parametrize("intensities", [AROUND_CORD, WHOLE_IMAGE])
def test_a_case_is_scaled_by_its_whole_image_though_only_a_part_is_trained_on(
    tmp_path, intensities
):
    """The program's own scaling, but for the steps of a byte."""
    case, bundle = a_wide_case(), a_bundle(tmp_path / "bundle", intensities)
    expected = program_scaling(case, bundle)(case.image.data)[case.label.data > 0.95]
    replayed = replayed_cases(
        [ReplayImage("wide", case.image, case.label)], bundle, SCORER, Progress()
    )
    for packed in (packed_case(case, "wide", bundle), *replayed):
        assert max(packed.image.shape) < 60, "only the part about the cord is kept"
    inside = image_values(packed_case(case, "wide", bundle).image)
    cord = packed_case(case, "wide", bundle).label > 242
    assert np.median(inside[cord]) == pytest.approx(np.median(expected), abs=0.02)


@pytest.mark.parametrize("intensities", [AROUND_CORD, WHOLE_IMAGE])
def test_patches_of_a_case_have_the_bundles_shape_and_range(tmp_path, intensities):
    bundle = a_bundle(tmp_path / "bundle", intensities)
    batches = case_batches([packed_case(a_wide_case(), "wide", bundle)], bundle, 0.0)
    batch = batches.batch(1, 0, 8)
    assert batch.image.shape == (8, 1, 16, 16, 16)
    assert batch.image.abs().max() <= 3
    assert (batch.label.amax(dim=(1, 2, 3, 4)) > 0.5).sum() >= 4


def test_synthetic_images_are_scaled_by_the_parents_contract(around, tmp_path, monkeypatch):
    packed = made_packed()
    anatomy = {name: getattr(packed, name) for name in ("cords", "near", "height")}
    batches = "SoftCordSegLib.training.finetune.finetune_batches"
    monkeypatch.setattr(f"{batches}.packed_anatomy", lambda _data: anatomy)
    monkeypatch.setattr("SoftCordSegLib.training.anatomy.data_files", lambda _data: [])
    ours, files = synthetic_batches(tmp_path, around)
    other, _files = synthetic_batches(tmp_path, a_bundle(tmp_path / "whole", WHOLE_IMAGE))
    assert (ours.recipe.contract, other.recipe.contract) == ("around_cord", "whole")
    assert (ours.recipe.shape, files) == ((16, 16, 16), {})
    assert not torch.equal(ours.batch(1, 0, 2).image, other.batch(1, 0, 2).image)
