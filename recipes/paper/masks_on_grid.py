"""Bring the masks of a prepared data set to the grids of its images.

    python masks_on_grid.py work/prepared

The data set's own masks were drawn on images that its authors had preprocessed; where their grid
differs from that of the prepared image, they are resampled linearly and cut at 0.5.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from SoftCordSegLib.bids import find_image, find_masks
from SoftCordSegLib.volume import read_nifti, resample_mask, write_nifti


def main(arguments: list[str] | None = None) -> int:
    """0 always; says how many masks were resampled."""
    parser = argparse.ArgumentParser(description="Bring masks to the grids of their images.")
    parser.add_argument("dataset", type=Path)
    options = parser.parse_args(arguments)
    count, resampled = 0, 0
    for session, masks in find_masks(options.dataset).items():
        for stem, (path, *_) in masks.items():
            image = find_image(options.dataset, session, stem)
            if image is None:
                continue
            count += 1
            mask, grid = read_nifti(path), read_nifti(image).grid
            if not mask.grid.same_as(grid):
                resampled += 1
                moved = resample_mask(mask, grid)
                write_nifti(moved.with_data((moved.data >= 0.5).astype(np.uint8)), path)
    print(f"{resampled} of {count} masks were resampled to the grids of their images.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
