"""Makes the bundle that a release ships, from the long training as it is.

    python release_bundle.py VERSION OUT --data DATA --change "What is new in it"
    python release_bundle.py … --only segmenter --run STATE --mean-with 2:EARLIER 1:STATE

The averaged weights of each of its trainings (of a network that it has not trained yet, or that
``--only`` leaves out: those of the shipped bundle; of the segmenter, those of another training
where ``--run`` names its state), or the mean with those of bundles that were made earlier and of
other trainings that went on from one of them, each with its share beside 1: over so many steps an
average of weights forgets what single patches taught.
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
from typing import TYPE_CHECKING, Any

import locator_calibration
import soft_edge
from quiet import runs_folder

from SoftCordSegLib.errors import InputError, SoftCordSegError
from SoftCordSegLib.network import ModelBundle
from SoftCordSegLib.network.store import open_bundle
from SoftCordSegLib.training.trainer.run_description import LongRun
from SoftCordSegLib.training.trainer.run_export import export_run
from SoftCordSegLib.training.trainer.run_state import RunState, load_state
from SoftCordSegLib.training.trainer.spread_heads import unspread_segmenter
from SoftCordSegLib.training.trainer.trainer_plan import SPACING_MM, STAGES

if TYPE_CHECKING:
    import torch

HERE = Path(__file__).resolve().parent
COMMAND = "python recipes/release_bundle.py VERSION OUT --data DATA"
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
    parser.add_argument("--run", type=Path, help="state of a training: its segmenter instead")
    parser.add_argument(
        "--mean-with",
        nargs="+",
        default=(),
        metavar="SHARE:PLACE",
        help="bundles and states of trainings whose segmenters have a share",
    )
    parser.add_argument("--plan", type=Path, default=HERE / "long_run.json")
    options = parser.parse_args(arguments)
    try:
        run = LongRun.read(options.plan)
        states = trained(run, runs_folder() / run.name, options.only)
        if options.run is not None:
            states["segmenter"] = _state(options.run)
        if options.mean_with and "segmenter" in states:
            states["segmenter"] = mean_with(states["segmenter"], options.mean_with)
        parent = open_bundle(run.parent)
        said = words(parent, states, options.version, options.change)
        with tempfile.TemporaryDirectory() as work:
            made = Path(work) / "faint"
            export_run(made, states, parent=parent.folder, words=said, command=COMMAND)
            code = 0
            # A segmenter that is taken from the parent was spread for it.
            if "segmenter" in states:
                faint = made
                made = Path(work) / "spread" if "locator" in states else options.out
                code = soft_edge.main([str(faint), str(made), "--data", str(options.data)])
            if not code and "locator" in states:
                code = locator_calibration.main([str(made), str(options.out)])
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


def mean_with(state: RunState, others: Sequence[str]) -> RunState:
    """The state with the mean of its averaged weights, of share 1, and of others.

    Args:
        state: of a training of the segmenter.
        others: share and place of each, "2:compact": a bundle, or the state of a training.

    Raises:
        InputError: a share is none, or a segmenter has another shape.
    """
    total = 1.0
    average, said = dict(state.average), []
    for one in others:
        share, place = _share(one)
        weights, about = _weights_of(place)
        if {name: value.shape for name, value in weights.items()} != {
            name: value.shape for name, value in average.items()
        }:
            raise InputError(
                "This segmenter has another shape than the one that is trained.",
                path=Path(place),
                hint="Name one that was made from the same training.",
            )
        average = {name: value + share * weights[name] for name, value in average.items()}
        total += share
        said.append({"share": share, **about})
    average = {name: value / total for name, value in average.items()}
    history = {**state.history, "changes": [*state.history.get("changes", []), {"mean_with": said}]}
    return replace(state, average=average, history=history)


def _state(folder: Path) -> RunState:
    state = load_state(folder)
    if state is None:
        raise InputError(
            "No state of a training is here.",
            path=folder,
            hint="Name the folder in which a training keeps its states.",
        )
    return state


def _share(text: str) -> tuple[float, str]:
    share, _, place = text.partition(":")
    try:
        number = float(share)
    except ValueError:
        number = 0.0
    if number <= 0 or not place:
        raise InputError(
            f"'{text}' does not say which share a segmenter has.",
            hint="Give a number above 0, a colon, and its bundle or training: 2:compact.",
        )
    return number, place


def _weights_of(place: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The weights of a bundle's segmenter, or of a training, and what is said of it."""
    if any(Path(place).glob("*/state.json")):
        state = _state(Path(place))
        return state.average, {
            "steps": state.step,
            "start": state.origin,
            "plan": state.plan,
            "recipe": state.recipe,
        }
    bundle = open_bundle(place)
    return unspread_segmenter(bundle), {
        "version": bundle.metadata["version"],
        "weights_sha256": bundle.sha256[bundle.segmenter.weights],
        "steps": bundle.metadata.get("provenance", {}).get("segmenter", {}).get("steps"),
    }


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
