"""How long a rater waits for the next case: from the key to the picture, with T2w images of 0.8 mm;
and whether memory stays flat over many cases.  All measured in one run.

Through the host of the tests: what is ours, beside the drawing of the slice views by Slicer's own
classes into windows without a screen.

python Testing/bench/bench_review.py [CASES]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SoftCordSeg"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _pytest.monkeypatch import MonkeyPatch

from host.application import HostSlicer
from panel.review_examples import start
from SoftCordSegLib.bids import Kind, label_name
from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.volume import Volume, write_nifti

SHAPE, SPACING = (64, 320, 320), 0.8
TARGET_MS = 300
# Files of a few images: more cases are links to them.
_IMAGES = 6


def neck(bend: float) -> tuple[Volume, Volume]:
    """An image of noise with a cord, and its soft mask; sagittal, 0.8 mm."""
    i, j, k = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    across = SPACING * (j - SHAPE[1] / 2) - bend * np.sin(5 * k / SHAPE[2])
    radius = np.sqrt((SPACING * (i - SHAPE[0] / 2)) ** 2 + across**2)
    soft = np.clip(0.5 - (radius - 6.0) / 2.0, 0.0, 1.0).astype(np.float32)
    soft = np.asfortranarray(np.broadcast_to(soft, SHAPE))
    noise = np.random.default_rng(int(10 * bend)).normal(300, 60, SHAPE)
    image = np.asfortranarray((noise + 500 * soft).astype(np.int16))
    affine = np.diag([SPACING] * 3 + [1.0])
    return Volume(image, affine), Volume(soft, affine)


def make_data_set(folder: Path, cases: int) -> None:
    """Participants sub-001 …; a few images, and links to them."""
    for number in range(1, cases + 1):
        name = f"sub-{number:03d}_T2w"
        files = [
            folder / f"sub-{number:03d}/anat/{name}.nii.gz",
            folder
            / f"derivatives/softcord/sub-{number:03d}/anat"
            / label_name(name, Kind.SOFT_MASK),
        ]
        for file in files:
            file.parent.mkdir(parents=True)
        if number <= _IMAGES:
            for volume, file in zip(neck(3.0 * number), files):
                write_nifti(volume, file)
        else:
            first = f"sub-{(number - 1) % _IMAGES + 1:03d}"
            for file in files:
                file.hardlink_to(str(file).replace(f"sub-{number:03d}", first))


def resident_mb() -> float:
    """Memory of this process, MB."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return float(line.split()[1]) / 1024
    return float("nan")


def main(cases: int = 24) -> None:
    """Measure and print."""
    app = offscreen.start()
    host = HostSlicer(app, MonkeyPatch())
    widget = host.open_panel(host.load_module())
    with tempfile.TemporaryDirectory() as folder:
        make_data_set(Path(folder), cases)
        start(host, widget.ui, Path(folder))
        walk(host, widget, cases)
        host.close_panel(widget)
    app.close()


def walk(host, widget, cases: int) -> None:
    """From case to case by the key, as a rater who looks at each for a second."""
    desk, ours, work, drawing, settling, memory = widget.panel.desk, [], [], [], [], []
    for name in ("Red", "Yellow"):
        host.picture(name)
    for number in range(1, cases):
        end = time.monotonic() + 1.0
        while time.monotonic() < end or desk._reading._waiting:
            host.process_events()
            time.sleep(0.01)
        before = desk.row.case.key
        started, busy = time.perf_counter(), time.thread_time()
        desk.judge(None, number % 10, "")
        desk.step(1)
        shown = time.perf_counter()
        work.append(1000 * (time.thread_time() - busy))
        for name in ("Red", "Yellow"):
            host.picture(name)
        drawn = time.perf_counter()
        host.process_events()
        done = time.perf_counter()
        assert desk.row.case.key != before
        ours.append(1000 * (shown - started))
        drawing.append(1000 * (drawn - shown))
        settling.append(1000 * (done - drawn))
        memory.append((number, resident_mb(), widget.panel.scene.GetNumberOfNodes()))
    for what, times in (
        ("verdict stored, next case in the scene", ours),
        ("  of that, time of the processor", work),
        ("two slice views drawn by Slicer's classes", drawing),
        ("what follows when the window is idle", settling),
    ):
        print(f"{what:42} {statistics.median(times):7.1f} ms   at most {max(times):7.1f} ms")
    whole = statistics.median(a + b for a, b in zip(ours, drawing))
    print(f"{'from the key to the picture':42} {whole:7.1f} ms   of {TARGET_MS} ms")
    for number, megabytes, nodes in memory[:: max(len(memory) // 6, 1)]:
        print(f"case {number:4}: {megabytes:7.0f} MB, {nodes} nodes")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
