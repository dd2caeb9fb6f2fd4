"""A desk to correct at: an image with a segmented cord, a Segment Editor on it, and corrections
that follow the editor.
"""

from __future__ import annotations

import numpy as np

from scene.examples import cord_in, image_in
from scene.strokes import Editor
from SoftCordSegLib.correction import merge
from SoftCordSegLib.scene.edit_nodes import correction_of
from SoftCordSegLib.scene.segment_voxels import segment_voxels
from SoftCordSegLib.scene.soft_edits import SoftEdits, events_to_follow
from SoftCordSegLib.scene.study import set_segmentation
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of


class Desk:
    """An image with a segmented cord, a Segment Editor on it, and corrections that follow the
    editor's events.
    """

    def __init__(self, app, grid, threshold: float = 0.5):
        self.app = app
        self.image = add_volume(app.scene, image_in(grid), "T2w")
        self.study = set_segmentation(self.image, cord_in(grid), threshold=threshold)
        self.view = self.study.view
        self.p0 = array_of(self.study.soft).copy(order="K")
        self.edits = SoftEdits(self.view)
        self.editor = Editor(app, self.view, self.image)
        self.changes = []
        for event in events_to_follow():
            self.edits.segmentation.AddObserver(event, self._follow)

    @property
    def soft(self) -> np.ndarray:
        return array_of(self.study.soft)

    @property
    def edit_map(self) -> np.ndarray:
        state = correction_of(self.study.soft)
        return np.zeros(self.soft.shape, np.int8) if state is None else state.edits.copy()

    @property
    def segment(self) -> np.ndarray:
        """The segment as Slicer has it, on the whole grid."""
        return segment_voxels(self.view).on(tuple(slice(0, n) for n in self.soft.shape))

    def voxels(self, *where) -> np.ndarray:
        voxels = np.zeros(self.soft.shape, bool)
        voxels[where] = True
        return voxels

    def inner(self, fraction: float = 0.5) -> np.ndarray:
        """A block of voxels in the middle of the cord: fraction of each axis."""
        shape = np.array(self.soft.shape)
        start = np.floor(shape * (1 - fraction) / 2).astype(int)
        return self.voxels(*(slice(a, max(b, a + 1)) for a, b in zip(start, (shape - start))))

    def corner(self) -> np.ndarray:
        """A block of voxels far from the cord."""
        return self.voxels(slice(1, 5), slice(1, 4), slice(1, 5))

    def check(self) -> None:
        """What must hold at any time."""
        threshold = self.view.threshold
        assert np.array_equal(self.segment, self.soft >= np.float32(threshold))
        assert np.array_equal(
            self.soft, merge(self.p0, self.edit_map, threshold, self.study.soft.GetSpacing())
        )

    def _follow(self, *_) -> None:
        change = self.edits.follow()
        if change is not None:
            self.changes.append(change)
