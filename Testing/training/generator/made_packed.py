"""A small made-up packed file: a straight round cord in a round canal, and images of it."""

from __future__ import annotations

import numpy as np

from SoftCordSegLib.training.packed import (
    Packed,
    PackedCase,
    PackedCord,
    edge_bytes,
    fraction_bytes,
    image_bytes,
)

CORD_RADIUS_MM, CANAL_RADIUS_MM = 5.0, 8.0
CORD_AREA_MM2 = np.pi * CORD_RADIUS_MM**2
HEIGHT = 495


def tube(radius_mm: float, size: int, spacing: float) -> np.ndarray:
    """Fraction of a round tube in an axial plane, (size, size) float32."""
    i, j = np.indices((size, size)) - (size - 1) / 2
    return np.clip(radius_mm - np.hypot(i, j) * spacing + 0.5, 0, 1).astype(np.float32)


def made_cord() -> PackedCord:
    """In place of the template's, from its first slice to its last; slices of 5 mm."""
    planes = [tube(radius, 91, 0.5) for radius in (CORD_RADIUS_MM, 2.0, CANAL_RADIUS_MM)]
    i, j = np.indices((91, 91)) - 45.0
    edge = edge_bytes(CORD_RADIUS_MM - np.hypot(i, j) * 0.5)
    count, tip = HEIGHT // 5, 26 // 5
    maps = np.stack(
        [np.repeat(fraction_bytes(plane)[:, :, None], count, axis=2) for plane in planes]
    )
    maps[:2, :, :, :tip] = 0
    edge = np.repeat(edge[:, :, None], count, axis=2)
    edge[:, :, :tip] = 0
    return PackedCord("made", (0.5, 0.5, 5.0), 0.0, True, maps, edge)


def made_case(
    name: str,
    participant: str,
    group: str = "",
    bright: float = 1.0,
    shape: tuple[int, int, int] = (60, 70, 80),
) -> PackedCase:
    """A cord of 5 mm along a case, ``bright`` on −0.5, with texture and noise; nothing is known of
    its lowest ten slices.
    """

    def maps(size: tuple[int, int, int], spacing: float) -> list[np.ndarray]:
        i, j = np.indices(size[:2]) - (np.array(size[:2]) - 1).reshape(2, 1, 1) / 2
        plane = np.clip((CORD_RADIUS_MM - np.hypot(i, j) * spacing) / spacing + 0.5, 0, 1)
        label = np.repeat(plane[:, :, None], size[2], axis=2)
        rng = np.random.default_rng(len(name))
        rough = np.kron(rng.normal(0, 0.15, [-(-n // 8) for n in size]), np.ones((8, 8, 8)))[
            : size[0], : size[1], : size[2]
        ]
        image = -0.5 + (bright + 0.5) * label + rough + rng.normal(0, 0.03, size)
        weight = np.full(size, 255, np.uint8)
        weight[:, :, : int(10 / spacing)] = 0
        return [image_bytes(image), fraction_bytes(label), weight]

    coarse = tuple(n // 2 for n in shape)
    return PackedCase(
        name,
        participant,
        name,
        "made",
        "none",
        group,
        (1.0, 1.0, 1.0),
        "drawn",
        *maps(shape, 1.0),
        *maps(coarse, 2.0),
    )


def made_packed() -> Packed:
    """One cord, and three images of two participants; two of them registered."""
    near = np.zeros((3, 71, 71, HEIGHT), np.uint8)
    near[0, 25:45, 48:65] = 255
    near[2, 20:50, 20:60] = 120
    cases = (
        made_case("a_T2w", "a", "a"),
        made_case("a_T1w", "a", "a", bright=-2.0),
        made_case("b_T2w", "b", shape=(40, 50, 90)),
    )
    return Packed(cases, (made_cord(),), near, float(HEIGHT))
