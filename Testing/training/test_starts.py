"""What a training may begin with."""

from __future__ import annotations

import shutil

import pytest
import torch

from SoftCordSegLib.errors import InputError, ModelError
from SoftCordSegLib.network import load_bundle, shipped_bundles
from SoftCordSegLib.network.unet import COMPACT, UNet
from SoftCordSegLib.training.starts import bundle_weights, from_logits, open_bundle
from training.tiny import TINY


def test_a_network_of_logits_becomes_one_of_soft_values():
    torch.manual_seed(0)
    network = UNet(TINY).eval()
    image = torch.randn(1, 1, 16, 16, 16)
    with torch.inference_mode():
        logits = network(image)[0]
        network.load_state_dict(from_logits(network.state_dict()))
        torch.testing.assert_close(network(image)[0], logits / 12 + 0.5)


def test_a_bundles_stage_gives_its_weights_in_full_precision():
    bundle = load_bundle(shipped_bundles()[0])
    weights = bundle_weights(bundle, "segmenter", COMPACT)
    UNet(COMPACT).load_state_dict(weights)
    assert {value.dtype for value in weights.values()} == {torch.float32}


def test_a_network_of_another_shape_is_refused():
    with pytest.raises(InputError, match="is another network"):
        bundle_weights(load_bundle(shipped_bundles()[0]), "segmenter", TINY)


def test_a_start_can_be_an_installed_model(tmp_path, monkeypatch):
    monkeypatch.setenv("SOFTCORDSEG_MODELS", str(tmp_path))
    shutil.copytree(shipped_bundles()[0], tmp_path / "mine")
    assert open_bundle("mine").folder == tmp_path / "mine"
    with pytest.raises(ModelError, match="no model bundle 'theirs'"):
        open_bundle("theirs")
