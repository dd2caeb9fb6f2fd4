"""Trains named variants one after the other, at equal steps, and writes a bundle of each.

    python compare_variants.py variants.json --packed training.npz --development development.npz
    --out FOLDER

The file holds a list of runs, or ``{"base": …, "parent": "compact", "variants": [runs]}``; a run is
``{"name": …, "start": …, "plan": …, "recipe": …, "steps": …}``, see :class:`RunDescription`; what
"base" says holds for all.  Called again it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "SoftCordSeg"))


def main(arguments: list[str] | None = None) -> int:
    """Train all variants that are not done."""
    from SoftCordSegLib.errors import SoftCordSegError

    parser = argparse.ArgumentParser(description="Train variants at equal steps.")
    parser.add_argument("variants", type=Path, help="JSON file of the runs")
    parser.add_argument("--packed", type=Path, required=True, help="training data")
    parser.add_argument("--development", type=Path, help="development images, to validate on")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--only", nargs="+", help="names of variants")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="of PyTorch")
    parser.add_argument("--validate-every", type=int, default=500, metavar="STEPS")
    options = parser.parse_args(arguments)
    try:
        _train_all(options)
    except SoftCordSegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def read_variants(path: Path) -> tuple[list[Any], str]:
    """The runs of a file, and the bundle that lacking stages are taken from.

    Raises:
        InputError: not such a file.
    """
    from SoftCordSegLib.errors import InputError
    from SoftCordSegLib.training.trainer.run_description import RunDescription

    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"'{path}' cannot be read as JSON: {error}.",
            hint="Correct it.",
        ) from error
    content = {"variants": content} if isinstance(content, list) else content
    runs = [RunDescription.from_json(one, content.get("base")) for one in content["variants"]]
    names = [run.name for run in runs]
    if len(set(names)) < len(names) or any(run.steps is None for run in runs):
        raise InputError(f"The variants in '{path}' need a name of their own each, and steps.")
    return runs, content.get("parent", "compact")


def _train_all(options: argparse.Namespace) -> None:
    import torch

    from SoftCordSegLib.files import write_text_atomically
    from SoftCordSegLib.processes import keep_freed_memory
    from SoftCordSegLib.training.trainer.run_description import open_training
    from SoftCordSegLib.training.trainer.run_export import export_run
    from SoftCordSegLib.training.trainer.trainer import Pace, Trainer

    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    runs, parent = read_variants(options.variants)
    summary = {}
    for run in runs:
        if options.only and run.name not in options.only:
            continue
        folder = options.out / run.name
        trainer = open_training(
            run, options.packed, options.development, folder / "run", device=options.device
        )
        told = [time.monotonic()]

        def report(
            trainer: Trainer,
            name: str = run.name,
            steps: int | None = run.steps,
            told: list[float] = told,
        ) -> None:
            if time.monotonic() - told[0] > 20:
                told[0] = time.monotonic()
                print(
                    f"{name}: step {trainer.step} of {steps}, loss"
                    f" {trainer.curve.recent(50) or 0:.5f}",
                    flush=True,
                )

        pace = Pace(save_minutes=3, validate_steps=options.validate_every)
        state = trainer.run(steps=run.steps, pace=pace, after_step=report)
        validations = state.history["validations"]
        summary[run.name] = {
            "steps": state.step,
            "patches": state.patches,
            "seconds": round(state.seconds),
            "precision": state.record["precision"],
            "loss": trainer.curve.recent(200),
            "validation": (
                {key: validations[-1][key] for key in ("mean", "contrasts")}
                if validations
                else None
            ),
        }
        export_run(
            folder / "bundle", {run.plan.stage: state}, parent=parent, words={"name": run.name}
        )
        write_text_atomically(
            folder / "summary.json", json.dumps(summary[run.name], indent=1) + "\n"
        )
        print(f"{run.name}: {json.dumps(summary[run.name])}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
