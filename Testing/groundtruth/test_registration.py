"""Known shifts and rotations are found again, whatever the grids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtruth.cords import Cord, grid, turned_axes
from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.groundtruth import (
    Contrast,
    GroundTruthOptions,
    RegistrationOptions,
    make_ground_truth,
)
from SoftCordSegLib.groundtruth.registration import register
from SoftCordSegLib.groundtruth.soft_average import coverage_of, pad_ends
from SoftCordSegLib.volume import Volume, reorient

# What the paper's reference has.
VOXEL = 0.8


def off_by(fit, shift, degrees) -> tuple[float, float]:
    """The largest errors of shift (voxels) and rotation (degrees) in the slices in which they were
    measured.
    """
    transform = fit.transform
    along = (
        np.arange(len(transform.angle)) - (len(transform.angle) - 1) / 2
    ) * transform.grid.spacing[2]
    true_shift = shift(along) if callable(shift) else np.broadcast_to(shift, (len(along), 2))
    true_angle = degrees(along) if callable(degrees) else np.full(len(along), degrees)
    # A principal axis that turns by half a turn is the same one.
    turned = (np.degrees(transform.angle) - true_angle)[fit.turned]
    distance = np.linalg.norm(transform.shift - true_shift, axis=1)[fit.used]
    return distance.max() / transform.grid.spacing[0], np.abs(turned).max() if len(turned) else 0.0


@pytest.mark.parametrize(
    "tilt", [(0, 0, 0), (12, 0, 0), (-9, 14, 5)], ids=["straight", "tilted", "oblique"]
)
@pytest.mark.parametrize(
    ("shift", "degrees"),
    [((0, 0), 0), ((1.3, -0.7), 0), ((0, 0), 8), ((-2.1, 1.9), -15), ((3.0, 0.2), 25)],
)
def test_a_known_shift_and_rotation_are_found_again(tilt, shift, degrees):
    axes = turned_axes(tilt)
    cord = Cord(axes, direction=10, bend=(3, -8))
    reference = cord.mask(grid(VOXEL, (44, 44, 40), axes))
    moving = cord.mask(grid((0.5, 0.5, 1.0), (72, 72, 34), axes), shift, degrees)

    fit = register(reference, moving)

    voxels, angle = off_by(fit, shift, degrees)
    assert fit.used.sum() >= 38
    assert fit.turned.sum() >= 38
    assert voxels < 0.1
    assert angle < 0.5


def test_binary_masks_are_enough():
    cord = Cord(direction=-5, bend=(2, 4))
    reference = cord.mask(grid(VOXEL, (44, 44, 30)), soft=False)
    moving = cord.mask(grid(0.5, (72, 72, 48)), (1.1, -2.3), 12, soft=False)

    fit = register(reference, moving)

    # The sections' own voxels set the limit here: it is the mean over the slices that is exact.
    shift = fit.transform.shift[fit.used].mean(axis=0)
    assert np.abs(shift - [1.1, -2.3]).max() < 0.1 * VOXEL
    assert np.degrees(fit.transform.angle[fit.turned].mean()) == pytest.approx(12, abs=0.5)


@pytest.mark.parametrize("letters", ["LAS", "RAS", "PSR", "AIL", "RPI"])
def test_a_moving_mask_of_any_orientation_and_obliquity_is_registered(letters):
    cord = Cord(direction=4, bend=(5, 10))
    reference = cord.mask(grid(VOXEL, (44, 44, 40)))
    moving = reorient(
        cord.mask(grid((0.7, 0.6, 0.9), (60, 66, 50), turned_axes((15, -6, 11))), (1.7, -1.2), -11),
        letters,
    )

    voxels, angle = off_by(register(reference, moving), (1.7, -1.2), -11)

    assert voxels < 0.1
    assert angle < 0.5


def test_thick_slices_follow_the_course_of_a_bent_cord():
    cord = Cord(bend=(6, -15))
    reference = cord.mask(grid(VOXEL, (60, 60, 70)))
    moving = cord.mask(grid((0.5, 0.5, 5.0), (96, 96, 11), turned_axes((8, 0, 0))), (-1.4, 2.2), 9)

    padded, cut = (
        register(reference, pad_ends(moving), coverage_of(moving)),
        register(reference, moving),
    )

    voxels, angle = off_by(padded, (-1.4, 2.2), 9)
    assert voxels < 0.1
    assert angle < 0.5
    # What the padding is for: without it the last sections, seen obliquely, are cut.
    assert voxels < off_by(cut, (-1.4, 2.2), 9)[0] / 2


def test_a_shift_and_rotation_that_change_along_the_cord_are_found_slice_by_slice():
    def shift(w):
        return np.stack([1.5 * np.sin(w / 9), w / 12], axis=1)

    def degrees(w):
        return 10 * np.cos(w / 11)

    cord = Cord(direction=3)
    reference = cord.mask(grid(VOXEL, (44, 44, 40)))

    voxels, angle = off_by(
        register(reference, cord.mask(grid(0.8, (50, 50, 44)), shift, degrees)), shift, degrees
    )

    assert voxels < 0.1
    assert angle < 0.5


@given(
    shift=st.tuples(st.floats(-4, 4), st.floats(-4, 4)),
    degrees=st.floats(-35, 35),
    direction=st.floats(-90, 90),
    tilt=st.tuples(st.floats(-20, 20), st.floats(-20, 20), st.floats(-20, 20)),
)
def test_any_motion_is_found_again(shift, degrees, direction, tilt):
    axes = turned_axes(tilt)
    cord = Cord(axes, direction=direction)
    reference = cord.mask(grid(VOXEL, (42, 42, 5), axes))
    moving = cord.mask(grid(0.6, (62, 62, 9), axes), shift, degrees)

    voxels, angle = off_by(register(reference, moving), shift, degrees)

    assert voxels < 0.1
    assert angle < 0.5


def test_translation_alone_is_the_named_option():
    cord = Cord()
    reference = cord.mask(grid(VOXEL, (44, 44, 20)))
    moving = cord.mask(grid(VOXEL, (44, 44, 20)), (1.0, 0.5), 12)

    fit = register(reference, moving, options=RegistrationOptions("centermass"))

    assert off_by(fit, (1.0, 0.5), 0)[0] < 0.1
    assert not fit.turned.any()
    assert (fit.transform.angle == 0).all()


def test_an_unknown_registration_is_refused():
    with pytest.raises(OptionError, match="centermassrot"):
        RegistrationOptions("rigid")


def test_a_round_section_has_no_direction():
    cord = Cord(radii=(5.0, 4.7))
    noise = np.random.default_rng(0)
    reference = cord.mask(grid(VOXEL, (40, 40, 20)))
    ragged = cord.mask(grid(VOXEL, (40, 40, 20)), (1, 0))
    ragged = ragged.with_data(
        np.clip(ragged.data + noise.normal(0, 0.3, ragged.shape) * (ragged.data > 0), 0, 1)
    )

    fit = register(reference, ragged)

    assert not fit.turned.any()
    assert (fit.transform.angle == 0).all()


def test_a_round_slice_among_others_takes_the_rotation_of_its_neighbours():
    flat, round_ = Cord(), Cord(radii=(5, 5))
    where = grid(VOXEL, (44, 44, 21))
    reference, moving = flat.mask(where), flat.mask(where, degrees=10).data.copy()
    moving[:, :, 8:13] = round_.mask(where).data[:, :, 8:13]

    fit = register(reference, reference.with_data(moving))

    assert not fit.turned[8:13].any()
    assert np.degrees(fit.transform.angle) == pytest.approx(np.full(21, 10), abs=0.5)


def test_a_rotation_that_no_neck_makes_is_taken_for_an_error():
    cord = Cord()
    where = grid(VOXEL, (44, 44, 11))
    moving = cord.mask(where, degrees=5).data.copy()
    moving[:, :, 5] = cord.mask(where, degrees=75).data[:, :, 5]

    fit = register(cord.mask(where), Volume(moving, where.affine))

    assert not fit.turned[5]
    assert np.degrees(fit.transform.angle[5]) == pytest.approx(5, abs=0.5)


def test_slices_without_a_mask_carry_what_their_neighbours_have():
    cord = Cord()
    where = grid(VOXEL, (44, 44, 30))
    moving = cord.mask(where, lambda w: np.stack([w / 10, 0 * w], axis=1)).data.copy()
    moving[:, :, :5] = 0
    moving[:, :, 12:18] = 0
    moving[:, :, 25:] = 0

    fit = register(cord.mask(where), Volume(moving, where.affine))

    assert (
        np.flatnonzero(~fit.used) == [0, 1, 2, 3, 4, 12, 13, 14, 15, 16, 17, 25, 26, 27, 28, 29]
    ).all()
    shift = fit.transform.shift[:, 0]
    assert shift[:5] == pytest.approx(np.full(5, shift[5]))
    assert shift[25:] == pytest.approx(np.full(5, shift[24]))
    assert shift[12:18] == pytest.approx(np.interp(range(12, 18), [11, 18], [shift[11], shift[18]]))


def test_smoothing_along_the_cord_is_an_option():
    cord = Cord()
    where = grid(VOXEL, (44, 44, 31))
    moving = cord.mask(where).data.copy()
    moving[:, :, 15] = cord.mask(where, (2, 0)).data[:, :, 15]
    moving = Volume(moving, where.affine)

    rough = register(cord.mask(where), moving)
    smooth = register(cord.mask(where), moving, options=RegistrationOptions(smooth_mm=3))

    assert rough.transform.shift[15, 0] == pytest.approx(2, abs=0.05)
    assert 0.1 < smooth.transform.shift[15, 0] < 0.6


def test_masks_of_different_parts_of_the_cord_are_refused():
    cord = Cord()
    reference = cord.mask(grid(VOXEL, (44, 44, 20)))
    below = cord.mask(grid(VOXEL, (44, 44, 20), middle=(0, 0, -60)))

    with pytest.raises(InputError, match="T1w cannot be registered to T2w.*no slice in common"):
        make_ground_truth(
            [Contrast("T2w", reference), Contrast("T1w", below)], GroundTruthOptions()
        )


def test_a_stray_voxel_far_away_does_not_need_all_the_memory():
    cord = Cord()
    reference = cord.mask(grid(VOXEL, (44, 44, 6)))
    wide = cord.mask(grid(0.8, (44, 44, 6)), (1, 0))
    data = np.zeros((44, 300, 6), np.float32)
    data[:, :44] = wide.data
    data[20, 299, 3] = 1  # 200 mm in front of the cord

    fit = register(reference, Volume(data, wide.affine))

    assert fit.transform.shift[:3, 0] == pytest.approx(np.ones(3), abs=0.08)


def test_a_single_thick_slice_is_registered():
    cord = Cord()
    reference = cord.mask(grid(VOXEL, (44, 44, 40)))
    slice_ = cord.mask(grid((0.5, 0.5, 5), (60, 60, 1), middle=(0, 0, 0.7)), (1, -1), 6)

    truth = make_ground_truth([Contrast("T2w", reference), Contrast("T2star", slice_)])

    one = truth.of("T2star")
    assert one.used.any()
    assert one.shift_mm.mean(axis=0) == pytest.approx([1, -1], abs=0.08)
    assert one.angle_deg.mean() == pytest.approx(6, abs=0.5)
