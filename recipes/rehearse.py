"""Rehearses gpu_minutes.py on the CPU with a small network: two sessions, of which the second goes
on from the first.

    python rehearse.py [--packed work/training.npz] [--minutes 0.6]

Any import beside torch, numpy, scipy and safetensors fails, as it would where there is nothing
else.  Also says whether the tree, the packed data and the state are small enough to travel.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.metadata
import json
import re
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ALLOWED = ("torch", "numpy", "scipy", "safetensors")
TRAVEL_MIB, FILE_MIB, FILES = 60, 16, 8
# Another network than the plan's, in seconds instead of minutes; two stages, as deep as small
# patches can be.
SMALL = {
    "network": {"features": [4, 8, 8], "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]]},
    "tile": [32, 32, 32],
    "batch": 2,
}
RECIPE = {"shape": [32, 32, 32]}


class OnlyAllowed(importlib.abc.MetaPathFinder):
    """A finder that does not find packages that are neither Python's, nor allowed, nor needed by
    these themselves.

    Args:
        finder: finds everything.
    """

    def __init__(self, finder: Any):
        self._finder = finder
        needed = {"functorch", "torchgen", "mpmath", "markupsafe", "SoftCordSegLib"}
        for name in ALLOWED:
            required = importlib.metadata.requires(name) or []
            needed |= {
                re.split(r"[\s;<>=!~\[(]", one)[0].replace("-", "_").lower()
                for one in required
                if "extra ==" not in one
            }
        self._names = {*sys.stdlib_module_names, *ALLOWED, *needed}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """What the finder finds; None for what is not allowed."""
        top = name.partition(".")[0]
        return (
            self._finder.find_spec(name, path, target)
            if top in self._names or top.startswith("_")
            else None
        )


def main(arguments: list[str] | None = None) -> int:
    """Two sessions; 0 where the second went on and everything is small enough."""
    parser = argparse.ArgumentParser(description="Rehearse the script for a GPU.")
    parser.add_argument("--packed", type=Path, default=HERE / "work" / "training.npz")
    parser.add_argument("--plan", type=Path, default=HERE / "long_run.json")
    parser.add_argument("--minutes", type=float, default=0.6, help="of each session")
    parser.add_argument(
        "--recipe",
        type=json.loads,
        default=RECIPE,
        help="JSON: what differs from the plan's recipe",
    )
    parser.add_argument("--threads", type=int)
    options = parser.parse_args(arguments)
    if not options.packed.is_file():
        print(
            f"error: there are no packed training data in '{options.packed}'. Make them with: make"
            " -C recipes pack",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory() as folder:
        problems = rehearse(Path(folder), options)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print("The rehearsal failed." if problems else "The rehearsal passed.")
    return 1 if problems else 0


def rehearse(folder: Path, options: argparse.Namespace) -> list[str]:
    """What went wrong; nothing where all is well."""
    content = json.loads(options.plan.read_text(encoding="utf-8"))
    training = content["trainings"]["segmenter"]
    small = {
        "plan": {**training.get("plan", {}), **SMALL},
        "recipe": {**training.get("recipe", {}), **options.recipe},
    }
    plan = folder / "plan.json"
    plan.write_text(
        json.dumps(
            {"name": "rehearsal", "trainings": {"segmenter": small}, "order": [["segmenter", None]]}
        ),
        encoding="utf-8",
    )
    said = []
    for number in (1, 2):
        command = [
            "--packed",
            str(options.packed),
            "--plan",
            str(plan),
            "--out",
            str(folder / f"out{number}"),
            "--largest",
            "4",
        ]
        command += ["--minutes", str(options.minutes), "--development", str(options.packed)]
        command += ["--state", str(folder / "out1")] if number == 2 else []
        command += ["--threads", str(options.threads)] if options.threads else []
        print(f"session {number}", flush=True)
        here = [sys.executable, __file__, "--alone", str(HERE / "gpu_minutes.py"), *command]
        answer = subprocess.run(here, stdout=subprocess.PIPE, encoding="utf-8", check=False)
        print(answer.stdout, end="", flush=True)
        if answer.returncode:
            return [f"session {number} ended with exit code {answer.returncode}"]
        said.append(answer.stdout)
    return [*_sessions(said), *_left(folder / "out2"), *_travels(options)]


def _sessions(said: list[str]) -> list[str]:
    first, second = (json.loads(text.rstrip().rpartition("\n")[2]) for text in said)
    problems = [
        f"session {n} made no step" for n, one in enumerate((first, second), 1) if not one["steps"]
    ]
    if f"goes on from step {first['steps']}," not in said[1]:
        problems.append("the second session did not go on from the first")
    return problems


def _left(folder: Path) -> list[str]:
    files = [one for one in folder.rglob("*") if one.is_file()]
    large = [one.name for one in files if one.stat().st_size > FILE_MIB << 20]
    problems = [f"{name} is larger than {FILE_MIB} MiB" for name in large]
    return problems + (
        [f"{len(files)} files were left, not {FILES} at most"] if len(files) > FILES else []
    )


def _travels(options: argparse.Namespace) -> list[str]:
    """Whether tree, packed data and the state of the plan's own network are small enough
    together.
    """
    sys.path.insert(0, str(ROOT / "SoftCordSeg"))
    from SoftCordSegLib.network.unet import UNet
    from SoftCordSegLib.training.trainer.run_description import LongRun

    networks = [one.plan.network for one in LongRun.read(options.plan).trainings.values()]
    weights = max(
        sum(value.numel() for value in UNet(network).parameters()) for network in networks
    )
    # Average, weights and both moments, two bytes each.
    sizes = {
        "tree": tree_bytes(),
        "packed data": options.packed.stat().st_size,
        "state": 8 * weights,
    }
    total = sum(sizes.values()) / 2**20
    print(
        "to travel: "
        + ", ".join(f"{name} {size / 2**20:.1f} MiB" for name, size in sizes.items())
        + f", in all {total:.1f} MiB"
    )
    room = TRAVEL_MIB - total + sizes["state"] / 2**20
    if total > TRAVEL_MIB and 4 * weights / 2**20 < room:
        print(
            "The state travels without the moments of the optimiser: gpu_minutes.py --total-mib"
            f" {room:.0f}"
        )
        return []
    return [f"{total:.1f} MiB do not travel: at most {TRAVEL_MIB} do"] if total > TRAVEL_MIB else []


def tree_bytes() -> int:
    """Size of the files of the checkout that git has or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        answer = subprocess.run(
            command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True
        )
        paths = [ROOT / name for name in answer.stdout.splitlines()]
    except (OSError, subprocess.CalledProcessError):
        paths = list((ROOT / "SoftCordSeg").rglob("*")) + list(HERE.glob("*"))
    return sum(one.stat().st_size for one in paths if one.is_file())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        sys.meta_path[:] = [OnlyAllowed(finder) for finder in sys.meta_path]
        sys.argv = sys.argv[2:]
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        sys.exit(main())
