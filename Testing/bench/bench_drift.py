"""Areas of fixed images, release by release: what a user's numbers move by when the program is
updated.

The table (``areas_by_release.csv``) holds the mean area of each image over fixed slices, as each
release's model gave it with the program of its time.  This fails where the program at hand no
longer gives the areas that were recorded for its model, where that model was not recorded, and
where the last release moved the mean of a contrast by more than a limit.

    python Testing/bench/bench_drift.py             compares
    python Testing/bench/bench_drift.py --record    adds the model at hand to the table
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SoftCordSeg"))

from SoftCordSegLib.evaluation import read_cases, read_image
from SoftCordSegLib.evaluation.area_drift import area_drift, drifts_beyond
from SoftCordSegLib.files import write_text_atomically
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.store import find_bundle
from SoftCordSegLib.phantom import CONTRASTS, make_phantom
from SoftCordSegLib.processes import keep_freed_memory
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import Volume, reorient

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("areas_by_release.csv")
COLUMNS = ("release", "contrast", "image", "first", "last", "area_mm2")
# Of the program at hand against the record of its own model: engines, threads and processors
# differ by less than a tenth of it.
SAME_PERCENT = 0.5
# Of a contrast's mean, from one release to the next.
RELEASE_PERCENT = 10.0
# Contrasts in which a release was meant to move further. 0.6.0: the masks of 0.5.0 were 13 to 21 %
# smaller than drawn ones there (recipes/compact/ABLATION.md).
MEANT = {"0.6.0": ("T2w", "DWI", "EPI")}
Row = dict[str, str]


def main() -> int:
    """Segment the fixed images, and compare or record their areas."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="compact", help="bundle, folder or name")
    parser.add_argument("--record", action="store_true", help="add the model to the table")
    options = parser.parse_args()
    if not (options.data / "images").is_dir():
        print(f"skipped: there are no images in '{options.data}' (use --data)")
        return 0
    keep_freed_memory()
    recorded = read_table()
    bundle = load_bundle(find_bundle(options.model))
    release = str(bundle.metadata["version"])
    ranges = {row["image"]: (int(row["first"]), int(row["last"])) for row in recorded}
    measured = []
    for contrast, name, image in fixed_images(options.data):
        mask = np.asarray(reorient(segment(image, bundle, device="cpu").volume, "LAS").data)
        first, last = ranges.get(name) or middle_slices(mask)
        area = mean_area(mask, image, first, last)
        values = (release, contrast, name, str(first), str(last), f"{area:.4f}")
        measured.append(dict(zip(COLUMNS, values)))
    if options.record:
        return record(recorded, measured, release)
    return compare(recorded, measured, release)


def fixed_images(data: Path) -> Iterator[tuple[str, str, Volume]]:
    """Contrast, name and image: those that may be trained on, and phantoms."""
    for table in ("training.csv", "development.csv"):
        for case in read_cases(REPOSITORY / "recipes" / table, data):
            yield case.contrast, case.stem, read_image(case.image)
    for contrast in CONTRASTS:
        yield contrast, f"phantom_{contrast}", make_phantom(contrast).image


def middle_slices(mask: np.ndarray) -> tuple[int, int]:
    """The middle three fifths of the slices with a cord: first and last, LAS."""
    filled = np.flatnonzero((mask >= 0.5).any(axis=(0, 1)))
    cut = len(filled) // 5
    return int(filled[cut]), int(filled[-1 - cut])


def mean_area(mask: np.ndarray, image: Volume, first: int, last: int) -> float:
    """Soft values summed, mm², mean over slices; not corrected for the angle of the cord."""
    spacing = reorient(image, "LAS").spacing
    part = mask[:, :, first : last + 1]
    return float(part.sum(dtype=float) / part.shape[2] * spacing[0] * spacing[1])


def compare(recorded: list[Row], measured: list[Row], release: str) -> int:
    """Print the table, and what is beyond the limits; 1 where something is."""
    releases = list(dict.fromkeys(row["release"] for row in recorded))
    if release not in releases:
        print(f"FAILED: areas of the model {release} were not recorded (--record).")
        return 1
    areas = {one: areas_of(recorded, one) for one in releases}
    now = areas_of(measured, release)
    print_table(areas, now, measured)
    moved = [
        f"{key[1]}: {now.get(key, np.nan):.2f} mm2, recorded {value:.2f}"
        for key, value in areas[release].items()
        if not abs(now.get(key, np.nan) / value - 1) <= SAME_PERCENT / 100
    ]
    problems = [f"The program moved areas of {release}: {one}." for one in moved]
    if releases.index(release):
        before = releases[releases.index(release) - 1]
        contrasts = dict.fromkeys(contrast for contrast, _ in areas[release])
        drifts = [
            area_drift(
                (contrast, before, release),
                *(
                    {key: one[key] for key in one if key[0] == contrast}
                    for one in (areas[before], now)
                ),
            )
            for contrast in contrasts
        ]
        for drift in drifts:
            print(
                f"{drift.dataset:12s} {drift.previous} to {drift.release}: {drift.images} images,"
                f" {drift.mean_mm2:+.2f} mm2, {drift.mean_percent:+.2f} %"
            )
        meant = MEANT.get(release, ())
        problems += drifts_beyond(
            (drift for drift in drifts if drift.dataset not in meant), RELEASE_PERCENT
        )
    for problem in problems:
        print(f"FAILED: {problem}")
    return int(bool(problems))


def areas_of(rows: list[Row], release: str) -> dict[tuple[str, str], float]:
    """Area of each image, mm², by contrast and name."""
    return {
        (row["contrast"], row["image"]): float(row["area_mm2"])
        for row in rows
        if row["release"] == release
    }


def print_table(
    areas: dict[str, dict[tuple[str, str], float]],
    now: dict[tuple[str, str], float],
    measured: list[Row],
) -> None:
    """A line for each image: mm² by release, and of the program at hand."""
    print(f"{'image':32s} {'slices':>9s}" + "".join(f"{one:>9s}" for one in areas) + "      now")
    for row in measured:
        key = (row["contrast"], row["image"])
        cells = "".join(f"{one.get(key, np.nan):9.2f}" for one in areas.values())
        slices = f"{row['first']}-{row['last']}"
        print(f"{row['image']:32s} {slices:>9s}{cells}{now[key]:9.2f}")


def record(recorded: list[Row], measured: list[Row], release: str) -> int:
    """Write the table with the model's areas in place of what it had."""
    kept = [row for row in recorded if row["release"] != release]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(kept + measured)
    write_text_atomically(TABLE, stream.getvalue())
    print(f"{len(measured)} areas of {release} are in '{TABLE.name}'.")
    return 0


def read_table() -> list[Row]:
    """What was recorded, the oldest release first."""
    if not TABLE.is_file():
        return []
    with open(TABLE, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


if __name__ == "__main__":
    sys.exit(main())
