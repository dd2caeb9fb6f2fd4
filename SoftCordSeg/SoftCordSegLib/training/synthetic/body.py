"""What lies far from the cord: skin, fat, muscles, airway, vessels, organs, the head, air.

None of it is anatomy to the millimetre.  It is there so that a network meets bright, dark, round
and long things that are not the cord, in places and sizes such as a neck, a chest or a belly has
them.
"""

from __future__ import annotations

import numpy as np

from .fields import Curve, smooth_noise
from .geometry import Posture

# Labels; MUSCLE is the first of a family of compartments, each with its own intensity.
AIR, SKIN, FAT, VESSEL, WALL, AIRWAY, BRAIN_A, BRAIN_B, HEAD_FLUID, SKULL = range(10)
MUSCLE = 10
MUSCLES = 6
CLUTTER = MUSCLE + MUSCLES
CLUTTERS = 6
LABELS = CLUTTER + CLUTTERS


def paint_body(
    rng: np.random.Generator, posture: Posture, spacing: float, template_height: float
) -> np.ndarray:
    """Labels (i, j, k) uint8 of everything but the spine and what is in its canal."""
    shape = posture.left.shape
    inside = _depth_below_skin(rng, posture, spacing)
    labels = _muscles(rng, shape, spacing)
    fat = rng.uniform(1, 14)
    labels[inside < fat] = FAT
    labels[inside < 1.5] = SKIN
    _clutter(rng, labels, posture, spacing)
    for tube in _tubes(rng, posture):
        _paint_tube(rng, labels, posture, *tube)
    if posture.height.max() > template_height - 5:
        _head(rng, labels, posture, spacing, template_height)
    labels[inside < 0] = AIR
    return labels


def _depth_below_skin(rng: np.random.Generator, posture: Posture, spacing: float) -> np.ndarray:
    """Millimetres below the skin, negative in the air; a super-ellipse that widens from neck to
    trunk.
    """
    neck = np.array([rng.uniform(50, 85), rng.uniform(45, 75)])
    trunk = np.array([rng.uniform(110, 190), rng.uniform(75, 130)])
    # The shoulders are at about C7 to T1, 370 mm up the template.
    weight = 1 / (1 + np.exp((posture.height - rng.uniform(340, 380)) / rng.uniform(8, 20)))
    half_left = neck[0] + (trunk[0] - neck[0]) * weight
    half_anterior = neck[1] + (trunk[1] - neck[1]) * weight
    forward = rng.uniform(5, 25) + 15 * weight
    power = rng.uniform(2.0, 3.0)
    radius = (
        np.abs(posture.left / half_left) ** power
        + np.abs((posture.anterior - forward) / half_anterior) ** power
    ) ** (1 / power)
    ripple = 1 + 0.05 * smooth_noise(rng, radius.shape, 40 / spacing)
    return (ripple - radius) * np.minimum(half_left, half_anterior)


def _muscles(rng: np.random.Generator, shape: tuple, spacing: float) -> np.ndarray:
    """Compartments where one of several smooth fields is the largest, with fat where two nearly
    tie.
    """
    size = rng.uniform(8, 30) / spacing
    fields = np.stack([smooth_noise(rng, shape, (size, size, 3 * size)) for _ in range(MUSCLES)])
    order = np.argmax(fields, axis=0)
    highest = np.max(fields, axis=0)
    np.put_along_axis(fields, order[None], -np.inf, axis=0)
    tie = highest - np.max(fields, axis=0) < rng.uniform(0, 0.25)
    labels = (order + MUSCLE).astype(np.uint8)
    labels[tie] = FAT
    return labels


def _clutter(
    rng: np.random.Generator, labels: np.ndarray, posture: Posture, spacing: float
) -> None:
    """Organs, glands, teeth, nodes: rounded things of any size outside the spine."""
    extent = np.array(labels.shape) * spacing / 2
    for _ in range(rng.integers(0, 14)):
        centre = rng.uniform(-1, 1, 3) * extent
        radii = np.exp(rng.uniform(np.log(3), np.log(35), 3))
        middle = [(n - 1) / 2 for n in labels.shape]
        box = []
        for axis in range(3):
            low = int(
                np.clip(
                    (centre[axis] - radii[axis]) / spacing + middle[axis], 0, labels.shape[axis] - 1
                )
            )
            high = int(
                np.clip(
                    (centre[axis] + radii[axis]) / spacing + middle[axis] + 1,
                    low + 1,
                    labels.shape[axis],
                )
            )
            box.append(slice(low, high))
        position = np.ogrid[tuple(box)]
        distance = sum(
            ((p - m) * spacing - c) ** 2 / r**2
            for p, m, c, r in zip(position, middle, centre, radii)
        )
        part = labels[tuple(box)]
        part[distance < 1] = CLUTTER + rng.integers(CLUTTERS)


def _tubes(rng: np.random.Generator, posture: Posture) -> list[tuple]:
    """Long round things along the body, as (left, anterior, radius, label, wall thickness), mm."""
    side = rng.choice([-1, 1])
    tubes = [
        (0, rng.uniform(28, 55), rng.uniform(5, 11), AIRWAY, rng.uniform(1, 3)),
        (rng.normal(0, 6), rng.uniform(22, 32), rng.uniform(3, 7), CLUTTER, 2.0),
        (side * rng.uniform(3, 20), rng.uniform(28, 55), rng.uniform(5, 13), VESSEL, 1.5),
    ]
    for sign in (-1, 1):
        tubes.append(
            (sign * rng.uniform(18, 40), rng.uniform(5, 40), rng.uniform(2, 6), VESSEL, 1.0)
        )
        tubes.append(
            (sign * rng.uniform(18, 45), rng.uniform(5, 40), rng.uniform(2, 7), VESSEL, 0.5)
        )
        tubes.append(
            (sign * rng.uniform(13, 19), rng.uniform(5, 14), rng.uniform(1, 2.5), VESSEL, 0.5)
        )
    for _ in range(rng.integers(0, 7)):
        label = rng.choice([VESSEL, CLUTTER, CLUTTER + 1, CLUTTER + 2, FAT])
        tubes.append(
            (
                rng.uniform(-80, 80),
                rng.uniform(-70, 80),
                rng.uniform(1.5, 8),
                label,
                rng.uniform(0, 4),
            )
        )
    return [tube for tube in tubes if np.hypot(tube[0], tube[1]) > 13 and rng.random() < 0.8]


def _paint_tube(rng, labels, posture: Posture, left, anterior, radius, label, wall) -> None:
    wander_left, wander_anterior = (Curve(rng, rng.uniform(0, 5), (60, 300)) for _ in range(2))
    x = posture.left - left - wander_left(posture.height)
    y = posture.anterior - anterior - wander_anterior(posture.height)
    distance = x**2 + (y * rng.uniform(0.7, 1.4)) ** 2
    labels[distance < (radius + wall) ** 2] = WALL
    labels[distance < radius**2] = label


def _head(rng, labels, posture: Posture, spacing: float, template_height: float) -> None:
    """Cerebellum and brain in their fluid and skull, above the first vertebra."""
    up = posture.height - template_height
    middle = np.array([0.0, rng.uniform(0, 20), rng.uniform(60, 75)])
    radii = np.array([rng.uniform(60, 72), rng.uniform(75, 90), rng.uniform(55, 70)])
    distance = np.sqrt(
        ((posture.left - middle[0]) / radii[0]) ** 2
        + ((posture.anterior - middle[1]) / radii[1]) ** 2
        + ((up - middle[2]) / radii[2]) ** 2
    )
    folds = smooth_noise(rng, labels.shape, 6 / spacing)
    labels[(distance < 1.12) & (up > 0)] = SKULL
    labels[(distance < 1.04) & (up > 0)] = HEAD_FLUID
    tissue = (distance < 1.0) & (up > 4) & (folds > -1.0)
    labels[tissue] = BRAIN_A
    labels[tissue & (folds > 0.2)] = BRAIN_B
    cistern = (
        (np.hypot(posture.left / 22, (posture.anterior + 8) / 14) < 1)
        & (up > -2)
        & (up < rng.uniform(5, 25))
    )
    labels[cistern] = HEAD_FLUID
