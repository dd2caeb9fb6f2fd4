"""Probabilities of the locator that mean what they say."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from recipes.loaded_recipe import recipe
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.network import load_bundle, shipped_bundles
from training.generator.made_packed import made_packed

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def calibration(repository):
    return recipe("locator_calibration", repository)


def too_sure(rng):
    """Raw outputs that are twice as far from 0 as they should be, and half a unit too high."""
    true = rng.normal(-2, 3, 20000)
    cord = (rng.random(20000) < 1 / (1 + np.exp(-true))).astype(np.float32)
    return (2 * true + 0.5).astype(np.float32), cord


def test_the_line_that_made_a_locator_too_sure_is_found_again(calibration):
    rng = np.random.default_rng(4)
    found = [too_sure(rng) for _ in range(3)]

    slope, offset = calibration.fitted(found)

    assert (slope, offset) == pytest.approx((0.5, -0.25), abs=0.03)
    for probability, share, count in calibration.reliability(found, slope, offset):
        assert probability == pytest.approx(share, abs=4 * (0.25 / count) ** 0.5)
    assert max(abs(p - s) for p, s, _ in calibration.reliability(found)) > 0.1


def test_a_calibrated_locator_gives_the_same_outputs_on_another_scale(calibration, tmp_path):
    shipped = load_bundle(shipped_bundles()[0])
    plain = said(shipped, tmp_path / "plain", {})

    calibration.write(plain, tmp_path / "new", 0.5, -0.25)

    new = load_bundle(tmp_path / "new")
    patch = torch.from_numpy(np.random.default_rng(1).normal(size=(1, 1, 32, 32, 32))).float()
    with torch.no_grad():
        before, after = (one.network(one.locator).eval()(patch)[0] for one in (plain, new))
        same = [one.network(one.segmenter).eval()(patch)[0] for one in (plain, new)]
    assert torch.allclose(after, 0.5 * before - 0.25, atol=0.02)
    assert torch.equal(*same)
    note = new.metadata["provenance"]["locator_calibration"]
    assert note == {"slope": 0.5, "offset": -0.25}
    with pytest.raises(InputError, match="once only"):
        calibration.write(new, tmp_path / "again", 0.5, 0.0)


def test_it_is_asked_about_the_recipe_of_its_training(calibration, tmp_path):
    bundle, packed = load_bundle(shipped_bundles()[0]), made_packed()
    recipe_ = {"shape": [32, 32, 32], "spacing": 2.0, "contract": "whole", "pooled": 1}
    trained = said(bundle, tmp_path / "trained", {"locator": {"recipe": recipe_}})

    (raw, share), _ = calibration.on_patches(trained, packed, batches=2, size=1)
    assert raw.shape == share.shape
    assert 0 < len(raw) <= 32**3
    assert share.max() <= 1

    for raw, share in calibration.on_images(trained, packed):
        assert raw.shape == share.shape

    other = said(bundle, tmp_path / "other", {"locator": {}})
    with pytest.raises(InputError, match="how its locator was trained"):
        list(calibration.on_patches(other, packed))


def said(bundle, folder, provenance):
    """A bundle of the same weights that says this of where it is from."""
    shutil.copytree(bundle.folder, folder)
    path = folder / "configs" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    metadata["provenance"] = provenance
    path.write_text(json.dumps(metadata), encoding="utf-8")
    return load_bundle(folder)
