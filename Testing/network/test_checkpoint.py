"""Checkpoints are read for their tensors, and nothing in them is ever run."""

from __future__ import annotations

import argparse
import enum
import functools
import os
import pathlib
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch

from network.plain_conv_net import lightning_checkpoint, random_net
from SoftCordSegLib.errors import ModelError
from SoftCordSegLib.network import PAPER, UNetConfig
from SoftCordSegLib.network.checkpoint import (
    convert_checkpoint,
    find_checkpoint,
    read_checkpoint,
    tensors_of,
)
from SoftCordSegLib.network.unet import UNet

SHAPE = {"features": (4, 6, 8), "strides": ((1, 1, 1), (2, 2, 2), (1, 2, 2))}
CONFIG = UNetConfig((4, 6, 8), ((1, 1, 1), (2, 2, 2), (1, 2, 2)))
# A tile and a crop that the small network can run.
SMALL = {"tile": (16, 16, 16), "crop": (16, 16, -1), "divisible_by": 8}


class Colour(enum.Enum):
    RED = 1


class Runs:
    """What a malicious file does: call a function when it is read."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def marked(path):
    """Leaves a file behind if it is ever called."""
    pathlib.Path(path).write_text("run", encoding="utf-8")


@pytest.fixture
def net():
    return random_net(**SHAPE)


def save(content, path):
    torch.save(content, path)
    return path


def test_a_checkpoint_of_the_paper_becomes_its_network_bit_by_bit(net, tmp_path):
    converted = convert_checkpoint(
        save(lightning_checkpoint(net), tmp_path / "best_model_loss.ckpt"), **SMALL
    )
    assert converted.plan.network.config == CONFIG
    assert (converted.orientation, converted.plan.padding, converted.plan.activation) == (
        "RPI",
        "edge",
        "normrelu",
    )
    assert converted.facts == {
        "checkpoint": "best_model_loss.ckpt",
        "epoch": 139,
        "global_step": 60000,
        "lightning_version": "2.0.4",
    }
    ours = UNet(CONFIG).eval()
    ours.load_state_dict(converted.states["models/network.safetensors"])
    x = torch.randn(1, 1, 16, 16, 16)
    with torch.inference_mode():
        assert torch.equal(ours(x)[0], net(x)[0])


@pytest.mark.filterwarnings("ignore")
def test_a_checkpoint_of_a_real_lightning_run_is_read(net, tmp_path):
    lightning = pytest.importorskip("lightning.pytorch")

    class Model(lightning.LightningModule):
        def __init__(self, args, optimizer_class, root):
            super().__init__()
            self.save_hyperparameters()
            self.net = net

        def training_step(self, batch, _):
            return self.net(batch)[0].mean()

        def configure_optimizers(self):
            return self.hparams.optimizer_class(self.parameters(), lr=1e-4)

    model = Model(
        argparse.Namespace(lr=1e-3, contrast="all"), torch.optim.Adam, pathlib.Path("data")
    )
    trainer = lightning.Trainer(
        max_steps=1,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(model, torch.utils.data.DataLoader(torch.randn(1, 1, 16, 16, 16), batch_size=1))
    path = find_checkpoint(tmp_path) or pytest.fail("Lightning saved nothing")
    converted = convert_checkpoint(path, **SMALL)
    ours = UNet(CONFIG)
    ours.load_state_dict(converted.states["models/network.safetensors"])
    assert torch.equal(ours.heads[-1].weight, net.decoder.seg_layers[-1].weight)


def test_what_is_not_a_tensor_is_read_as_nothing(net, tmp_path):
    odd = {
        "args": argparse.Namespace(lr=1e-3, root=pathlib.PurePosixPath("/data")),
        "optimizer_class": torch.optim.Adam,
        "partial": functools.partial(max, default=0),
        "number": np.float64(0.25),
        "array": np.arange(3),
        "enum": Colour.RED,
        "dictionary": defaultdict(list, a=[1]),
        "ordered": OrderedDict(a=1),
    }
    path = save({**lightning_checkpoint(net), "hyper_parameters": odd}, tmp_path / "odd.ckpt")
    content = read_checkpoint(path)
    assert type(content["hyper_parameters"]["args"]).__module__ != "argparse"
    assert len(tensors_of(content, "state_dict", path, "net.")) == len(net.state_dict())


@pytest.mark.parametrize("function", [marked, os.mkdir, eval, exec, pathlib.Path.touch])
def test_functions_in_a_checkpoint_are_not_called(net, tmp_path, function):
    trace = tmp_path / "trace"
    argument = f"open({str(trace)!r}, 'w')" if function in (eval, exec) else trace
    path = save(
        {**lightning_checkpoint(net), "evil": Runs(function, argument)}, tmp_path / "evil.ckpt"
    )
    try:
        read_checkpoint(path)
    except ModelError as error:
        assert "never done" in str(error)  # noqa: PT017  (either outcome is safe; what counts is the trace)
    assert not trace.exists()


def test_weights_that_a_function_would_have_to_make_are_refused(net, tmp_path):
    content = lightning_checkpoint(net)
    content["state_dict"]["net.encoder.stages.0.0.convs.0.conv.bias"] = Runs(
        marked, tmp_path / "trace"
    )
    with pytest.raises(ModelError, match="not those of a network"):
        convert_checkpoint(save(content, tmp_path / "evil.ckpt"), **SMALL)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no checkpoint", "cannot be read as a checkpoint"),
        (b"PK\x03\x04 cut short", "cannot be read as a checkpoint"),
        ([1, 2], "does not contain a checkpoint"),
        ({"epoch": 1}, "has no weights"),
        ({"state_dict": {}}, "has no weights"),
        ({"state_dict": {"other.weight": torch.zeros(2)}}, "not those of a network"),
        ({"state_dict": {"net.weight": 3}}, "not those of a network"),
        (
            {
                "state_dict": {
                    "net.encoder.stages.0.0.convs.0.conv.weight": torch.zeros(2, dtype=torch.int64)
                }
            },
            "not those of a network",
        ),
    ],
)
def test_other_files_are_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "other.ckpt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(ModelError, match=sentence):
        convert_checkpoint(path, **SMALL)


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(ModelError, match="no such file"):
        read_checkpoint(tmp_path / "nowhere.ckpt")


def test_a_checkpoint_of_another_release_is_told_by_its_channels(net, tmp_path):
    path = save(lightning_checkpoint(net), tmp_path / "best_model.ckpt")
    with pytest.raises(ModelError, match="up to 8 channels a stage, and this release has 384"):
        convert_checkpoint(path, max_features=384, **SMALL)


def test_half_precision_weights_are_read_as_single_precision(net, tmp_path):
    path = save(lightning_checkpoint(net.half()), tmp_path / "half.ckpt")
    states = convert_checkpoint(path, **SMALL).states["models/network.safetensors"]
    assert all(tensor.dtype == torch.float32 for tensor in states.values())


def test_the_papers_own_shape_needs_no_settings(tmp_path):
    """The real thing has 31 million parameters: only their names and shapes are tried here."""
    assert (PAPER.divisor, PAPER.channels_out) == ((16, 32, 32), 1)
    from SoftCordSegLib.network import CentreCrop, NetworkSpec

    plan = CentreCrop(NetworkSpec(("models/network.safetensors",), PAPER))
    assert (plan.crop, plan.tile, plan.overlap, plan.floor) == (
        (64, 192, -1),
        (64, 192, 320),
        0.5,
        0.1,
    )
    assert CentreCrop.from_json(plan.to_json()) == plan
