"""A wider network begins with the outputs of the narrow one."""

from __future__ import annotations

import pytest
import torch

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.network.store import open_bundle
from SoftCordSegLib.network.unet import UNet
from SoftCordSegLib.network.unet_config import COMPACT, UNetConfig
from SoftCordSegLib.training.trainer.first_weights import Start, first_weights
from SoftCordSegLib.training.trainer.trainer_plan import TrainerPlan
from SoftCordSegLib.training.trainer.widening import widened

THREE = ((1, 1, 1), (2, 2, 2), (1, 2, 2))


def random_network(config: UNetConfig) -> UNet:
    """With norms and biases that a training could have made, too."""
    torch.manual_seed(3)
    network = UNet(config)
    with torch.no_grad():
        for value in network.parameters():
            if value.ndim == 1:
                value.add_(0.5 * torch.randn_like(value))
    return network


def outputs(
    config: UNetConfig, weights: dict[str, torch.Tensor], image: torch.Tensor
) -> list[torch.Tensor]:
    network = UNet(config)
    network.load_state_dict(weights)
    with torch.no_grad():
        return network.train()(image)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (UNetConfig((3, 5, 7), THREE), UNetConfig((4, 11, 7), THREE)),
        (UNetConfig((3, 5, 7), THREE), UNetConfig((10, 16, 30), THREE)),
        (
            UNetConfig((3, 4), THREE[:2], convolutions=(1, 3), bias=False),
            UNetConfig((5, 6), THREE[:2], (1, 3), bias=False),
        ),
        (COMPACT, UNetConfig((16, 32, 64, 128, 128), COMPACT.strides)),
    ],
)
def test_a_wider_network_gives_the_same_outputs_at_every_level(narrow, wide):
    image = torch.randn(
        2, 1, *(2 * n for n in narrow.divisor), generator=torch.Generator().manual_seed(1)
    )
    weights = random_network(narrow).state_dict()

    grown = widened(weights, narrow, wide, noise=0.0)

    before, after = outputs(narrow, weights, image), outputs(wide, grown, image)
    assert len(before) == len(after)
    for one, other in zip(before, after):
        assert float((one - other).abs().max()) < 1e-4 * max(1.0, float(one.abs().max()))


def test_noise_is_small_seeded_and_tells_copies_apart():
    narrow, wide = UNetConfig((3, 5), THREE[:2]), UNetConfig((6, 10), THREE[:2])
    image = torch.randn(1, 1, 8, 8, 8, generator=torch.Generator().manual_seed(1))
    weights = random_network(narrow).state_dict()

    grown = widened(weights, narrow, wide, noise=0.02, seed=5)

    first = grown["encoder.1.0.conv.weight"]
    assert not torch.allclose(first[:5], first[5:], atol=1e-6)
    assert torch.equal(
        first, widened(weights, narrow, wide, noise=0.02, seed=5)["encoder.1.0.conv.weight"]
    )
    before, after = outputs(narrow, weights, image)[0], outputs(wide, grown, image)[0]
    assert 0 < float((before - after).abs().mean()) < 0.2 * float(before.std())


@pytest.mark.parametrize(
    "wide",
    [UNetConfig((2, 8), THREE[:2]), UNetConfig((4, 8, 8), THREE), UNetConfig((4, 8), THREE[:2], 3)],
)
def test_what_is_not_wider_is_refused(wide):
    narrow = UNetConfig((3, 5), THREE[:2])

    with pytest.raises(InputError, match="cannot begin with"):
        widened(UNet(narrow).state_dict(), narrow, wide)


def test_a_wide_training_begins_with_the_shipped_bundle():
    stage = open_bundle("compact").segmenter
    shipped = UNetConfig(stage.features, stage.strides)
    wide = UNetConfig(tuple(n + 8 for n in stage.features), stage.strides)
    image = torch.randn(1, 1, 32, 32, 32, generator=torch.Generator().manual_seed(1))

    same, origin = first_weights(TrainerPlan(network=shipped), Start(bundle="compact"))
    grown, grown_origin = first_weights(
        TrainerPlan(network=wide), Start(bundle="compact", noise=0.0)
    )

    assert origin["bundle"].startswith("SoftCordSeg compact")
    assert grown_origin["widened_from"] == list(stage.features)
    one, other = outputs(shipped, same, image)[0], outputs(wide, grown, image)[0]
    assert float((one - other).abs().max()) < 1e-4 * max(1.0, float(one.abs().max()))


def test_nothing_to_begin_with_is_random_by_the_seed():
    one, other, third = (
        first_weights(TrainerPlan(seed=seed), Start())[0]["heads.0.weight"] for seed in (1, 1, 2)
    )

    assert torch.equal(one, other)
    assert not torch.equal(one, third)


def test_a_start_is_one_thing():
    with pytest.raises(InputError, match="Give one of these"):
        Start.from_json({"bundle": "compact", "run": "folder"})
