"""The usual area of the cord by PAM50 slice, sex and decade of age: a summary of the normative
tables (Valošek, Bédard et al., Imaging Neuroscience 2024), written to Resources/Normative.

Healthy participants only ("HC", "CN"); sessions of one participant are averaged first, so that
a participant counts once in a decade.  Images of the brain end in the neck and their masks taper
there: of those data sets only levels C1 to C3 are taken.

    python normative.py --data DATA [--out FILE]
"""

from __future__ import annotations

import argparse
import csv
import io
from collections import defaultdict
from pathlib import Path

import numpy as np

from SoftCordSegLib.files import write_text_atomically
from SoftCordSegLib.resources import resources_folder

HEALTHY = ("HC", "CN")
# Data sets that image the spine, and not the brain with the upper neck.
SPINE = ("spine-generic_multi-subject", "whole-spine")
LAST_LEVEL_OF_BRAIN = 3
# Every second slice of the tables: 4 mm.
EVERY = 2
# A group with fewer participants is left out.
LEAST = 10
DECADES = range(20, 90, 10)
COLUMNS = ("slice", "level", "sex", "decade", "participants", "mean_mm2", "sd_mm2")


def table(folder: Path) -> list[tuple]:
    """The rows of the summary."""
    measures = np.load(folder / "measures.npz", allow_pickle=False)
    area = measures["values"][:, list(measures["measure"]).index("area_mm2"), ::EVERY].astype(float)
    slices, levels = measures["slice"][::EVERY], measures["level"][::EVERY]
    with open(folder / "sessions.tsv", encoding="utf-8", newline="") as stream:
        sessions = list(csv.DictReader(stream, delimiter="\t"))
    groups: dict[tuple[str, str], dict[tuple[str, str], list[np.ndarray]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for session in sessions:
        if session["metric"] != "cord" or session["pathology"] not in HEALTHY:
            continue
        row = area[int(session["row"])].copy()
        if session["dataset"] not in SPINE:
            row[levels > LAST_LEVEL_OF_BRAIN] = np.nan
        participant = (session["dataset"], session["participant"])
        for group in groups_of(session["sex"], session["age_years"]):
            groups[group][participant].append(row)
    rows = []
    for sex, decade in sorted(groups):
        means = np.array([_mean(rows_of) for rows_of in groups[sex, decade].values()])
        for at, number in enumerate(slices):
            known = means[np.isfinite(means[:, at]), at]
            if len(known) >= LEAST:
                numbers = (f"{known.mean():.2f}", f"{known.std(ddof=1):.2f}")
                rows.append((int(number), int(levels[at]), sex, decade, len(known), *numbers))
    return rows


def groups_of(sex: str, age: str) -> list[tuple[str, str]]:
    """The groups (sex, decade) that a session counts in; "all" is one of each."""
    sexes = ["all", *([sex] if sex in ("F", "M") else [])]
    decades = ["all"]
    try:
        decade = int(float(age)) // 10 * 10
    except ValueError:
        pass  # not known
    else:
        decades += [str(decade)] if decade in DECADES else []
    return [(one, other) for one in sexes for other in decades]


def _mean(rows: list[np.ndarray]) -> np.ndarray:
    """Of the sessions of one participant that reach a slice."""
    stacked = np.array(rows)
    known = np.isfinite(stacked)
    count = known.sum(axis=0)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with 'normative' in it")
    parser.add_argument("--out", type=Path, default=resources_folder() / "Normative/cord_area.csv")
    options = parser.parse_args()
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    rows = table(options.data / "normative")
    writer.writerows(rows)
    write_text_atomically(options.out, stream.getvalue())
    print(f"{options.out.name}: {len(rows)} rows")


if __name__ == "__main__":
    main()
