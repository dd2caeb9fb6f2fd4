"""The paper's network, held to what is known of it, so that its checkpoints load by renaming
keys.
"""

from __future__ import annotations

import math

import pytest
import torch

from SoftCordSegLib.network.unet import COMPACT, PAPER, UNet, UNetConfig

FEATURES = (32, 64, 128, 256, 320, 320)
STRIDES = ((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2))


def block(prefix: str, channels_in: int, channels_out: int) -> dict[str, tuple]:
    """Names and shapes of one convolution with its norm."""
    return {
        f"{prefix}.conv.weight": (channels_out, channels_in, 3, 3, 3),
        f"{prefix}.conv.bias": (channels_out,),
        f"{prefix}.norm.weight": (channels_out,),
        f"{prefix}.norm.bias": (channels_out,),
    }


def expected_parameters() -> dict[str, tuple]:
    """Names and shapes written out from the paper's description, not from our classes."""
    expected: dict[str, tuple] = {}
    before = 1
    for stage, width in enumerate(FEATURES):
        expected |= block(f"encoder.{stage}.0", before, width) | block(
            f"encoder.{stage}.1", width, width
        )
        before = width
    for level in range(5):
        below, skip, stride = FEATURES[5 - level], FEATURES[4 - level], STRIDES[5 - level]
        expected[f"upsample.{level}.weight"] = (below, skip, *stride)
        expected[f"upsample.{level}.bias"] = (skip,)
        expected |= block(f"decoder.{level}.0", 2 * skip, skip) | block(
            f"decoder.{level}.1", skip, skip
        )
        expected[f"heads.{level}.weight"] = (1, skip, 1, 1, 1)
        expected[f"heads.{level}.bias"] = (1,)
    return expected


def below(config: UNetConfig, level: int) -> tuple[int, ...]:
    """How many voxels of the input one of ``level`` spans, along each axis."""
    return tuple(
        math.prod(stride[axis] for stride in config.strides[: level + 1]) for axis in range(3)
    )


@pytest.fixture(scope="module")
def paper_network() -> UNet:
    return UNet(PAPER)


def test_the_papers_network_has_30785189_parameters(paper_network):
    assert sum(p.numel() for p in paper_network.parameters()) == 30_785_189


def test_the_papers_parameters_have_the_expected_names_and_shapes(paper_network):
    assert {
        name: tuple(p.shape) for name, p in paper_network.named_parameters()
    } == expected_parameters()
    assert set(paper_network.state_dict()) == set(expected_parameters()), (
        "there are no buffers to map"
    )


def test_strides_of_the_papers_network(paper_network):
    strides = tuple(tuple(stage[0].conv.stride) for stage in paper_network.encoder)
    assert strides == STRIDES
    assert PAPER.divisor == (16, 32, 32)


def test_initial_weights_are_he_normal_with_zero_bias(paper_network):
    conv = paper_network.encoder[3][1].conv
    gain = (2 / (1 + 0.01**2)) ** 0.5
    assert conv.weight.std().item() == pytest.approx(gain / (256 * 27) ** 0.5, rel=0.01)
    assert all(
        not p.any() for name, p in paper_network.named_parameters() if name.endswith("conv.bias")
    )


@pytest.mark.parametrize("config", [COMPACT, UNetConfig((4, 8), ((1, 1, 1), (1, 2, 2)))])
def test_training_gives_one_output_a_level_and_evaluation_the_first_of_them(config):
    torch.manual_seed(0)
    network = UNet(config)
    x = torch.randn(1, 1, *[2 * n for n in config.divisor])
    with torch.no_grad():
        deep = network.train()(x)
        single = network.eval()(x)
    levels = len(config.features) - 1
    sizes = [
        tuple(2 * n // s for n, s in zip(config.divisor, below(config, level)))
        for level in range(levels)
    ]
    assert [tuple(y.shape[2:]) for y in deep] == sizes
    assert len(single) == 1
    torch.testing.assert_close(single[0], deep[0])


def test_outputs_do_not_change_with_the_brightness_or_contrast_of_the_image():
    """Away from the zero padding, an affine change of the input is taken out by the first norm."""
    torch.manual_seed(0)
    network = UNet(COMPACT).eval()
    x = torch.randn(1, 1, 32, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(network(7 * x)[0], network(x)[0], rtol=1e-3, atol=1e-3)


def test_a_network_of_one_stage_is_refused():
    with pytest.raises(ValueError, match="at least two stages"):
        UNetConfig((8,), ((1, 1, 1),))


def test_the_layout_in_memory_changes_neither_outputs_nor_gradients():
    torch.manual_seed(2)
    network = UNet(UNetConfig((4, 8), ((1, 1, 1), (2, 2, 2)))).train()
    image = torch.randn(3, 1, 8, 12, 16)
    found = {}
    for layout in (torch.contiguous_format, torch.channels_last_3d):
        network.zero_grad()
        network.to(memory_format=layout)
        output = network(image.contiguous(memory_format=layout))[0]
        (output**2).mean().backward()
        gradients = [one.grad.clone() for one in network.parameters()]
        found[layout] = [output.detach(), *gradients]

    for plain, last in zip(*found.values()):
        assert torch.allclose(plain, last, atol=1e-5, rtol=1e-4)
