"""How long the threshold slider takes, against Slicer's own ways to do the same; all measured in
one run.

python Testing/bench/bench_scene.py
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SoftCordSeg"))

from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.scene.offscreen import GraphicsMissing
from SoftCordSegLib.scene.render import SliceView
from SoftCordSegLib.scene.soft_mask_node import add_soft_mask
from SoftCordSegLib.scene.threshold_view import SEGMENT_ID, add_threshold_view
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of, voxels_changed
from SoftCordSegLib.volume import Volume

SHAPE = (320, 256, 64)
SPACING = (0.7, 0.7, 4.0)
THRESHOLDS = (0.5, 0.45, 0.4, 0.35, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.7)
TARGETS_MS = {"segment": 30.0, "segment and closed surface": 80.0}


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


def slicers_own_way(
    slicer, node, soft: np.ndarray, matrix, surface: bool
) -> Callable[[float], object]:
    """Threshold the whole volume, write it whole, and let Slicer convert it to a surface."""
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
        if surface:
            segmentation.CreateRepresentation("Closed surface")

    return act


def measure(app, mask: Volume, what: str) -> None:
    import slicer
    import vtk

    image = add_volume(app.scene, Volume((mask.data * 500).astype(np.int16), mask.affine), "image")
    soft_node = add_soft_mask(app.scene, image, mask)
    view = add_threshold_view(app.scene, soft_node)
    other = app.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "whole")
    other.GetSegmentation().AddEmptySegment("Whole", "Whole")
    matrix = vtk.vtkMatrix4x4()
    soft_node.GetIJKToRASMatrix(matrix)

    print(
        f"\n{what}: {SHAPE[0]}x{SHAPE[1]}x{SHAPE[2]} voxels, {np.count_nonzero(mask.data >= 0.5)}"
        " in the cord"
    )
    for surface, name in ((False, "segment"), (True, "segment and closed surface")):
        ours = median_ms(lambda threshold, surface=surface: view.update(threshold, surface=surface))
        theirs = median_ms(slicers_own_way(slicer, other, array_of(soft_node), matrix, surface))
        print(f"  {name:28s} {ours:7.1f} ms (goal {TARGETS_MS[name]:.0f})")
        print(
            f"  {'':28s} {theirs:7.1f} ms for the whole volume in Slicer's own way:"
            f" {theirs / ours:.1f} times as long"
        )

    def changed(threshold: float) -> None:
        voxels_changed(soft_node)  # as after a stroke: the box of the cord must be found anew
        view.update(threshold, surface=True)

    print(f"  {'the same after a stroke':28s} {median_ms(changed):7.1f} ms")
    surface = view.node.GetSegmentation().GetSegment(SEGMENT_ID).GetRepresentation("Closed surface")
    print(f"  surface of {surface.GetNumberOfPoints()} points")
    rendered(app, view, image, soft_node)
    for node in (other, view.node, soft_node, image):
        app.scene.RemoveNode(node)


def rendered(app, view, image, soft_node) -> None:
    """The same with a slice view drawn each time."""
    try:
        window = SliceView(app, "Sagittal", (600, 600))
    except GraphicsMissing as error:
        print(f"  {error}")
        return
    with window:
        window.show(image, soft_node)

        def act(threshold: float) -> None:
            view.update(threshold, surface=True)
            window.render()

        print(f"  {'with a 600x600 view drawn':28s} {median_ms(act):7.1f} ms")


def main() -> None:
    offscreen.print_no_messages()
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
