"""Makes the bundle that a release ships, from the long training as it is.

    python release_bundle.py VERSION OUT --data DATA --change "What is new in it"
    python release_bundle.py … --only segmenter --mean-with EARLIER

The averaged weights of each of its trainings (of a network that it has not trained yet, or that
``--only`` leaves out: those of the shipped bundle), or the mean with those of a bundle that was
made from it earlier: over so many steps an average of weights forgets what single patches taught.
Soft values that mean the share of a voxel (``soft_edge.py``), probabilities of the locator that
mean what they say (``locator_calibration.py``); and what the metadata of the shipped bundle say of
name, licence and earlier versions.  Weights, configurations and nothing else: the model card is
written by hand.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import locator_calibration
import soft_edge
from quiet import runs_folder

from SoftCordSegLib.errors import InputError, SoftCordSegError
from SoftCordSegLib.network import ModelBundle
from SoftCordSegLib.network.store import open_bundle
from SoftCordSegLib.training.trainer.run_description import LongRun
from SoftCordSegLib.training.trainer.run_export import export_run
from SoftCordSegLib.training.trainer.run_state import RunState
from SoftCordSegLib.training.trainer.spread_heads import unspread_segmenter
from SoftCordSegLib.training.trainer.trainer_plan import SPACING_MM, STAGES

HERE = Path(__file__).resolve().parent
COMMAND = "make -C recipes train-on; python recipes/release_bundle.py VERSION OUT --data DATA"
_KEPT = ("name", "task", "authors", "copyright", "license", "intended_use")


def main(arguments: Sequence[str] | None = None) -> int:
    """Export, stretch and say what was written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", help="of the bundle, such as 0.6.0")
    parser.add_argument("out", type=Path, help="folder of the bundle")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data")
    parser.add_argument("--change", required=True, help="what is new, for the bundle's changelog")
    parser.add_argument("--only", nargs="+", choices=STAGES, default=STAGES, help="of its networks")
    parser.add_argument(
        "--mean-with", metavar="BUNDLE", help="made earlier: its segmenter counts half"
    )
    parser.add_argument("--plan", type=Path, default=HERE / "long_run.json")
    options = parser.parse_args(arguments)
    try:
        run = LongRun.read(options.plan)
        states = trained(run, runs_folder() / run.name, options.only)
        if options.mean_with and "segmenter" in states:
            earlier = open_bundle(options.mean_with)
            states["segmenter"] = mean_with(states["segmenter"], earlier)
        parent = open_bundle(run.parent)
        said = words(parent, states, options.version, options.change)
        with tempfile.TemporaryDirectory() as work:
            faint = Path(work) / "faint"
            export_run(faint, states, parent=parent.folder, words=said, command=COMMAND)
            spread = Path(work) / "spread" if "locator" in states else options.out
            code = soft_edge.main([str(faint), str(spread), "--data", str(options.data)])
            if not code and "locator" in states:
                code = locator_calibration.main([str(spread), str(options.out)])
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    if not code:
        steps = ", ".join(f"{stage} step {state.step}" for stage, state in states.items())
        print(f"{said['name']} {options.version} is in '{options.out}': {steps}.")
    return code


def trained(run: LongRun, folder: Path, stages: Sequence[str]) -> dict[str, RunState]:
    """The states of its trainings by stage.

    Raises:
        InputError: none of these has been begun.
    """
    states = {stage: state for stage, state in run.states(folder).items() if stage in stages}
    if not states:
        raise InputError(
            "Nothing has been trained here.",
            path=folder,
            hint="Start the training with: make -C recipes train-on",
        )
    return states


def mean_with(state: RunState, earlier: ModelBundle) -> RunState:
    """The state with the mean of its averaged weights and those of a bundle of another step.

    Raises:
        InputError: the bundle's segmenter has another shape.
    """
    weights = unspread_segmenter(earlier)
    if {name: value.shape for name, value in weights.items()} != {
        name: value.shape for name, value in state.average.items()
    }:
        raise InputError(
            "The segmenter of the bundle has another shape than the one that is trained.",
            path=earlier.folder,
            hint="Name a bundle that was made from the same training.",
        )
    average = {name: (value + weights[name]) / 2 for name, value in state.average.items()}
    said = {
        "mean_with": {
            "version": earlier.metadata["version"],
            "weights_sha256": earlier.sha256[earlier.segmenter.weights],
            "steps": earlier.metadata.get("provenance", {}).get("segmenter", {}).get("steps"),
        }
    }
    history = {**state.history, "changes": [*state.history.get("changes", []), said]}
    return replace(state, average=average, history=history)


def words(
    parent: ModelBundle, states: dict[str, RunState], version: str, change: str
) -> dict[str, Any]:
    """The bundle's metadata but for its provenance."""
    kept = {name: parent.metadata[name] for name in _KEPT if name in parent.metadata}
    stages = {"locator": parent.locator, "segmenter": parent.segmenter}
    spacing = {name: stage.spacing_mm for name, stage in stages.items() if stage is not None}
    for name, state in states.items():
        spacing[name] = SPACING_MM[name] * state.recipe.get("pooled", 1)
    return {
        **kept,
        "version": version,
        "changelog": {**parent.metadata.get("changelog", {}), version: change},
        "description": f"A locator ({spacing['locator']:g} mm, whole image) and a segmenter"
        f" ({spacing['segmenter']:g} mm, around the cord).",
        "data_source": "provenance/data_sha256 names the files; the model card their origin.",
    }


if __name__ == "__main__":
    sys.exit(main())
