"""Digital necks of several cords and contrasts: some are trained on beside the corrected cases,
others watched for forgetting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...training.finetune import ReplayImage

# (calibre, lordosis mm, bend mm, tilt) of the cords that are trained on, and of those that are only
# watched; one a contrast.
_REPLAYED = (
    (1.0, 7, 3, 0.03),
    (0.8, 2, -4, 0.1),
    (1.15, 10, 0, -0.05),
    (0.7, 5, 6, 0.0),
    (0.9, 9, -2, 0.06),
)
_WATCHED = (
    (0.85, 8, 0, 0.0),
    (1.1, 4, 4, -0.03),
    (0.95, 0, -2, 0.08),
    (1.0, 10, 2, 0.05),
    (0.75, 6, -5, 0.02),
)


def phantoms(trained_on: bool = True) -> tuple[list[ReplayImage], list[ReplayImage]]:
    """Images to train on, and others to watch, one of each contrast; the same each time.

    Args:
        trained_on: False makes only those to watch.
    """
    replayed = _scans(_REPLAYED, seed=100) if trained_on else []
    return replayed, _scans(_WATCHED, seed=200)


def _scans(cords: tuple, seed: int) -> list[ReplayImage]:
    from ...phantom import CONTRASTS, Cord, make_phantom
    from ...phantom.cord import CordCurve
    from ...training.finetune import ReplayImage

    images = []
    for number, (contrast, (calibre, lordosis, bend, tilt)) in enumerate(zip(CONTRASTS, cords)):
        cord = Cord(CordCurve(lordosis, bend, tilt), calibre)
        scan = make_phantom(contrast, cord=cord, seed=seed + number)
        images.append(ReplayImage(f"{contrast} phantom", scan.image, scan.truth))
    return images
