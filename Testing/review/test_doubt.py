"""The doubt of a mask as it is stored."""

from __future__ import annotations

import json
import math

import pytest

from SoftCordSegLib.review.doubt import DOUBT_VERSION, Doubt


def test_a_doubt_comes_back_from_json_as_it_was():
    doubt = Doubt(
        0.75, "C5, slice 87: area drops by 40 %", 87, (1.0, -2.5, 30.0), {"jump": 4.2}, 1, 0.25
    )

    assert Doubt.from_json(json.loads(json.dumps(doubt.as_json()))) == doubt


def test_what_is_not_known_stays_unknown_and_is_plain_json():
    doubt = Doubt(0.0, features={"level": math.nan})

    text = json.dumps(doubt.as_json(), allow_nan=False)
    again = Doubt.from_json(json.loads(text))

    assert (again.slice, again.position_mm, again.version) == (None, None, DOUBT_VERSION)
    assert math.isnan(again.features["level"])


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "0.5",
        {},
        {"Score": 0.5},
        {"Score": 1.5, "Version": 1},
        {"Score": "much", "Version": 1},
        {"Score": float("nan"), "Version": 1},
        {"Score": 0.5, "Version": 1, "PositionMm": [1, 2]},
        {"Score": 0.5, "Version": 1, "PositionMm": 3},
        {"Score": 0.5, "Version": 1, "Features": [1]},
        {"Score": 0.5, "Version": float("inf")},
    ],
)
def test_anything_else_is_a_value_error(content):
    with pytest.raises(ValueError):
        Doubt.from_json(content)
