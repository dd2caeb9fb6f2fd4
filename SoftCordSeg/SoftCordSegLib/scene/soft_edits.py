"""Editing a soft mask by painting in its segment: the user's change is read from the segment, and
the mask stays soft.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..correction import Box, bounding_box, carry_rims, edits_from, merge_into, moved, union
from ..volume import Volume
from .edit_display import is_shown, show_edits, update_shown
from .edit_memory import EditMemory, State
from .edit_nodes import (
    correction_of,
    has_edits,
    prediction_number,
    set_prediction,
    start_correction,
)
from .links import EDIT_MAP, linked
from .segment_voxels import labelmap_of, other_segments, segment_voxels, voxels_of_others
from .threshold_view import ThresholdView
from .volume_nodes import array_of, grid_of, voxels_changed

_SEEN_FROM_THE_SIDE = (
    0.8  # cosine of the angle from which on a view shows no slice of the volume any more
)


def events_to_follow() -> tuple[int, ...]:
    """The events of :attr:`SoftEdits.segmentation` at which to call :meth:`SoftEdits.follow`.

    A stroke fires the first two, the second again when Slicer has made a surface of the new voxels;
    undo and redo fire the third.
    """
    import slicer

    events = slicer.vtkSegmentation
    return (
        events.SourceRepresentationModified,
        events.RepresentationModified,
        events.SegmentModified,
    )


class Change(NamedTuple):
    """Where soft values changed.

    Attributes:
        box: three slices (i, j, k) of the soft mask's node.
    """

    box: Box

    @property
    def start(self) -> tuple[int, int, int]:
        """First indices, as :meth:`~SoftCordSegLib.morphometry.LiveArea.update` takes them."""
        return tuple(part.start for part in self.box)

    @property
    def stop(self) -> tuple[int, int, int]:
        """Indices after the last."""
        return tuple(part.stop for part in self.box)

    def slices(self, axis: int) -> range:
        """Numbers of the changed slices along a voxel axis."""
        return range(self.box[axis].start, self.box[axis].stop)


class SoftEdits:
    """The user's corrections of one soft mask.

    The scene holds the state (:mod:`.edit_nodes`).  The object adds only a memory for undo
    across threshold moves; keep one object as long as the Segment Editor keeps its undo states.

    Args:
        view: the segment that is painted in.

    Attributes:
        has_lost_to_others: another segment has taken voxels; see :meth:`give_back`.
    """

    def __init__(self, view: ThresholdView):
        self.view = view
        self._memory = EditMemory()
        self._prediction = self.prediction
        self._others = None if self.soft_node is None else voxels_of_others(view)
        self.has_lost_to_others = False
        self._seen = None

    @property
    def soft_node(self):
        """The soft mask's node; None when it was deleted."""
        return self.view.soft_node

    @property
    def segmentation(self):
        """The ``vtkSegmentation`` whose events to observe.

        Not the node's: those of an undo reach the node only when the Segment Editor has finished,
        and what is written then makes its history lose the redo.
        """
        return self.view.node.GetSegmentation()

    @property
    def edit_node(self):
        """The edit map of -1, 0, +1, a hidden volume node; None before the first correction."""
        return None if self.soft_node is None else linked(self.soft_node, EDIT_MAP)

    @property
    def prediction(self) -> int:
        """The number of the prediction that is corrected; states for undo that were saved before
        another one are invalid.
        """
        return 0 if self.soft_node is None else prediction_number(self.soft_node)

    @property
    def has_edits(self) -> bool:
        """True if something is corrected."""
        return self.soft_node is not None and has_edits(self.soft_node)

    @property
    def counts(self) -> tuple[int, int]:
        """Numbers of voxels that were added and removed."""
        state = None if self.soft_node is None else correction_of(self.soft_node)
        return (
            (0, 0)
            if state is None
            else (int(np.count_nonzero(state.edits > 0)), int(np.count_nonzero(state.edits < 0)))
        )

    @property
    def edited_slices(self) -> int:
        """How many slices across the cord (the voxel axis nearest to up and down) are corrected."""
        state = None if self.soft_node is None else correction_of(self.soft_node)
        if state is None:
            return 0
        # In its own frame: under a transform that bends, it has no grid in the world.
        grid = grid_of(self.soft_node, in_world=False)
        along = int(np.abs(grid.affine[2, :3]).argmax())
        others = tuple(axis for axis in range(3) if axis != along)
        return int(np.count_nonzero(state.edits.any(axis=others)))

    def follow(self) -> Change | None:
        """Read the user's change of the segment, and correct the soft mask accordingly.

        To be called at each of :func:`events_to_follow`, immediately: a write while the Segment
        Editor restores a state does not lose its redo.  Calls without a change (a rename, other
        segments, our own updates) are cheap.

        Returns:
            Where soft values changed; None if they did not.
        """
        if self.view.is_updating or self.soft_node is None or self._look() == self._seen:
            return None
        if self._prediction != self.prediction:
            self._memory, self._prediction = EditMemory(), self.prediction
        found = segment_voxels(self.view)
        if found is None:
            return None
        threshold = self.view.threshold
        around = union(found.box, self.view.box_at(threshold))
        change = None
        if around is not None:
            segment = self._with_taken(found.on(around), around, threshold)
            change = self._follow(segment, around, threshold, found.resampled)
        self.view.renew_surfaces()
        self._seen = self._look()
        return change

    def give_back(self) -> None:
        """Give the segment back what another segment has taken.  Slicer's editor overwrites by
        default, and a lesion in the cord is cord still.  Call it when :attr:`has_lost_to_others`,
        after the stroke: in the midst of it the editor would take the voxels again.
        """
        if not self.has_lost_to_others or self.soft_node is None:
            return
        self.has_lost_to_others = False
        self.view.update()
        self._others = voxels_of_others(self.view)
        self._seen = self._look()

    def revert_all(self) -> Change | None:
        """Revert every correction.  (To let the user undo it, save the Segment Editor's state
        first.)
        """
        return self._revert(lambda edits: edits.fill(0))

    def revert_slice(self, axis: int, index: int) -> Change | None:
        """Revert the corrections in one slice.

        Args:
            axis: voxel axis of the soft mask's node that the slice is across: 0, 1 or 2.
            index: of the slice.
        """

        def clear(edits: np.ndarray) -> None:
            np.moveaxis(edits, axis, 0)[index] = 0

        return self._revert(clear)

    def slice_at(self, position_ras, normal_ras) -> tuple[int, int] | None:
        """The slice of the soft mask that a slice view shows.

        Args:
            position_ras: (3,) a point of the view's plane, mm in the world: the last column of its
                SliceToRAS.
            normal_ras: (3,) the plane's normal: the third column.

        Returns:
            (axis, index); None where the view is outside the mask, or cuts its slices at an angle.
        """
        grid = grid_of(self.soft_node)
        cosines = np.abs(
            (grid.affine[:3, :3] / grid.spacing).T
            @ np.asarray(normal_ras, float)
            / np.linalg.norm(normal_ras)
        )
        axis = int(cosines.argmax())
        index = int(np.floor(grid.to_voxel(np.asarray([position_ras], float))[0, axis] + 0.5))
        inside = 0 <= index < grid.shape[axis]
        return (axis, index) if inside and cosines[axis] >= _SEEN_FROM_THE_SIDE else None

    def revert_slice_at(self, position_ras, normal_ras) -> Change | None:
        """:meth:`revert_slice` of :meth:`slice_at`."""
        shown = self.slice_at(position_ras, normal_ras)
        return None if shown is None else self.revert_slice(*shown)

    def set_prediction(self, mask: Volume, keep: bool = True) -> None:
        """Apply the corrections to a new prediction (``keep``), or drop them.

        Raises:
            InputError: the mask does not fit; nothing was changed.
        """
        set_prediction(self.soft_node, mask, self.view.threshold, keep)
        self.view.update()
        update_shown(self.soft_node)

    @property
    def is_shown(self) -> bool:
        """True while the corrections are shown in the slice views."""
        return self.soft_node is not None and is_shown(self.soft_node)

    def show(self, visible: bool) -> None:
        """Show the corrections in all slice views, or hide them."""
        show_edits(self.soft_node, visible)

    def _look(self) -> tuple:
        """A state that is equal to the last one only if nothing changed."""
        labelmap, surface = labelmap_of(self.view), self.view.surface
        others = [labelmap_of(self.view, other) for other in other_segments(self.view)]
        times = [
            None if shown is None else shown.GetMTime() for shown in (labelmap, surface, *others)
        ]
        return labelmap, surface, times, self.view.threshold

    def _with_taken(self, segment: np.ndarray, around: Box, threshold: float) -> np.ndarray:
        """The segment's voxels in a box, with those that another segment has just taken."""
        before, now = self._others, voxels_of_others(self.view)
        if now is not None:
            taken = now[around] if before is None else now[around] & ~before[around]
            taken &= (array_of(self.soft_node)[around] >= threshold) & ~segment
            if taken.any():
                # What was before stays known: one stroke takes the voxels in several steps.
                self.has_lost_to_others = True
                return segment | taken
        self._others = now
        return segment

    def _follow(
        self, segment: np.ndarray, around: Box, threshold: float, resampled: bool
    ) -> Change | None:
        shown = array_of(self.soft_node)[around] >= threshold
        changed = bounding_box(segment != shown)
        if changed is None:
            state = correction_of(self.soft_node)
            self._memory.here(
                State.of(shown, around, None if state is None else state.edits, threshold)
            )
            if resampled:
                self.view.update()
            return None
        state = start_correction(self.soft_node)
        last = State.of(shown, around, state.edits, threshold)
        found = self._memory.find(segment, around, state.p0, threshold)
        if found is None:
            self._memory.before_stroke(last)
            before = state.edits.copy(order="K")
            box = moved(changed, [part.start for part in around])
            state.edits[box] = edits_from(segment[changed], state.p0[box], before[box], threshold)
            box = carry_rims(state.edits, before, state.p0, threshold, state.spacing, box)
        else:
            known = self._memory.go_to(found, last).edits(state.p0.shape)
            box = bounding_box(known != state.edits)
            state.edits[...] = known
        change = self._merge(box, threshold)
        if resampled or not np.array_equal(array_of(self.soft_node)[around] >= threshold, segment):
            self.view.update()
        return change

    def _revert(self, clear) -> Change | None:
        state = None if self.soft_node is None else correction_of(self.soft_node)
        if state is None:
            return None
        before = state.edits.copy(order="K")
        clear(state.edits)
        box = bounding_box(before != state.edits)
        if box is None:
            return None
        threshold = self.view.threshold
        around = self.view.box_at(threshold) or (slice(0, 0),) * 3
        self._memory.before_stroke(
            State.of(array_of(self.soft_node)[around] >= threshold, around, before, threshold)
        )
        change = self._merge(box, threshold)
        self.view.update()
        return change

    def _merge(self, box: Box | None, threshold: float) -> Change | None:
        """Bring the soft mask up to date after the edit map changed in ``box``."""
        if box is None:
            return None
        state = correction_of(self.soft_node)
        voxels_changed(self.edit_node)
        written = merge_into(state.soft, state.p0, state.edits, threshold, state.spacing, box)
        if written is not None:
            self.view.soft_written(written)
        update_shown(self.soft_node)
        return None if written is None else Change(written)


def soft_volume(soft_node) -> Volume:
    """The voxels of the soft mask's node **themselves** as a volume, for quick work on the main
    thread; do not write to them.
    """
    return Volume(array_of(soft_node), grid_of(soft_node).affine)
