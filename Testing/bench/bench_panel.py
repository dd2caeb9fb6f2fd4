"""How long the panel lets its user wait: opening, the threshold slider, a stroke up to the areas;
all measured in one run.

Through the host of the tests, so without the time that Slicer takes to draw; of a stroke, what the
panel adds.

python Testing/bench/bench_panel.py
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SoftCordSeg"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from _pytest.monkeypatch import MonkeyPatch
from bench_scene import cord

from host.application import HostSlicer
from panel_actions import paint_voxels, stroke, wait_until_measured
from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import add_volume
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box

TARGETS_MS = {
    "open the panel": 1000,
    "move the threshold, with 3D": 30,
    "a stroke up to the areas": 50,
}


def milliseconds(act) -> float:
    """Of one call."""
    start = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - start)


def say(what: str, times: list[float], other: str = "") -> None:
    """One line: the median, and how much of the target it is."""
    median = statistics.median(times)
    print(
        f"{what:28} {median:7.1f} ms   {median / TARGETS_MS[what]:5.2f} of the target of"
        f" {TARGETS_MS[what]} ms{other}"
    )


def main() -> None:
    """Measure and print."""
    app = offscreen.start()
    host = HostSlicer(app, MonkeyPatch())
    module = host.load_module()
    opened = []
    say("open the panel", [milliseconds(lambda: opened.append(host.open_panel(module)))])
    widget, ui = opened[0], opened[0].ui
    mask = cord(running_along=2)
    image = add_volume(app.scene, mask.with_data((1000 * mask.data).astype(np.int16)), "image")
    widget.logic.engine = lambda request, progress: SoftMask(
        request.image.with_data(mask.data), Box.of_grid(mask.grid), "Found."
    )
    ui.cordImageSelector.setCurrentNode(image)
    ui.cordSegmentButton.click()

    def move(values):
        times = [
            milliseconds(lambda value=value: setattr(ui.cordThresholdSlider, "value", value))
            for value in values
        ][1:]
        assert study_of(image).view.threshold == values[-1], ui.cordRunStatus.text
        return times

    values = (0.55, 0.5, 0.45, 0.4, 0.35, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    say("move the threshold, with 3D", move(values))

    ui.cordThresholdSlider.value = 0.5
    ui.cordCorrectSection.collapsed = False
    wait_until_measured(widget)
    inside = np.argwhere(mask.data >= 0.5)
    times = []
    for number in range(8):
        level = inside[inside[:, 2] == 10 + 3 * number].mean(axis=0).round().astype(int)
        voxels = np.zeros(mask.data.shape, bool)
        voxels[level[0] + 6 : level[0] + 10, level[1] - 3 : level[1] + 3, level[2]] = True
        times.append(milliseconds(lambda voxels=voxels: paint_voxels(ui, voxels)))
    alone = editor_alone(app, image, voxels)
    say(
        "a stroke up to the areas",
        [one - alone for one in times[1:]],
        f"  (beside {alone:.0f} ms of Slicer's own editor)",
    )
    host.close_panel(widget)
    app.close()


def editor_alone(app, image, voxels) -> float:
    """The same stroke in a segment that nobody follows, ms."""
    from host.segment_editor import SegmentEditorWidget
    from SoftCordSegLib.scene.threshold_view import add_threshold_view

    view = add_threshold_view(app.scene, study_of(image).soft)
    editor = SegmentEditorWidget()
    editor.show()  # a hidden one may not edit
    editor.setMRMLSegmentEditorNode(app.scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    editor.setMRMLScene(app.scene)
    editor.setSegmentationNode(view.node)
    editor.setSourceVolumeNode(image)
    return statistics.median(milliseconds(lambda: stroke(editor.logic, voxels)) for _ in range(5))


if __name__ == "__main__":
    main()
