"""Segment each image of a table of cases by the network of its contrast (soft_per_contrast).

python segment_per_contrast.py work/cases.csv work/runs/soft_per_contrast -o work/masks
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from SoftCordSegLib.evaluation import read_cases
from SoftCordSegLib.network.store import open_bundle
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.workflows.segment_images import SegmentOptions, segment_file

# Names of the networks in the configuration, where they differ from the contrast's.
NETWORKS = {"T2*": "T2star"}


def main(arguments: list[str] | None = None) -> int:
    """0 always; an image that cannot be segmented ends it with the error's sentence."""
    parser = argparse.ArgumentParser(description="Segment each image by its contrast's network.")
    parser.add_argument("cases", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    cases = read_cases(options.cases)
    for contrast in dict.fromkeys(case.contrast for case in cases):
        bundle = open_bundle(options.run / NETWORKS.get(contrast, contrast) / "bundle")
        for case in cases:
            if case.contrast == contrast:
                how = SegmentOptions(device=options.device)
                segment_file(case.image, options.out, bundle, how, Progress())
                print(f"{contrast}: {case.image.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
