"""Makes Screenshots/segmentation.png: the phantom's five contrasts, segmented by the shipped model,
in Slicer's own views.

python Utilities/readme_picture.py
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from SoftCordSegLib.cli.demo.study import study_phantom
from SoftCordSegLib.cli.demo.study_scene import make_views
from SoftCordSegLib.cli.segment import Request
from SoftCordSegLib.cli.tools import Tools
from SoftCordSegLib.phantom import CONTRASTS
from SoftCordSegLib.progress import Progress

PICTURE = Path(__file__).resolve().parents[1] / "Screenshots" / "segmentation.png"
PIXELS, GAP = 300, 6


def column(contrast: str, folder: Path, tools: Tools) -> np.ndarray:
    """The sagittal above the axial view of one contrast, (2 PIXELS + GAP, PIXELS, 3) uint8."""
    study = study_phantom(
        contrast, folder, tools.open_bundle(None), tools, Request(folder, threshold=0.5), Progress()
    )
    views = dict(make_views(study, folder).pictures)
    pictures = [
        Image.open(io.BytesIO(views[name])).convert("RGB").resize((PIXELS, PIXELS))
        for name in ("Sagittal", "Axial")
    ]
    gap = np.full((GAP, PIXELS, 3), 255, np.uint8)
    return np.concatenate([np.asarray(pictures[0]), gap, np.asarray(pictures[1])])


def main() -> None:
    """Write the picture."""
    tools = Tools()
    with tempfile.TemporaryDirectory() as folder:
        columns = [column(contrast, Path(folder) / contrast, tools) for contrast in CONTRASTS]
    gap = np.full((columns[0].shape[0], GAP, 3), 255, np.uint8)
    spaced = [part for item in columns for part in (item, gap)][:-1]
    PICTURE.parent.mkdir(exist_ok=True)
    Image.fromarray(np.concatenate(spaced, axis=1)).save(PICTURE, optimize=True)
    print(PICTURE.name)


if __name__ == "__main__":
    main()
