"""Makes Screenshots/segmentation.png: real images in six contrasts, segmented by the shipped model.

python Utilities/readme_picture.py [FOLDER]

FOLDER holds the images of ``IMAGES`` (../shared/data/images where not given). All of them are
of the test and tutorial data of the Spinal Cord Toolbox and of ivadomed, under the MIT licence.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from SoftCordSegLib.network import ModelBundle, load_bundle, shipped_bundles
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import Volume, read_nifti, reorient, time_points

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURE = REPOSITORY / "Screenshots" / "segmentation.png"
DATA = REPOSITORY.parent / "shared" / "data" / "images"
IMAGES = {
    "T2w": "errsm/sub-test001_T2w.nii.gz",
    "T2*w": "sct-testing/t2s.nii.gz",
    "T1w": "sct-testing/mt_t1w.nii.gz",
    "MT off": "sct-testing/mt0.nii.gz",
    "MT on": "sct-testing/mt1.nii.gz",
    "Diffusion": "sct-tutorial/sub-single_dmri.nii.gz",
}
# Of the contours: below, at and above the usual threshold.
LEVELS, WIDTHS, COLOUR = (0.25, 0.5, 0.75), (0.5, 1.2, 0.5), "#f0e442"
AXIAL_MM, PERCENTILES = 30.0, (1, 99.5)
DPI, COLOURS = 110, 80
WIDTH_INCHES, HEIGHT_INCHES = 10.0, 5.2


def upright(volume: Volume) -> np.ndarray:
    """Values along (Left, Posterior, Inferior), so that rows and columns run as pictures do."""
    return reorient(volume, "LPI").data


def draw(
    axes: plt.Axes,
    image: np.ndarray,
    soft: np.ndarray,
    spacing: np.ndarray,
    window: tuple[np.ndarray, np.ndarray],
) -> None:
    """One slice, (column, row), with its soft mask's contours.

    Args:
        spacing: of columns and rows, mm.
        window: middle and size of what is shown, (column, row), mm.
    """
    first = np.maximum((window[0] - window[1] / 2) // spacing, 0).astype(int)
    last = np.ceil((window[0] + window[1] / 2) / spacing).astype(int)
    shown = image[first[0] : last[0], first[1] : last[1]]
    low, high = np.percentile(shown, PERCENTILES)
    width, height = image.shape * spacing
    extent = (0, width, height, 0)
    axes.imshow(image.T, "gray", vmin=low, vmax=high, extent=extent, interpolation="bicubic")
    columns, rows = ((np.arange(n) + 0.5) * mm for n, mm in zip(image.shape, spacing))
    axes.contour(columns, rows, soft.T, levels=LEVELS, linewidths=WIDTHS, colors=COLOUR)
    axes.set_xlim(window[0][0] - window[1][0] / 2, window[0][0] + window[1][0] / 2)
    axes.set_ylim(window[0][1] + window[1][1] / 2, window[0][1] - window[1][1] / 2)
    axes.set_axis_off()


def axial(axes: plt.Axes, image: Volume, soft: Volume, title: str) -> None:
    """The axial slice in the middle of the cord."""
    spacing = reorient(image, "LPI").spacing[:2]
    values, mask = upright(image), upright(soft)
    filled = np.flatnonzero(mask.sum((0, 1)) > 0.5)
    middle = int(filled[len(filled) // 2])
    centre = np.argwhere(mask[:, :, middle] >= 0.5).mean(0) * spacing
    window = centre, np.array([AXIAL_MM, AXIAL_MM])
    draw(axes, values[:, :, middle], mask[:, :, middle], spacing, window)
    label(axes, title)


def sagittal(axes: plt.Axes, image: Volume, soft: Volume, title: str) -> None:
    """The sagittal slice that holds most of the cord, from its upper to its lower end."""
    spacing = reorient(image, "LPI").spacing[1:]
    values, mask = upright(image), upright(soft)
    middle = int(mask.sum((1, 2)).argmax())
    inside = np.argwhere(mask[middle] >= 0.5)
    centre = (inside.min(0) + inside.max(0) + 1) / 2 * spacing
    height = np.ptp(inside[:, 1]) * spacing[1] * 1.02
    box = axes.get_window_extent()
    window = centre, np.array([height * box.width / box.height, height])
    draw(axes, values[middle], mask[middle], spacing, window)
    label(axes, title)


def label(axes: plt.Axes, text: str) -> None:
    """White text in the upper left corner."""
    axes.text(0.03, 0.97, text, transform=axes.transAxes, color="white", va="top", fontsize=11)


def segmented(path: Path, bundle: ModelBundle) -> tuple[Volume, Volume]:
    """An image, the mean of a series, and its soft mask."""
    image = read_nifti(path, "mean" if time_points(path) > 1 else None)
    return image, segment(image, bundle).volume


def main() -> None:
    """Write the picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    bundle = load_bundle(shipped_bundles()[0])
    pairs = {title: segmented(folder / name, bundle) for title, name in IMAGES.items()}
    figure = plt.figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), facecolor="black")
    grid = figure.add_gridspec(
        2,
        4,
        width_ratios=(1.25, 1, 1, 1),
        left=0,
        right=1,
        bottom=0,
        top=1,
        wspace=0.02,
        hspace=0.02,
    )
    sagittal(figure.add_subplot(grid[:, 0]), *pairs["T2w"], "T2w")
    for number, (title, pair) in enumerate(pairs.items()):
        axial(figure.add_subplot(grid[number // 3, number % 3 + 1]), *pair, title)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=DPI, facecolor="black")
    picture = Image.open(PICTURE).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    print(f"{PICTURE.name}: {PICTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
