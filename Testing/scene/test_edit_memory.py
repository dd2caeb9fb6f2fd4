"""The memory goes the way of the Segment Editor's history."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.correction import segment_of
from SoftCordSegLib.scene.edit_memory import EditMemory, State

WHOLE = (slice(0, 4), slice(0, 3), slice(0, 1))
# As predicted: one row of 0.9, one of 0.6, one of 0.2.
P0 = np.asfortranarray(
    np.broadcast_to(np.array([0.9, 0.6, 0.2], np.float32)[None, :, None], (4, 3, 1))
)


def edits_at(*voxels, value: int = 1) -> np.ndarray:
    edits = np.zeros(P0.shape, np.int8, order="F")
    for voxel in voxels:
        edits[voxel] = value
    return edits


def state(edits: np.ndarray, threshold: float) -> State:
    return State.of(segment_of(P0, edits, threshold), WHOLE, edits, threshold)


def found(memory: EditMemory, edits: np.ndarray, threshold: float, now: float = 0.5):
    return memory.find(segment_of(P0, edits, threshold), WHOLE, P0, now)


def test_a_segment_leads_to_the_edits_it_stood_for_at_any_threshold_now():
    memory, said = EditMemory(), edits_at((0, 2, 0), (3, 2, 0))
    memory.before_stroke(state(said, 0.5))

    number = found(memory, said, 0.5, now=0.8)

    assert np.array_equal(memory.go_to(number, state(said, 0.8)).edits(P0.shape), said)
    assert found(memory, edits_at((1, 2, 0)), 0.5) is None


def test_of_several_states_that_look_alike_the_nearest_is_meant():
    """At 0.1 everything is in the segment anyway, whatever was said to be."""
    memory = EditMemory()
    said = [edits_at(*[(n, 2, 0) for n in range(count)]) for count in range(4)]
    for edits in said:
        memory.before_stroke(state(edits, 0.5))
        memory.before_stroke(state(edits, 0.1))

    number = found(memory, said[0], 0.1)  # the same voxels in all four states
    assert np.array_equal(memory.go_to(number, state(said[3], 0.3)).edits(P0.shape), said[3])
    memory.go_to(found(memory, said[1], 0.5), state(said[3], 0.1))
    number = found(memory, said[0], 0.1)
    assert number in (1, 3)  # right before or right after
    memory.go_to(0, state(said[1], 0.5))
    assert found(memory, said[3], 0.1) == 1


def test_an_empty_segment_is_known_at_its_own_threshold_only():
    memory, none = EditMemory(), edits_at()
    memory.before_stroke(state(none, 1.0))

    assert found(memory, none, 1.0, now=1.0) == 0
    assert found(memory, none, 1.0, now=0.5) is None


def test_a_stroke_ends_what_could_be_redone():
    memory = EditMemory()
    first, second, third = (edits_at(*[(n, 2, 0) for n in range(count)]) for count in range(3))
    memory.before_stroke(state(first, 0.5))
    memory.before_stroke(state(second, 0.5))
    memory.go_to(found(memory, second, 0.5), state(third, 0.5))
    assert found(memory, third, 0.5) is not None  # left behind by the undo, brought back by a redo
    memory.go_to(found(memory, first, 0.5), state(second, 0.5))

    memory.before_stroke(state(first, 0.7))

    assert found(memory, first, 0.5) is not None
    assert found(memory, second, 0.5) is None
    assert found(memory, third, 0.5) is None


def test_over_another_prediction_nothing_is_known():
    memory, said = EditMemory(), edits_at((0, 2, 0))
    memory.before_stroke(state(said, 0.5))

    assert memory.find(segment_of(P0, said, 0.5), WHOLE, np.float32(1) - P0, 0.5) is None


def test_old_states_are_forgotten_one_by_one():
    memory = EditMemory()
    thresholds = np.linspace(0.3, 0.5, 70)
    voxels = [tuple(voxel) for voxel in np.argwhere(np.ones(P0.shape))]
    said = [
        edits_at(*(voxel for bit, voxel in enumerate(voxels) if n >> bit & 1), value=-1)
        for n in range(1, 71)
    ]
    for edits, threshold in zip(said, thresholds):
        memory.before_stroke(state(edits, float(threshold)))
        memory.before_stroke(state(edits, float(threshold)))  # twice the same is once

    assert found(memory, said[69], 0.5) == 63
    assert len(memory._states) == 64


@pytest.mark.parametrize("box", [WHOLE, (slice(0, 4), slice(0, 2), slice(0, 1))])
def test_the_box_that_was_looked_at_does_not_matter(box):
    memory, none = EditMemory(), edits_at()
    memory.before_stroke(State.of((P0 >= 0.5)[box], box, None, 0.5))

    assert found(memory, none, 0.5) == 0
