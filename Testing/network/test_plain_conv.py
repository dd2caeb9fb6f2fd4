"""The authors' network and ours are one: bit by bit, whatever the shape."""

from __future__ import annotations

import pytest
import torch

from network.plain_conv_net import PlainConvNet, random_net
from SoftCordSegLib.errors import ModelError
from SoftCordSegLib.network.plain_conv import check_fit, config_of, our_name, translated
from SoftCordSegLib.network.unet import PAPER, UNet

SHAPES = {
    "small": {"features": (4, 8, 8), "strides": ((1, 1, 1), (2, 2, 2), (1, 2, 2))},
    "anisotropic": {
        "features": (4, 6, 8),
        "strides": ((1, 1, 1), (1, 2, 2), (2, 2, 2)),
        "kernels": ((1, 3, 3), (3, 3, 3), (3, 3, 3)),
        "classes": 2,
    },
    "uneven": {
        "features": (3, 6, 9, 9),
        "strides": ((1, 1, 1), (2, 2, 2), (2, 1, 2), (1, 1, 2)),
        "kernels": ((3, 3, 3), (3, 1, 3), (5, 3, 3), (3, 3, 3)),
        "encoder": (1, 3, 2, 2),
        "decoder": (2, 1, 3),
        "classes": 3,
        "bias": False,
    },
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_translated_weights_give_the_same_numbers_to_the_last_bit(shape):
    theirs = random_net(**shape)
    state = translated(theirs.state_dict())
    config = config_of(state)
    ours = UNet(config)
    ours.load_state_dict(state)
    x = torch.randn(1, 1, *(2 * n for n in config.divisor))
    with torch.inference_mode():
        deep, one = ours.train()(x), ours.eval()(x)
        expected = theirs(x)
    assert len(deep) == len(expected)
    assert all(torch.equal(a, b) for a, b in zip(deep, expected))
    assert torch.equal(one[0], expected[0])


def test_the_papers_network_is_recognised_from_its_tensors():
    with torch.device("meta"):
        state = {
            our_name(name): tensor
            for name, tensor in PlainConvNet(PAPER.features, PAPER.strides).state_dict().items()
        }
    assert config_of(state) == PAPER


def test_the_wider_network_of_v2_5_is_told_from_it():
    wide = (32, 64, 128, 256, 384, 384)
    with torch.device("meta"):
        state = {
            our_name(name): tensor
            for name, tensor in PlainConvNet(wide, PAPER.strides).state_dict().items()
        }
    assert config_of(state).features == wide


def test_a_parameter_of_another_network_is_named():
    state = {
        **random_net(**SHAPES["small"]).state_dict(),
        "encoder.stages.0.blocks.0.conv1.weight": torch.zeros(1),
    }
    with pytest.raises(ModelError, match=r"blocks\.0\.conv1"):
        translated(state)


def test_copies_that_differ_are_damage():
    state = dict(random_net(**SHAPES["small"]).state_dict())
    state["decoder.encoder.stages.1.0.convs.0.conv.weight"] = (
        state["encoder.stages.1.0.convs.0.conv.weight"] + 1e-3
    )
    with pytest.raises(ModelError, match="corrupt"):
        translated(state)


def test_a_network_that_lacks_a_layer_is_refused():
    state = translated(random_net(**SHAPES["small"]).state_dict())
    with pytest.raises(ModelError, match="complete plain U-Net"):
        config_of(
            {name: tensor for name, tensor in state.items() if not name.startswith("encoder.1.0")}
        )
    config = config_of(state)
    del state["decoder.0.1.norm.bias"]
    with pytest.raises(ModelError, match=r"'decoder\.0\.1\.norm\.bias' is missing"):
        check_fit(state, config)
