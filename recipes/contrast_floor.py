"""How far apart the areas of a participant's contrasts are that the images themselves show.

    make -C recipes contrast-floor BUNDLES="compact …"

Of each participant of the development list with several contrasts in one session: the SD of area
over the contrasts of a bundle's masks as they are, and with the outline of each mask moved to where
its image shows the edge (``seen_edge.py``: the median over slices; fluid has to be brighter than
the cord). Where the second is as large as the first, the images differ, by distortion or by what
blurs them, and not only the bundle's masks. Blur itself moves the seen edge, by up to 0.1 mm either
way.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from seen_edge import outside_seen_edge

from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.evaluation import Case, read_cases, read_image
from SoftCordSegLib.evaluation.held_out import several_contrasts
from SoftCordSegLib.evaluation.held_out.area_profile import area_profile, contrasts_spread
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.store import find_bundle
from SoftCordSegLib.processes import keep_freed_memory
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import reorient
from SoftCordSegLib.volume.moved_edge import moved_edge

if TYPE_CHECKING:
    from SoftCordSegLib.network import ModelBundle
    from SoftCordSegLib.volume import Volume

HERE = Path(__file__).resolve().parent
HEADER = (
    "| participant | bundle | outline outside the seen edge, mm | SD over contrasts, % |"
    " of the seen edges, % |\n|---|---|---|---|---|"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Segment, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundles", nargs="*", default=["compact"], help="folders or names")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data")
    options = parser.parse_args(arguments)
    keep_freed_memory()
    try:
        groups = several_contrasts(read_cases(HERE / "development.csv", options.data))
        print(HEADER)
        for name in options.bundles:
            bundle = load_bundle(find_bundle(name))
            for (participant, *_), cases in groups.items():
                pairs = {name: image_and_mask(case, bundle) for name, case in cases.items()}
                print(row(participant, bundle.name, pairs), flush=True)
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def image_and_mask(case: Case, bundle: ModelBundle) -> tuple[Volume, Volume]:
    """Both with axes LAS."""
    image = read_image(case.image)
    mask = segment(image, bundle, device="cpu").volume
    return reorient(image, "LAS"), reorient(mask, "LAS")


def row(participant: str, bundle: str, pairs: dict[str, tuple[Volume, Volume]]) -> str:
    """One line of the table."""
    outside = {name: float(np.median(outside_seen_edge(*pair)[0])) for name, pair in pairs.items()}
    moved = {name: moved_edge(mask, -outside[name]) for name, (_, mask) in pairs.items()}
    as_it_is, seen = (
        contrasts_spread({name: area_profile(mask) for name, mask in masks.items()})
        for masks in ({name: mask for name, (_, mask) in pairs.items()}, moved)
    )
    places = ", ".join(f"{name} {value:+.2f}" for name, value in outside.items())
    return (
        f"| {participant} | {bundle} | {places} | {as_it_is.sd_percent:.1f} |"
        f" {seen.sd_percent:.1f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
