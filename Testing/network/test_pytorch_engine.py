"""Networks as functions of one tile, run by PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from SoftCordSegLib.errors import Cancelled, ModelError
from SoftCordSegLib.network.pytorch_engine import pytorch_predict


class Doubles(torch.nn.Module):
    """Two channels: the tile, and twice the tile."""

    def __init__(self, as_list):
        super().__init__()
        self.as_list = as_list

    def forward(self, x):
        y = torch.cat((x, 2 * x), dim=1)
        return [y, y[..., ::2]] if self.as_list else y


def go_on() -> None:
    """Nobody has stopped the run."""


@pytest.mark.parametrize("as_list", [True, False])
def test_a_network_gives_channels_first_whether_it_answers_by_a_list_or_not(as_list):
    tile = np.random.default_rng(0).random((4, 5, 6), np.float32)
    result = pytorch_predict(Doubles(as_list), "cpu", go_on)(tile)
    assert result.dtype == np.float32
    assert np.array_equal(result, np.stack([tile, 2 * tile]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_output_that_is_not_finite_is_an_error_and_not_an_image_without_a_cord(value):
    tile = np.full((4, 4, 4), value, np.float32)
    with pytest.raises(ModelError, match="not finite"):
        pytorch_predict(Doubles(False), "cpu", go_on)(tile)


def test_it_stops_before_a_tile():
    def stop():
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        pytorch_predict(Doubles(False), "cpu", stop)(np.zeros((4, 4, 4), np.float32))
