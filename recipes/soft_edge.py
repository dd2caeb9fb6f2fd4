"""Makes a bundle's soft values mean what they say: the share of a voxel that is cord.

A network that is trained with a squared error on hard augmentations answers faintly: where a voxel
is all cord it says 0.9, and beyond the edge it fades over two voxels and more. How far is much the
same in all contrasts, so that one straight line puts it right: what the network gives from ``low``
to ``high`` is spread over 0 to 1. The line is folded into the last layer of the segmenter, so that
every engine, fine-tuning included, works as before, and is named in the configuration (``edge``),
by which the program keeps the areas of slices that are answered more faintly than most.

    python soft_edge.py BUNDLE OUT --data DATA

``low`` and ``high`` have the least squared error on phantoms and on the training images with a
drawn mask, brought to the convention of ``offsets.csv``, every image counting the same. What came
of it on others: softness_study.py.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from softness_study import pairs

from SoftCordSegLib.errors import InputError, SoftCordSegError
from SoftCordSegLib.evaluation import read_cases
from SoftCordSegLib.evaluation.held_out import read_offsets
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.bundle import save_bundle
from SoftCordSegLib.network.store import find_bundle
from SoftCordSegLib.phantom import CONTRASTS, Cord, make_phantom
from SoftCordSegLib.phantom.cord import CordCurve
from SoftCordSegLib.processes import keep_freed_memory
from SoftCordSegLib.training.trainer.spread_heads import edge_of, spread_heads
from SoftCordSegLib.volume import Volume, read_nifti
from SoftCordSegLib.volume.moved_edge import moved_edge

if TYPE_CHECKING:
    import torch

    from SoftCordSegLib.network import ModelBundle, Stage

HERE = Path(__file__).resolve().parent
# Not the cord of softness_study.py.
CORD = Cord(CordCurve(7.0, 2.0, 0.03))
SEED = 11
Pairs = tuple[np.ndarray, np.ndarray]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, and write the new bundle."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", help="folder or name")
    parser.add_argument("out", type=Path, help="folder of the new bundle")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data")
    options = parser.parse_args(arguments)
    keep_freed_memory()
    try:
        bundle = load_bundle(find_bundle(options.bundle))
        found = {name: pairs(bundle, *scan) for name, scan in scans(options.data)}
        low, high = fitted(list(found.values()))
        write(bundle, options.out, low, high, list(found))
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    before, after = (error_of(list(found.values()), *line) for line in ((0.0, 1.0), (low, high)))
    print(
        f"{low:.3f} to {high:.3f} become 0 to 1: squared error {before:.4f} to {after:.4f}, mean of"
        f" {len(found)} images."
    )
    return 0


def scans(data: Path) -> Iterator[tuple[str, tuple[Volume, Volume]]]:
    """Name, image and the share of each voxel that is cord."""
    for contrast in CONTRASTS:
        made = make_phantom(contrast, cord=CORD, seed=SEED)
        yield f"phantom {contrast}", (made.image, made.truth)
    offsets = read_offsets(HERE / "offsets.csv")
    for case in read_cases(HERE / "training.csv", data):
        if case.reference is not None:
            truth = moved_edge(read_nifti(case.reference), -offsets.get(case.dataset, 0.0))
            yield case.stem, (read_nifti(case.image), truth)


def fitted(found: Sequence[Pairs]) -> tuple[float, float]:
    """The soft values that become 0 and 1 with the least squared error."""
    from scipy.optimize import minimize

    best = minimize(lambda line: error_of(found, *line), (0.2, 0.8), method="Nelder-Mead")
    low, high = map(float, best.x)
    return low, high


def error_of(found: Sequence[Pairs], low: float, high: float) -> float:
    """Mean over images of the mean squared error of the stretched soft values."""
    if high - low < 0.1:
        return float("inf")
    stretched = ((np.clip((soft - low) / (high - low), 0, 1), share) for soft, share in found)
    return float(np.mean([np.mean((soft - share) ** 2) for soft, share in stretched]))


def write(bundle: ModelBundle, out: Path, low: float, high: float, fitted_on: list[str]) -> None:
    """The bundle with another last layer of its segmenter, and a word on it in its provenance.

    Raises:
        InputError: its segmenter does not end in a clipped layer, or has been stretched already.
    """
    stage = bundle.segmenter
    if stage is None or stage.activation != "clip" or edge_of(bundle) is not None:
        raise InputError(
            "Only a segmenter whose output is clipped can be stretched, and only once.",
            path=bundle.folder,
            hint="Choose another bundle.",
        )
    segmenter = spread_heads(bundle.network(stage).state_dict(), low, high)
    note = {"soft_edge": {"low": low, "high": high, "fitted_on": fitted_on}}
    write_changed(bundle, out, replace(stage, edge=(low, high)), segmenter, note)


def write_changed(
    bundle: ModelBundle,
    out: Path,
    stage: Stage,
    state: dict[str, torch.Tensor],
    note: dict[str, Any],
) -> None:
    """The bundle with other weights of one network, in half precision, and a note in its
    provenance.
    """
    inference = json.loads((bundle.folder / "configs" / "inference.json").read_text("utf-8"))
    is_locator = bundle.locator is not None and stage.weights == bundle.locator.weights
    inference["locator" if is_locator else "segmenter"] = stage
    weights = {
        one.weights: bundle.network(one).state_dict()
        for one in (bundle.segmenter, bundle.locator)
        if one is not None
    }
    weights[stage.weights] = state
    halves = {
        name: {key: value.half() for key, value in state.items()} for name, state in weights.items()
    }
    provenance = {**bundle.metadata.get("provenance", {}), **note}
    save_bundle(out, {**bundle.metadata, "provenance": provenance}, inference, halves)
    card = bundle.folder / "docs"
    if card.is_dir() and card.resolve() != (out / "docs").resolve():
        shutil.copytree(card, out / "docs", dirs_exist_ok=True)


if __name__ == "__main__":
    sys.exit(main())
