"""What the locator found, in a sidecar and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from SoftCordSegLib.segmentation import LocatedCord


def a_cord() -> LocatedCord:
    mask = np.random.default_rng(0).random((20, 30, 40)) > 0.7
    mask[:5] = mask[:, 25:] = False
    return LocatedCord(mask)


def test_it_comes_back_as_it_was():
    cord = a_cord()
    content = json.loads(json.dumps(cord.as_json()))
    back = LocatedCord.from_json(content)
    assert np.array_equal(back.mask, cord.mask)
    assert (cord.known, back.known, back.as_json()["KnownFromEarlierRun"]) == (False, True, True)


@pytest.mark.parametrize(
    "change",
    [
        {"Grid": [20, 30]},
        {"Grid": [20, 30, 39]},
        {"Grid": [10**6, 10**6, 10**6]},
        {"Start": [-1, 0, 0]},
        {"Size": [0, 25, 40]},
        {"Size": [15, 25, 39]},
        {"Size": "large"},
        {"Voxels": "not base 64"},
        {"Voxels": "AAAA"},
        {"Voxels": 7},
        {"Voxels": None},
    ],
)
def test_anything_else_is_nothing(change):
    assert LocatedCord.from_json({**a_cord().as_json(), **change}) is None
    assert LocatedCord.from_json([change]) is None
    assert LocatedCord.from_json({}) is None
