"""Trains for some minutes on a GPU that is at hand for no longer, and leaves a state that the next
time goes on from.

    python gpu_minutes.py --packed training.npz --out NEW [--state LEFT] [--plan long_run.json]
    [--training segmenter] [--minutes 9]

Needs torch, numpy, scipy and safetensors, and nothing of the network.  The batch is doubled until
memory or patches a second gain no more; the learning rate grows with the root of the batch, and the
average forgets by patches as it did.  The state is kept in half precision in few small files, also
on the way: whatever ends the process, the last one stays.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "SoftCordSeg"))

if TYPE_CHECKING:
    import torch

    from SoftCordSegLib.training.batch import BatchSource
    from SoftCordSegLib.training.trainer.trainer import Trainer
    from SoftCordSegLib.training.trainer.trainer_plan import TrainerPlan

# A batch twice as large has to be at least that much faster.
_GAIN = 1.05
# Of the GPU's memory; the generator and validation need some, too.
_MEMORY = 0.8
# No batch makes a higher learning rate safe.
_RATE = 4e-3


def main(arguments: list[str] | None = None) -> int:
    """Train, and leave a state."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(description="Training on a GPU for some minutes.")
    parser.add_argument("--packed", type=Path, required=True, help="training data")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder for the state, at most 8 files of 16 MiB, 60 MiB in all",
    )
    parser.add_argument(
        "--state", type=Path, help="folder of the state to go on from; a new training without one"
    )
    parser.add_argument(
        "--development", type=Path, help="development images to validate on at the end"
    )
    parser.add_argument("--plan", type=Path, default=HERE / "long_run.json")
    parser.add_argument("--training", default="segmenter", help="of the plan")
    parser.add_argument(
        "--minutes", type=float, default=9.0, help="in all, from the start of the script to its end"
    )
    parser.add_argument("--batch", type=int, help="found by trying without it")
    parser.add_argument("--largest", type=int, default=512, help="batch that is tried")
    parser.add_argument(
        "--total-mib",
        type=float,
        default=58.0,
        help="of the state; it is left without moments if they do not fit",
    )
    parser.add_argument("--save-minutes", type=float, default=2.0)
    parser.add_argument("--device", help="cuda where there is one, else cpu")
    parser.add_argument("--threads", type=int, help="of PyTorch on the CPU")
    options = parser.parse_args(arguments)

    from SoftCordSegLib.errors import SoftCordSegError

    try:
        train(options, began)
    except SoftCordSegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def train(options: argparse.Namespace, began: float) -> None:
    """Open the training, find the batch, train, and say what came of it."""
    import torch

    from SoftCordSegLib.errors import InputError
    from SoftCordSegLib.training.packed import read_packed
    from SoftCordSegLib.training.trainer.run_description import LongRun, batch_source, open_training
    from SoftCordSegLib.training.trainer.run_state import HalfStates
    from SoftCordSegLib.training.trainer.trainer import Pace

    if options.threads:
        torch.set_num_threads(options.threads)
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    run = LongRun.read(options.plan)
    if options.training not in run.trainings:
        raise InputError(
            f"The plan has no training '{options.training}'; it has {', '.join(run.trainings)}."
        )
    description = run.trainings[options.training]
    precision = "bf16" if device != "cpu" else description.plan.precision
    plan = replace(description.plan, precision=precision, accumulate=1)
    source = batch_source(read_packed(options.packed), description.recipe, plan.stage, device)
    batch = options.batch or largest_batch(plan, source, device, options.largest)
    plan = for_batch(plan, description.plan.batch * description.plan.accumulate, batch)
    store = HalfStates(options.out, before=options.state, total_mib=options.total_mib)
    trainer = open_training(
        replace(description, plan=plan),
        options.packed,
        options.development,
        store,
        device=device,
        renew=True,
    )
    del source
    first_step, first_patches = trainer.step, trainer.patches
    print(
        f"{description.name}: {f'goes on from step {first_step}' if first_step else 'begins'},"
        f" batch {batch}, {device}",
        flush=True,
    )
    # What is left of the time, but for validating and saving at the end.
    minutes = 0.97 * options.minutes - (time.monotonic() - began) / 60
    counter = Counter(trainer)
    pace = Pace(save_minutes=options.save_minutes, validate_steps=None)
    # A few steps in any case, or there would be nothing to leave.
    trainer.run(minutes=max(minutes, 0.03), pace=pace, after_step=counter.after_step)
    patches = trainer.patches - first_patches
    said: dict[str, Any] = {
        "steps": trainer.step - first_step,
        "patches": patches,
        "batch": batch,
        "patches_a_second": round(counter.rate(), 2),
        "precision": trainer.learner.precision,
        "device": torch.cuda.get_device_name() if device == "cuda" else device,
        "loss": trainer.curve.recent(50),
        "validation": trainer.validations[-1]["mean"] if trainer.validations else None,
        "files": {
            one.name: one.stat().st_size for one in sorted(options.out.rglob("*")) if one.is_file()
        },
    }
    print(json.dumps(said), flush=True)


class Counter:
    """Prints patches a second, generator included, every twenty seconds."""

    def __init__(self, trainer: Trainer):
        self._first = self._last = (time.monotonic(), trainer.patches)
        self._seconds = trainer.seconds
        self._trainer = trainer

    def after_step(self, trainer: Trainer) -> None:
        """Count, and print when it is time."""
        now = time.monotonic()
        if now - self._last[0] >= 20:
            rate = (trainer.patches - self._last[1]) / (now - self._last[0])
            print(
                f"step {trainer.step}: {rate:.1f} patches/s, loss"
                f" {trainer.curve.recent(20) or 0:.5f}",
                flush=True,
            )
            self._last = now, trainer.patches

    def rate(self) -> float:
        """Patches a second of training, without saving and validating."""
        return (self._trainer.patches - self._first[1]) / max(
            self._trainer.seconds - self._seconds, 1e-9
        )


def for_batch(plan: TrainerPlan, before: int, batch: int) -> TrainerPlan:
    """The plan for another batch: Adam's noise falls with the root of the batch, so the learning
    rate may rise by it.
    """
    ratio = batch / before
    rate = min(plan.learning_rate * max(ratio, 1.0) ** 0.5, max(plan.learning_rate, _RATE))
    return replace(
        plan, batch=batch, accumulate=1, learning_rate=rate, averaging=plan.averaging**ratio
    )


def largest_batch(plan: TrainerPlan, source: BatchSource, device: str, largest: int) -> int:
    """The smallest batch beyond which doubling gains nothing, by steps that are thrown away."""
    import torch

    from SoftCordSegLib.training.trainer.first_weights import Start, first_weights
    from SoftCordSegLib.training.trainer.learner import Learner

    weights = first_weights(plan, Start())[0]
    best, best_rate, batch = plan.batch, 0.0, plan.batch
    while batch <= largest:
        try:
            precision = plan.precision if plan.precision != "auto" else "fp32"
            rate = patches_a_second(
                Learner(replace(plan, batch=batch), weights, device, precision), source, batch
            )
        except torch.OutOfMemoryError:
            print(f"batch {batch}: out of memory", flush=True)
            break
        print(f"batch {batch}: {rate:.1f} patches/s", flush=True)
        if rate < best_rate * _GAIN:
            break
        best, best_rate = batch, rate
        if (
            device != "cpu"
            and 2 * torch.cuda.max_memory_allocated()
            > _MEMORY * torch.cuda.get_device_properties(0).total_memory
        ):
            break
        batch *= 2
    if device != "cpu":
        torch.cuda.empty_cache()
    return best


def patches_a_second(learner: Any, source: BatchSource, batch: int, steps: int = 2) -> float:
    """Of whole steps, generator included."""

    def synchronise(device: torch.device) -> None:
        if device.type != "cpu":
            import torch

            torch.cuda.synchronize()

    # The first step also builds what the others only use.
    learner.step(0, 0, lambda number: source.batch(0, number, batch))
    synchronise(learner.device)
    begun = time.perf_counter()
    for number in range(1, steps + 1):
        learner.step(number, 0, lambda number: source.batch(0, number, batch))
    synchronise(learner.device)
    return steps * batch / (time.perf_counter() - begun)


if __name__ == "__main__":
    sys.exit(main())
