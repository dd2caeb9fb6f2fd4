"""Measure bundles on a list of images of participants held out, and print the tables.

    make -C recipes measure LIST=evaluation BUNDLES="compact path/to/bundle"

Every image is segmented once by every bundle: masks are kept in a folder by the content of bundle,
program and image, so that a second run costs seconds. The number of threads of the network is that
of OMP_NUM_THREADS.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.evaluation import Case, read_cases, read_image
from SoftCordSegLib.evaluation.held_out import (
    Measured,
    Measuring,
    as_drawn,
    read_offsets,
    read_tips,
)
from SoftCordSegLib.evaluation.held_out.bundle_comparison import better_in_every_row
from SoftCordSegLib.evaluation.held_out.measure_rows import measure_rows, measure_text
from SoftCordSegLib.files import file_sha256, safe_cell, write_text_atomically
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.store import find_bundle
from SoftCordSegLib.processes import keep_freed_memory
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import read_nifti, write_nifti

if TYPE_CHECKING:
    from SoftCordSegLib.network import ModelBundle
    from SoftCordSegLib.volume import Volume

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "SoftCordSeg" / "SoftCordSegLib"
# A mask depends on the program too: on the code that leads from an image to it.
ROOMS = ("volume", "network", "segmentation")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the files that were asked for."""
    options = parse(arguments)
    try:
        cases = read_cases(options.cases, options.root)
        offsets = read_offsets(options.offsets)
        tips_table = options.root / "images" / "lumbar" / "tips.csv"
        tips = read_tips(tips_table) if any(case.tip for case in cases) else {}
        measured = [
            measure_bundle(load_bundle(find_bundle(name)), cases, offsets, tips, options)
            for name in options.bundles
        ]
        unknown = sorted(
            {case.dataset for case in cases if case.reference is not None} - set(offsets)
        )
        print(measure_text(measured, unknown, as_drawn(cases)))
        for one in measured[1:]:
            print(verdict(one, measured[0]))
        if options.json:
            content = {"list": options.cases.name, "bundles": [one.to_json() for one in measured]}
            write_text_atomically(options.json, json.dumps(content, indent=1) + "\n")
        if options.csv:
            write_text_atomically(options.csv, rows_csv(measured))
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path, help="list of images: development.csv, evaluation.csv")
    parser.add_argument(
        "bundles",
        nargs="*",
        default=["compact"],
        help="folders, or names of shipped or installed bundles",
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=HERE.parent / ".." / "shared" / "data",
        help="folder of the data",
    )
    parser.add_argument(
        "--offsets",
        type=Path,
        default=HERE / "offsets.csv",
        help="offset of the drawn edge by data set",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=HERE.parent / "runs" / "measure",
        help="folder where masks are kept",
    )
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto")
    parser.add_argument("--json", type=Path, help="file for the records of all images")
    parser.add_argument("--csv", type=Path, help="file for the rows")
    return parser.parse_intermixed_args(arguments)


def verdict(new: Measured, first: Measured) -> str:
    """Whether a bundle is better than the first one in every row, and if not, where it is not."""
    found = better_in_every_row(new, first)
    if found.is_better:
        return f"{new.bundle} is better than {first.bundle} in every row."
    reasons = found.reasons or ("no row is better.",)
    return "\n  ".join([f"{new.bundle} is not better than {first.bundle} in every row:", *reasons])


def measure_bundle(
    bundle: ModelBundle,
    cases: Sequence[Case],
    offsets: dict[str, float],
    tips: dict,
    options: argparse.Namespace,
) -> Measured:
    """One bundle on all images."""
    sha256 = bundle_sha256(bundle)
    folder = options.cache / f"{sha256[:16]}-{program_sha256()[:16]}"
    measuring = Measuring(bundle.name, sha256, versions(bundle), offsets, tips)
    for number, case in enumerate(cases, start=1):
        print(
            f"{bundle.name}: {number} of {len(cases)}, {case.image.name}",
            file=sys.stderr,
            flush=True,
        )
        measuring.add(case, mask_of(case, bundle, folder, options.device))
    return measuring.result()


def mask_of(case: Case, bundle: ModelBundle, folder: Path, device: str) -> Volume:
    """The soft mask of one image, from the folder if it is there."""
    path = folder / f"{file_sha256(case.image)[:16]}_{case.stem}.nii.gz"
    if path.is_file():
        return read_nifti(path)
    keep_freed_memory()
    write_nifti(segment(read_image(case.image), bundle, device=device).volume, path, np.float32)
    return read_nifti(path)


def versions(bundle: ModelBundle) -> set[str]:
    """Its version, and those of the bundles that it was trained from, as far as it knows them."""
    found, one = {str(bundle.metadata["version"])}, bundle.metadata.get("provenance")
    while isinstance(one, dict):
        one = one.get("parent")
        if isinstance(one, dict) and one.get("name"):
            found.add(str(one["name"]).split()[-1])
    return found


def bundle_sha256(bundle: ModelBundle) -> str:
    """Of its weights and their configuration."""
    digest = hashlib.sha256(json.dumps(bundle.sha256, sort_keys=True).encode())
    digest.update((bundle.folder / "configs" / "inference.json").read_bytes())
    return digest.hexdigest()


def program_sha256() -> str:
    """Of the code that makes masks."""
    digest = hashlib.sha256()
    for path in sorted(path for room in ROOMS for path in (LIBRARY / room).rglob("*.py")):
        digest.update(path.relative_to(LIBRARY).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def rows_csv(measured: Sequence[Measured]) -> str:
    """A line for each number of each row of each bundle."""
    frames = []
    for one in measured:
        frames.append(measure_rows(one))
        frames[-1].insert(0, "bundle", one.bundle)
    table = pd.concat(frames).apply(lambda column: column.map(safe_cell))
    return table.to_csv(index=False, lineterminator="\n")


if __name__ == "__main__":
    raise SystemExit(main())
