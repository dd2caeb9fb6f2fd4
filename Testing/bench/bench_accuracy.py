"""How good the shipped bundle is on the real development images, by ``softcord evaluate``; no mask of them was trained on.

``development.csv`` beside this file lists them: masks to compare with, and grids on which one subject has several contrasts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from SoftCordSegLib.cli.app import main as softcord
from SoftCordSegLib.network import shipped_bundles

CASES = Path(__file__).with_name("development.csv")


def main() -> None:
    """Evaluate, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", action="append", help="another bundle than the shipped one, or further ones")
    parser.add_argument("--save", help="folder for tables, figures and soft masks")
    options = parser.parse_args()
    if not (options.data / "images").is_dir():
        print(f"skipped: there are no images in '{options.data}' (use --data)")
        return
    models = options.model or [str(shipped_bundles()[0])]
    methods = [word for model in models for word in ("-m", f"{Path(model).name}={model}")]
    with tempfile.TemporaryDirectory() as scratch:
        where = ["-o", options.save] if options.save else ["-o", scratch, "--no-figures"]
        sys.argv = ["softcord", "evaluate", str(CASES), "--root", str(options.data), *methods, *where]
        softcord()


if __name__ == "__main__":
    main()
