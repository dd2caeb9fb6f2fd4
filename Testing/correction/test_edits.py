"""What a changed segment says of its voxels, and that nothing but a contrary word makes it
unsaid.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correction.states import segments, states, thresholds
from SoftCordSegLib.correction import edits_from, merge, segment_of


@given(states(), thresholds, st.data())
def test_the_merge_at_its_threshold_is_the_edited_segment(state, threshold, data):
    segment = data.draw(segments(state.p0.shape))

    edits = edits_from(segment, state.p0, state.edits, threshold)

    assert edits.dtype == np.int8
    assert np.array_equal(segment_of(state.p0, edits, threshold), segment)
    assert np.array_equal(merge(state.p0, edits, threshold, state.spacing) >= threshold, segment)


@given(states(), thresholds, st.data())
def test_voxels_that_were_not_changed_keep_what_was_said(state, threshold, data):
    segment = data.draw(segments(state.p0.shape))
    before = segment_of(state.p0, state.edits, threshold)

    edits = edits_from(segment, state.p0, state.edits, threshold)

    assert np.array_equal(edits[segment == before], state.edits[segment == before])


@given(states(edited=False), thresholds, st.data())
def test_an_edit_is_stored_only_where_the_segment_was_changed(state, threshold, data):
    segment = data.draw(segments(state.p0.shape))
    before = state.p0 >= np.float32(threshold)

    edits = edits_from(segment, state.p0, state.edits, threshold)

    assert np.array_equal(edits, segment.astype(np.int8) - before.astype(np.int8))


@given(states(edited=False), thresholds, st.data())
def test_taking_every_edit_back_gives_the_prediction_bit_for_bit(state, threshold, data):
    edits = state.edits
    for _ in range(data.draw(st.integers(1, 3))):
        edits = edits_from(data.draw(segments(state.p0.shape)), state.p0, edits, threshold)

    edits = edits_from(state.p0 >= np.float32(threshold), state.p0, edits, threshold)

    assert not edits.any()
    assert merge(state.p0, edits, threshold, state.spacing).tobytes() == state.p0.tobytes()


@given(states(edited=False), st.lists(thresholds, min_size=1, max_size=4), st.data())
def test_an_edit_survives_threshold_moves_and_strokes_elsewhere(state, moves, data):
    """The user's word on a voxel holds, as long as the user says nothing else of it."""
    start = data.draw(thresholds)
    said = edits_from(data.draw(segments(state.p0.shape)), state.p0, state.edits, start)
    edits = said
    for threshold in moves:
        # A stroke at this threshold that leaves the voxels spoken of as they are shown.
        stroke = data.draw(segments(state.p0.shape))
        segment = np.where(said != 0, segment_of(state.p0, edits, threshold), stroke)
        edits = edits_from(segment, state.p0, edits, threshold)

        merged = merge(state.p0, edits, threshold, state.spacing)
        assert (merged[said > 0] >= threshold).all()
        assert (merged[said < 0] < threshold).all()
    assert np.array_equal(edits[said != 0], said[said != 0])


def test_a_voxel_painted_at_a_high_threshold_stays_when_the_threshold_sinks_and_rises_again():
    p0 = np.full((1, 1, 3), 0.4, np.float32)
    edits = edits_from(np.array([[[False, True, False]]]), p0, np.zeros_like(p0, np.int8), 0.5)

    # at 0.3 all three are in the segment; the user removes the last
    edits = edits_from(np.array([[[True, True, False]]]), p0, edits, 0.3)

    assert edits.tolist() == [[[0, 1, -1]]]
    assert segment_of(p0, edits, 0.5).tolist() == [[[False, True, False]]]


@given(states(), thresholds)
def test_an_unchanged_segment_changes_nothing(state, threshold):
    segment = segment_of(state.p0, state.edits, threshold)

    assert np.array_equal(edits_from(segment, state.p0, state.edits, threshold), state.edits)


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.5, float("nan")])
def test_a_threshold_that_means_nothing_is_refused(threshold):
    p0 = np.zeros((2, 2, 2), np.float32)
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        edits_from(p0 > 0, p0, np.zeros_like(p0, np.int8), threshold)
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        merge(p0, np.ones_like(p0, np.int8), threshold, (1, 1, 1))
