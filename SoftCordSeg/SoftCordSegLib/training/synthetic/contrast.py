"""From fractions of tissue to intensities: any contrast there is, and many there are not."""

from __future__ import annotations

import numpy as np

from . import body
from .fields import smooth_noise

# Tissues of the spine, after the labels of the body.
WHITE, GREY, CSF, EPIDURAL, BONE, DISC, CAUDA = range(body.LABELS, body.LABELS + 7)
TISSUES = body.LABELS + 7

# Rough intensities (0 to 1) as the usual sequences show them; each draw jitters all of them.
_SEQUENCES = {
    #        white grey  csf   epid  bone  disc  cauda fat   muscle vessel fluid brain air
    "T1w": (0.65, 0.55, 0.15, 0.80, 0.55, 0.35, 0.50, 1.00, 0.45, 0.25, 0.15, 0.60, 0.02),
    "T2w": (0.35, 0.42, 1.00, 0.60, 0.35, 0.25, 0.40, 0.75, 0.20, 0.10, 1.00, 0.45, 0.02),
    "T2star": (0.45, 0.60, 0.85, 0.50, 0.15, 0.45, 0.50, 0.40, 0.40, 0.80, 0.90, 0.50, 0.02),
    "MToff": (0.55, 0.60, 0.65, 0.55, 0.25, 0.55, 0.55, 0.55, 0.60, 0.90, 0.60, 0.60, 0.02),
    "MTon": (0.35, 0.42, 0.70, 0.55, 0.25, 0.45, 0.40, 0.55, 0.30, 0.90, 0.65, 0.40, 0.02),
    "DWI": (0.95, 0.90, 0.15, 0.15, 0.10, 0.15, 0.40, 0.12, 0.15, 0.05, 0.15, 0.80, 0.02),
    "STIR": (0.45, 0.50, 1.00, 0.20, 0.15, 0.30, 0.50, 0.08, 0.25, 0.15, 1.00, 0.55, 0.02),
    "PSIR": (0.80, 0.65, 0.10, 0.85, 0.60, 0.50, 0.60, 1.00, 0.50, 0.40, 0.10, 0.70, 0.30),
}


def random_intensities(rng: np.random.Generator) -> np.ndarray:
    """One mean intensity for each tissue, (TISSUES,) float32, about 0 to 1.

    Half follow a known sequence, half are anything, but the cord always differs from the fluid
    around it: an edge that is not in the image cannot be learnt.
    """
    while True:
        means = _sequence(rng) if rng.random() < 0.55 else rng.uniform(0, 1, TISSUES)
        if rng.random() < 0.7 or abs(means[GREY] - means[WHITE]) > 0.5:
            means[GREY] = means[WHITE] + rng.normal(0, 0.08)
        if abs(means[WHITE] - means[CSF]) > rng.uniform(0.08, 0.2):
            return means.astype(np.float32)


def _sequence(rng: np.random.Generator) -> np.ndarray:
    names = list(_SEQUENCES)
    white, grey, csf, epidural, bone, disc, cauda, fat, muscle, vessel, fluid, brain, air = (
        _SEQUENCES[names[rng.integers(len(names))]]
    )
    means = rng.uniform(0, 1, TISSUES)
    means[[WHITE, GREY, CSF, EPIDURAL, BONE, DISC, CAUDA]] = (
        white,
        grey,
        csf,
        epidural,
        bone,
        disc,
        cauda,
    )
    means[[body.FAT, body.SKIN, body.VESSEL, body.WALL, body.AIRWAY, body.AIR]] = (
        fat,
        fat,
        vessel,
        muscle,
        air,
        air,
    )
    means[[body.BRAIN_A, body.BRAIN_B, body.HEAD_FLUID, body.SKULL]] = (
        brain,
        brain * 0.85,
        fluid,
        bone * 0.5,
    )
    means[body.MUSCLE : body.MUSCLE + body.MUSCLES] = muscle
    return means * rng.normal(1, 0.08, TISSUES) + rng.normal(0, 0.06, TISSUES)


def body_image(
    rng: np.random.Generator, labels: np.ndarray, means: np.ndarray, spacing: float
) -> np.ndarray:
    """Intensities of the body, textured, (i, j, k) float32."""
    image = means[labels]
    texture = np.zeros(labels.shape, np.float32)
    for scale in (rng.uniform(1.0, 2.5), rng.uniform(2, 10), rng.uniform(10, 40)):
        texture += rng.uniform(0, 0.08) * smooth_noise(rng, labels.shape, scale / spacing)
    if rng.random() < 0.75:
        # Air has none, and is the darkest there is; in some scans it is exactly 0.
        air = labels == body.AIR
        texture[air] = 0
        image[air] = min(means.min(), 0.0) if rng.random() < 0.5 else means[body.AIR]
    return image + texture


def remapped(rng: np.random.Generator, t2w: np.ndarray) -> np.ndarray:
    """The template's T2w intensities under a random, not always monotone, curve: real structure,
    any contrast.
    """
    knots = np.linspace(0, 1, 6)
    values = rng.uniform(0, 1, 6) if rng.random() < 0.6 else np.sort(rng.uniform(0, 1, 6))
    return np.interp(t2w, knots, values).astype(np.float32)
