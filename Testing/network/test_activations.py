"""Raw outputs to soft values, over a whole volume."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from SoftCordSegLib.network.activations import ACTIVATIONS, clip, normrelu, sigmoid


def test_negative_outputs_become_0_and_the_highest_1():
    assert np.allclose(normrelu(np.array([-3.0, 0.0, 0.5, 2.0])), [0, 0, 0.25, 1])


def test_nothing_positive_stays_nothing():
    assert not normrelu(np.full((2, 3, 4), -1.0)).any()


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_values_stay_in_0_to_1_and_scale_does_not_matter(seed, scale):
    raw = np.random.default_rng(seed).normal(0.2, 1, (4, 5, 6)).astype(np.float32)
    soft = normrelu(raw)
    assert soft.dtype == np.float32
    assert soft.min() >= 0
    assert soft.max() == 1
    assert np.allclose(normrelu(raw * np.float32(scale)), soft, atol=1e-5)


def test_tiles_scaled_one_by_one_would_not_give_the_same():
    raw = np.array([0.2, 0.4, 1.0, 2.0])
    assert not np.allclose(np.concatenate([normrelu(raw[:2]), normrelu(raw[2:])]), normrelu(raw))


def test_clip_keeps_what_is_in_0_to_1():
    assert np.allclose(clip(np.array([-1.0, 0.3, 1.4])), [0, 0.3, 1])


def test_sigmoid_is_the_logistic_function_even_far_out():
    assert np.allclose(sigmoid(np.array([-1000.0, 0.0, np.log(3.0), 1000.0])), [0, 0.5, 0.75, 1])


def test_every_activation_gives_float32():
    assert all(
        activation(np.array([0.5])).dtype == np.float32 for activation in ACTIVATIONS.values()
    )
