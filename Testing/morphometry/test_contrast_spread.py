"""The spread of the area over several images of one participant."""

from __future__ import annotations

import math

import numpy as np
import pytest

from morphometry.cords import shape_with_areas
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import (
    aggregate,
    contrasts_csv_text,
    spread_over_contrasts,
)


def rows(areas, levels=(2, 2, 3, 3)):
    return aggregate(shape_with_areas(areas, levels), per_level=True)


def test_spread_over_contrasts_is_the_sample_sd():
    spreads = spread_over_contrasts(
        {
            "T1w": rows([70, 72, 80, 82]),
            "T2w": rows([74, 74, 81, 81]),
            "T2star": rows([78, 80, 81, 81]),
        }
    )
    assert [spread.name for spread in spreads] == ["C2", "C3"]
    assert spreads[0].values == {"T1w": 71.0, "T2w": 74.0, "T2star": 79.0}
    assert spreads[0].mean == pytest.approx(74.667, abs=1e-3)
    assert spreads[0].sd == pytest.approx(np.std([71, 74, 79], ddof=1))
    assert spreads[1].sd == 0.0
    assert spreads[0].cv_percent == pytest.approx(
        100 * np.std([71, 74, 79], ddof=1) / np.mean([71, 74, 79])
    )


def test_a_level_that_one_image_lacks_is_missing_not_zero():
    spreads = spread_over_contrasts({"T1w": rows([70, 72, 80, 82]), "T2w": rows([74, 74], (2, 2))})
    assert math.isnan(spreads[1].values["T2w"])
    assert math.isnan(spreads[1].sd)
    lines = contrasts_csv_text(spreads, "sub-01").splitlines()
    columns = ["Subject", "VertLevel", "LevelName", "area(T1w)", "area(T2w)", "Mean", "SD"]
    assert lines[0] == ",".join(f'"{name}"' for name in [*columns, "CV(%)", "notes"])
    assert lines[2] == '"sub-01","3","C3",81.0,"",81.0,"","",""'


def test_rows_without_levels_cannot_be_compared():
    with pytest.raises(InputError, match="'T1w' have no vertebral levels"):
        spread_over_contrasts({"T1w": aggregate(shape_with_areas([70.0, 71.0]))})
    with pytest.raises(InputError, match="more than one row for C2"):
        spread_over_contrasts(
            {"T1w": aggregate(shape_with_areas([70.0, 71.0], [2, 2]), levels=[2], per_slice=True)}
        )


def test_levels_are_laid_out_from_above_to_below():
    spreads = spread_over_contrasts(
        {"T2star": rows([80, 80], (3, 3)), "T1w": rows([70, 72, 80, 82])}
    )
    assert [spread.name for spread in spreads] == ["C2", "C3"]


def test_rows_without_a_distance_cannot_be_compared_by_it():
    with pytest.raises(InputError, match="no distance"):
        spread_over_contrasts({"a": aggregate(shape_with_areas([70.0]))}, by="pmj")
