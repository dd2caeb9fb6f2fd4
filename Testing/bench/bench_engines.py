"""How far areas differ between engines, numbers of threads and kinds of processor.

One image of each contrast of bench_drift.py, and the phantoms, segmented in a process of its own
for each setting: OpenVINO and PyTorch, one thread and two, and as on a processor that knows no
more than AVX2 (in the first settings OpenVINO multiplies in bfloat16 where this one can).  Prints
the largest difference of an image's mean area from the first setting's, and of a single slice's;
fails where the former is beyond a limit.

    python Testing/bench/bench_engines.py
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SoftCordSeg"))

from bench_drift import fixed_images, middle_slices, read_table

from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.engines import is_installed
from SoftCordSegLib.network.store import find_bundle
from SoftCordSegLib.processes import keep_freed_memory
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.threads import limit_threads
from SoftCordSegLib.volume import reorient

LIMIT_PERCENT = 0.1
# Engine, threads, and the most that a processor is taken to know.  The first is the default.
SETTINGS = (
    ("openvino", 2, ""),
    ("openvino", 1, ""),
    ("openvino", 2, "AVX2"),
    ("pytorch", 2, ""),
    ("pytorch", 1, ""),
    ("pytorch", 2, "AVX2"),
)
Areas = dict[str, list[float]]


def main() -> int:
    """Run every setting and compare; 1 where areas differ by more than the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="compact", help="bundle, folder or name")
    parser.add_argument("--one", nargs=2, metavar=("ENGINE", "THREADS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not (options.data / "images").is_dir():
        print(f"skipped: there are no images in '{options.data}' (use --data)")
        return 0
    if options.one:
        print(json.dumps(areas(options.data, options.model, options.one[0], int(options.one[1]))))
        return 0
    settings = [one for one in SETTINGS if is_installed(one[0])]
    first: Areas = {}
    worst = 0.0
    for engine, threads, processor in settings:
        found = in_process(options, engine, threads, processor)
        name = (
            f"{engine}, {threads} thread{'s' * (threads > 1)}{', as ' * bool(processor)}{processor}"
        )
        if not first:
            first = found
            print(f"{name}: {len(first)} images, beside which the others differ by at most")
            continue
        mean, where, single = differences(first, found)
        worst = max(worst, mean)
        print(f"{name:32s} mean area {mean:.4f} % ({where}), one slice {single:.4f} %")
    if worst > LIMIT_PERCENT:
        print(f"FAILED: areas differ by {worst:.3f} %, more than {LIMIT_PERCENT:g} %.")
    return int(worst > LIMIT_PERCENT)


def in_process(options: argparse.Namespace, engine: str, threads: int, processor: str) -> Areas:
    """Areas (mm²) of the slices of each image, computed by a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    if processor:
        # OpenVINO's own kernels and oneDNN's read the first, PyTorch's own the second.
        environment.update(ONEDNN_MAX_CPU_ISA=processor, ATEN_CPU_CAPABILITY=processor.lower())
    command = [sys.executable, __file__, "--data", str(options.data), "--model", options.model]
    printed = subprocess.run(
        [*command, "--one", engine, str(threads)],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ).stdout
    return json.loads(printed)


def areas(data: Path, model: str, engine: str, threads: int) -> Areas:
    """Areas (mm²) of the slices of the first image of each contrast, and of the phantoms."""
    keep_freed_memory()
    limit_threads(threads)
    bundle = load_bundle(find_bundle(model))
    ranges = {row["image"]: (int(row["first"]), int(row["last"])) for row in read_table()}
    found: Areas = {}
    seen = set()
    for contrast, name, image in fixed_images(data):
        if contrast in seen and not name.startswith("phantom"):
            continue
        seen.add(contrast)
        mask = reorient(segment(image, bundle, device=engine).volume, "LAS")
        first, last = ranges.get(name) or middle_slices(np.asarray(mask.data))
        pixel_mm2 = mask.spacing[0] * mask.spacing[1]
        sums = mask.data[:, :, first : last + 1].sum(axis=(0, 1), dtype=float) * pixel_mm2
        found[name] = sums.tolist()
    return found


def differences(first: Areas, other: Areas) -> tuple[float, str, float]:
    """The largest difference of a mean area, percent, and its image; and that of one slice."""
    means = {
        name: 100 * abs(np.mean(other[name]) / np.mean(values) - 1)
        for name, values in first.items()
    }
    where = max(means, key=lambda name: means[name])
    single = max(
        float(np.max(np.abs(np.subtract(other[name], values)))) * 100 / np.mean(values)
        for name, values in first.items()
    )
    return float(means[where]), where, single


if __name__ == "__main__":
    sys.exit(main())
