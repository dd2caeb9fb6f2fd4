"""Mean intensities of tissues: any contrast there is, and many there are not."""

from __future__ import annotations

import numpy as np

from .batch_recipe import BatchRecipe
from .draws import Draws

MUSCLES, CLUTTERS = 4, 4
_NAMES = (
    "air",
    "skin",
    "fat",
    "vessel",
    "wall",
    "airway",
    "brain",
    "brain_grey",
    "head_fluid",
    "skull",
)
AIR, SKIN, FAT, VESSEL, WALL, AIRWAY, BRAIN, BRAIN_GREY, HEAD_FLUID, SKULL = range(len(_NAMES))
MUSCLE = len(_NAMES)
CLUTTER = MUSCLE + MUSCLES
WHITE, GREY, CSF, EPIDURAL, BONE, DISC, CAUDA = range(CLUTTER + CLUTTERS, CLUTTER + CLUTTERS + 7)
TISSUES = CLUTTER + CLUTTERS + 7

# Rough intensities (0 to 1) as the usual sequences show them; each draw jitters all of them. Roots
# (cauda) are nerve: dark in the bright fluid of T2w images, grey in T1w ones.
_SEQUENCES = {
    #        white grey  csf   epid  bone  disc  cauda fat   muscle vessel fluid brain air
    "T1w": (0.65, 0.55, 0.15, 0.80, 0.55, 0.35, 0.50, 1.00, 0.45, 0.25, 0.15, 0.60, 0.02),
    "T2w": (0.35, 0.42, 1.00, 0.60, 0.35, 0.25, 0.35, 0.75, 0.20, 0.10, 1.00, 0.45, 0.02),
    "T2star": (0.45, 0.60, 0.85, 0.50, 0.15, 0.45, 0.50, 0.40, 0.40, 0.80, 0.90, 0.50, 0.02),
    "MToff": (0.55, 0.60, 0.65, 0.55, 0.25, 0.55, 0.55, 0.55, 0.60, 0.90, 0.60, 0.60, 0.02),
    "MTon": (0.35, 0.42, 0.70, 0.55, 0.25, 0.45, 0.40, 0.55, 0.30, 0.90, 0.65, 0.40, 0.02),
    "DWI": (0.95, 0.90, 0.15, 0.15, 0.10, 0.15, 0.40, 0.12, 0.15, 0.05, 0.15, 0.80, 0.02),
    "STIR": (0.45, 0.50, 1.00, 0.20, 0.15, 0.30, 0.50, 0.08, 0.25, 0.15, 1.00, 0.55, 0.02),
}
# How often each is drawn: what spines are mostly seen in comes more often.
_OFTEN = np.array([0.25, 0.25, 0.1, 0.08, 0.08, 0.09, 0.15])
# Those that need more than means; see :mod:`.scanner`. Signs of PSIR are kept; MP2RAGE's ratio is
# noise where there is no signal.
_SPECIAL = {
    "mp2rage": (0.80, 0.62, 0.08, 0.75, 0.45, 0.35, 0.55, 0.95, 0.42, 0.60, 0.08, 0.75, 0.02),
    "psir": (0.70, 0.50, -0.70, 0.75, 0.40, 0.20, 0.45, 1.00, 0.30, 0.10, -0.70, 0.60, 0.00),
    "swi": (0.50, 0.58, 0.72, 0.25, 0.10, 0.40, 0.50, 0.40, 0.45, 0.05, 0.70, 0.50, 0.02),
    # With contrast medium in the sac, since without it no cord is seen there.
    "ct": (0.46, 0.46, 0.80, 0.36, 1.00, 0.50, 0.47, 0.30, 0.46, 0.50, 0.42, 0.46, 0.00),
}
SPECIAL = tuple(_SPECIAL)
_TRIES = 12


def draw_kinds(draws: Draws, recipe: BatchRecipe, count: int) -> np.ndarray:
    """(count,) which of :data:`SPECIAL` an image is, or −1."""
    ends = np.cumsum([getattr(recipe, name) for name in SPECIAL])
    kinds = np.searchsorted(ends, draws.host.random(count), side="right")
    return np.where(kinds < len(SPECIAL), kinds, -1)


def draw_means(draws: Draws, recipe: BatchRecipe, kinds: np.ndarray) -> np.ndarray:
    """(n, TISSUES) float32, about 0 to 1.

    Known sequences and any others; but the cord always differs from the fluid around it: an edge
    that is not in the image cannot be learnt.
    """
    rng, count = draws.host, len(kinds)
    tables = np.array([_means(values) for values in [*_SEQUENCES.values(), *_SPECIAL.values()]])
    which = np.where(
        kinds[:, None] >= 0,
        len(_SEQUENCES) + kinds[:, None],
        rng.choice(len(_SEQUENCES), size=(count, _TRIES), p=_OFTEN),
    )
    anything = rng.uniform(0, 1, (count, _TRIES, TISSUES))
    known = np.where(np.isnan(tables[which]), anything, tables[which])
    known = known * rng.normal(1, 0.08, known.shape) + rng.normal(0, 0.06, known.shape)
    take = (rng.random((count, _TRIES)) < recipe.known_sequence) | (kinds[:, None] >= 0)
    means = np.where(take[:, :, None], known, anything)
    apart = np.abs(means[:, :, GREY] - means[:, :, WHITE])
    close = (rng.random((count, _TRIES)) < 0.7) | (apart > 0.5)
    means[:, :, GREY] = np.where(
        close, means[:, :, WHITE] + rng.normal(0, 0.08, close.shape), means[:, :, GREY]
    )
    seen = np.abs(means[:, :, WHITE] - means[:, :, CSF])
    # Some sequences show the cord faintly; contrasts that no scanner makes need not.
    good = seen > np.where(
        take, rng.uniform(0.08, 0.2, seen.shape), rng.uniform(0.2, 0.4, seen.shape)
    )
    # The first that shows the cord; where none does, the one that shows it best.
    chosen = np.where(good.any(axis=1), good.argmax(axis=1), seen.argmax(axis=1))
    return means[np.arange(count), chosen].astype(np.float32)


def _means(values: tuple[float, ...]) -> np.ndarray:
    """One row of the tables for all tissues; NaN for those that may be anything."""
    white, grey, csf, epidural, bone, disc, cauda, fat, muscle, vessel, fluid, brain, air = values
    means = np.full(TISSUES, np.nan)
    means[[WHITE, GREY, CSF, EPIDURAL, BONE, DISC, CAUDA]] = (
        white,
        grey,
        csf,
        epidural,
        bone,
        disc,
        cauda,
    )
    means[[FAT, SKIN, VESSEL, WALL, AIRWAY, AIR]] = fat, fat, vessel, muscle, air, air
    means[[BRAIN, BRAIN_GREY, HEAD_FLUID, SKULL]] = brain, brain * 0.85, fluid, bone * 0.5
    means[MUSCLE : MUSCLE + MUSCLES] = muscle
    return means
