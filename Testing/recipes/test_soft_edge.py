"""Soft values that mean the share of a voxel: the fitted line, and the bundle that has it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from recipes.loaded_recipe import recipe
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.network import load_bundle, shipped_bundles
from SoftCordSegLib.training.trainer.spread_heads import edge_of


@pytest.fixture(scope="module")
def soft_edge(repository):
    return recipe("soft_edge", repository)


def test_the_line_that_made_soft_values_faint_is_found_again(soft_edge):
    rng = np.random.default_rng(3)
    found = []
    for _ in range(3):
        share = np.clip(rng.normal(0.5, 0.6, 5000), 0, 1)
        found.append((0.2 + 0.6 * share + rng.normal(0, 0.02, 5000), share))

    low, high = soft_edge.fitted(found)

    assert (low, high) == pytest.approx((0.2, 0.8), abs=0.02)
    assert soft_edge.error_of(found, low, high) < 0.1 * soft_edge.error_of(found, 0, 1)
    assert soft_edge.error_of(found, 0.5, 0.5) == np.inf


def test_a_stretched_network_gives_the_same_values_on_another_scale(soft_edge, tmp_path):
    torch = pytest.importorskip("torch")
    bundle = load_bundle(shipped_bundles()[0])
    plain = _without_edge(bundle, tmp_path / "plain")

    soft_edge.write(plain, tmp_path / "new", 0.25, 0.75, ["one"])

    new = load_bundle(tmp_path / "new")
    patch = torch.from_numpy(np.random.default_rng(1).normal(size=(1, 1, 48, 64, 64))).float()
    with torch.no_grad():
        before = plain.network(plain.segmenter).eval()(patch)[0]
        after = new.network(new.segmenter).eval()(patch)[0]
    assert torch.allclose(after, (before - 0.25) / 0.5, atol=0.02)
    assert new.intensities == plain.intensities
    assert new.metadata["provenance"]["soft_edge"] == {
        "low": 0.25,
        "high": 0.75,
        "fitted_on": ["one"],
    }
    assert new.segmenter.edge == (0.25, 0.75)
    assert edge_of(new) == (0.25, 0.75)
    with pytest.raises(InputError, match="only once"):
        soft_edge.write(new, tmp_path / "again", 0.25, 0.75, ["one"])


def _without_edge(bundle, folder):
    """A bundle of the same weights that says nothing of a stretched edge."""
    shutil.copytree(bundle.folder, folder)
    path = folder / "configs" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    metadata["provenance"].pop("soft_edge", None)
    path.write_text(json.dumps(metadata), encoding="utf-8")
    path = folder / "configs" / "inference.json"
    inference = json.loads(path.read_text(encoding="utf-8"))
    inference["segmenter"].pop("edge", None)
    path.write_text(json.dumps(inference), encoding="utf-8")
    return load_bundle(folder)
