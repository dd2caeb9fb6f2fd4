"""Where masks end in the lumbar spine: against the tip of synthetic cords, and against the tips of
training images that were marked by eye (``tips.csv``).

    make -C recipes tips BUNDLES="compact path/to/bundle"

No image of the development list shows the tip of a cord.  So whole fields are made by the
generator, from seeds that no training uses, most of them with sagittal slices of 2 to 5 mm, with
roots below the tip in all, and mostly with the lower end of the sac: columns of 96 × 96 × 352 mm,
and slabs of 64 × 208 × 256 mm, as the lumbar spine is scanned.  What lies below the tip is then
looked at alone: there is no cord in it.  What is learnt by heart is learnt from the same generator:
a model that fails here will fail on images of patients, while one that does well here may still.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pack import read_tips

from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.evaluation import read_cases
from SoftCordSegLib.network.store import open_bundle
from SoftCordSegLib.processes import keep_freed_memory
from SoftCordSegLib.segmentation import segment_within_memory
from SoftCordSegLib.training.generator import SEGMENTER, PatchBatches
from SoftCordSegLib.training.packed import Packed, read_packed
from SoftCordSegLib.volume import Volume, read_nifti

HERE = Path(__file__).resolve().parent
# Images as they are read every day: known sequences, no faults but those of every scan.
_NEVER = (
    *("real", "without_cord", "cropped", "ct", "mp2rage", "psir", "swi", "metal", "new_contrast"),
    *("curves", "random_network", "gamma", "distortion", "dropout", "signal_loss", "tilted"),
    *("lesions", "syrinx", "haemorrhage", "compression", "thin"),
)
RECIPE = replace(
    SEGMENTER,
    aim_spread=(0.3, 0.3, 0.1),
    rim_mm=(0.1, 0.5),
    slices=0.85,
    **dict.fromkeys(("conus", "roots", "known_sequence"), 1.0),
    **dict.fromkeys(_NEVER, 0.0),
)
# Voxels of 1 mm, and the seed, of each kind of field.
FIELDS = {"column": ((96, 96, 352), 90001), "slab": ((64, 208, 256), 90003)}
# The axes of a patch lead to the Left, Anterior and Superior.
AFFINE = np.diag([-1.0, 1.0, 1.0, 1.0])
NEAR_MM, FAR_MM = 15.0, 25.0
# Of the cord that has to be in the field, above the tip and below it.
_ABOVE_MM, _BELOW_MM = 60.0, 120.0
# What is cut off begins so far below the tip, mm: beyond the faintest of the label.
_CUT_MM = 20.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Segment, compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundles", nargs="*", default=["compact"], help="folders or names")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data")
    parser.add_argument("--packed", type=Path, default=HERE / "work" / "training.npz")
    parser.add_argument("--count", type=int, default=12, help="of synthetic fields, of each kind")
    options = parser.parse_intermixed_args(arguments)
    keep_freed_memory()
    try:
        packed = read_packed(options.packed)
        groups = {"real": list(real_images(options.data))}
        groups.update((kind, synthetic_images(packed, kind, options.count)) for kind in FIELDS)
        print("mm that the mask ends above the tip (below it: negative)")
        for name in options.bundles:
            bundle = open_bundle(name)
            for kind, images in groups.items():
                ends = []
                for title, image, tip_mm in images:
                    ends.append(end_mm(segment_within_memory(image, bundle).volume) - tip_mm)
                    print(f"{bundle.name:40} {title:28} {ends[-1]:7.1f}", flush=True)
                print(f"{bundle.name:40} {kind:28} {summary(ends)}", flush=True)
                if kind in FIELDS:
                    below = [below_tip(image, tip_mm) for _, image, tip_mm in images]
                    wrong = sum(segment_within_memory(one, bundle).found for one in below)
                    said = f"cut off below the tip: a mask in {wrong} of {len(below)}"
                    print(f"{bundle.name:40} {kind:28} {said}", flush=True)
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def real_images(data: Path) -> Iterator[tuple[str, Volume, float]]:
    """Name, image and S of its tip, mm, of the training images whose tip was marked."""
    tips = read_tips(HERE / "tips.csv")
    for case in read_cases(HERE / "training.csv", data):
        if case.stem in tips:
            yield case.stem, read_nifti(case.image), tips[case.stem]


def synthetic_images(packed: Packed, kind: str, count: int) -> list[tuple[str, Volume, float]]:
    """Name, image and S of its tip, mm: fields with the cord above the tip and the sac below it.

    Args:
        packed: what the generator makes them from.
        kind: a name in ``FIELDS``.
        count: of them, at most.
    """
    shape, seed = FIELDS[kind]
    source, found = PatchBatches(packed, replace(RECIPE, shape=shape)), []
    for number in range(4 * count):
        batch = source.batch(seed, number, 1)
        label = batch.label[0, 0].numpy() > 0.5
        slices = np.flatnonzero(label.any(axis=(0, 1)))
        if not len(slices) or not _BELOW_MM <= slices[0] <= shape[2] - _ABOVE_MM:
            continue
        image = Volume(np.ascontiguousarray(batch.image[0, 0].numpy()), AFFINE)
        found.append((f"{kind} {number}", image, float(slices[0])))
        if len(found) == count:
            break
    return found


def below_tip(image: Volume, tip_mm: float) -> Volume:
    """The part of a synthetic field that lies below the tip of its cord.

    Args:
        image: axes to the Left, Anterior, Superior, voxels of 1 mm.
        tip_mm: S of its tip.
    """
    height = round(tip_mm - image.affine[2, 3] - _CUT_MM)
    return Volume(np.ascontiguousarray(image.data[:, :, :height]), image.affine)


def end_mm(mask: Volume) -> float:
    """S of the lowest voxel of at least 0.5, mm; NaN where there is none."""
    voxels = np.argwhere(mask.data >= 0.5)
    if not len(voxels):
        return float("nan")
    return float((voxels @ mask.affine[2, :3] + mask.affine[2, 3]).min())


def summary(ends_mm: Sequence[float]) -> str:
    """How many masks end at their tips, how many too low and too high, and how many are empty."""
    ends = np.array(ends_mm)
    near, low, high = (
        int(np.sum(test)) for test in (abs(ends) <= NEAR_MM, ends < -FAR_MM, ends > FAR_MM)
    )
    return (
        f"of {len(ends)}: within {NEAR_MM:.0f} mm {near}, over {FAR_MM:.0f} mm below {low}, above"
        f" {high}, no mask {int(np.isnan(ends).sum())}; median {np.nanmedian(ends):.1f} mm"
    )


if __name__ == "__main__":
    sys.exit(main())
