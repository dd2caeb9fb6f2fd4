"""Stands in for the network where many cases are done, in processes of their own: a straight cord
in the middle of each image.
"""

from __future__ import annotations

import time
from pathlib import Path
from unittest import mock

import numpy as np

from SoftCordSegLib.progress import Progress
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.segmentation.segment import check_image
from SoftCordSegLib.volume import Box
from SoftCordSegLib.workflows import segment_images
from SoftCordSegLib.workflows.data_set.data_set_case import CaseJob, CaseResult, run_case

RADIUS_MM = 5.0


def straight_cord(
    image, bundle, *, box=None, progress=None, device="auto", flips=False, located=None
):
    """A cylinder along the axis that points most to the head, through the image's middle."""
    check_image(image)
    for _ in range(5):
        progress.check_cancelled()
        time.sleep(0.01)
    affine = image.affine
    up = int(np.abs(affine[2, :3]).argmax())
    across = [axis for axis in range(3) if axis != up]
    grids = np.ogrid[tuple(slice(0, size) for size in image.shape)]
    squares = [
        ((grids[axis] - (image.shape[axis] - 1) / 2) * np.linalg.norm(affine[:3, axis])) ** 2
        for axis in across
    ]
    soft = np.clip(RADIUS_MM + 0.5 - np.sqrt(squares[0] + squares[1]), 0, 1)
    soft = np.broadcast_to(soft, image.shape).astype(np.float32)
    return SoftMask(image.with_data(soft), Box.of_grid(image.grid), "Spinal cord found.")


def quick_segmenter(image, folder, bundle, options, progress):
    """As :func:`.segment_images.segment_file`, with :func:`straight_cord` for the network."""
    with mock.patch("SoftCordSegLib.segmentation.within_memory.segment", straight_cord):
        return segment_images.segment_file(image, folder, bundle, options, progress)


def quick_case(job: CaseJob, progress: Progress) -> CaseResult:
    """The whole of a case but for the network."""
    return run_case(job, progress, segmenter=quick_segmenter)


def half_written(out: Path) -> list[str]:
    """Files under their own names that cannot be read."""
    import json

    import nibabel

    found = []
    for path in sorted(out.rglob("*")):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(out).parts):
            continue
        try:
            if path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.name.endswith(".nii.gz"):
                np.asanyarray(nibabel.load(path).dataobj)
        except Exception as error:
            found.append(f"{path.name}: {error}")
    return found
