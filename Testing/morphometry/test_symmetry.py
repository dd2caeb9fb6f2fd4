"""Quadrants and symmetry, about the axis that the image shows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphometry.cords import cylinder
from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.morphometry import (
    IMAGE_MEASURES,
    MeasureOptions,
    add_image_measures,
    aggregate,
    csv_text,
    measure,
)
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume, read_nifti, reorient

CORD = cylinder(shape=(61, 61, 6), spacing=(0.5, 0.5, 2.0), radii=(6.0, 4.5))
UPRIGHT = MeasureOptions(angle_correction=False)


def picture(turn: float = 0.0) -> Volume:
    """An image that is symmetric about an axis turned by ``turn`` degrees: a canal, a cord and a
    notch before and behind it.
    """
    i, j = np.mgrid[:61, :61]
    x, y = (i - 30) * 0.5, (j - 30) * 0.5
    angle = math.radians(turn)
    across, along = (
        math.cos(angle) * x - math.sin(angle) * y,
        math.sin(angle) * x + math.cos(angle) * y,
    )
    canal, cord = np.hypot(across / 11, along / 8), np.hypot(across / 6, along / 4.5)
    section = 1 / (1 + np.exp((canal - 1) * 12)) - 0.6 / (1 + np.exp((cord - 1) * 10))
    section += 0.5 * np.exp(-0.5 * ((across / 1.5) ** 2 + ((along + 5) / 2) ** 2))
    return Volume(np.repeat(section[:, :, None], 6, axis=2), CORD.affine)


def measured(mask: Volume, image: Volume | None = None):
    return add_image_measures(measure(mask, UPRIGHT), mask, image or picture())


def test_symmetry_of_the_real_cord_is_within_half_a_per_cent_of_scts(shared_data):
    folder = shared_data / "images" / "sct-testing"
    mask = read_nifti(folder / "t2_seg-manual.nii.gz")
    found = (
        add_image_measures(measure(mask), mask, read_nifti(folder / "t2.nii.gz")).at_slice(10).extra
    )
    for name, theirs in [
        ("symmetry_dice_RL", 0.87872),
        ("symmetry_dice_AP", 0.87899),
        ("symmetry_hausdorff_RL", 0.8944),
        ("symmetry_hausdorff_AP", 0.9),
        ("symmetry_difference_RL", 9.627),
        ("symmetry_difference_AP", 9.665),
    ]:
        assert found[name] == pytest.approx(theirs, rel=0.005), name


def test_quadrants_of_an_ellipse_are_equal_and_make_up_its_area():
    columns = measured(CORD).columns
    quadrants = [columns[name] for name in IMAGE_MEASURES if name.startswith("area_quadrant")]
    assert sum(quadrants) == pytest.approx(columns["area"], rel=1e-3)
    for quadrant in quadrants:
        assert quadrant == pytest.approx(columns["area"] / 4, rel=0.06)
    # Soft edges count less than whole pixels in SCT's Dice of products, so that it stays below 1
    # even here.
    assert (columns["symmetry_dice_RL"] > 0.94).all()
    assert (columns["symmetry_dice_AP"] > 0.94).all()
    assert (columns["symmetry_hausdorff_RL"] < 0.25).all()


@pytest.mark.parametrize("letters", ["LAS", "RAS", "PSR"])
def test_a_loss_on_the_left_shows_on_the_left(letters):
    data = CORD.data.copy()
    left_front = (
        slice(34, None),
        slice(31, None),
    )  # LAS: high rows are left, high columns anterior
    data[left_front] = 0
    mask = CORD.with_data(data)
    columns = measured(reorient(mask, letters), reorient(picture(), letters)).columns
    smallest = np.argmin([columns[name].mean() for name in IMAGE_MEASURES[:4]])
    assert IMAGE_MEASURES[smallest] == "area_quadrant_anterior_left"
    assert (columns["symmetry_dice_RL"] < 0.95).all()
    assert (columns["symmetry_hausdorff_RL"] > 1.0).all()


@settings(max_examples=12)
@given(st.floats(-25, 25))
def test_the_axis_of_the_image_is_found(turn):
    found = measured(CORD, picture(turn)).columns["angle_hog"]
    assert np.abs(found) == pytest.approx(abs(turn), abs=3.0)
    if abs(turn) > 4:
        assert (np.sign(found) == np.sign(found[0])).all()
        assert np.sign(found[0]) == -np.sign(measured(CORD, picture(-turn)).columns["angle_hog"][0])


def test_a_turned_cord_is_symmetric_about_its_own_axis():
    """The mask turned together with the image is as symmetric as before; against an image that is
    not turned it is not.
    """
    turn = 20.0
    i, j = np.mgrid[:61, :61]
    x, y, angle = (i - 30) * 0.5, (j - 30) * 0.5, math.radians(turn)
    across, along = (
        math.cos(angle) * x - math.sin(angle) * y,
        math.sin(angle) * x + math.cos(angle) * y,
    )
    section = (np.hypot(across / 7, along / 4) <= 1).astype(float)
    mask = Volume(np.repeat(section[:, :, None], 6, axis=2), CORD.affine)
    own, other = measured(mask, picture(turn)).columns, measured(mask, picture(0)).columns
    assert own["symmetry_dice_RL"].mean() > other["symmetry_dice_RL"].mean() + 0.03
    assert own["symmetry_hausdorff_RL"].mean() < 0.5 < 1.0 < other["symmetry_hausdorff_RL"].mean()


def test_image_measures_come_after_scts_usual_columns():
    shape = measured(CORD)
    header = csv_text(shape, aggregate(shape)).splitlines()[0].split(",")
    assert (
        header.index("SUM(length)")
        < header.index("MEAN(area_quadrant_anterior_left)")
        < header.index("LevelName")
    )


def test_an_image_on_another_grid_is_refused():
    shape = measure(CORD, UPRIGHT)
    with pytest.raises(InputError, match="another grid than the mask"):
        add_image_measures(shape, CORD, Volume(picture().data[1:], CORD.affine))


def test_measuring_symmetry_stops_when_asked_to():
    with pytest.raises(Cancelled):
        add_image_measures(
            measure(CORD, UPRIGHT), CORD, picture(), progress=Progress(is_cancelled=lambda: True)
        )
