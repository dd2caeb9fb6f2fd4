"""How good bundles are on people who were not trained on: the measure of ``recipes`` on its
development list.

Other lists and bundles: ``make -C recipes measure LIST=evaluation BUNDLES="compact
path/to/bundle"``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--model", action="append", help="another bundle than the shipped one, or further ones"
    )
    options = parser.parse_args()
    if not (options.data / "images").is_dir():
        print(f"skipped: there are no images in '{options.data}' (use --data)")
        return
    recipes = REPOSITORY / "recipes"
    command = [
        sys.executable,
        recipes / "measure_bundles.py",
        recipes / "development.csv",
        "--root",
        options.data,
    ]
    raise SystemExit(
        subprocess.run(
            [*map(str, command), *(options.model or ["compact"])], check=False
        ).returncode
    )


if __name__ == "__main__":
    main()
