"""How long measuring the cord takes, beside the plain slice-by-slice way: ``python
Testing/bench/bench_morphometry.py``.

The mask is a soft, curved cord of 320 slices at 0.8 mm in a whole field of view.  Times are the
best of several runs, because the others measure what else the machine was doing; memory is the peak
that the call allocates beyond the mask itself.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "SoftCordSeg"), str(REPOSITORY / "Testing")]

from morphometry.plain_sct import plain_shape  # noqa: E402
from SoftCordSegLib.morphometry import LiveArea, measure  # noqa: E402
from SoftCordSegLib.volume import Volume  # noqa: E402


def a_whole_cord(slices: int, spacing: float = 0.8, shape: tuple[int, int] = (200, 240)) -> Volume:
    """A soft cord of about 13 x 9 mm that bends by some centimetres, edges 1.2 mm wide."""
    x, y = np.mgrid[: shape[0], : shape[1]]
    data = np.zeros((*shape, slices), dtype=np.float32, order="F")
    for number in range(slices):
        middle = shape[0] / 2 + 3 * np.sin(number / 60), shape[1] / 2 + 25 * np.sin(number / 70)
        radius = 6.5 + 0.8 * np.sin(number / 40)
        distance = np.hypot(x - middle[0], (y - middle[1]) / 0.72) * spacing / radius
        data[:, :, number] = np.clip((1 - distance) * radius / 1.2 + 0.5, 0, 1) * 0.97
    return Volume(data, np.diag([-spacing, spacing, spacing, 1.0]))


def best_time(call: Callable[[], object], runs: int) -> float:
    """Seconds of the fastest of ``runs`` calls."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_memory(call: Callable[[], object]) -> float:
    """MB that ``call`` allocates at its highest."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=320)
    parser.add_argument(
        "--runs", type=int, default=5, help="of the fast ways; the plain way runs once"
    )
    arguments = parser.parse_args()

    mask = a_whole_cord(arguments.slices)
    live = LiveArea(mask)
    middle = arguments.slices // 2
    box = (90, 100, middle - 5), (110, 120, middle + 5)
    plain_result: dict[str, np.ndarray] = {}
    ways = [
        ("plain, slice by slice: all measures", lambda: plain_result.update(plain_shape(mask)), 1),
        ("measure(): all measures", lambda: measure(mask), arguments.runs),
        ("LiveArea(): area of the whole cord", lambda: LiveArea(mask), arguments.runs * 2),
        (
            "LiveArea.update(): edit of 10 slices",
            lambda: live.update(mask, *box),
            arguments.runs * 10,
        ),
    ]
    print(f"mask {mask.shape} at 0.8 mm, {mask.data.nbytes / 2**20:.0f} MB")
    print(f"{'way':40s} {'time, ms':>10s} {'times faster':>13s} {'peak MB':>8s}")
    plain_time = None
    for name, call, runs in ways:
        seconds = best_time(call, runs)
        plain_time = plain_time or seconds
        print(
            f"{name:40s} {seconds * 1e3:10.1f} {plain_time / seconds:13.1f}"
            f" {peak_memory(call):8.1f}"
        )
    ours = measure(mask)
    difference = max(
        np.nanmax(np.abs(ours.columns[name] - plain_result[name][ours.slices]))
        for name in plain_result
    )
    print(f"largest difference of any measure from the plain way: {difference:.1e}")


if __name__ == "__main__":
    main()
