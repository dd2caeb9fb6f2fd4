"""One picture for each step of the generator: patches of one seed without it and with it, in a
sagittal and an axial plane.

Usage: generator_pictures.py [--packed work/training.npz] [--out work/pictures] [--only STEP …]
The cord's label is outlined in red; where the answer is unknown, in cyan.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np
import torch

from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.training.generator import LOCATOR, SEGMENTER, BatchRecipe, PatchBatches
from SoftCordSegLib.training.packed import Packed, read_packed

HERE = Path(__file__).resolve().parent
SAMPLES = 7
# Numbers of a recipe that are no probabilities.
_OTHERS = ("spacing", "real", "twins", "about_cord", "registered", "stem_mm", "contract_jitter")
STEPS = tuple(
    one.name
    for one in dataclasses.fields(BatchRecipe)
    if one.type == "float" and one.name not in _OTHERS
)
# What has to be in sight, or on, for a step to show.
_TOGETHER = {
    "clear_stem": {"brainstem": 1.0},
    "thick_slices": {"slices": 1.0},
    "resampled": {"slices": 1.0},
    "enlargement": {"conus": 1.0},
    "lumbosacral": {"conus": 1.0},
    "roots": {"conus": 1.0},
    "real_elastic": {"real": 1.0, "poses": (0.0, 1.0, 0.0)},
    "real_cropped": {"real": 1.0},
    "real_bias": {"real": 1.0},
    "real_blur": {"real": 1.0},
    "real_noise": {"real": 1.0},
    "real_slices": {"real": 1.0},
    "real_distortion": {"real": 1.0},
    "real_dropout": {"real": 1.0},
    "curves": {"real": 1.0},
    "random_network": {"real": 1.0},
    "new_contrast": {"real": 1.0},
    "gamma": {"real": 1.0},
}
# Whole recipes: all steps with their usual probabilities.
_WHOLE = {
    "all_synthetic": dataclasses.replace(SEGMENTER, real=0.0),
    "all_real": dataclasses.replace(SEGMENTER, real=1.0),
    "all_locator": LOCATOR,
    "twins": dataclasses.replace(SEGMENTER, twins=1.0),
}


def main() -> int:
    """Read the options, draw, and say where the pictures are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packed", type=Path, default=HERE / "work" / "training.npz")
    parser.add_argument("--data", help="not used: everything is in the packed file")
    parser.add_argument("--out", type=Path, default=HERE / "work" / "pictures")
    parser.add_argument(
        "--only", nargs="+", choices=[*STEPS, *_WHOLE], default=[*STEPS, *_WHOLE], metavar="STEP"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        packed = read_packed(options.packed)
        options.out.mkdir(parents=True, exist_ok=True)
        for name in options.only:
            _picture(packed, name, options.seed, options.out / f"{name}.png")
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(options.only)} pictures are in '{options.out}'.")
    return 0


def recipes(name: str) -> list[BatchRecipe]:
    """Of a step: without and with it, all others that are not needed left out; of a whole recipe,
    that.
    """
    if name in _WHOLE:
        return [_WHOLE[name]]
    # Known sequences, so that the pictures look like images; nothing else that changes intensities.
    usual = {
        **dict.fromkeys(STEPS, 0.0),
        "known_sequence": 1.0,
        "real": 0.0,
        "contract_jitter": 0.0,
        **_TOGETHER.get(name, {}),
    }
    return [dataclasses.replace(SEGMENTER, **{**usual, name: value}) for value in (0.0, 1.0)]


def _picture(packed: Packed, name: str, seed: int, path: Path) -> None:
    from matplotlib.figure import Figure

    batches = [PatchBatches(packed, recipe).batch(seed, 0, SAMPLES) for recipe in recipes(name)]
    figure = Figure(figsize=(SAMPLES * 1.7, 1.7 * 2 * len(batches)), facecolor="black")
    axes = figure.subplots(2 * len(batches), SAMPLES, squeeze=False)
    for row, batch in enumerate(batches):
        for column in range(SAMPLES):
            parts = [part[column, 0] for part in (batch.image, batch.label, batch.weight)]
            where = _where(parts[1])
            for plane, index in enumerate(
                ((where[0], slice(None), slice(None)), (slice(None), slice(None), where[2]))
            ):
                _show(axes[2 * row + plane, column], *(part[index].T.numpy() for part in parts))
    figure.subplots_adjust(0, 0, 1, 0.95, 0.02, 0.02)
    figure.suptitle(
        name if len(batches) == 1 else f"{name}: without (above), with (below)",
        color="white",
        fontsize=10,
    )
    figure.savefig(path, dpi=80)


def _where(label: torch.Tensor) -> np.ndarray:
    """A voxel of the cord halfway along it, or the middle."""
    cord = np.argwhere(label.numpy() > 0.5)
    return cord[np.argsort(cord[:, 2])][len(cord) // 2] if len(cord) else np.array(label.shape) // 2


def _show(axis, image: np.ndarray, label: np.ndarray, weight: np.ndarray) -> None:
    axis.imshow(image, cmap="gray", origin="lower", vmin=-1.4, vmax=1.6)
    for mask, colour, width in ((label, "red", 0.7), (weight, "cyan", 0.5)):
        if mask.min() < 0.5 < mask.max():
            axis.contour(mask, [0.5], colors=colour, linewidths=width)
    axis.axis("off")


if __name__ == "__main__":
    sys.exit(main())
