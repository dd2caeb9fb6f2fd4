"""Fine-tuning keeps the input contract of its parent: in the bundle it writes, and in the patches
it trains on.
"""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from SoftCordSegLib.network import AROUND_CORD, WHOLE_IMAGE, ModelBundle, load_bundle
from SoftCordSegLib.network.unet import UNet
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.segmentation.tiles import predict_tiled
from SoftCordSegLib.segmentation.working_image import working_image
from SoftCordSegLib.training.finetune import ReplayImage, Tools, finetune
from SoftCordSegLib.training.finetune.plan import sources_of, synthetic_source
from SoftCordSegLib.training.finetune.replay import rehearsed
from SoftCordSegLib.training.input_contract import InputContract
from SoftCordSegLib.training.patch_scaling import AroundCord
from SoftCordSegLib.training.real import OpenCase
from SoftCordSegLib.volume import Volume, resample
from training.finetune.necks import TINY, a_neck, a_request, compare, write_bundle
from training.tiny import made_up_anatomy


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


TOOLS = Tools(segment, compare)


def a_bundle(folder, intensities: str) -> ModelBundle:
    """An untrained one."""
    torch.manual_seed(3)
    write_bundle(folder, UNet(TINY).state_dict())
    path = folder / "configs" / "inference.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "intensities": intensities}))
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
        finetune(a_request(parent, wide_cases, tmp_path / "out", **how), TOOLS)
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


def test_a_case_is_scaled_by_its_whole_image_though_only_a_part_is_trained_on(
    around, wide_cases, tmp_path, monkeypatch
):
    case = a_wide_case()
    expected = program_scaling(case, around)
    request = a_request(around, wide_cases, tmp_path)
    parts = {
        part: [dataclasses.replace(one, opened=case) for one in getattr(request.split, part)]
        for part in ("training", "held_out")
    }
    request = dataclasses.replace(request, split=dataclasses.replace(request.split, **parts))
    seen = []
    real = AroundCord.real

    def real_spy(self, rng, image, label, known, own):
        seen.append((image, own))
        return real(self, rng, image, label, known, own)

    monkeypatch.setattr(AroundCord, "real", real_spy)
    rehearsal = rehearsed(
        [ReplayImage("wide", case.image, case.label)], around, TOOLS, 12.0, Progress()
    )
    training, validation = sources_of(request, rehearsal)
    for source in (training, validation):
        for group in [one._groups for one in getattr(source, "_sources", [source])]:
            for loaded in (one for cases in group for one in cases):
                assert loaded.range == pytest.approx((expected.low, expected.high), abs=1e-6)
                assert max(loaded.maps.shape) < 60, "only the part about the cord is kept"
        assert np.abs(source.pair(1).image).max() <= 3
    assert len(seen) == 2, "all of them are scaled by the contract"
    assert all(own for _image, own in seen)


def test_synthetic_images_are_scaled_by_the_parents_contract(around, tmp_path, monkeypatch):
    monkeypatch.setattr("SoftCordSegLib.training.sources._anatomy", lambda _data: made_up_anatomy())
    monkeypatch.setattr("SoftCordSegLib.training.synthetic.data_files", lambda _data: [])
    source, _files = synthetic_source(tmp_path, around)
    assert source._scaling == InputContract(AROUND_CORD, around.locator.spacing_mm).patches(
        around.segmenter.spacing_mm
    )
    other, _files = synthetic_source(tmp_path, a_bundle(tmp_path / "whole", WHOLE_IMAGE))
    assert not np.array_equal(source.pair(1).image, other.pair(1).image)
