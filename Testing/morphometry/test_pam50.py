"""Measures on the slices of the PAM50 template, as SCT interpolates them."""

from __future__ import annotations

import numpy as np
import pytest

from morphometry.cords import cylinder
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import (
    DiscLabel,
    MeasureOptions,
    add_levels,
    add_levels_from_image,
    aggregate,
    measure,
    pam50_slices,
    to_pam50,
)
from SoftCordSegLib.volume import read_nifti


@pytest.mark.parametrize(
    ("labels", "area"),
    [("t2_labels-disc", 71.16703270056989), ("t2_seg-manual_labeled", 71.96880493869594)],
)
def test_area_on_a_slice_of_pam50_is_scts(shared_data, labels, area):
    folder = shared_data / "images" / "sct-testing"
    mask = read_nifti(folder / "t2_seg-manual.nii.gz")
    normalised = to_pam50(
        add_levels_from_image(measure(mask), read_nifti(folder / f"{labels}.nii.gz"), mask)
    )
    found = normalised.at_slice(827)
    assert found.area == pytest.approx(area, rel=1e-6)
    assert found.level == 5
    assert np.isnan(found.length)


def test_slices_of_levels_are_the_templates(shared_data):
    labels = np.asarray(
        read_nifti(shared_data / "template" / "PAM50_levels.nii.gz").data, dtype=float
    )
    counts = (labels > 0).sum(axis=(0, 1))
    own = np.round(labels.sum(axis=(0, 1)) / np.maximum(counts, 1)).astype(int)
    for level in range(1, 21):
        assert pam50_slices(level).tolist() == np.flatnonzero(own == level).tolist()
    assert len(pam50_slices(21)) == len(pam50_slices(0)) == 0


def test_whole_levels_fill_the_template_and_keep_their_values():
    cord = cylinder(shape=(30, 30, 70))
    discs = [
        DiscLabel(value, tuple(cord.grid.to_world([15, 25, 65 - 15 * number])))
        for number, value in enumerate((3, 4, 5, 6))
    ]
    shape = add_levels(measure(cord, MeasureOptions(angle_correction=False)), discs, cord)
    normalised = to_pam50(shape)
    for level in (3, 4, 5):
        assert normalised.columns["area"][pam50_slices(level)] == pytest.approx(
            shape.columns["area"][0], rel=1e-6
        )
    rows = aggregate(normalised, levels=[3, 4], per_level=True)
    assert [row.count for row in rows] == [37, 37]


def test_pam50_needs_levels():
    with pytest.raises(InputError, match="needs vertebral levels"):
        to_pam50(measure(cylinder(shape=(30, 30, 10))))
