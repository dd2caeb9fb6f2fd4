"""The numbers in a stranger's model: types, NaN, and bounds, before anything is allocated."""

from __future__ import annotations

import json

import pytest
import torch

from SoftCordSegLib.errors import ModelError
from SoftCordSegLib.network import load_bundle, save_bundle, save_centre_crop_bundle
from SoftCordSegLib.network.bundle import Stage
from SoftCordSegLib.network.limits import check_tiles, check_working_size
from SoftCordSegLib.network.plans import Margins, NetworkSpec, NnUNet, Resampling
from SoftCordSegLib.network.store import fill
from SoftCordSegLib.network.unet import UNet
from SoftCordSegLib.network.unet_config import UNetConfig

SHAPE = {"features": (2, 4), "strides": ((1, 1, 1), (2, 2, 2))}
METADATA = {"name": "small", "version": "1", "license": "none"}
NAMES = ("models/locator.safetensors", "models/segmenter.safetensors")


def a_bundle(folder, change=lambda state: None):
    """A bundle of ours whose segmenter's weights ``change`` may alter."""
    torch.manual_seed(0)
    states = {name: UNet(UNetConfig(**SHAPE)).state_dict() for name in NAMES}
    change(states[NAMES[1]])
    stages = [Stage(name, *SHAPE.values(), 2.0, (8, 8, 8), 0.25, "sigmoid") for name in NAMES]
    inference = {"orientation": "LAS", "locator": stages[0], "segmenter": stages[1]}
    save_bundle(folder, METADATA, inference, states)
    return folder


def edited(folder, key, value):
    path = folder / "configs" / "inference.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    part = content
    *keys, last = key.split(".")
    for one in keys:
        part = part[one]
    part[last] = value
    path.write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("kind", ["weight", "bias"])
def test_weights_that_are_not_finite_are_refused(tmp_path, kind, value):
    def change(state):
        state[f"encoder.0.0.conv.{kind}"].view(-1)[0] = value

    with pytest.raises(ModelError, match="NaN or infinite"):
        fill(load_bundle(a_bundle(tmp_path, change)))


def test_weights_of_whole_numbers_are_refused(tmp_path):
    def change(state):
        state.update({key: value.to(torch.int32) for key, value in state.items()})

    with pytest.raises(ModelError, match="do not fit"):
        fill(load_bundle(a_bundle(tmp_path, change)))


STAGE = [
    ("spacing_mm", float("nan")),
    ("spacing_mm", float("inf")),
    ("spacing_mm", "2"),
    ("spacing_mm", True),
    ("spacing_mm", 1e-6),
    ("spacing_mm", -2),
    ("overlap", float("nan")),
    ("overlap", 0.9999),
    ("tile", [8, 8, 10**9]),
    ("tile", [1024, 1024, 1024]),
    ("tile", [8.5, 8, 8]),
    ("tile", [7, 8, 8]),
    ("tile", "888"),
    ("features", [2, 10**9]),
    ("features", "24"),
    ("features", [2] * 500),
    ("strides", [[1, 1, 1], [2, 2, 10**9]]),
    ("strides", [[1, 1, 1], [0, 2, 2]]),
    ("weights", "models/\0.safetensors"),
    ("weights", "models/\ud800.safetensors"),
    ("weights", ["models/segmenter.safetensors"]),
    ("activation", {}),
]


@pytest.mark.parametrize(("key", "value"), STAGE)
def test_a_stage_beyond_the_limits_is_refused(tmp_path, key, value):
    folder = edited(a_bundle(tmp_path), f"segmenter.{key}", value)
    with pytest.raises(ModelError, match="invalid configuration"):
        load_bundle(folder)


PLAN = [
    ("spacing_mm", float("nan")),
    ("floor", float("nan")),
    ("divisible_by", 10**9),
    ("crop", [64, 192, 10**9]),
    ("crop", [64, 192, -2]),
    ("network.unet.features", [2, 10**6]),
    ("network.unet.convolutions", 10**6),
    ("network.unet.kernels", [[99, 99, 99], [3, 3, 3]]),
    ("network.unet.bias", "no"),
    ("network.unet", None),
    ("network.weights", ["models/network.safetensors"] * 1000),
]


@pytest.mark.parametrize(("key", "value"), PLAN)
def test_a_plan_beyond_the_limits_is_refused(tmp_path, key, value):
    config = UNetConfig(**SHAPE)
    save_centre_crop_bundle(
        tmp_path, METADATA, UNet(config).state_dict(), config, tile=(8, 8, 8), crop=(8, 8, -1)
    )
    load_bundle(tmp_path)
    with pytest.raises(ModelError, match="invalid configuration"):
        load_bundle(edited(tmp_path, key, value))


NNUNET = [
    {"spacing_mm": (1.0, float("nan"), 1.0)},
    {"spacing_mm": (1.0, 1.0, 1e-9)},
    {"patch": (8, 8, 1 << 20)},
    {"step": 1e-9},
    {"step": float("nan")},
    {"floor": float("nan")},
    {"use_mask": "yes"},
    {"mirror_axes": (0, 0, 0)},
    {"normalisation": "CTNormalization"},
    {"intensities": {"mean": float("nan")}},
    {"patch": (7, 8, 8)},
]


@pytest.mark.parametrize("change", NNUNET)
def test_a_plan_of_nnunet_beyond_the_limits_is_refused(change):
    network = NetworkSpec(("a.safetensors",), UNetConfig(**SHAPE, channels_out=2))
    values = {"network": network, "spacing_mm": (1.0, 1.0, 1.0), "patch": (8, 8, 8)}
    NnUNet(**values)
    with pytest.raises(ValueError):
        NnUNet(**{**values, **change})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e9, "40", None])
def test_margins_are_finite_numbers(value):
    with pytest.raises(ValueError, match="the margin superior"):
        Margins(superior=value)


@pytest.mark.parametrize("order", [6, -1, 1.5, float("nan"), "3"])
def test_the_order_of_a_spline_is_a_small_whole_number(order):
    with pytest.raises(ValueError, match="order of a spline"):
        Resampling(order)


def test_a_network_is_not_allocated_where_the_weights_are_of_another_one(tmp_path, monkeypatch):
    """A configuration of 32 KB would ask for gigabytes."""
    folder = edited(a_bundle(tmp_path), "segmenter.features", [512, 2048])
    bundle = load_bundle(folder)
    made = []
    before = UNet.__init__

    def watched(self, config):
        before(self, config)
        made.append(next(self.parameters()).device.type)

    monkeypatch.setattr(UNet, "__init__", watched)
    with pytest.raises(ModelError, match="do not fit"):
        bundle.network(bundle.segmenter)
    assert made == ["meta"]


def test_an_image_that_would_be_too_large_for_the_model_is_a_sentence():
    check_working_size((512, 512, 1024), (1.0, 1.0, 1.0))
    with pytest.raises(ModelError, match=r"voxels of 0\.1 x 0\.1 x 0\.1 mm"):
        check_working_size((5120, 5120, 1024), (0.1, 0.1, 0.1))
    with pytest.raises(ModelError, match="many hours"):
        check_tiles(10**6)
