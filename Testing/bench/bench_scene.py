"""How long the threshold slider takes, against Slicer's own ways to do the same; all measured in
one run.

python Testing/bench/bench_scene.py
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SoftCordSeg"))

from vtk_messages import print_no_messages

from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.scene.contours import AT_THRESHOLD, contours_of, show_contours, surface_at
from SoftCordSegLib.scene.offscreen import GraphicsMissing
from SoftCordSegLib.scene.render import ORIENTATIONS, SliceView, ThreeDView
from SoftCordSegLib.scene.soft_mask_node import add_soft_mask
from SoftCordSegLib.scene.threshold_view import add_threshold_view
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of, voxels_changed
from SoftCordSegLib.volume import Volume

SHAPE = (320, 256, 64)
SPACING = (0.7, 0.7, 4.0)
THRESHOLDS = (0.5, 0.45, 0.4, 0.35, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.7)
TARGET_MS = 16.0


def cord(running_along: int) -> Volume:
    """A soft, curved cord of 12 mm that runs through the whole volume along one axis (2: axial
    slices; 0: sagittal slices).
    """
    i, j, k = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    along = (i, j, k)[running_along] / SHAPE[running_along]
    across = [axis for axis in range(3) if axis != running_along]
    offsets = []
    for axis, bend_mm in zip(across, (12.0, 6.0)):
        index = (i, j, k)[axis]
        offsets.append((index - SHAPE[axis] / 2) * SPACING[axis] - bend_mm * np.sin(5 * along))
    radius = np.sqrt(offsets[0] ** 2 + offsets[1] ** 2)
    soft = np.clip(0.5 - (radius - 6.0) / 2.0, 0.0, 1.0).astype(np.float32)
    return Volume(np.ascontiguousarray(np.broadcast_to(soft, SHAPE)), np.diag([*SPACING, 1.0]))


def median_ms(act: Callable[[float], object]) -> float:
    """Median over a slider's way up and down, milliseconds; the first, which fills caches, is not
    counted.
    """
    times = []
    for threshold in (0.55, *THRESHOLDS):
        start = time.perf_counter()
        act(threshold)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[1:])


def slicers_own_way(node, soft: np.ndarray, matrix) -> Callable[[float], object]:
    """Threshold the whole volume, write it whole, and let Slicer convert it to a surface."""
    import slicer
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    segmentation = node.GetSegmentation()

    def act(threshold: float) -> None:
        labelmap = slicer.vtkOrientedImageData()
        labelmap.SetDimensions(soft.shape)
        labelmap.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(soft.shape, order="F")[...] = (
            soft >= threshold
        )
        labelmap.SetImageToWorldMatrix(matrix)
        slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(labelmap, node, "Whole")
        segmentation.CreateRepresentation("Closed surface")

    return act


def former_way(node, view) -> Callable[[float], object]:
    """Until version 0.5.0: the segment's voxels and its closed surface, and no contours."""
    import slicer
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    node.CreateDefaultDisplayNodes()
    segmentation, soft = node.GetSegmentation(), array_of(view.soft_node)
    segmentation.AddEmptySegment("Cord", "Cord")
    matrix = vtk.vtkMatrix4x4()
    view.soft_node.GetIJKToRASMatrix(matrix)

    def act(threshold: float) -> None:
        box = view.box_at(threshold)
        changes = node.StartModify()
        segment = segmentation.GetSegment("Cord")
        segment.RemoveRepresentation("Closed surface")
        labelmap = slicer.vtkOrientedImageData()
        labelmap.SetExtent([bound for part in box for bound in (part.start, part.stop - 1)])
        labelmap.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        voxels = vtk_to_numpy(labelmap.GetPointData().GetScalars())
        voxels.reshape(soft[box].shape, order="F")[...] = soft[box] >= threshold
        labelmap.SetImageToWorldMatrix(matrix)
        slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(labelmap, node, "Cord")
        segment.AddRepresentation("Closed surface", surface_at(view.soft_node, threshold, box))
        node.EndModify(changes)

    return act


def measure(app, mask: Volume, what: str) -> None:
    import vtk

    image = add_volume(app.scene, Volume((mask.data * 500).astype(np.int16), mask.affine), "image")
    soft_node = add_soft_mask(app.scene, image, mask)
    view = add_threshold_view(app.scene, soft_node)
    show_contours(view, fixed=True, in_3d=True)
    matrix = vtk.vtkMatrix4x4()
    soft_node.GetIJKToRASMatrix(matrix)
    nodes = [app.scene.AddNewNodeByClass("vtkMRMLSegmentationNode") for _ in range(2)]
    nodes[0].GetSegmentation().AddEmptySegment("Whole", "Whole")

    print(
        f"\n{what}: {SHAPE[0]}x{SHAPE[1]}x{SHAPE[2]} voxels, {np.count_nonzero(mask.data >= 0.5)}"
        " in the cord"
    )
    ours = median_ms(view.update)
    print(f"  {'segment, contours, 3D':28s} {ours:7.1f} ms (goal {TARGET_MS:.0f})")
    former = former_way(nodes[1], view)
    for name, act in (
        ("segment and surface, as in 0.5.0", former),
        ("the whole volume, Slicer's way", slicers_own_way(nodes[0], array_of(soft_node), matrix)),
    ):
        theirs = median_ms(act)
        print(f"  {name:28s} {theirs:7.1f} ms: {theirs / ours:.1f} times as long")

    def changed(threshold: float) -> None:
        voxels_changed(soft_node)  # as after a stroke: all contours are made anew
        view.update(threshold)

    print(f"  {'the same after a stroke':28s} {median_ms(changed):7.1f} ms")
    surface = contours_of(soft_node)[AT_THRESHOLD].GetPolyData()
    print(f"  surface of {surface.GetNumberOfPoints()} points")
    app.scene.RemoveNode(nodes[0])
    nodes[1].GetDisplayNode().SetVisibility(False)
    drawn = rendered(app, image, view.update)
    view.node.GetDisplayNode().SetVisibility(False)
    show_contours(view)
    nodes[1].GetDisplayNode().SetVisibility(True)
    before = rendered(app, image, former)
    if drawn:
        print(
            f"  with four views drawn        {drawn:7.1f} ms; as in 0.5.0 {before:.1f} ms:"
            f" {before / drawn:.1f} times as long"
        )
    for node in (nodes[1], view.node, *contours_of(soft_node).values(), soft_node, image):
        app.scene.RemoveNode(node)


def rendered(app, image, act: Callable[[float], object]) -> float:
    """Median of a step with three slice views and 3D drawn each time, ms; 0 where nothing can be
    drawn.
    """
    with contextlib.ExitStack() as stack:
        try:
            views = [SliceView(app, orientation, (500, 500)) for orientation in ORIENTATIONS]
            views.append(ThreeDView(app, (500, 500)))
        except GraphicsMissing as error:
            print(f"  {error}")
            return 0.0
        for window in views:
            stack.enter_context(window)
        for window in views[:3]:
            window.show(image)
        views[3].look_from("A")

        def step(threshold: float) -> None:
            act(threshold)
            for window in views:
                window.window.Render()

        return median_ms(step)


def main() -> None:
    print_no_messages()
    app = offscreen.start()
    measure(app, cord(running_along=2), "axial slices")
    measure(app, cord(running_along=0), "sagittal slices")
    noise = np.random.default_rng(0).random(SHAPE, dtype=np.float32) * np.float32(0.29)
    mask = cord(running_along=0)
    measure(
        app,
        mask.with_data(np.maximum(mask.data, noise)),
        "sagittal slices, soft values below 0.3 everywhere (worst case)",
    )
    app.close()


if __name__ == "__main__":
    main()
