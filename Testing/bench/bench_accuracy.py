"""How good the shipped bundle is on the real development images: Dice against their masks, and CSA across contrasts.

None of these masks is ever trained on.  CSA is SCT's area (soft, corrected for angle) of each slice; the same subject on the
same grid in another contrast has the same cord, so the standard deviation over contrasts (ddof 1, as the paper's) is error.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy import ndimage

from SoftCordSegLib.morphometry import MeasureOptions, measure
from SoftCordSegLib.network import load_bundle, shipped_bundles
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import Volume, read_nifti, time_points, write_nifti

# image, its mask
MASKED = {
    "sct-testing/t2": "sct-testing/t2_seg-manual",
    "sct-testing/t2s": "sct-testing/t2s_seg",
    "sct-testing/mt0": "sct-testing/mt0_seg",
    "sct-testing/mt1": "sct-testing/mt1_seg",
    "sct-tutorial/sub-05_acq-MTon_MTS": "sct-tutorial/sub-05_acq-MTon_MTS_seg",
}
CONTRASTS = {
    "sub-01": ("sct-tutorial/sub-01_acq-MTon_MTS", "sct-tutorial/sub-01_acq-MToff_MTS"),
    "sub-05": ("sct-tutorial/sub-05_acq-MTon_MTS", "sct-tutorial/sub-05_acq-MToff_MTS"),
    "sub-single": tuple(f"sct-tutorial/sub-single_{name}" for name in ("mt0", "mt1", "t1w")),
}
OTHERS = ("sct-testing/mt_t1w", "sct-testing/t2s_uncropped", "sct-tutorial/sub-single_dmri", "sct-tutorial/sub-single_t2_lumbar")


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Of two boolean arrays."""
    return float(2 * (a & b).sum() / max(a.sum() + b.sum(), 1))


def csa_by_slice(mask: Volume) -> np.ndarray:
    """Area of every slice of the image, mm², NaN where there is no cord."""
    areas = np.full(mask.shape[2], np.nan)
    shape = measure(mask, MeasureOptions(rescaling="none"))
    areas[shape.slices] = shape.columns["area"]
    return areas


def main() -> None:
    """Segment every development image and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", type=Path, help="another bundle than the shipped one")
    parser.add_argument("--save", type=Path, help="folder for the soft masks")
    options = parser.parse_args()
    if not (options.data / "images").is_dir():
        print(f"skipped: there are no images in '{options.data}' (use --data)")
        return
    bundle = load_bundle(options.model or shipped_bundles()[0])
    print(bundle.name)
    masks = {}
    print(f"\n{'image':36} {'Dice':>6} {'volume, mL':>11} {'pieces':>7}")
    for name in sorted({*MASKED, *OTHERS, *(image for group in CONTRASTS.values() for image in group)}):
        path = options.data / "images" / f"{name}.nii.gz"
        soft = segment(read_nifti(path, "mean" if time_points(path) > 1 else None), bundle).volume
        masks[name] = soft
        if options.save:
            write_nifti(soft, options.save / f"{path.name.removesuffix('.nii.gz')}_softseg.nii.gz")
        score = ""
        if name in MASKED:
            truth = read_nifti(options.data / "images" / f"{MASKED[name]}.nii.gz")
            score = f"{dice(soft.data >= 0.5, truth.data >= 0.5):.3f}"
        pieces = ndimage.label(soft.data >= 0.5, np.ones((3, 3, 3)))[1]
        print(f"{name:36} {score:>6} {soft.data.sum() * soft.grid.voxel_volume / 1000:11.2f} {pieces:7d}")
    print(f"\n{'subject':12} {'slices':>6} {'mean CSA, mm²':>14} {'SD over contrasts, mm² (median)':>32} {'% of area':>10}")
    for subject, names in CONTRASTS.items():
        if not all((masks[name].data >= 0.5).any() for name in names):
            print(f"{subject:12} nothing found in one of its contrasts")
            continue
        areas = np.stack([csa_by_slice(masks[name]) for name in names])
        areas = areas[:, np.isfinite(areas).all(axis=0)][:, 1:-1]  # end slices may hold part of a cord
        spread = areas.std(axis=0, ddof=1)
        relative = 100 * np.median(spread / areas.mean(axis=0))
        means = " ".join(
            f"{name.split('_')[-1] if 'single' in name else name.split('-')[-1]} {m:.1f}"
            for name, m in zip(names, areas.mean(axis=1))
        )
        print(f"{subject:12} {areas.shape[1]:6d} {areas.mean():14.2f} {np.median(spread):32.2f} {relative:10.1f}   {means}")


if __name__ == "__main__":
    main()
