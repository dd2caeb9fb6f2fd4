"""How long the axial view takes to follow the cord, for a slice: the slice node alone, and all that
the panel does about it; all measured in one run, without the time that Slicer takes to draw.

python Testing/bench/bench_views.py
"""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SoftCordSeg"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from _pytest.monkeypatch import MonkeyPatch
from bench_panel import milliseconds
from bench_scene import cord

from host.application import HostSlicer
from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.view_placement import Follower
from SoftCordSegLib.scene.volume_nodes import add_volume
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box

TARGET_MS = 5.0
SLICES = 40


def main() -> None:
    """Measure and print."""
    app = offscreen.start()
    host = HostSlicer(app, MonkeyPatch())
    widget = host.open_panel(host.load_module())
    mask = cord(running_along=2)
    image = add_volume(app.scene, mask.with_data((1000 * mask.data).astype(np.int16)), "image")
    widget.logic.engine = lambda request, progress: SoftMask(
        request.image.with_data(mask.data), Box.of_grid(mask.grid), "Found."
    )
    widget.ui.cordImageSelector.setCurrentNode(image)
    widget.ui.cordSegmentButton.click()
    wait_for_measures(host)
    views = widget.panel.views
    node, line = views.axial_node, views.line_of(study_of(image))
    for square in (False, True):
        widget.panel.parameters.squareToCord = square
        host.process_events()
        follower, alone, together = Follower(), [], []
        follower.square = square
        follower.follow(node, line)
        for n in range(SLICES):
            step = 1.0 if n < SLICES // 2 else -1.0
            together.append(milliseconds(partial(move, host, node, step)))
            node.DisableModifiedEventOn()  # the panel does not hear of it
            node.SetSliceOffset(node.GetSliceOffset() + step)
            alone.append(milliseconds(partial(follower.follow, node, line)))
            node.DisableModifiedEventOff()
        how = "at right angles" if square else "as it is"
        for what, times in (("follow alone", alone), ("all of the panel", together)):
            median = statistics.median(times)
            print(
                f"{what:18} {how:16} {median:6.2f} ms a slice   {median / TARGET_MS:4.2f} of 5 ms"
            )
    host.close_panel(widget)
    host.end()
    app.close()


def move(host, node, step: float) -> None:
    """To the next slice, with all that the panel does about it."""
    node.SetSliceOffset(node.GetSliceOffset() + step)
    host.process_events()


def wait_for_measures(host, seconds: float = 20.0) -> None:
    """The tables are made in the background."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        host.process_events()
        time.sleep(0.02)


if __name__ == "__main__":
    main()
