"""The test part of a training list as the table of cases that softcord evaluate reads.

python held_out_cases.py work/dataset.json --prepared work/prepared -o work/cases.csv
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from pathlib import Path

from six_contrasts import paper_contrast

from SoftCordSegLib.bids import (
    LABELS,
    Kind,
    derivative_folder,
    find_nifti,
    participant_of,
    session_of,
    spellings,
    stem_of,
)
from SoftCordSegLib.files import safe_cell

COLUMNS = ("participant", "contrast", "image", "reference", "discs", "dataset")
DATA_SET = "spine-generic"


def discs_of(image: Path, label: Path, prepared: Path) -> Path | None:
    """The discs of an image: beside its ground truth, where softgt carried them, or among the
    labels of the prepared data set, where they were marked.
    """
    own = derivative_folder(prepared, LABELS, session_of(image), image.parent.name)
    names = spellings(image, Kind.WARPED_DISCS, Kind.DISCS)
    found = (find_nifti(folder, name) for folder in (label.parent, own) for name in names)
    return next((path for path in found if path is not None), None)


def main(arguments: list[str] | None = None) -> int:
    """0 where the list has a test part."""
    parser = argparse.ArgumentParser(description="Cases of the test part of a training list.")
    parser.add_argument("list", type=Path)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    rows, folder = [], options.out.parent
    for entry in json.loads(options.list.read_text(encoding="utf-8"))["test"]:
        image, label = (options.list.parent / entry[key] for key in ("image", "label"))
        paths = (image, label, discs_of(image, label, options.prepared))
        relative = ["" if path is None else os.path.relpath(path, folder) for path in paths]
        contrast = paper_contrast(stem_of(image))
        words = (participant_of(image), contrast, *relative, DATA_SET)
        rows.append(tuple(map(safe_cell, words)))
    with open(options.out, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    print(f"{len(rows)} images of {len({row[0] for row in rows})} participants are held out.")
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
