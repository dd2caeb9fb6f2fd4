"""Makes the locator's probabilities mean what they say: of the voxels to which it gives 0.3, three
in ten are cord.

A network that is trained with a Dice loss is surer than it should be. A slope and an offset of its
raw outputs put that right (Platt 1999); they are folded into its last layer.

    python locator_calibration.py BUNDLE OUT

Fitted with the least cross-entropy on patches of the generator that no training uses; printed for
these and for the development images, whole, as the program would see them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from soft_edge import write_changed
from torch.nn import functional

from SoftCordSegLib.errors import InputError, SoftCordSegError
from SoftCordSegLib.network import ModelBundle, load_bundle
from SoftCordSegLib.network.store import find_bundle
from SoftCordSegLib.processes import keep_freed_memory
from SoftCordSegLib.segmentation.locate import locator_sizes
from SoftCordSegLib.training.batch import pooled
from SoftCordSegLib.training.generator import BatchRecipe, PatchBatches
from SoftCordSegLib.training.packed import Packed, fractions, image_values, read_packed
from SoftCordSegLib.training.trainer.spread_heads import spread_heads
from SoftCordSegLib.training.trainer.trainer_plan import SPACING_MM

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"
# Of batches that no training draws.
SEED = 90002
BATCHES, SIZE = 40, 4
BINS = 10
# Raw outputs and labels of voxels that count.
Answers = tuple[np.ndarray, np.ndarray]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, write the new bundle, and print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", help="folder or name")
    parser.add_argument("out", type=Path, help="folder of the new bundle")
    parser.add_argument("--packed", type=Path, default=WORK / "training.npz")
    parser.add_argument("--development", type=Path, default=WORK / "development.npz")
    options = parser.parse_args(arguments)
    keep_freed_memory()
    try:
        bundle = load_bundle(find_bundle(options.bundle))
        drawn = list(on_patches(bundle, read_packed(options.packed)))
        slope, offset = fitted(drawn)
        write(bundle, options.out, slope, offset)
        print(f"Raw outputs of the locator become {slope:.3f} x + {offset:.3f}.")
        show("patches", drawn, slope, offset)
        unseen = list(on_images(bundle, read_packed(options.development)))
        show("development", unseen, slope, offset)
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def on_patches(
    bundle: ModelBundle, packed: Packed, batches: int = BATCHES, size: int = SIZE
) -> Iterator[Answers]:
    """Of patches by the recipe of the locator's training."""
    recipe = bundle.metadata.get("provenance", {}).get("locator", {}).get("recipe")
    if bundle.locator is None or recipe is None:
        raise InputError(
            "The bundle does not say how its locator was trained.",
            path=bundle.folder,
            hint="Choose one that was made from the long training.",
        )
    source = PatchBatches(packed, BatchRecipe.of(recipe))
    network = bundle.network(bundle.locator).eval()
    for number in range(batches):
        batch = source.batch(SEED, number, size)
        yield _answers(network, batch.image, batch.label, batch.weight)


def on_images(bundle: ModelBundle, packed: Packed) -> Iterator[Answers]:
    """Of whole images, at the locator's resolution."""
    assert bundle.locator is not None
    network = bundle.network(bundle.locator).eval()
    count = round(bundle.locator.spacing_mm / SPACING_MM["locator"])
    for case in packed.cases:
        maps = (
            image_values(case.coarse_image),
            *map(fractions, (case.coarse_label, case.coarse_weight)),
        )
        image, label, weight = pooled(
            count, *(torch.from_numpy(np.ascontiguousarray(x))[None] for x in maps)
        )
        size, _ = locator_sizes(image.shape[1:], network.config.divisor, bundle.locator)
        extra = [n - m for n, m in zip(size, image.shape[1:])]
        # The last axis comes first.
        padding = [n for e in reversed(extra) for n in (e // 2, e - e // 2)]
        image = functional.pad(image[:, None], padding, mode="replicate")
        label, weight = (functional.pad(x[:, None], padding) for x in (label, weight))
        yield _answers(network, image, label, weight)


@torch.inference_mode()
def _answers(
    network: torch.nn.Module, image: torch.Tensor, label: torch.Tensor, weight: torch.Tensor
) -> Answers:
    raw = network(image)[0]
    counts = weight > 0
    return raw[counts].float().numpy(), label[counts].numpy()


def fitted(found: Sequence[Answers]) -> tuple[float, float]:
    """Slope and offset of the raw outputs with the least cross-entropy."""
    from scipy.optimize import minimize

    raw, share = (np.concatenate([one[n] for one in found]).astype(float) for n in (0, 1))

    def entropy(line: np.ndarray) -> float:
        moved = line[0] * raw + line[1]
        return float(np.mean(np.logaddexp(0, moved) - share * moved))

    slope, offset = minimize(entropy, (1.0, 0.0), method="Nelder-Mead").x
    return float(slope), float(offset)


def reliability(
    found: Sequence[Answers], slope: float = 1.0, offset: float = 0.0
) -> list[tuple[float, float, int]]:
    """Of each bin of probability: the mean of it, the part of its voxels that is cord, and how many
    they are.
    """
    raw, share = (np.concatenate([one[n] for one in found]).astype(float) for n in (0, 1))
    probability = 1 / (1 + np.exp(-(slope * raw + offset)))
    number = np.minimum((probability * BINS).astype(int), BINS - 1)
    rows = []
    for one in range(BINS):
        at = number == one
        if at.any():
            rows.append((float(probability[at].mean()), float(share[at].mean()), int(at.sum())))
    return rows


def show(title: str, found: Sequence[Answers], slope: float, offset: float) -> None:
    """Both tables side by side."""
    for when, line in (("before", (1.0, 0.0)), ("after", (slope, offset))):
        rows = reliability(found, *line)
        print(f"{title} {when}: " + "  ".join(f"{p:.2f}:{s:.2f} ({n})" for p, s, n in rows))


def write(bundle: ModelBundle, out: Path, slope: float, offset: float) -> None:
    """The bundle with another last layer of its locator, and a word on it in its provenance."""
    stage = bundle.locator
    if stage is None or "locator_calibration" in bundle.metadata.get("provenance", {}):
        raise InputError(
            "A locator is calibrated once only.",
            path=bundle.folder,
            hint="Choose another bundle.",
        )
    state = bundle.network(stage).state_dict()
    # low and high of the values that become 0 and 1.
    low = -offset / slope
    changed = spread_heads(state, low, low + 1 / slope)
    note = {"locator_calibration": {"slope": slope, "offset": offset}}
    write_changed(bundle, out, stage, changed, note)


if __name__ == "__main__":
    sys.exit(main())
