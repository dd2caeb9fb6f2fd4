"""What size costs and what it gives: accuracy on a list of images against the time of a tile.

    make -C recipes measure LIST=development BUNDLES="A B …"      (with --json measured.json)
    python size_and_time.py measured.json A B … -o picture.png

Of each bundle's segmenter: channels, parameters, the time of a tile with both engines (the least of
several), and from the file of the measure the mean Dice over participants
and the mean SD of area over the contrasts of a participant.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from SoftCordSegLib.errors import InputError, SoftCordSegError
from SoftCordSegLib.evaluation.held_out import Measured
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.engines import OPENVINO, PYTORCH, Engine
from SoftCordSegLib.network.store import find_bundle
from SoftCordSegLib.processes import keep_freed_memory
from SoftCordSegLib.reports.figure_style import new_figure, write_figure
from SoftCordSegLib.structured_text import read_json
from SoftCordSegLib.threads import limit_threads

if TYPE_CHECKING:
    from SoftCordSegLib.network import ModelBundle

ENGINES = (OPENVINO, PYTORCH)
TIMES = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Time, print a table, and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measured", type=Path, help="file of measure_bundles.py --json")
    parser.add_argument("bundles", nargs="+", help="folders or names, in the order of that file")
    parser.add_argument("-o", "--out", type=Path, required=True, help="picture")
    parser.add_argument("--threads", type=int, default=2, help="of the networks")
    options = parser.parse_args(arguments)
    keep_freed_memory()
    limit_threads(options.threads)
    try:
        bundles = [load_bundle(find_bundle(name)) for name in options.bundles]
        scores = read_scores(options.measured, [one.name for one in bundles])
        rows = [{**row, **score} for row, score in zip(timed(bundles, options.threads), scores)]
        print(table(rows))
        draw(rows, options.out)
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def read_scores(path: Path, names: Sequence[str]) -> list[dict[str, float]]:
    """Mean Dice and mean SD, %, of each bundle, each participant counting once.

    Raises:
        InputError: the file is not of these bundles.
    """
    try:
        content = read_json(path)["bundles"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "This is no file of a measure.", path=path, hint="Make one: measure_bundles.py --json"
        ) from error
    measured = [Measured.from_json(one) for one in content]
    found = [one.bundle for one in measured]
    if found != list(names):
        raise InputError(
            f"It holds {', '.join(found)}, not {', '.join(names)}.",
            path=path,
            hint="Name the bundles in the order of the file.",
        )
    return [
        {
            "dice": mean_by_participant(
                (image.participant, image.values["dice"])
                for image in one.images
                if "dice" in image.values
            ),
            "sd_percent": mean_by_participant(
                (group.participant, group.spread.sd_percent) for group in one.spreads
            ),
        }
        for one in measured
    ]


def mean_by_participant(values: Iterable[tuple[str, float]]) -> float:
    """The mean of the participants' means."""
    found: dict[str, list[float]] = {}
    for participant, value in values:
        found.setdefault(participant, []).append(value)
    return float(np.mean([np.mean(of_one) for of_one in found.values()]))


def timed(bundles: Sequence[ModelBundle], threads: int) -> list[dict[str, Any]]:
    """Name, channels, parameters and ms a tile of each bundle's segmenter."""
    import torch

    torch.set_num_threads(threads)
    rows: list[dict[str, Any]] = []
    for bundle in bundles:
        stage = bundle.segmenter
        weights = bundle.network(stage).state_dict()
        rows.append(
            {
                "bundle": bundle.name,
                "features": "·".join(map(str, stage.features)),
                "millions": sum(value.numel() for value in weights.values()) / 1e6,
                "tile": "×".join(map(str, stage.tile)),
            }
        )
    # OpenVINO first: PyTorch's threads go on spinning for a while after each answer. And one bundle
    # after the other: few networks stay compiled.
    for library in ENGINES:
        for bundle, row in zip(bundles, rows):
            row[library] = _ms(bundle, Engine(library))
    return rows


def _ms(bundle: ModelBundle, engine: Engine) -> float:
    """Of a tile, the least of several, after a first one."""
    stage = bundle.segmenter
    tile = np.random.default_rng(1).standard_normal(stage.tile).astype(np.float32)
    predict = bundle.predictor(stage, engine, lambda: None)
    predict(tile)
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        predict(tile)
        taken.append(1000 * (time.perf_counter() - begun))
    return min(taken)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """As Markdown."""
    lines = [
        "| bundle | channels | parameters, millions | ms a tile, OpenVINO | PyTorch | Dice |"
        " SD over contrasts, % |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['bundle']} | {row['features']} | {row['millions']:.1f} |"
            f" {row[OPENVINO]:.0f} | {row[PYTORCH]:.0f} | {row['dice']:.4f} |"
            f" {row['sd_percent']:.2f} |"
        )
    return "\n".join(lines)


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Dice, and SD over contrasts, against ms a tile; a colour a bundle, a sign an engine."""
    figure, axes = new_figure(8, 3.4, columns=2)
    for axis, (key, title) in zip(
        axes, (("dice", "mean Dice"), ("sd_percent", "SD over contrasts, %"))
    ):
        for number, row in enumerate(rows):
            for library, marker in zip(ENGINES, "os"):
                label = f"{row['bundle']} ({row['features']})" if library == OPENVINO else None
                axis.plot(row[library], row[key], marker, color=f"C{number}", ms=6, label=label)
        axis.set_xlim(left=0)
        axis.set_xlabel(f"ms a tile of {rows[0]['tile']}\n(circle: OpenVINO, square: PyTorch)")
        axis.set_title(title)
    axes[0].legend(fontsize=6)
    write_figure(figure, path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
