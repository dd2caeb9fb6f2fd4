"""Masks of a list of images, drawn over them: where a bundle is right, and where it fails.

    make -C recipes mask-pictures LIST=development BUNDLES=compact

One picture for each image: a sagittal plane through the cord, and five axial ones along it, 44 mm
wide. Green: the mask at 0.5; yellow: the drawn one, where there is one. In the title: Dice and soft
volume over the drawn one. Masks come from the folder of measure_bundles.py where they are there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from measure_bundles import bundle_sha256, mask_of, program_sha256

from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.evaluation import Case, read_cases, read_image
from SoftCordSegLib.network import ModelBundle, load_bundle
from SoftCordSegLib.network.store import find_bundle
from SoftCordSegLib.volume import Volume, read_nifti, reorient

HERE = Path(__file__).resolve().parent
PLANES, WIDTH_MM = 5, 44.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, and say where the pictures are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path, help="list of images")
    parser.add_argument("bundle", help="folder or name")
    parser.add_argument("--root", type=Path, required=True, help="folder of the data")
    parser.add_argument("--cache", type=Path, default=HERE.parent / "runs" / "measure")
    parser.add_argument("--out", type=Path, default=HERE / "work" / "masks")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="parts of the images' names")
    options = parser.parse_intermixed_args(arguments)
    try:
        bundle = load_bundle(find_bundle(options.bundle))
        cases = [
            case
            for case in read_cases(options.cases, options.root)
            if not options.only or any(part in case.stem for part in options.only)
        ]
        options.out.mkdir(parents=True, exist_ok=True)
        for case in cases:
            draw(case, bundle, options.cache, options.out / f"{case.stem}.png")
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(cases)} pictures are in '{options.out}'.")
    return 0


def draw(case: Case, bundle: ModelBundle, cache: Path, path: Path) -> None:
    """One picture."""
    folder = cache / f"{bundle_sha256(bundle)[:16]}-{program_sha256()[:16]}"
    image, mask = (
        reorient(one, "LAS")
        for one in (read_image(case.image), mask_of(case, bundle, folder, "auto"))
    )
    drawn = None
    if case.reference is not None and Path(case.reference).is_file():
        drawn = reorient(read_nifti(case.reference), "LAS")
    figure_of(case.stem, image, mask, drawn).savefig(path, dpi=70, facecolor="black")


def figure_of(name: str, image: Volume, mask: Volume, drawn: Volume | None) -> Figure:
    """A sagittal and five axial planes; all volumes on one grid, axes to the Left, Anterior and
    Superior.
    """
    figure = Figure(figsize=(16, 3.6))
    axes = figure.subplots(1, PLANES + 1)
    title = name if drawn is None else f"{name}   {scores(mask, drawn)}"
    figure.suptitle(title, x=0.01, y=0.99, ha="left", color="white", fontsize=9)
    low, high = np.nanpercentile(image.data, (1, 99.5))
    middles = middles_of(mask if (mask.data >= 0.5).any() or drawn is None else drawn)
    step = image.spacing
    i = int(np.median([at[0] for at in middles])) if middles else image.shape[0] // 2

    def show(axis, cut, aspect):
        axis.imshow(
            cut(image.data).T, origin="lower", cmap="gray", vmin=low, vmax=high, aspect=aspect
        )
        for one, colour in ((drawn, "yellow"), (mask, "lime")):
            if one is not None and (cut(one.data) >= 0.5).any():
                axis.contour(cut(one.data).T, [0.5], colors=colour, linewidths=0.9)

    show(axes[0], lambda data: data[i], step[2] / step[1])
    for axis, at in zip(axes[1:], middles or [None] * PLANES):
        if at is not None:
            show(axis, lambda data, k=at[2]: data[:, :, k], step[1] / step[0])
            half = WIDTH_MM / 2 / step[:2]
            axis.set_xlim(at[0] - half[0], at[0] + half[0])
            axis.set_ylim(at[1] - half[1], at[1] + half[1])
            axis.set_title(f"slice {at[2]}", color="white", fontsize=8)
    for axis in axes:
        axis.axis("off")
    figure.subplots_adjust(0, 0, 1, 0.9, 0.01, 0)
    return figure


def middles_of(mask: Volume) -> list[tuple[float, float, int]]:
    """The middle of the mask (i, j, k) in slices evenly along it."""
    slices = np.flatnonzero((mask.data >= 0.5).any(axis=(0, 1)))
    if not len(slices):
        return []
    chosen = slices[np.linspace(0, len(slices) - 1, PLANES).round().astype(int)]
    return [(*np.argwhere(mask.data[:, :, k] >= 0.5).mean(axis=0), int(k)) for k in chosen]


def scores(mask: Volume, drawn: Volume) -> str:
    """Dice at 0.5 and soft volume over the drawn one, in the drawn slices."""
    slices = (drawn.data >= 0.5).any(axis=(0, 1))
    found, true = mask.data[:, :, slices], drawn.data[:, :, slices]
    both = 2 * np.sum((found >= 0.5) & (true >= 0.5))
    total = np.sum(found >= 0.5) + np.sum(true >= 0.5)
    return f"Dice {both / max(total, 1):.3f}, volume {found.sum() / true.sum():.2f}"


if __name__ == "__main__":
    sys.exit(main())
