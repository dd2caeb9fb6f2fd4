"""Motion that was put in is found: shifts of each slice of each volume."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from groundtruth.cords import LEFT_ANTERIOR_SUPERIOR, grid, turned_axes
from preprocessing.moving import SPACING, known_motion, moving_cord
from SoftCordSegLib.errors import Cancelled, InputError, OptionError
from SoftCordSegLib.preprocessing import MotionOptions, Series, average, estimate_motion
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume, resample_mask

TENTH_OF_A_VOXEL = 0.1 * SPACING[0]


def from_mean(motion):
    """The motion against the mean position, which is all that can be known."""
    return motion - motion.mean(axis=0)


@pytest.mark.parametrize(
    ("letters", "tilt"),
    [("LAS", (0, 0, 0)), ("RAS", (0, 0, 0)), ("PSR", (0, 0, 0)), ("RPI", (9, -7, 12))],
    ids=["left-handed", "right-handed", "slices on the second axis", "oblique and upside down"],
)
def test_known_shifts_are_found_to_a_tenth_of_a_voxel(letters, tilt):
    known = known_motion(7, 9)
    series, cord = moving_cord(
        known,
        turned_axes(tilt) if any(tilt) else LEFT_ANTERIOR_SUPERIOR,
        letters,
        gains=(1.0, 1.4, 0.7),
    )

    motion = estimate_motion(series, cord)

    assert np.abs(motion.shift_mm - from_mean(known)).max() < TENTH_OF_A_VOXEL
    assert np.abs(known).max() > 1.0
    assert motion.measured.all()
    assert motion.failed == ()
    assert motion.shift_mm.mean(axis=0) == pytest.approx(0, abs=1e-9)


def test_large_shifts_are_found_too():
    known = known_motion(6, 7, seed=2)
    known[3] += [5.5, -4.0]
    series, cord = moving_cord(known)

    motion = estimate_motion(series, cord)

    assert np.abs(motion.shift_mm - from_mean(known)).max() < TENTH_OF_A_VOXEL


def test_slices_that_move_by_themselves_need_no_polynomial():
    known = np.random.default_rng(5).uniform(-1.2, 1.2, (6, 6, 2))
    series, cord = moving_cord(known, noise=5.0)

    free = estimate_motion(series, cord, options=MotionOptions(degree=None))
    curved = estimate_motion(series, cord)

    assert np.abs(free.shift_mm - from_mean(known)).max() < TENTH_OF_A_VOXEL
    assert np.abs(curved.shift_mm - from_mean(known)).max() > 5 * TENTH_OF_A_VOXEL


def test_the_polynomial_helps_where_volumes_are_noisy():
    known = known_motion(6, 9, seed=3)
    series, cord = moving_cord(known, noise=400.0)

    errors = [
        np.sqrt(
            np.mean(
                (
                    estimate_motion(series, cord, options=MotionOptions(degree=degree)).shift_mm
                    - from_mean(known)
                )
                ** 2
            )
        )
        for degree in (2, None)
    ]

    assert errors[0] < 0.75 * errors[1]


def test_only_the_volumes_that_are_asked_for_are_measured_and_averaged():
    known = known_motion(6, 5)
    series, cord = moving_cord(known)
    series.data[..., 2] *= -50  # a volume of another kind

    motion = estimate_motion(series, cord, volumes=(0, 1, 3, 5))

    assert motion.volumes == (0, 1, 3, 5)
    assert np.abs(motion.shift_mm - from_mean(known[[0, 1, 3, 5]])).max() < TENTH_OF_A_VOXEL
    assert average(series, motion).mean.data.min() > -100


def test_volumes_of_a_group_share_their_shift():
    known = np.repeat(known_motion(3, 5), 2, axis=0)[:5]  # the last group is one short
    series, cord = moving_cord(known)

    motion = estimate_motion(series, cord, options=MotionOptions(group=2))

    assert (motion.shift_mm[0] == motion.shift_mm[1]).all()
    # Each group counts once in the mean position.
    groups = known[[0, 2, 4]]
    assert np.abs(motion.shift_mm - (known - groups.mean(axis=0))).max() < TENTH_OF_A_VOXEL


def test_slices_beyond_the_cord_carry_their_neighbours_shift():
    known = known_motion(5, 9)
    series, cord = moving_cord(known)
    cord.data[:, :, :2] = 0
    cord.data[:, :, -1] = 0

    motion = estimate_motion(series, cord)

    assert motion.measured.tolist() == [False] * 2 + [True] * 6 + [False]
    assert (motion.shift_mm[:, 0] == motion.shift_mm[:, 2]).all()
    assert (motion.shift_mm[:, -1] == motion.shift_mm[:, -2]).all()
    assert np.abs(motion.shift_mm - from_mean(known))[:, 2:8].max() < TENTH_OF_A_VOXEL


def test_the_mask_may_lie_on_another_grid():
    known = known_motion(5, 7)
    series, cord = moving_cord(known)
    fine = grid(0.7, (50, 46, 60), turned_axes((4, 3, 0)))

    motion = estimate_motion(series, resample_mask(cord, fine))

    assert np.abs(motion.shift_mm - from_mean(known)).max() < TENTH_OF_A_VOXEL


def test_a_volume_like_none_of_the_others_carries_its_neighbours_shift():
    series, cord = moving_cord(known_motion(6, 6, seed=4))
    series.data[..., 4] = 1000 - series.data[..., 4]  # bright where the others are dark

    motion = estimate_motion(series, cord)

    assert motion.failed == (4,)
    assert (motion.shift_mm[4] == motion.shift_mm[3]).all() or (
        motion.shift_mm[4] == motion.shift_mm[5]
    ).all()


def test_a_still_series_does_not_move():
    series, cord = moving_cord(np.zeros((5, 6, 2)))

    motion = estimate_motion(series, cord)

    assert motion.largest_mm < 0.05
    assert motion.typical_mm < 0.02


def test_the_mean_of_a_corrected_series_is_that_of_one_that_never_moved():
    known = from_mean(known_motion(8, 7))
    moved, cord = moving_cord(known, noise=0.0)
    still, _ = moving_cord(np.zeros_like(known[:1]), noise=0.0)

    motion = estimate_motion(moved, cord)
    plain, corrected = average(moved), average(moved, motion)
    exact = average(
        moved, replace(motion, shift_mm=known)
    )  # what is left then is the interpolation's

    truth = still.volume(0).data
    errors = [np.sqrt(np.mean((one.mean.data - truth) ** 2)) for one in (plain, corrected, exact)]
    assert errors[1] < 0.5 * errors[0]
    assert errors[1] < 1.02 * errors[2]
    edge = Volume((np.abs(cord.data - 0.5) < 0.5).astype(np.float32), cord.affine)
    assert corrected.deviation_in(edge) < 0.5 * plain.deviation_in(edge)
    assert corrected.mean.grid.same_as(cord.grid)
    assert corrected.mean.data.dtype == np.float32


def test_mean_and_deviation_by_hand():
    data = np.stack([np.full((2, 3, 4), value, np.int16) for value in (1000, 1004, 1012)], axis=3)
    series = Series(data, np.diag([-1.0, 2, 3, 1]))

    result = average(series)

    assert result.mean.data == pytest.approx(1005.3333)
    assert result.deviation.data == pytest.approx(np.std([1000, 1004, 1012]))
    assert average(series, volumes=(0, 2)).mean.data == pytest.approx(1006)


def test_what_cannot_be_measured_is_said():
    series, cord = moving_cord(np.zeros((3, 4, 2)))
    empty = cord.with_data(np.zeros_like(cord.data))

    with pytest.raises(InputError, match="at least two volumes; there is 1"):
        estimate_motion(series, cord, volumes=(1,))
    with pytest.raises(InputError, match="mask of the cord is empty"):
        estimate_motion(series, empty)
    with pytest.raises(InputError, match="same brightness"):
        estimate_motion(Series(np.ones_like(series.data), series.affine), cord)
    with pytest.raises(OptionError, match="at least one volume"):
        MotionOptions(group=0)
    with pytest.raises(InputError, match="another grid"):
        average(Series(series.data[:-1], series.affine), estimate_motion(series, cord))


def test_it_stops_when_asked():
    series, cord = moving_cord(np.zeros((3, 4, 2)))

    with pytest.raises(Cancelled):
        estimate_motion(series, cord, progress=Progress(is_cancelled=lambda: True))


def test_without_a_cord_whole_slices_are_compared():
    known = known_motion(5, 6)
    series, _ = moving_cord(known)

    motion = estimate_motion(series, None)

    assert np.abs(motion.shift_mm - from_mean(known)).max() < TENTH_OF_A_VOXEL
