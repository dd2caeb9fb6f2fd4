"""The spine and its contents: vertebrae, discs, ligaments, CSF, nerve roots, and the inside of the
cord.
"""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, Points, ellipse, ellipsoid
from .cord import DISC_HEIGHTS_MM, PIA_MM, WALL_MM, Cord

_VALUES = np.array(sorted(DISC_HEIGHTS_MM, reverse=True), dtype=np.float32)
_HEIGHTS = np.array([DISC_HEIGHTS_MM[int(value)] for value in _VALUES], dtype=np.float32)
# Length of the spinous process of each vertebra, mm: C1 has almost none, C7 stands out.
_SPINOUS_MM = np.array([0, 4, 22, 16, 16, 18, 22, 32, 32, 32, 32, 32, 32], dtype=np.float32)
# How far the spinous processes point down: mm per mm backwards.
_SPINOUS_SLOPE = np.float32(0.4)
_CORTEX_MM = 0.9


def paint_spine(canvas: Canvas, cord: Cord, points: Points) -> None:
    """The spine and its contents without the cord, which is filled with CSF."""
    near = (np.abs(points.right) < 34) & (points.front > -66) & (points.front < 42)
    part, canvas_part = points.where(near), canvas.part(near)
    _paint_bones(canvas_part, cord, part)
    _paint_canal(canvas_part, cord, part)
    canvas.put(near, canvas_part)


def _paint_bones(canvas: Canvas, cord: Cord, points: Points) -> None:
    half_right, half_front = _canal(cord, points.t)
    _paint_arches(canvas, points, half_right, half_front)
    _paint_lateral(canvas, points, half_right)
    _paint_bodies(canvas, points, half_front)
    _paint_top(canvas, points, half_front)


def _paint_canal(canvas: Canvas, cord: Cord, points: Points) -> None:
    """Epidural fat, dura, CSF, pia and nerve roots."""
    half_right, half_front = _canal(cord, points.t)
    canvas.paint(
        "fat", ellipse(points.right, points.front + half_front - 0.5, half_right * 0.55, 2.6)
    )
    canvas.paint("dura", ellipse(points.right, points.front, half_right + 0.6, half_front + 0.6))
    canvas.paint("csf", ellipse(points.right, points.front, half_right, half_front))
    cord_right, cord_front = cord.semi_axes_mm(points.t)
    canvas.paint(
        "white", ellipse(points.right, points.front, cord_right + PIA_MM, cord_front + PIA_MM)
    )
    # Rootlets leave the cord in bundles, before and behind, and run down and out to the foramen.
    _, phase, height = _vertebra(points.t)
    out = cord_right * 0.75 + (half_right - cord_right * 0.75) * phase
    for front in (cord_front * 0.55, -cord_front * 0.75):
        root = ellipse(np.abs(points.right) - out, points.front - front, 0.9, 0.55)
        canvas.paint("nerve", np.maximum(root, (0.12 - phase) * height), 0.8)
    # Denticulate ligament, a thin dark line to each side.
    canvas.paint(
        "dura", np.maximum(np.abs(points.front) - 0.15, cord_right - np.abs(points.right)), 0.35
    )


def cord_signal(signal: dict[str, float], cord: Cord, points: Points, edge_mm: float) -> np.ndarray:
    """The signal inside the cord (n,): white matter with the grey matter's H."""
    canvas = Canvas(signal, len(points.t), edge_mm)
    canvas.values[:] = signal["white"]
    half_right, half_front = cord.semi_axes_mm(points.t)
    u, v = np.abs(points.right) / half_right, points.front / half_front
    scale = half_front
    front_horn = (np.hypot((u - 0.33) / 0.17, (v - 0.22) / 0.30) - 1) * 0.2
    # The hind horn leans outwards and reaches almost to the surface.
    along, across = (v + 0.30) * 0.94 - (u - 0.36) * 0.34, (u - 0.36) * 0.94 + (v + 0.30) * 0.34
    hind_horn = (np.hypot(across / 0.085, along / 0.42) - 1) * 0.1
    bridge = np.maximum(np.abs(v - 0.03) - 0.09, u - 0.36)
    canvas.paint("grey", np.minimum(np.minimum(front_horn, hind_horn), bridge) * scale)
    canvas.paint("csf", np.maximum(u - 0.03, 0.45 - v) * scale, 0.7)  # anterior median fissure
    return canvas.values


def _canal(cord: Cord, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    half_right, half_front = cord.canal_semi_axes_mm(t)
    return half_right.astype(np.float32), half_front.astype(np.float32)


def _vertebra(t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number of the vertebra at height t, position in it (0 its upper disc, 1 its lower), and its
    height in mm.
    """
    value = np.interp(t, _HEIGHTS, _VALUES).astype(np.float32)
    number = np.clip(np.floor(value), 1, _VALUES.max() - 1).astype(int)
    lengths = np.array(
        [DISC_HEIGHTS_MM.get(k, 0) - DISC_HEIGHTS_MM.get(k + 1, 0) for k in range(13)],
        dtype=np.float32,
    )
    return number, value - number, lengths[number]


def _paint_bodies(canvas: Canvas, points: Points, half_front: np.ndarray) -> None:
    """Bodies and discs from C2 (its lower part) down."""
    number, phase, height = _vertebra(points.t)
    to_disc = np.minimum(phase, 1 - phase) * height
    below_c2 = points.t - np.float32(DISC_HEIGHTS_MM[2])  # the dens is painted apart
    to_disc = np.where(number <= 2, (1 - phase) * height, to_disc)
    waist = 1 - 0.07 * np.sin(np.pi * np.clip(phase, 0, 1))
    wide = (11 + 0.45 * (number - 2)) * waist
    deep = (7.6 + 0.25 * (number - 2)) * waist
    u, v = points.right / wide, (points.front - half_front - WALL_MM - deep) / deep
    # A rounded box: flatter towards the canal than an ellipse.
    uu, vv = u * u, v * v
    section = (np.sqrt(np.sqrt(uu * uu + vv * vv)) * 0.75 + np.sqrt(uu + vv) * 0.25 - 1) * deep
    canvas.paint("ligament", np.maximum(section - 1.0, below_c2))
    canvas.paint("annulus", np.maximum(np.maximum(section, to_disc - 2.6), below_c2))
    canvas.paint(
        "nucleus",
        np.maximum(
            np.maximum((np.sqrt(uu + vv) - 0.62) * deep, to_disc - 1.7 + 0.8 * uu), below_c2
        ),
    )
    body = np.maximum(np.maximum(section, 2.3 + 0.5 * uu - to_disc), below_c2)
    canvas.paint("cortex", body)
    canvas.paint("marrow", body + _CORTEX_MM)
    # The basivertebral vein enters at the middle of the back.
    vein = ellipsoid(points.right, (v + 0.75) * deep, (phase - 0.5) * height, 3.0, 2.5, 1.0)
    canvas.paint("vein", vein, 0.6)


def _paint_top(canvas: Canvas, points: Points, half_front: np.ndarray) -> None:
    """The dens of C2 and the front arch of C1; above them the clivus."""
    front = points.front - half_front - WALL_MM
    middle = np.float32(52)
    dens = np.maximum(ellipse(points.right, front - 6.5, 5.2, 5.4), np.abs(points.t - middle) - 13)
    canvas.paint(
        "ligament",
        np.maximum(ellipse(points.right, front - 3.5, 8.5, 4.5), np.abs(points.t - 57) - 13),
    )
    canvas.paint("cortex", dens)
    canvas.paint("marrow", dens + _CORTEX_MM)
    arch = np.maximum(ellipse(points.right, front - 15.5, 7.5, 3.2), np.abs(points.t - 57) - 5)
    canvas.paint("cortex", arch)
    canvas.paint("marrow", arch + _CORTEX_MM)
    canvas.paint("fat", ellipsoid(points.right, front - 7, points.t - 71, 8, 5, 3.5))
    clivus = ellipsoid(points.right, front - 11, points.t - 90, 13, 6.5, 15)
    canvas.paint("cortex", clivus)
    canvas.paint("marrow", clivus + _CORTEX_MM)


def _paint_arches(
    canvas: Canvas, points: Points, half_right: np.ndarray, half_front: np.ndarray
) -> None:
    """Laminae and spinous processes, ligaments and fat between them."""
    behind = np.maximum(-points.front - half_front - 1.5, 0)
    shifted = points.t + _SPINOUS_SLOPE * np.maximum(behind - 3, 0)
    number, phase, height = _vertebra(shifted)
    off_middle = np.abs(phase - 0.62) * height
    shell = np.abs(ellipse(points.right, points.front, half_right + 4.4, half_front + 4.4)) - 2.3
    lamina = np.maximum(np.maximum(shell, points.front + 1), off_middle - 5.2)
    canvas.paint("ligament", np.maximum(shell + 1.4, points.front + 3))  # ligamenta flava
    length = _SPINOUS_MM[np.clip(number, 0, 12)]
    end = behind - length - 4
    swell = 2.4 + 1.8 * np.clip((behind - length + 4) / 8, 0, 1)
    process = np.maximum(
        np.maximum(np.abs(points.right) - swell, off_middle - 4.2 - 0.06 * behind),
        np.maximum(end, 3 - behind),
    )
    canvas.paint(
        "fat", np.maximum(np.maximum(np.abs(points.right) - 1.3, behind - 34), 3 - behind), 0.5
    )
    for bone in (lamina, process):
        canvas.paint("cortex", bone)
        canvas.paint("marrow", bone + _CORTEX_MM)


def _paint_lateral(canvas: Canvas, points: Points, half_right: np.ndarray) -> None:
    """Articular pillars with their joints, foramina with nerve roots, transverse processes,
    vertebral arteries.
    """
    _, phase, height = _vertebra(points.t)
    side = np.abs(points.right) - half_right
    slanted = points.t + 0.7 * points.front
    _, joint_phase, joint_height = _vertebra(slanted)
    to_joint = np.minimum(joint_phase, 1 - joint_phase) * joint_height
    pillar = ellipse(side - 7.5, points.front + 2.5, 6.2, 6.0)
    canvas.paint("cortex", pillar)
    canvas.paint("cartilage", np.maximum(pillar + 0.8, to_joint - 0.8))
    canvas.paint("marrow", np.maximum(pillar + _CORTEX_MM, 1.8 - to_joint))
    transverse = np.maximum(
        ellipse(side - 7.0, points.front - 6.5, 7.5, 5.0), np.abs(phase - 0.45) * height - 4.5
    )
    canvas.paint("cortex", transverse)
    canvas.paint("marrow", transverse + _CORTEX_MM)
    middle = np.minimum(phase, 1 - phase) * height
    canvas.paint("fat", ellipsoid(side - 3.0, points.front - 3.0, middle, 5.0, 3.2, 4.2))
    canvas.paint("nerve", ellipsoid(side - 4.5, points.front - 2.2, middle, 5.5, 2.0, 2.0))
    artery = ellipse(side - 5.8, points.front - 7.0, 2.1, 2.1)
    canvas.paint("fat", artery - 0.8)
    canvas.paint("artery", artery)
