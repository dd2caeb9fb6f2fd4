"""``python -m SoftCordSegLib.training``: train both networks of the compact bundle and write it."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from ..errors import SoftCordSegError
from ..progress import Progress


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    from ..network.memory import keep_freed_memory
    from .recipes import train_compact

    keep_freed_memory()
    try:
        folder = train_compact(
            data=options.data,
            out=options.out,
            locator_steps=options.locator_steps,
            segmenter_steps=options.segmenter_steps,
            seed=options.seed,
            precision=options.precision,
            command=shlex.join(["python", "-m", "SoftCordSegLib.training", *(arguments or sys.argv[1:])]),
            progress=_printed(),
        )
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The bundle is in '{folder}'.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m SoftCordSegLib.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with template/ and labels/spine-generic/")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; a run already there goes on")
    parser.add_argument("--locator-steps", type=int, default=1600)
    parser.add_argument("--segmenter-steps", type=int, default=3800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="bf16 is faster on processors with AMX")
    return parser


def _printed() -> Progress:
    last = [-1]

    def report(fraction: float, message: str) -> None:
        # One line per half per cent: a log of hours stays readable.
        if int(fraction * 200) != last[0]:
            last[0] = int(fraction * 200)
            print(f"{fraction:6.1%} {message}", flush=True)

    return Progress(report)


if __name__ == "__main__":
    sys.exit(main())
