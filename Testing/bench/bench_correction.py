"""How long it takes from a stroke in the segment to the corrected soft mask and the areas along the
cord; all in one run.

python Testing/bench/bench_correction.py
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SoftCordSeg"))

from vtk_messages import print_no_messages

from bench.bench_scene import SHAPE, SPACING, cord
from scene.strokes import Editor
from SoftCordSegLib.correction import merge, merge_into
from SoftCordSegLib.morphometry import LiveArea
from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.scene.soft_edits import SoftEdits, events_to_follow, soft_volume
from SoftCordSegLib.scene.study import set_segmentation
from SoftCordSegLib.scene.volume_nodes import add_volume
from SoftCordSegLib.volume import Volume

REPEATS = 15
EDIT = (25, 20, 10)  # 5,000 voxels
THIN = (1.0, 1.0, 1.0)


def median_ms(act: Callable[[], object], prepare: Callable[[], object] = lambda: None) -> float:
    """Median in milliseconds; ``prepare`` runs before each and is not counted, nor is the first,
    which fills caches.
    """
    times = []
    for _ in range(REPEATS + 1):
        prepare()
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[1:])


def line(
    what: str, milliseconds: float, goal: float | None = None, than: float | None = None
) -> None:
    words = f"  {what:58s} {milliseconds:7.1f} ms"
    words += f" (goal {goal:.0f})" if goal is not None else ""
    words += f"  {milliseconds / than:.2f} of a copy of the mask" if than is not None else ""
    print(words)


def arrays() -> None:
    print(f"\nArrays of {SHAPE[0]}x{SHAPE[1]}x{SHAPE[2]}, {np.prod(EDIT)} edited voxels")
    p0 = np.asfortranarray(cord(running_along=2).data)
    edits = np.zeros(SHAPE, np.int8, order="F")
    box = tuple(slice(n // 2, n // 2 + size) for n, size in zip(SHAPE, EDIT))
    edits[box] = 1
    scattered = np.zeros(SHAPE, np.int8, order="F")
    chosen = np.random.default_rng(0).choice(scattered.size, int(np.prod(EDIT)), replace=False)
    scattered.ravel(order="F")[chosen] = 1
    merged = p0.copy(order="K")
    copy = median_ms(lambda: p0.copy(order="K"))
    line("copy of the mask", copy)
    for spacing, name in ((SPACING, "thick slices"), (THIN, "thin slices")):
        line(f"merge, {name}", median_ms(lambda s=spacing: merge(p0, edits, 0.5, s)), 20, copy)
        line(
            f"merge, {name}, voxels scattered everywhere",
            median_ms(lambda s=spacing: merge(p0, scattered, 0.5, s)),
            None,
            copy,
        )

        def again(s=spacing) -> None:
            merge_into(merged, p0, edits, 0.5, s, box)

        line(
            f"merge into, {name}: the box of the edit alone",
            median_ms(again, lambda: merged.__setitem__(..., p0)),
            None,
            copy,
        )


def brush(mask: Volume, axis: int) -> np.ndarray:
    """A ball-shaped stroke of some 5,000 voxels at the edge of the cord, across a few slices."""
    middle = np.array(SHAPE) // 2
    inside = (
        np.argwhere(mask.data[tuple(slice(m - 30, m + 30) for m in middle)] >= 0.5) + middle - 30
    )
    centre = inside[np.abs(inside[:, axis] - middle[axis]) == 0].max(axis=0)
    radius = (3 * np.prod(EDIT) / (4 * np.pi)) ** (1 / 3)
    grid = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    return sum((index - c) ** 2 for index, c in zip(grid, centre)) <= radius**2


class Following:
    """Corrections that follow the events of a segmentation, and the time they take."""

    def __init__(self, edits: SoftEdits):
        self.edits = edits
        self.change = None
        self.seconds = 0.0
        for event in events_to_follow():
            edits.segmentation.AddObserver(event, self._follow)

    def times_ms(self, acts: list[Callable[[], object]]) -> tuple[float, float]:
        """Medians over the acts in turn: what Slicer takes for itself, and the correction on top of
        it.
        """
        alone, followed = [], []
        for n in range(2 * (REPEATS // 2) + 2):
            self.seconds = 0.0
            start = time.perf_counter()
            acts[n % len(acts)]()
            alone.append(time.perf_counter() - start - self.seconds)
            followed.append(self.seconds)
        return 1000 * statistics.median(alone[2:]), 1000 * statistics.median(followed[2:])

    def _follow(self, *_) -> None:
        start = time.perf_counter()
        change = self.edits.follow()
        self.seconds += time.perf_counter() - start
        self.change = change or self.change


def strokes(app, running_along: int, what: str, surface: bool) -> None:
    mask = cord(running_along)
    image = add_volume(app.scene, Volume((mask.data * 500).astype(np.int16), mask.affine), "image")
    study = set_segmentation(image, mask)
    study.view.update(surface=surface)
    following = Following(SoftEdits(study.view))
    editor = Editor(app, study.view, image)
    live = LiveArea(soft_volume(study.soft))
    stroke = brush(mask, running_along)
    added = int((stroke & (mask.data < 0.5)).sum())
    print(
        f"\n{what}: a stroke of {int(stroke.sum())} voxels, {added} of them new"
        + (", closed surface shown" if surface else "")
    )

    editor.paint(stroke)
    line("the first correction, which makes the two nodes", 1000 * following.seconds)
    alone, followed = following.times_ms(
        [lambda: editor.erase(stroke), lambda: editor.paint(stroke)]
    )
    measured = median_ms(
        lambda: live.update(soft_volume(study.soft), following.change.start, following.change.stop)
    )
    line("the stroke itself, Slicer's Segment Editor", alone)
    line("stroke -> soft mask corrected" + (", iso-surface made" if surface else ""), followed)
    line("soft mask corrected -> areas of all slices", measured)
    line("stroke -> areas of all slices", followed + measured, 50)
    print(f"  {'against the stroke itself':58s} {(followed + measured) / alone:7.2f} times as long")

    alone, followed = following.times_ms([editor.undo, editor.redo])
    line("undo or redo itself, Slicer's Segment Editor", alone)
    line("undo or redo -> soft mask corrected", followed)
    assert following.edits.has_edits
    thresholds = iter(np.tile([0.3, 0.45, 0.6, 0.7], REPEATS))
    line(
        "threshold slider with edits",
        median_ms(lambda: study.view.update(float(next(thresholds)))),
        80 if surface else 30,
    )


def main() -> None:
    arrays()
    print_no_messages()
    for surface in (False, True):
        for running_along, what in ((2, "Axial slices"), (0, "Sagittal slices")):
            app = offscreen.start()
            strokes(app, running_along, what, surface)
            app.close()


if __name__ == "__main__":
    main()
