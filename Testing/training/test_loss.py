"""The adaptive wing loss and its supervision at every level."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from SoftCordSegLib.network import activations
from SoftCordSegLib.training.loss import (
    SOFT,
    adaptive_wing,
    clipped,
    deep_supervision_weights,
    deeply_supervised,
    dice,
    dice_and_cross_entropy,
    disagreement,
    soft_dice,
    squared_and_area_error,
    squared_error,
)


def reference(output: float, label: float) -> float:
    """One voxel of equation 2 of the paper with the exponent of the authors' code, in plain
    Python.
    """
    theta, alpha, omega, epsilon = 0.5, 2.1, 8.0, 1.0
    power, difference = alpha - label, abs(label - output)
    if difference < theta:
        return omega * math.log(1 + (difference / epsilon) ** power)
    slope = (
        omega
        * (1 / (1 + (theta / epsilon) ** power))
        * power
        * (theta / epsilon) ** (power - 1)
        / epsilon
    )
    offset = theta * slope - omega * math.log(1 + (theta / epsilon) ** power)
    return slope * difference - offset


@pytest.mark.parametrize("label", [0.0, 0.3, 0.75, 1.0])
@pytest.mark.parametrize("output", [-0.4, 0.0, 0.2, 0.5, 0.9, 1.0, 1.8])
def test_each_voxel_follows_the_papers_equation(output, label):
    loss = adaptive_wing(
        torch.tensor([output], dtype=torch.float64),
        torch.tensor([label], dtype=torch.float64),
        torch.ones(1),
    )
    assert loss.item() == pytest.approx(reference(output, label), abs=1e-9)


@pytest.mark.parametrize("label", [0.0, 0.4, 1.0])
def test_the_two_branches_meet_in_value_and_slope(label):
    for sign in (-1, 1):
        values, slopes = [], []
        for step in (-1e-6, 1e-6):
            output = torch.tensor(
                [label + sign * (0.5 + step)], dtype=torch.float64, requires_grad=True
            )
            loss = adaptive_wing(output, torch.tensor([label], dtype=torch.float64), torch.ones(1))
            loss.backward()
            values.append(loss.item())
            slopes.append(output.grad.item())
        assert values[0] == pytest.approx(values[1], abs=1e-4)
        assert slopes[0] == pytest.approx(slopes[1], abs=1e-3)


def test_a_perfect_answer_costs_nothing_and_its_gradient_is_finite():
    label = torch.linspace(0, 1, 11, dtype=torch.float64)
    output = label.clone().requires_grad_()
    loss = adaptive_wing(output, label, torch.ones(11))
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(output.grad).all()


def test_voxels_without_weight_do_not_count():
    output, label = torch.tensor([0.0, 5.0]), torch.tensor([0.0, 0.0])
    assert adaptive_wing(output, label, torch.tensor([1.0, 0.0])).item() == 0


def test_deep_supervision_halves_at_each_level():
    assert deep_supervision_weights(5) == [0.2, 0.1, 0.05, 0.025, 0.0125]


def test_deep_supervision_is_the_weighted_sum_over_levels():
    torch.manual_seed(0)
    label, weight = torch.rand(1, 1, 8, 8, 8), torch.ones(1, 1, 8, 8, 8)
    outputs = [torch.rand(1, 1, 8, 8, 8), torch.rand(1, 1, 4, 4, 4)]
    small = torch.nn.functional.avg_pool3d(label, 2)  # what trilinear halving is
    expected = 0.5 * adaptive_wing(outputs[0], label, weight) + 0.25 * adaptive_wing(
        outputs[1], small, torch.ones(1, 1, 4, 4, 4)
    )
    assert deeply_supervised("adaptive_wing", outputs, label, weight).item() == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_soft_dice_of_known_values():
    label = torch.tensor([1.0, 0.5, 0.0, 1.0])
    counts = torch.tensor([True, True, True, False])
    assert soft_dice(label, label, counts) == pytest.approx(1)
    assert soft_dice(torch.tensor([1.0, 0.0, 0.0, 0.0]), label, counts) == pytest.approx(
        2 * 1 / (1 + 1.25)
    )
    assert soft_dice(torch.zeros(4), torch.zeros(4), counts) == 1


def test_dice_and_cross_entropy_rewards_finding_a_small_thing():
    label, weight = torch.zeros(1, 1, 10, 10, 10), torch.ones(1, 1, 10, 10, 10)
    label[..., 4:6, 4:6, 2:8] = 1
    found, silent = (2 * label - 1) * 8, torch.full_like(label, -8.0)
    assert dice_and_cross_entropy(found, label, weight) < 0.01
    assert dice_and_cross_entropy(silent, label, weight) > 0.5
    assert dice_and_cross_entropy(silent, torch.zeros_like(label), weight) < 0.05, (
        "silence is right where there is nothing"
    )


def test_dice_and_cross_entropy_leaves_out_voxels_without_weight():
    label, weight = torch.zeros(1, 1, 4, 4, 4), torch.ones(1, 1, 4, 4, 4)
    output = torch.full_like(label, -20.0)
    output[..., 0] = 20.0
    weight[..., 0] = 0
    assert dice_and_cross_entropy(output, label, weight) < 1e-3


@pytest.mark.parametrize("exponent", ["wang", "printed"])
@pytest.mark.parametrize(("omega", "epsilon"), [(8.0, 1.0), (12.0, 0.5), (14.0, 1.0)])
def test_parameters_and_the_printed_exponent_follow_the_equation(exponent, omega, epsilon):
    """Equation 2 of the paper; the published one prints alpha where Wang et al. and the code have
    alpha - y.
    """
    for label, output in ((0.3, 0.1), (1.0, 0.9), (0.6, 1.7), (0.0, -0.8)):
        power = 2.1 - (label if exponent == "wang" else 0.0)
        difference, ratio = abs(label - output), 0.5 / epsilon
        slope = omega * (1 / (1 + ratio**power)) * power * ratio ** (power - 1) / epsilon
        curved = omega * math.log(1 + (difference / epsilon) ** power)
        expected = (
            curved
            if difference < 0.5
            else slope * difference - (0.5 * slope - omega * math.log(1 + ratio**power))
        )
        pair = (torch.tensor([x], dtype=torch.float64) for x in (output, label))
        loss = adaptive_wing(*pair, torch.ones(1), omega=omega, epsilon=epsilon, exponent=exponent)
        assert loss.item() == pytest.approx(expected, abs=1e-9)


def test_a_sum_is_the_mean_times_the_voxels_that_count():
    torch.manual_seed(0)
    output, label = torch.rand(2, 1, 3, 3, 3), torch.rand(2, 1, 3, 3, 3)
    weight = (torch.rand(2, 1, 3, 3, 3) > 0.4).float()
    total = adaptive_wing(output, label, weight, reduction="sum")
    assert total.item() == pytest.approx(
        adaptive_wing(output, label, weight).item() * weight.sum().item(), rel=1e-5
    )


def test_dice_loss_by_hand():
    """NormReLU of (-1, 2, 4, 1) is (0, 0.5, 1, 0.25); the last voxel does not count."""
    output = torch.tensor([-1.0, 2.0, 4.0, 1.0]).reshape(1, 1, 4, 1, 1)
    label, weight = (
        torch.tensor(x).reshape(1, 1, 4, 1, 1) for x in ([0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0])
    )
    assert dice(output, label, weight).item() == pytest.approx(-(2 * 1.5 + 1) / (1.5 + 2 + 1))
    assert dice(-output.abs(), torch.zeros_like(label), weight).item() == -1, (
        "silence is right where there is nothing"
    )


def test_soft_dice_of_the_authors_code_has_plain_sums_below():
    label, counts = torch.tensor([1.0, 0.5, 0.0]), torch.ones(3)
    assert soft_dice(label, label, counts, "plain") == pytest.approx(2 * 1.25 / 3)


def test_normrelu_is_the_one_of_inference():
    values = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    np.testing.assert_allclose(
        SOFT["normrelu"](torch.from_numpy(values)).numpy(), activations.normrelu(values), atol=1e-6
    )
    assert SOFT["normrelu"](torch.full((3,), -1.0)).tolist() == [0, 0, 0]


def test_supervision_of_a_sum_leaves_less_to_coarse_levels():
    """The authors' way: half the size is an eighth of the voxels, and half the weight."""
    label, weight = torch.zeros(1, 1, 8, 8, 8), torch.ones(1, 1, 8, 8, 8)
    outputs = [torch.zeros_like(label), torch.full((1, 1, 4, 4, 4), 0.4)]
    one = adaptive_wing(torch.tensor([0.4]), torch.tensor([0.0]), torch.ones(1)).item()
    assert deeply_supervised(
        "adaptive_wing", outputs, label, weight, {"reduction": "sum"}
    ).item() == pytest.approx(16 * one)
    assert deeply_supervised("adaptive_wing", outputs, label, weight).item() == pytest.approx(
        0.25 * one
    )


def test_squared_error_answers_with_the_mean_where_the_edge_is_uncertain():
    answers = torch.linspace(0, 1, 101)
    labels = torch.tensor([0.0, 0.0, 0.0, 1.0])

    def best(loss) -> float:
        losses = [loss(answer.expand(4), labels, torch.ones(4)) for answer in answers]
        return float(answers[int(torch.stack(losses).argmin())])

    assert best(squared_error) == pytest.approx(0.25)
    assert best(adaptive_wing) < 0.2, "it leans to the side that is the more probable"


def test_squared_error_does_not_see_voxels_without_weight():
    output, label = torch.tensor([0.5, 9.0]), torch.tensor([0.0, 0.0])
    assert float(squared_error(output, label, torch.tensor([1.0, 0.0]))) == pytest.approx(0.25)


def a_cord() -> torch.Tensor:
    """Two slices of a square cord of 6 × 6 voxels with a rim of 0.5, (1, 1, 12, 12, 2)."""
    label = torch.zeros(1, 1, 12, 12, 2)
    label[..., 2:10, 2:10, :] = 0.5
    label[..., 3:9, 3:9, :] = 1.0
    return label


def test_areas_tell_an_edge_that_is_off_all_around_from_one_that_is_noisy():
    label = a_cord()
    rim = label == 0.5
    checks = (torch.arange(12)[:, None] + torch.arange(12)[None]) % 2 * 2.0 - 1
    outward, noisy = label + 0.1 * rim, label + 0.1 * rim * checks[None, None, :, :, None]
    every = torch.ones_like(label)

    assert squared_error(outward, label, every) == pytest.approx(
        float(squared_error(noisy, label, every))
    )
    assert squared_and_area_error(noisy, label, every) == pytest.approx(
        float(squared_error(noisy, label, every))
    )
    # 2.8 of 50 voxels more, by the smooth L1 loss with its corner at 5 %.
    more = 0.1 * 28 / (36 + 0.5 * 28)
    extra = squared_and_area_error(outward, label, every, area=1.0) - squared_error(
        outward, label, every
    )
    assert float(extra) == pytest.approx(more - 0.05 / 2, abs=1e-5)


def test_an_area_is_not_made_up_for_below_0_or_where_nothing_is_known():
    label = a_cord()
    every, known = torch.ones_like(label), torch.ones_like(label)
    known[..., :2, :] = 0
    below = label + 0.1 * (label == 0.5) - 0.1 * (label == 0)

    def area_error(output: torch.Tensor, weight: torch.Tensor) -> float:
        return float(
            squared_and_area_error(output, label, weight, area=1.0)
            - squared_error(output, label, weight)
        )

    assert area_error(below, every) == pytest.approx(
        area_error(label + 0.1 * (label == 0.5), every)
    )
    assert area_error(label + 9 * (1 - known), known) == pytest.approx(0)


def test_a_blunt_outline_of_the_right_area_has_the_right_area():
    """The program brings masks to the area that outputs add up to, however blunt they are."""
    i, j = torch.meshgrid(*[torch.arange(32) - 15.5] * 2, indexing="ij")
    disc = (5.5 - torch.hypot(i, j)).clamp(0, 1)
    weights = torch.exp(-0.5 * (torch.arange(-6, 7) / 1.2) ** 2)
    kernel = (weights / weights.sum()).view(1, 1, 13, 1)
    blunt = torch.nn.functional.conv2d(disc[None, None], kernel, padding=(6, 0))
    blunt = torch.nn.functional.conv2d(blunt, kernel.transpose(2, 3), padding=(0, 6))
    label, output = (one.reshape(1, 1, 32, 32, 1) for one in (disc, blunt))
    every = torch.ones_like(label)

    def area_error(output: torch.Tensor) -> float:
        both = float(squared_and_area_error(output, label, every, area=1.0, large=1.0))
        return (2 * (both - float(squared_error(output, label, every)))) ** 0.5

    assert area_error(output) == pytest.approx(0, abs=1e-3)
    assert area_error(0.9 * output) == pytest.approx(0.1, abs=1e-3)


def test_twins_of_other_areas_disagree_by_more_than_their_voxels():
    wide, narrow = torch.full((1, 1, 8, 8, 4), 0.3), torch.full((1, 1, 8, 8, 4), 0.2)
    soft, twins = torch.cat([wide, narrow]), torch.tensor([[0, 1]])
    voxels, both = (
        float(disagreement(soft, torch.ones_like(soft), twins, areas=areas, large=1.0))
        for areas in (0.0, 1.0)
    )
    assert voxels == pytest.approx(0.1**2)
    # Areas of 19.2 and 12.8 voxels, against the least area that counts, 20.
    assert both - voxels == pytest.approx(0.5 * (6.4 / 20) ** 2)


def test_what_the_program_drops_has_no_part_in_an_area():
    label = a_cord()
    every = torch.ones_like(label)

    def area_error(output: torch.Tensor, faint: float) -> float:
        return float(
            squared_and_area_error(output, label, every, area=1.0, faint=faint)
            - squared_error(output, label, every)
        )

    hazy = label + 0.06 * (label == 0)
    assert area_error(hazy, faint=0.0) > 0.01
    assert area_error(hazy, faint=0.1) == pytest.approx(0)
    # What is kept counts whole, not only what is above the limit.
    assert area_error(label + 0.1 * (label == 0.5), faint=0.1) == pytest.approx(
        area_error(label + 0.1 * (label == 0.5), faint=0.0)
    )


def test_clipped_outputs_have_an_error_only_where_the_mask_has_and_a_way_back():
    output = torch.tensor([-0.5, 1.4, -0.5, 1.4, 0.3], requires_grad=True)
    label = torch.tensor([0.0, 1.0, 1.0, 0.2, 0.5])

    loss = ((clipped(output) - label) ** 2).sum()
    loss.backward()

    assert loss.item() == pytest.approx(1.0 + 0.8**2 + 0.2**2)
    assert output.grad.tolist() == pytest.approx([0.0, 0.0, -2.0, 1.6, -0.4])
