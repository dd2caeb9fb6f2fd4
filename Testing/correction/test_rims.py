"""The soft rim of the prediction follows the edge when the edge is moved by hand, and comes back
with it.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correction.states import segments, states, thresholds
from SoftCordSegLib.correction import bounding_box, carry_rims, edits_from, merge, segment_of

THICK = (0.7, 0.7, 4.0)


def stroke(segment, p0, edits, threshold, spacing) -> np.ndarray:
    """The edit map, rims included, after the segment was changed."""
    after = edits_from(segment, p0, edits, threshold)
    box = bounding_box(after != edits)
    if box is not None:
        carry_rims(after, edits, p0, threshold, spacing, box)
    return after


def soft_cord(shape=(24, 24, 6), radius: float = 6.0) -> np.ndarray:
    """A cord along the third axis with a rim of two voxels."""
    i, j, _ = np.ogrid[: shape[0], : shape[1], : shape[2]]
    distance = np.hypot(i - shape[0] / 2 + 0.5, j - shape[1] / 2 + 0.5) - radius
    return np.broadcast_to(np.clip(0.5 - distance / 3, 0, 1), shape).astype(np.float32)


@pytest.mark.parametrize("spacing", [THICK, (1.0, 1.0, 1.0)])
def test_nothing_is_left_of_a_slice_that_was_erased(spacing):
    p0 = soft_cord()
    segment = p0 >= 0.5
    segment[..., 2] = False

    edits = stroke(segment, p0, np.zeros(p0.shape, np.int8), 0.5, spacing)

    merged = merge(p0, edits, 0.5, spacing)
    assert (
        p0[..., 2][p0[..., 2] < 0.5].sum() > 8
    )  # what the ring would have counted in the area, in voxels
    assert merged[..., 2].sum() < (0.5 if spacing == THICK else 0.3 * p0[..., 2].sum())
    assert not segment_of(p0, edits, 0.2)[..., 2].any()
    others = [0, 4, 5]
    assert np.array_equal(merged[..., others], p0[..., others])


def test_paint_beside_the_cord_leaves_no_seam_at_the_old_edge():
    p0 = np.zeros((12, 9, 3), np.float32)
    p0[:4] = 1.0
    p0[4], p0[5], p0[6] = 0.8, 0.6, 0.3
    segment = p0 >= 0.5
    segment[:10] = True

    edits = stroke(segment, p0, np.zeros(p0.shape, np.int8), 0.5, THICK)

    assert np.allclose(
        merge(p0, edits, 0.5, THICK)[:, 4, 1], [1, 1, 1, 1, 1, 1, 1, 1, 1, 0.75, 0, 0]
    )
    assert segment_of(p0, edits, 0.9)[:10].all()


def test_only_the_rim_of_what_was_moved_goes_along():
    p0 = soft_cord()
    segment = p0 >= 0.5
    segment[:8] = False  # a bite from one side

    edits = stroke(segment, p0, np.zeros(p0.shape, np.int8), 0.5, THICK)

    assert (edits[:7] == np.where(p0[:7] > 0.05, -1, edits[:7])).all()
    assert not edits[12:].any()
    assert np.array_equal(merge(p0, edits, 0.5, THICK)[12:], p0[12:])


@given(states(), thresholds, st.data())
def test_rims_do_not_change_the_segment(state, threshold, data):
    segment = data.draw(segments(state.p0.shape))

    edits = stroke(segment, state.p0, state.edits, threshold, state.spacing)

    assert np.array_equal(merge(state.p0, edits, threshold, state.spacing) >= threshold, segment)


@given(states(edited=False), thresholds, st.data())
def test_taking_all_strokes_back_by_hand_takes_the_rims_back_too(state, threshold, data):
    edits = state.edits
    for _ in range(data.draw(st.integers(1, 3))):
        edits = stroke(
            data.draw(segments(state.p0.shape)), state.p0, edits, threshold, state.spacing
        )

    edits = stroke(state.p0 >= np.float32(threshold), state.p0, edits, threshold, state.spacing)

    assert not edits.any()


@given(states(edited=False), thresholds, st.data())
def test_voxels_predicted_for_certain_or_far_from_the_stroke_say_nothing(state, threshold, data):
    segment = data.draw(segments(state.p0.shape))
    plain = edits_from(segment, state.p0, state.edits, threshold)

    edits = stroke(segment, state.p0, state.edits, threshold, state.spacing)

    assert np.array_equal(edits[plain != 0], plain[plain != 0])
    certain = (plain == 0) & ((state.p0 == 0) | (state.p0 == 1))
    assert not edits[certain].any()


@given(states(edited=False), thresholds, st.data())
def test_a_rim_says_what_all_nearest_voxels_of_the_other_side_were_told(state, threshold, data):
    """Against a plain search over all pairs of voxels."""
    segment = data.draw(segments(state.p0.shape))
    plain = edits_from(segment, state.p0, state.edits, threshold)

    edits = stroke(segment, state.p0, state.edits, threshold, state.spacing)

    inside = state.p0 >= np.float32(threshold)
    places = np.argwhere(np.ones(inside.shape)) * np.array(state.spacing)
    limit = 2 * sorted(state.spacing)[1] * (1 + 1e-6)
    for index in np.flatnonzero(
        (plain.ravel() == 0) & (state.p0.ravel() > 0) & (state.p0.ravel() < 1)
    ):
        distance = np.linalg.norm(places - places[index], axis=1)
        distance[inside.ravel() == inside.ravel()[index]] = np.inf
        nearest = distance <= distance.min() + 2e-6
        own = 1 if inside.ravel()[index] else -1
        follows = distance.min() <= limit and (plain.ravel()[nearest] == own).all()
        assert edits.ravel()[index] == (own if follows else 0)
