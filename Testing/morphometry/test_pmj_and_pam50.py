"""Distance from the pontomedullary junction and normalisation to PAM50 give SCT's own numbers."""

from __future__ import annotations

import numpy as np
import pytest

from morphometry.cords import cylinder
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import (
    DiscLabel,
    MeasureOptions,
    add_distance_pmj,
    add_levels,
    add_levels_from_image,
    aggregate,
    csv_text,
    measure,
    pam50_slices,
    slices_at_pmj_distance,
    to_pam50,
)
from SoftCordSegLib.volume import Volume, read_nifti, reorient


@pytest.fixture
def a_cube() -> Volume:
    """SCT's: 32³ at 1 mm, cord from 9 to 23 in all directions."""
    data = np.zeros((32, 32, 32), np.uint8)
    data[9:24, 9:24, 9:24] = 1
    return Volume(data, np.eye(4))


@pytest.mark.parametrize("letters", ["RAS", "LAS", "PSR"])
def test_slices_at_a_distance_are_scts(a_cube, letters):
    mask = reorient(a_cube, letters)
    shape = add_distance_pmj(measure(mask), mask, (15, 15, 28))
    chosen = slices_at_pmj_distance(shape, 8, 4)
    assert chosen == [18, 19, 20, 21]
    row = aggregate(shape, slices=chosen)[0]
    assert row.sum["length"] == pytest.approx(4.0)
    assert shape.at_slice(10).distance_pmj == pytest.approx(18.11, abs=0.005)
    assert row.distance_pmj == pytest.approx(np.mean(shape.distance_pmj[9:13]))
    assert aggregate(shape, slices=chosen, distance_pmj=8)[0].distance_pmj == 8.0


def test_distance_is_in_the_table(a_cube):
    shape = add_distance_pmj(measure(a_cube), a_cube, (15, 15, 28))
    line = csv_text(shape, aggregate(shape)).splitlines()[1 + 10]
    assert float(line.split(",")[5]) == pytest.approx(18.11, abs=0.005)


def test_slices_above_the_junction_have_no_distance(a_cube):
    shape = add_distance_pmj(measure(a_cube), a_cube, (16, 16, 20))
    assert np.isnan(shape.distance_pmj[12:]).all()
    assert shape.distance_pmj[11] == 0.0
    assert np.isfinite(shape.distance_pmj[:12]).all()


def test_wrong_junctions_and_distances_are_sentences(a_cube):
    shape = measure(a_cube)
    with pytest.raises(InputError, match="not known"):
        slices_at_pmj_distance(shape, 8)
    with pytest.raises(InputError, match="below the mask"):
        add_distance_pmj(shape, a_cube, (15, 15, 2))
    with pytest.raises(InputError, match="above or below the image"):
        add_distance_pmj(shape, a_cube, (15, 15, 70))
    with pytest.raises(InputError, match="reaches from 5 to 19 mm"):
        slices_at_pmj_distance(add_distance_pmj(shape, a_cube, (15, 15, 28)), 60)


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
