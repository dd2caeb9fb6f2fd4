"""The merge: exact where nothing was said, on the right side of the threshold where something was,
and soft at the rim.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correction.states import spacings, states, thresholds
from SoftCordSegLib.correction import (
    bounding_box,
    grown,
    merge,
    merge_box,
    merge_into,
    reach,
    soft_value,
)

THICK = (0.7, 0.7, 4.0)


@given(states(), thresholds)
def test_voxels_without_an_edit_are_bit_for_bit_as_predicted(state, threshold):
    before = state.p0.tobytes()

    merged = merge(state.p0, state.edits, threshold, state.spacing)

    untouched = state.edits == 0
    assert merged[untouched].tobytes() == state.p0[untouched].tobytes()
    assert merged.dtype == np.float32
    assert state.p0.tobytes() == before  # and the prediction itself is never written to


@given(states(), thresholds)
def test_edited_voxels_lie_on_their_side_of_the_threshold_in_float32_and_float64(state, threshold):
    merged = merge(state.p0, state.edits, threshold, state.spacing)

    for limit in (threshold, np.float32(threshold), np.float64(threshold)):
        assert (merged[state.edits > 0] >= limit).all()
        assert (merged[state.edits < 0] < limit).all()
    assert merged.min() >= 0
    assert merged.max() <= 1


@given(states(), thresholds)
def test_a_merge_of_a_merge_is_itself(state, threshold):
    merged = merge(state.p0, state.edits, threshold, state.spacing)

    assert np.array_equal(merge(merged, state.edits, threshold, state.spacing), merged)


@given(states(), thresholds, thresholds)
def test_the_threshold_leaves_no_trace(state, first, second):
    """The merge depends on where the threshold is, not on where it has been."""
    direct = merge(state.p0, state.edits, second, state.spacing)
    box = bounding_box(state.edits != 0)
    moved = merge(state.p0, state.edits, first, state.spacing)
    if box is not None:
        merge_into(moved, state.p0, state.edits, second, state.spacing, box)

    assert np.array_equal(moved, direct)


@given(states(), st.floats(0.26, 0.74), st.floats(0.26, 0.74))
def test_between_a_quarter_and_three_quarters_the_threshold_does_not_change_the_mask(
    state, first, second
):
    """The area is measured on the soft mask, and should not follow the slider: edits away from the
    diagonal of a voxel prove it.
    """
    spacing = (1.0, 1.0, 1.0)
    assert np.allclose(
        merge(state.p0, state.edits, first, spacing),
        merge(state.p0, state.edits, second, spacing),
        atol=1e-6,
        rtol=0,
    )


@given(states(), st.floats(0.001, 0.999))
def test_adding_and_removing_are_alike(state, threshold):
    """What is said of the cord holds, the other way round, of what is not cord."""
    merged = merge(state.p0, state.edits, threshold, state.spacing)
    inverse = merge(np.float32(1) - state.p0, -state.edits, 1 - threshold, state.spacing)

    assert np.allclose(inverse, 1 - merged, atol=3e-7, rtol=0)


@given(states(), thresholds, st.data())
def test_a_box_is_the_same_part_of_the_whole(state, threshold, data):
    box = tuple(
        slice(*sorted(data.draw(st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True))))
        for n in state.p0.shape
    )

    part = merge_box(state.p0, state.edits, threshold, state.spacing, box)

    assert np.array_equal(part, merge(state.p0, state.edits, threshold, state.spacing)[box])


@given(states(), thresholds, st.data())
def test_an_update_where_the_edits_changed_is_the_whole_merge(state, threshold, data):
    merged = merge(state.p0, state.edits, threshold, state.spacing)
    before = merged.copy()
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    edits = np.where(
        rng.random(state.edits.shape) < 0.1, rng.integers(-1, 2, state.edits.shape), state.edits
    ).astype(np.int8)
    box = bounding_box(edits != state.edits)
    written = None
    if box is not None:
        written = merge_into(merged, state.p0, edits, threshold, state.spacing, box)

    assert np.array_equal(merged, merge(state.p0, edits, threshold, state.spacing))
    assert written == bounding_box(merged != before)


@given(spacings)
def test_the_ramp_rises_with_depth_from_a_half_on_the_edge_to_one(spacing):
    depths = np.linspace(-3 * max(spacing), 3 * max(spacing), 1001)
    values = soft_value(depths, spacing)

    assert (np.diff(values) >= 0).all()
    assert np.allclose(values + values[::-1], 1, atol=1e-6)
    in_plane = sorted(spacing)[1]
    assert soft_value(np.array([0.0, 0.5 * in_plane, in_plane]), spacing) == pytest.approx(
        [0.5, 0.75, 1.0]
    )


def painted(shape, inside, sign=1):
    """A volume without any cord (or full of it), in which ``inside`` was painted (or erased)."""
    p0 = np.full(shape, 0 if sign > 0 else 1, np.float32)
    edits = np.zeros(shape, np.int8)
    edits[inside] = sign
    return p0, edits


@pytest.mark.parametrize(
    "spacing", [(1.0, 1.0, 1.0), THICK, (0.5, 0.8, 5.0), (4.0, 0.7, 0.7), (1.0, 1.0, 0.4)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_painted_block_is_soft_where_it_touches_the_rest_in_the_plane_and_sure_deep_inside(
    spacing, sign
):
    p0, edits = painted((15, 15, 15), (slice(4, 11),) * 3, sign)

    merged = merge(p0, edits, 0.5, spacing)

    inside = merged[4:11, 4:11, 4:11] if sign > 0 else 1 - merged[4:11, 4:11, 4:11]
    assert inside[3, 3, 3] == 1.0
    steps = np.array(spacing)
    for axis in np.argsort(steps)[:2]:  # the two finer axes: in the plane
        profile = np.moveaxis(inside, axis, 0)[:, 3, 3]
        rim = 0.5 + 0.25 * steps[axis] / sorted(spacing)[1]
        assert profile[0] == pytest.approx(rim)
        assert (np.diff(profile[:4]) >= 0).all()
        assert np.array_equal(profile, profile[::-1])
    corner, edge, face = inside[0, 0, 0], inside[0, 0, 3], inside[0, 3, 3]
    assert corner <= edge <= face


def test_a_disc_painted_in_one_thick_slice_is_soft_around_and_sure_in_the_middle():
    """The slices above and below are 4 mm away: they do not make the middle of the disc any less
    cord.
    """
    i, j = np.ogrid[:21, :21]
    disc = (i - 10) ** 2 + (j - 10) ** 2 <= 36
    p0, edits = painted((21, 21, 5), (slice(0, 0),) * 3)
    edits[..., 2][disc] = 1

    merged = merge(p0, edits, 0.5, THICK)[..., 2]

    assert merged[10, 10] == 1.0
    assert merged[10, 4] == merged[10, 16] == merged[4, 10] == merged[16, 10] == 0.75
    rim = (
        disc & ~np.roll(disc, 1, 0)
        | disc & ~np.roll(disc, -1, 0)
        | disc & ~np.roll(disc, 1, 1)
        | disc & ~np.roll(disc, -1, 1)
    )
    assert np.allclose(merged[rim], 0.75)
    assert (merged[disc & ~rim] > 0.75).all()


def test_the_same_disc_in_thin_slices_is_soft_towards_its_neighbours_too():
    p0, edits = painted((15, 15, 5), (slice(4, 11), slice(4, 11), slice(2, 3)))

    assert merge(p0, edits, 0.5, (1, 1, 1))[7, 7, 2] == 0.75


def test_paint_beside_the_cord_has_no_seam_against_it():
    """Where painting continues what was predicted, it is deep inside; only its free side is a
    rim.
    """
    p0 = np.zeros((9, 9, 3), np.float32)
    p0[:, :4] = 1.0
    edits = np.zeros(p0.shape, np.int8)
    edits[2:7, 4:7] = 1

    merged = merge(p0, edits, 0.5, THICK)

    assert np.allclose(merged[4, :, 1], [1, 1, 1, 1, 1, 1, 0.75, 0, 0])


def test_the_edge_runs_through_a_neighbour_that_was_predicted_in_part():
    p0 = np.zeros((9, 9, 3), np.float32)
    values = []
    for part in (0.0, 0.2, 0.4, 0.6, 1.0):
        p0[:, 5] = part
        edits = np.zeros(p0.shape, np.int8)
        edits[:, 2:5] = 1
        values.append(merge(p0, edits, 0.7, THICK)[4, 4, 1])

    assert values == pytest.approx([0.75, 0.85, 0.95, 1.0, 1.0])


def test_adding_never_lowers_and_removing_never_raises():
    rng = np.random.default_rng(5)
    p0 = rng.random((12, 12, 12), dtype=np.float32)
    edits = rng.integers(-1, 2, p0.shape).astype(np.int8)

    merged = merge(p0, edits, 0.5, (1, 1, 1))

    assert (merged >= p0)[edits > 0].all()
    assert (merged <= p0)[edits < 0].all()


def test_the_edge_of_the_image_is_no_edge_of_the_cord():
    p0, edits = painted((7, 7, 7), (slice(0, 7),) * 3)

    assert (merge(p0, edits, 0.5, (1, 1, 1)) == 1).all()


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), THICK, (1.0, 1.0, 0.4)])
def test_large_edits_are_merged_as_small_ones_are(spacing):
    """Of large edits only the rim is looked at; box by box nothing is large."""
    rng = np.random.default_rng(2)
    p0 = rng.random((40, 36, 32), dtype=np.float32)
    edits = np.where(
        rng.random(p0.shape) < 0.02, 0, np.where(np.arange(40)[:, None, None] < 17, 1, -1)
    ).astype(np.int8)

    merged = merge(p0, edits, 0.5, spacing)

    for start in range(0, 40, 8):
        box = (slice(start, start + 8), slice(0, 36), slice(0, 32))
        assert np.array_equal(merged[box], merge_box(p0, edits, 0.5, spacing, box))


def test_softness_reaches_as_far_as_it_says():
    for spacing in ((1.0, 1.0, 1.0), THICK, (0.3, 2.0, 2.0), (1.0, 1.0, 0.4)):
        p0 = np.zeros((25, 25, 25), np.float32)
        edits = np.ones(p0.shape, np.int8)
        edits[12, 12, 12] = 0
        changed = bounding_box(merge(p0, edits, 0.5, spacing) != 1)

        expected = grown((slice(12, 13),) * 3, reach(spacing), p0.shape)
        assert changed == expected, spacing


@pytest.mark.parametrize(
    ("p0", "edits"),
    [
        (np.zeros((3, 3, 3)), np.zeros((3, 3, 3), np.int8)),
        (np.zeros((3, 3, 3), np.float32), np.zeros((3, 3, 3), int)),
        (np.zeros((3, 3, 3), np.float32), np.zeros((3, 3, 4), np.int8)),
        (np.zeros((3, 3), np.float32), np.zeros((3, 3), np.int8)),
    ],
)
def test_arrays_of_another_kind_are_refused(p0, edits):
    with pytest.raises(ValueError, match="float32 and edits as int8"):
        merge(p0, edits, 0.5, (1, 1, 1))
