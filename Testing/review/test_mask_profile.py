"""Measures of a mask, slice by slice, on a cord that is known."""

from __future__ import annotations

import numpy as np
import pytest

from review import round_cord
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import DiscLabel
from SoftCordSegLib.review.mask_profile import mask_profile


def test_area_middle_and_rim_of_a_round_cord():
    profile = mask_profile(round_cord.volume(round_cord.mask()))

    assert len(profile) == 60
    assert profile.area_mm2 == pytest.approx(np.full(60, round_cord.AREA_MM2), rel=0.02)
    assert profile.centres_mm[10] == pytest.approx((0, 6, 115), abs=0.05)
    assert profile.elongation == pytest.approx(np.ones(60), abs=0.02)
    assert np.abs(profile.ragged).max() < 0.04
    assert (profile.rim_mm > 0.2).all()
    assert profile.at_ends == (True, True)
    assert profile.field_mm == pytest.approx((100, 188.5))


@pytest.mark.parametrize("letters", ["LAS", "PSR", "RPI", "AIL"])
def test_slices_are_counted_as_the_file_does_and_places_stay(letters):
    data = round_cord.mask()
    data[:, :, :20] = 0
    data[:, :, 40:] = 0
    profile = mask_profile(round_cord.volume(data, letters))

    expected = range(20, 40) if "S" in letters else range(39, 19, -1)
    assert profile.slices.tolist() == list(expected)
    assert profile.centres_mm[0] == pytest.approx((0, 6, 130), abs=0.05)
    assert profile.centres_mm[-1] == pytest.approx((0, 6, 158.5), abs=0.05)


def test_the_area_is_at_right_angles_to_a_leaning_cord():
    k = np.arange(round_cord.SHAPE[2])
    i, j, _ = np.indices(round_cord.SHAPE)
    # 30 degrees to the front; the section is longer by 1 / cos.
    ahead = 26 + (k - 30) * 1.5 * np.tan(np.radians(30)) * 0.5
    lean = np.degrees(np.arctan(np.tan(np.radians(30)) * 0.5))
    away = np.hypot(i - 24, j - ahead)
    data = np.clip(round_cord.RADIUS_MM - away + 0.5, 0, 1)
    profile = mask_profile(round_cord.volume(data))

    inner = slice(6, -6)
    cosine = np.cos(np.radians(lean))
    assert profile.area_mm2[inner] == pytest.approx(round_cord.AREA_MM2 * cosine, rel=0.03)


def test_a_binary_mask_has_no_rim_and_no_entropy():
    profile = mask_profile(round_cord.volume(round_cord.mask() > 0.5))

    assert profile.rim_mm.max() == profile.entropy.max() == 0


def test_pieces_holes_and_gaps_are_found_where_they_are():
    data = round_cord.mask()
    data[:, :, 10:14] = 0
    data[22:26, 25:28, 30] = 0
    data[5:9, 5:9, 45:50] = 1
    profile = mask_profile(round_cord.volume(data))

    assert np.flatnonzero(~np.isfinite(profile.area_mm2)).tolist() == [10, 11, 12, 13]
    assert np.flatnonzero(profile.hole_share > 0.1).tolist() == [30]
    # The lower part is cut off by the gap: that is one, the block another piece.
    assert profile.stray_mm3 > 4 * 4 * 5 * 1.5
    assert profile.stray_slice in (*range(10), *range(45, 50))


def test_a_mask_at_a_side_of_the_image_is_seen():
    profile = mask_profile(round_cord.volume(round_cord.mask(centre=(1, 26))))

    assert profile.at_side.all()


def test_levels_and_the_template_lie_between_the_discs():
    discs = [DiscLabel(3, (0, 0, 175.0)), DiscLabel(4, (0, 0, 145.0)), DiscLabel(5, (0, 0, 115.0))]
    profile = mask_profile(round_cord.volume(round_cord.mask()), discs=discs)

    assert profile.levels[[5, 20, 40, 55]].tolist() == [5, 4, 3, 2]
    # PAM50's slices of the discs C2/C3 and C3/C4.
    assert profile.pam50[[50, 30]] == pytest.approx([909, 872], abs=1)
    assert np.isnan(profile.pam50[[0, 59]]).all()


def test_an_empty_mask_has_no_profile():
    assert mask_profile(round_cord.volume(np.zeros(round_cord.SHAPE))) is None


def test_nan_is_refused():
    data = round_cord.mask()
    data[24, 26, 30] = np.nan

    with pytest.raises(InputError, match="NaN"):
        mask_profile(round_cord.volume(data))
