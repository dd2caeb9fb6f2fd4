"""The same network by both engines: the U-Net as OpenVINO's graph against PyTorch's modules."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from known_phantoms import known_phantom
from SoftCordSegLib.errors import Cancelled, ModelError
from SoftCordSegLib.network import (
    COMPACT,
    UNetConfig,
    load_bundle,
    openvino_engine,
    shipped_bundles,
)
from SoftCordSegLib.network.engines import Engine
from SoftCordSegLib.network.openvino_engine import openvino_predict
from SoftCordSegLib.network.pytorch_engine import pytorch_predict
from SoftCordSegLib.network.unet import UNet
from SoftCordSegLib.network.weights import parameter_shapes
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.threads import limit_threads

pytest.importorskip("openvino")

# As the paper's, with fewer channels; nnU-Net's habits; the shipped shape.
SHAPES = {
    "paper": UNetConfig((4, 6, 8, 10), ((1, 1, 1), (2, 2, 2), (2, 2, 2), (1, 2, 2)), bias=True),
    "nnunet": UNetConfig(
        (4, 8, 8),
        ((1, 1, 1), (1, 2, 2), (2, 2, 2)),
        convolutions=(1, 2, 3),
        decoder_convolutions=(2, 1),
        kernels=((1, 3, 3), (3, 3, 3), (3, 3, 3)),
        channels_out=3,
        bias=False,
    ),
    "compact": COMPACT,
}


def go_on() -> None:
    """Nobody has stopped the run."""


@pytest.fixture
def single_precision(monkeypatch):
    """Products in single precision, as on a processor without bfloat16: then the graph and the
    modules are the same to the last digits.
    """
    monkeypatch.setattr(openvino_engine, "_rounded_precision", lambda: "f32")
    openvino_engine.forget_compiled()
    yield
    openvino_engine.forget_compiled()


def saved(config, path, change=None):
    """A network with random weights, norms and biases that do something, and its file."""
    generator = torch.Generator().manual_seed(7)
    network = UNet(config).eval()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "norm" in name or name.endswith("bias"):
                value.copy_(1 + 0.3 * torch.randn(value.shape, generator=generator))
            value.copy_(value.half().float())
    state = {key: value.half() for key, value in network.state_dict().items()}
    if change is not None:
        change(state)
    safetensors.torch.save_file(state, path)
    return network


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_u_net_gives_what_pytorch_gives(tmp_path, shape):
    config = SHAPES[shape]
    network = saved(config, tmp_path / "w.safetensors")
    predict = openvino_predict(tmp_path / "w.safetensors", config, go_on)
    reference = pytorch_predict(network, "cpu", go_on)
    # Two sizes: each is a graph of its own.
    for size in (32, 48):
        tile = np.random.default_rng(size).normal(size=(size, 32, 32)).astype(np.float32)
        ours, theirs = predict(tile), reference(tile)
        assert ours.shape == theirs.shape == (config.channels_out, size, 32, 32)
        assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_shipped_networks_give_the_same_tiles_by_both_engines(
    threads, monkeypatch, single_precision
):
    monkeypatch.setattr("SoftCordSegLib.threads._threads", None)
    limit_threads(threads)
    bundle = load_bundle(shipped_bundles()[0])
    tile = np.random.default_rng(1).random((48, 64, 64), np.float32)
    for stage in bundle.stages:
        one, other = (
            bundle.predictor(stage, Engine(library), go_on)(tile)
            for library in ("openvino", "pytorch")
        )
        assert np.abs(one - other).max() <= 1e-4 * max(1, np.abs(other).max())


def test_the_names_and_shapes_of_parameters_are_those_of_the_module():
    for config in SHAPES.values():
        expected = {key: tuple(value.shape) for key, value in UNet(config).state_dict().items()}
        assert parameter_shapes(config) == expected


def test_bfloat16_and_double_weights_are_read(tmp_path):
    config = SHAPES["paper"]
    network = saved(config, tmp_path / "w.safetensors")
    with torch.no_grad():
        for value in network.parameters():
            value.copy_(value.bfloat16().float())
    tile = np.random.default_rng(2).normal(size=(32, 32, 32)).astype(np.float32)
    expected = pytorch_predict(network, "cpu", go_on)(tile)
    for dtype in (torch.bfloat16, torch.float64):
        path = tmp_path / f"{str(dtype)[6:]}.safetensors"
        state = {key: value.to(dtype) for key, value in network.state_dict().items()}
        safetensors.torch.save_file(state, path)
        result = openvino_predict(path, config, go_on)(tile)
        assert np.abs(result - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_last_layer_is_in_single_precision_on_any_processor(tmp_path, shape):
    """A weight or a bias of it that were rounded to bfloat16 would scale or move every mask."""
    config = SHAPES[shape]
    tile = np.random.default_rng(3).normal(size=(32, 32, 32)).astype(np.float32)
    results = []
    # Both are the same number in bfloat16.
    for factor in (1.0, 1 + 2.0**-10):

        def change(state, factor=factor):
            name = f"heads.{len(config.strides) - 2}"
            for value in (state[f"{name}.weight"], state[f"{name}.bias"]):
                value.copy_(torch.sign(value) * factor)

        path = tmp_path / f"{factor}.safetensors"
        torch.manual_seed(4)
        saved(config, path, change)
        results.append(openvino_predict(path, config, go_on, rounded=True)(tile))
    one, other = results
    assert np.abs(other - (1 + 2.0**-10) * one).max() <= 1e-5 * np.abs(one).max()


def test_products_are_in_bfloat16_only_where_the_processor_has_it(monkeypatch):
    class Core:
        def __init__(self, *known):
            self.known = known

        def get_property(self, device, name):
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return list(self.known)

    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(openvino_engine, "_shared_core", Core("FP32", "INT8"))
    assert openvino_engine._rounded_precision() == "f32"
    monkeypatch.setattr(openvino_engine, "_shared_core", Core("BF16", "FP32", "INT8"))
    assert openvino_engine._rounded_precision() == "bf16"
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert openvino_engine._rounded_precision() == "f32"


def _lose_one(state):
    del state["encoder.0.0.norm.bias"]


def _another_shape(state):
    state["heads.0.bias"] = torch.zeros(2).half()


def _whole_numbers(state):
    state["heads.0.bias"] = torch.zeros(1, dtype=torch.int32)


def _not_finite(state):
    state["heads.0.bias"][0] = float("nan")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_lose_one, "do not fit"),
        (_another_shape, "do not fit"),
        (_whole_numbers, "do not fit"),
        (_not_finite, "NaN or infinite"),
    ],
)
def test_weights_that_are_not_the_networks_are_a_sentence(tmp_path, change, words):
    saved(SHAPES["paper"], tmp_path / "w.safetensors", change)
    with pytest.raises(ModelError, match=words) as caught:
        openvino_predict(tmp_path / "w.safetensors", SHAPES["paper"], go_on)
    assert caught.value.path == tmp_path / "w.safetensors"


def test_an_output_that_is_not_finite_is_an_error(tmp_path):
    saved(SHAPES["paper"], tmp_path / "w.safetensors")
    predict = openvino_predict(tmp_path / "w.safetensors", SHAPES["paper"], go_on)
    with pytest.raises(ModelError, match="not finite"):
        predict(np.full((32, 32, 32), np.inf, np.float32))


def test_a_network_that_was_made_ready_is_compiled_once(tmp_path, monkeypatch):
    saved(COMPACT, tmp_path / "w.safetensors")
    compiled = []
    compile_it = openvino_engine._compile

    def counted(*arguments):
        compiled.append(arguments[2])
        return compile_it(*arguments)

    monkeypatch.setattr(openvino_engine, "_compile", counted)
    openvino_engine.openvino_prepare(tmp_path / "w.safetensors", COMPACT, (32, 32, 32))
    predict = openvino_predict(tmp_path / "w.safetensors", COMPACT, go_on)
    tile = np.zeros((32, 32, 32), np.float32)
    first = predict(tile)
    assert np.array_equal(first, predict(tile))
    assert compiled == [(32, 32, 32)]
    openvino_engine.forget_compiled()
    assert np.array_equal(first, predict(tile))
    assert len(compiled) == 2


def test_cancel_stops_within_a_tile(tmp_path):
    saved(COMPACT, tmp_path / "w.safetensors")
    calls = []

    def check():
        calls.append(None)
        if len(calls) == 2:  # the first is before the tile
            raise Cancelled("Stopped.")

    predict = openvino_predict(tmp_path / "w.safetensors", COMPACT, check)
    tile = np.zeros((96, 96, 96), np.float32)
    with pytest.raises(Cancelled):
        predict(tile)
    # The next tile is whole again.
    assert np.isfinite(predict(tile)).all()
    assert len(calls) > 3


@pytest.mark.parametrize("threads", [1, 2])
def test_the_area_of_the_cord_is_the_same_by_both_engines(threads, monkeypatch):
    monkeypatch.setattr("SoftCordSegLib.threads._threads", None)
    limit_threads(threads)
    bundle = load_bundle(shipped_bundles()[0])
    image = known_phantom("T2starw").image
    one, other = (
        segment(image, bundle, device=library).volume.data.sum(axis=(0, 1), dtype=float)
        for library in ("openvino", "pytorch")
    )
    assert one.max() > 0
    assert abs(one.sum() - other.sum()) <= 1e-3 * other.sum()
    # A slice has few voxels: their values, not their number, are to agree.
    assert np.abs(one - other).max() <= 2e-3 * other.max()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="Linux says where threads may run")
def test_threads_are_tied_to_no_core_so_that_two_processes_share_the_cores(tmp_path):
    """Tied ones would be on the same cores in both."""
    saved(SHAPES["paper"], tmp_path / "w.safetensors")
    predict = openvino_predict(tmp_path / "w.safetensors", SHAPES["paper"], go_on)
    predict(np.zeros((32, 32, 32), np.float32))

    cores = set()
    for name in os.listdir("/proc/self/task"):
        with contextlib.suppress(ProcessLookupError):  # a thread may end meanwhile
            cores.add(frozenset(os.sched_getaffinity(int(name))))
    assert cores == {frozenset(os.sched_getaffinity(0))}
