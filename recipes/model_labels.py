"""Labels for images without a mask: what the predictions of a model agree on, shared by the
contrasts on one grid.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from SoftCordSegLib.evaluation import Case
from SoftCordSegLib.files import write_text_atomically
from SoftCordSegLib.network import load_bundle


def model_labels(
    cases: Sequence[Case], bundle: Path, folder: Path
) -> tuple[list[tuple[Path, Path]], dict]:
    """Run ``softcord pseudolabel`` over images.

    Args:
        cases: 3D images; those of one participant and grid share a label.
        bundle: the model.
        folder: for labels, weights and their list.

    Returns:
        Label and weight of each case, and the record of the model: its name and the SHA-256 of its
        weights.
    """
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("participant", "contrast", "image", "grid"))
    for case in cases:
        # The name of the file keeps a scan and its rescan apart.
        grid = f"{case.participant}_{case.grid}" if case.grid else ""
        table.writerow(
            (case.participant, f"{case.contrast}-{case.stem}", case.image.resolve(), grid)
        )
    path = folder / "without_mask.csv"
    write_text_atomically(path, text.getvalue())
    program = [sys.executable, "-m", "SoftCordSegLib.cli.app"]
    subprocess.run(
        [*program, "pseudolabel", str(path), "--model", str(bundle), "--out", str(folder)],
        check=True,
    )
    entries = json.loads((folder / "cases.json").read_text(encoding="utf-8"))["training"]
    found = {
        (folder / one["image"]).resolve(): (folder / one["label"], folder / one["weight"])
        for one in entries
    }
    model = load_bundle(bundle)
    return [found[case.image.resolve()] for case in cases], {
        "name": model.name,
        "weights_sha256": model.sha256,
    }
