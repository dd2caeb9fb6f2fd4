"""A user who paints, erases, undoes and slides without a plan; what must hold, holds after every
step.
"""

from __future__ import annotations

import numpy as np
import pytest

from scene.desk import Desk
from scene.examples import GRIDS
from SoftCordSegLib.morphometry import LiveArea, measure
from SoftCordSegLib.scene.soft_edits import soft_volume


def any_block(desk: Desk, rng) -> np.ndarray:
    """A block of voxels, at or near the cord more often than not."""
    shape = np.array(desk.soft.shape)
    inside = np.argwhere(desk.p0 > 0.05)
    middle = inside[rng.integers(len(inside))] if rng.random() < 0.8 else rng.integers(0, shape)
    half = rng.integers(0, 4, 3)
    return desk.voxels(*(slice(max(m - h, 0), m + h + 1) for m, h in zip(middle, half)))


def _stroke_that_changes_something(desk: Desk, rng):
    while True:
        stroke = any_block(desk, rng)
        act = desk.editor.paint if rng.random() < 0.5 else desk.editor.erase
        if (desk.segment[stroke] != (act == desk.editor.paint)).any():
            return act, stroke


@pytest.mark.parametrize(("seed", "surface"), [(seed, seed % 2 == 1) for seed in range(6)])
def test_mask_segment_and_edits_agree_whatever_the_user_does(app, seed, surface):
    rng = np.random.default_rng(seed)
    desk = Desk(app, list(GRIDS.values())[seed])
    desk.view.update(surface=surface)
    done = []
    for _ in range(40):
        act = rng.choice(
            ["paint", "erase", "undo", "redo", "slide", "slice"],
            p=[0.3, 0.25, 0.15, 0.1, 0.15, 0.05],
        )
        done.append(str(act))
        if act == "paint":
            desk.editor.paint(any_block(desk, rng))
        elif act == "erase":
            desk.editor.erase(any_block(desk, rng))
        elif act == "undo" and desk.editor.logic.CanUndo():
            desk.editor.undo()
        elif act == "redo" and desk.editor.logic.CanRedo():
            desk.editor.redo()
        elif act == "slide":
            desk.view.update(
                float(rng.choice([0.1, 0.3, 0.5, 0.7, 0.9, 1.0, rng.uniform(0.01, 1)]))
            )
        elif act == "slice":
            desk.edits.revert_slice(int(rng.integers(3)), int(rng.integers(min(desk.soft.shape))))
        desk.check()
        assert desk.view.shows_surface == surface, done
    desk.edits.revert_all()
    assert desk.soft.tobytes() == desk.p0.tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_undo_leads_back_to_every_state_in_turn_and_redo_forward_again(app, seed):
    rng = np.random.default_rng(seed)
    desk = Desk(app, GRIDS["anisotropic"])
    desk.editor.logic.SetMaximumNumberOfUndoStates(30)
    said = [desk.edit_map]
    for _ in range(12):
        desk.view.update(float(rng.uniform(0.1, 0.9)))
        act, stroke = _stroke_that_changes_something(desk, rng)
        act(stroke)
        said.append(desk.edit_map)
    desk.view.update(0.37)

    for expected in said[-2::-1]:
        desk.editor.undo()
        assert np.array_equal(desk.edit_map, expected)
        assert desk.view.threshold == 0.37
        desk.check()
    assert desk.soft.tobytes() == desk.p0.tobytes()
    for expected in said[1:]:
        desk.editor.redo()
        assert np.array_equal(desk.edit_map, expected)
        desk.check()


def test_the_areas_follow_and_are_those_of_the_corrected_mask(app, grid):
    desk = Desk(app, grid)
    rng = np.random.default_rng(1)
    live = LiveArea(soft_volume(desk.study.soft))
    for _ in range(6):
        desk.changes.clear()
        (desk.editor.paint if rng.random() < 0.6 else desk.editor.erase)(any_block(desk, rng))
        for change in desk.changes:
            live.update(soft_volume(desk.study.soft), change.start, change.stop)

        whole = measure(soft_volume(desk.study.soft))
        assert np.array_equal(live.areas, whole.columns["area"], equal_nan=True)
