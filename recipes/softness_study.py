"""Whether soft means soft: the soft values of a model against the share of each voxel that is cord.

    make -C recipes softness BUNDLES="compact path/to/bundle"

The share is known of phantoms, and of development images whose mask was drawn on finer voxels:
image and mask are averaged down, the drawn edge having been brought to the convention of
``offsets.csv`` first. Printed are, over all voxels of a group that mask or truth holds: the mean
true share less the mean soft value in ten bins of the soft value, their mean absolute difference
weighted by voxels, the number of voxels between 0.1 and 0.9 over the true one, and the volume
within thresholds of 0.3, 0.5 and 0.7 over that of the truth at the same threshold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scan_faults import averaged_down

from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.evaluation import read_cases
from SoftCordSegLib.evaluation.held_out import read_offsets
from SoftCordSegLib.evaluation.held_out.drawn_scores import drawn_slices
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.store import find_bundle
from SoftCordSegLib.phantom import CONTRASTS, Cord, make_phantom
from SoftCordSegLib.processes import keep_freed_memory
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import Volume, read_nifti, reorient
from SoftCordSegLib.volume.moved_edge import moved_edge

if TYPE_CHECKING:
    from SoftCordSegLib.network import ModelBundle

HERE = Path(__file__).resolve().parent
BINS = 10
THRESHOLDS = (0.3, 0.5, 0.7)
CALIBRES = (0.9, 1.1)
# Drawn on voxels of 0.5 or 1 mm in plane; averaged down to these, mm.
COARSER = {"sub-errsm18_T2w": (2.0, 2.0, 2.0), "sub-9709Ses1_run-1_T2star": (1.0, 1.0, 0.0)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Segment, compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundles", nargs="*", default=["compact"], help="folders or names")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data")
    options = parser.parse_intermixed_args(arguments)
    keep_freed_memory()
    print(HEADER)
    try:
        for name in options.bundles:
            bundle = load_bundle(find_bundle(name))
            groups: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
            for group, image, truth in scans(options.data):
                groups.setdefault(group, []).append(pairs(bundle, image, truth))
            for group, found in groups.items():
                soft, share = (np.concatenate(part) for part in zip(*found))
                print(line(group, bundle.name, soft, share), flush=True)
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def scans(data: Path) -> Iterator[tuple[str, Volume, Volume]]:
    """Group, image, and the share of each voxel that is cord."""
    for contrast in CONTRASTS:
        for calibre in CALIBRES:
            made = make_phantom(contrast, cord=Cord(calibre=calibre))
            yield f"phantom {contrast}", made.image, made.truth
    offsets = read_offsets(HERE / "offsets.csv")
    for case in read_cases(HERE / "development.csv", data):
        if case.stem in COARSER and case.reference is not None:
            truth = moved_edge(read_nifti(case.reference), -offsets.get(case.dataset, 0.0))
            volumes = (reorient(one, "RAS") for one in (read_nifti(case.image), truth))
            image, truth = (averaged_down(one, COARSER[case.stem]) for one in volumes)
            yield f"{case.stem}, averaged down", image, truth


def pairs(bundle: ModelBundle, image: Volume, truth: Volume) -> tuple[np.ndarray, np.ndarray]:
    """Soft values and true shares of the voxels that either holds, between the first and the last
    slice with a cord.
    """
    mask, truth = (
        reorient(one, "LAS") for one in (segment(image, bundle, device="cpu").volume, truth)
    )
    part = drawn_slices(np.asarray(truth.data))
    soft, share = (np.asarray(one.data, float)[..., part] for one in (mask, truth))
    held = (soft > 0) | (share > 0)
    return soft[held], share[held]


HEADER = (
    "| images | bundle | true share less soft value by bin of the soft value, 0 to 1 | mean,"
    " absolute | soft edge, voxels over the true ones | volume at 0.3, 0.5, 0.7 over the true one"
    " |\n|---|---|---|---|---|---|"
)


def line(group: str, bundle: str, soft: np.ndarray, share: np.ndarray) -> str:
    """One row of the table."""
    differences, counts = binned(soft, share)
    width = ((soft > 0.1) & (soft < 0.9)).sum() / max(((share > 0.1) & (share < 0.9)).sum(), 1)
    volumes = [(soft >= at).sum() / max((share >= at).sum(), 1) for at in THRESHOLDS]
    mean = float(np.nansum(np.abs(differences) * counts) / counts.sum())
    cells = " ".join("–" if np.isnan(one) else f"{one:+.2f}" for one in differences)
    return (
        f"| {group} | {bundle} | {cells} | {mean:.3f} | {width:.2f} |"
        f" {', '.join(f'{one:.2f}' for one in volumes)} |"
    )


def binned(soft: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean true share less mean soft value in ten bins of the soft value (NaN in an empty one), and
    the number of voxels in each.
    """
    number = np.minimum((soft * BINS).astype(int), BINS - 1)
    counts = np.bincount(number, minlength=BINS)
    with np.errstate(invalid="ignore"):
        return np.bincount(number, share - soft, BINS) / np.where(counts, counts, np.nan), counts


if __name__ == "__main__":
    sys.exit(main())
