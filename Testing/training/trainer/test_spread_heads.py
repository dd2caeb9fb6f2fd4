"""A network whose soft values were spread goes on being trained as it is, or as it was before."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from SoftCordSegLib.network.store import open_bundle
from SoftCordSegLib.network.unet import UNet, UNetConfig
from SoftCordSegLib.training.batch import Batch
from SoftCordSegLib.training.trainer.first_weights import Start, first_weights
from SoftCordSegLib.training.trainer.learner import Learner
from SoftCordSegLib.training.trainer.spread_heads import edge_of, spread_heads
from SoftCordSegLib.training.trainer.trainer_plan import TrainerPlan
from training.trainer.bright_tubes import BrightTubes, plan


@pytest.fixture(scope="module")
def spread():
    """Weights whose outputs lie on both sides of 0 and 1."""
    torch.manual_seed(3)
    return spread_heads(UNet(plan().network).state_dict(), 0.01, 0.03)


def own_answers(weights: dict[str, torch.Tensor]) -> Batch:
    """Images, labelled as the network does."""
    batch = BrightTubes().batch(1, 0, 2)
    network = UNet(plan().network)
    network.load_state_dict(weights)
    output = network.eval()(batch.image)[0].detach()
    assert float((output < 0).float().mean()) > 0.05
    assert float((output > 1).float().mean()) > 0.05
    return replace(batch, label=output.clamp(0, 1), weight=torch.ones_like(output))


def test_clipped_it_stays_where_its_masks_are_right(spread):
    batch, losses, steepest = own_answers(spread), {}, {}
    for clipped in (True, False):
        with_loss = replace(plan(), loss="squared_error", loss_options={}, clipped=clipped)
        learner = Learner(with_loss, spread)
        learner.network.eval()  # the output of full resolution, whose label is known
        loss = learner.loss(batch)
        loss.backward()
        losses[clipped] = loss.item()
        steepest[clipped] = max(float(one.grad.abs().max()) for one in learner.network.parameters())

    # Not 0: sums in another order differ in the last digits.
    assert losses[True] < 1e-6 * losses[False]
    assert steepest[True] < 1e-3 * steepest[False]


def test_a_training_begins_with_a_bundle_as_it_was_trained_or_as_it_is():
    bundle = open_bundle("compact")
    stage = bundle.segmenter
    low, high = edge_of(bundle)
    assert stage.edge == pytest.approx((low, high))
    plan = TrainerPlan(network=UNetConfig(stage.features, stage.strides))
    image = torch.randn(1, 1, 32, 32, 32, generator=torch.Generator().manual_seed(1))

    def output(clipped: bool) -> torch.Tensor:
        network = UNet(plan.network)
        weights, _ = first_weights(replace(plan, clipped=clipped), Start(bundle="compact"))
        network.load_state_dict(weights)
        with torch.no_grad():
            return network.eval()(image)[0]

    faint, spread = output(False), output(True)
    assert torch.allclose((faint - low) / (high - low), spread, atol=1e-4)
    with torch.no_grad():
        assert torch.allclose(bundle.network(stage).eval()(image)[0], spread, atol=1e-5)
