"""How a model's masks fall off as scans get worse: every fault of ``scan_faults.py`` from none to
gross, on development images with a drawn mask and on phantoms of other contrasts.

    make -C recipes robustness BUNDLES="compact path/to/bundle"

Of each faulty scan: Dice at 0.5 and soft volume over the true one, between the first and the last
slice with a cord. What is printed are means over the images; a fault that makes an image useless
to the eye may end the mask, one before that may not.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scan_faults import FAULTS, Fault, Scan

from SoftCordSegLib.errors import InputError, SoftCordSegError
from SoftCordSegLib.evaluation import read_cases
from SoftCordSegLib.evaluation.held_out.drawn_scores import drawn_scores, in_las
from SoftCordSegLib.files import write_text_atomically
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.store import find_bundle
from SoftCordSegLib.phantom import make_phantom
from SoftCordSegLib.processes import keep_freed_memory
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import Volume, read_nifti, reorient

if TYPE_CHECKING:
    from SoftCordSegLib.network import ModelBundle

HERE = Path(__file__).resolve().parent
DRAWN = ("sub-errsm18_T2w", "sub-9709Ses1_run-1_T2star", "sub-leipzigR01_EPI")
PHANTOMS = ("T1w", "MTon", "DWI")


def main(arguments: Sequence[str] | None = None) -> int:
    """Spoil, segment, print, and write table and picture."""
    options = parse(arguments)
    keep_freed_memory()
    try:
        scans = dict(images(options.data))
        bundles = [load_bundle(find_bundle(name)) for name in options.bundles]
        faults = [one for one in FAULTS if not options.only or one.name in options.only]
        rows = pd.concat([measured(bundle, scans, faults) for bundle in bundles])
        options.out.mkdir(parents=True, exist_ok=True)
        write_text_atomically(
            options.out / "robustness.csv", rows.to_csv(index=False, lineterminator="\n")
        )
        draw(rows, faults, options.out / "robustness.png")
        print(table(rows, faults))
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"All rows and the curves are in '{options.out}': robustness.csv, robustness.png.")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundles", nargs="*", default=["compact"], help="folders or names")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data")
    parser.add_argument("--out", type=Path, default=HERE / "work" / "robustness")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in FAULTS], metavar="FAULT")
    return parser.parse_intermixed_args(arguments)


def images(data: Path) -> Iterator[tuple[str, Scan]]:
    """Names; image and truth, RAS.

    Raises:
        InputError: an image is not on the development list.
    """
    cases = {case.stem: case for case in read_cases(HERE / "development.csv", data)}
    for name in DRAWN:
        if name not in cases or cases[name].reference is None:
            raise InputError(f"'{name}' with a drawn mask is not on the development list.")
        case = cases[name]
        yield name, (as_ras(read_nifti(case.image)), as_ras(read_nifti(case.reference)))
    for contrast in PHANTOMS:
        made = make_phantom(contrast)
        yield f"phantom {contrast}", (as_ras(made.image), as_ras(made.truth))


def as_ras(volume: Volume) -> Volume:
    """With axes to the right, to the front and upwards."""
    return reorient(volume, "RAS")


def measured(bundle: ModelBundle, scans: dict[str, Scan], faults: Sequence[Fault]) -> pd.DataFrame:
    """A row for each fault, strength and image: ``dice`` (0 where nothing was found) and
    ``volume_ratio``.
    """
    rows = []
    for fault in faults:
        for name, (image, truth) in scans.items():
            seed = [zlib.crc32(word.encode()) for word in (fault.name, name)]
            for strength in fault.strengths:
                faulty, known = fault.spoil(image, truth, strength, np.random.default_rng(seed))
                mask = segment(faulty, bundle, device="cpu").volume
                scores = drawn_scores(in_las(mask), in_las(known), {}, {})
                rows.append(
                    {
                        "bundle": bundle.name,
                        "fault": fault.name,
                        "strength": strength,
                        "unit": fault.unit,
                        "image": name,
                        "dice": np.nan_to_num(scores["dice"]),
                        "volume_ratio": scores["volume_ratio"],
                    }
                )
        print(f"{bundle.name}: {fault.name}", file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def table(rows: pd.DataFrame, faults: Sequence[Fault]) -> str:
    """A line for each fault and bundle: mean Dice and mean volume ratio at each strength."""
    lines = [
        "| fault | bundle | Dice (soft volume over the true one), means over images |",
        "|---|---|---|",
    ]
    for fault in faults:
        for bundle, some in rows[rows.fault == fault.name].groupby("bundle", sort=False):
            means = some.groupby("strength")[["dice", "volume_ratio"]].mean()
            cells = ", ".join(
                f"{strength:g}: {means.dice[strength]:.3f} ({means.volume_ratio[strength]:.2f})"
                for strength in fault.strengths
            )
            lines.append(f"| {fault.name}, {fault.unit} | {bundle} | {cells} |")
    return "\n".join(lines)


def draw(rows: pd.DataFrame, faults: Sequence[Fault], path: Path) -> None:
    """Curves of Dice against strength: the mean of each bundle, and each image thin."""
    from matplotlib.figure import Figure

    columns = min(5, len(faults))
    lines = -(-len(faults) // columns)
    figure = Figure(figsize=(3 * columns, 2.5 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    bundles = list(dict.fromkeys(rows.bundle))
    for axis, fault in zip(axes, faults):
        at = {strength: number for number, strength in enumerate(fault.strengths)}
        for number, bundle in enumerate(bundles):
            some = rows[(rows.fault == fault.name) & (rows.bundle == bundle)]
            for _, one in some.groupby("image"):
                axis.plot(one.strength.map(at), one.dice, color=f"C{number}", alpha=0.3, lw=0.7)
            mean = some.groupby("strength").dice.mean()
            steps = [at[strength] for strength in fault.strengths]
            values = [mean[strength] for strength in fault.strengths]
            axis.plot(steps, values, color=f"C{number}", marker="o", ms=3, label=bundle)
        axis.set_xticks(list(at.values()), [f"{strength:g}" for strength in at], fontsize=7)
        axis.set_title(f"{fault.name}, {fault.unit}".rstrip(", "), fontsize=8)
        axis.set_ylim(0, 1)
        axis.tick_params(axis="y", labelsize=7)
    for axis in axes[len(faults) :]:
        axis.axis("off")
    axes[0].legend(fontsize=6, loc="lower left")
    figure.supylabel("Dice", fontsize=9)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
