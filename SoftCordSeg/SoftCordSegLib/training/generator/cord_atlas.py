"""The packed anatomy as tensors: all cord shapes one above the other in one map, so that a batch is
sampled at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ...errors import InputError
from ..packed import Packed, edge_mm, fractions

# Empty slices below each shape, so that positions below its first slice fade to nothing and not
# into another shape.
_GAP = 3
# Cord and canal reach no further from the centre, mm.
_REACH_MM = 22.0
# Signed distances are stored from 0 on, since 0 is what sampling gives outside a map.
_FAR_MM = 3.0


@dataclass(frozen=True, eq=False)
class CordAtlas:
    """Shapes of cords and what surrounds the template's.

    Attributes:
        inner: (1, 3, i, j, k) cord, grey matter, and signed distance to the cord's edge plus 3 mm.
        canal: (1, 1, i, j, k) fraction of canal, cord included.
        near: (1, 4, i, j, k) bone, disc, T2w intensity, and where that is known; 1 mm, the
            template's frame.
        spacing, bottom, start, top: (shapes,) or (shapes, 3), float32 on the host: mm of a voxel;
            height of the first slice, mm in the template's frame; its slice in the maps; its last
            slice from there.
        whole: (shapes,) bool, those that have their lower tip.
        height: of the template, mm.
    """

    inner: torch.Tensor
    canal: torch.Tensor
    near: torch.Tensor
    spacing: np.ndarray
    bottom: np.ndarray
    start: np.ndarray
    top: np.ndarray
    whole: np.ndarray
    height: float

    @classmethod
    def of(cls, packed: Packed, device: torch.device) -> CordAtlas:
        """Unpack the shapes.

        Raises:
            InputError: there is no shape, or the first is not a whole cord.
        """
        if not packed.cords or not packed.cords[0].whole:
            raise InputError(
                "The packed training file holds no whole cord shape to start from.",
                hint="Pack the data again.",
            )
        half = [int(_REACH_MM / packed.cords[0].spacing[axis]) for axis in (0, 1)]
        inner, canal, start, count = [], [], [], 0
        for cord in packed.cords:
            maps = np.stack(
                [
                    fractions(cord.fractions[0]),
                    fractions(cord.fractions[1]),
                    edge_mm(cord.edge) + _FAR_MM,
                ]
            )
            inner.append(_central(maps, half))
            canal.append(_central(fractions(cord.fractions[2])[None], half))
            start.append(count + _GAP)
            count += _GAP + maps.shape[3]
        t2w = fractions(packed.near[2])
        near = torch.from_numpy(np.concatenate([fractions(packed.near), t2w[None]]))[None]
        near[:, 3] = functional.avg_pool3d(near[:, 2:3], 3, 1, 1)[:, 0].mul_(40).clamp_(0, 1)
        return cls(
            *(
                torch.from_numpy(_trimmed(np.concatenate(maps, axis=3)))[None].to(device)
                for maps in (inner, canal)
            ),
            near.to(device),
            np.array([cord.spacing for cord in packed.cords], np.float32),
            np.array([cord.bottom for cord in packed.cords], np.float32),
            np.array(start, np.float32),
            np.array([cord.edge.shape[2] - 1 for cord in packed.cords], np.float32),
            np.array([cord.whole for cord in packed.cords]),
            packed.height,
        )


def _central(maps: np.ndarray, half: list[int]) -> np.ndarray:
    """The middle (2 half + 1) voxels of each plane (0 where the map is narrower), on top of empty
    slices.
    """
    result = np.zeros(
        (len(maps), 2 * half[0] + 1, 2 * half[1] + 1, _GAP + maps.shape[3]), np.float32
    )
    kept = [min(h, n // 2) for h, n in zip(half, maps.shape[1:3])]
    to, source = (
        [slice(m - k, m + k + 1) for m, k in zip(middle, kept)]
        for middle in (half, [n // 2 for n in maps.shape[1:3]])
    )
    result[:, to[0], to[1], _GAP:] = maps[:, source[0], source[1]]
    return result


def _trimmed(maps: np.ndarray) -> np.ndarray:
    """Less what is empty all around in each plane; the centre stays the centre."""
    used = np.abs(maps).max(axis=(0, 3)) > 0
    half = []
    for axis in (0, 1):
        middle = used.shape[axis] // 2
        away = np.abs(np.flatnonzero(used.any(axis=1 - axis)) - middle)
        half.append((middle, min(int(away.max(initial=0)) + 1, middle)))
    (i, wide), (j, deep) = half
    return np.ascontiguousarray(maps[:, i - wide : i + wide + 1, j - deep : j + deep + 1])


def sample_map(
    maps: torch.Tensor, i: torch.Tensor, j: torch.Tensor, k: torch.Tensor
) -> torch.Tensor:
    """Trilinear values of one map (1, C, I, J, K) at continuous voxel positions (n, i, j, k); 0
    outside.

    Returns:
        (C, n, i, j, k).
    """
    size = maps.shape[2:]
    n, a, b, c = i.shape
    normal = [x * (2.0 / (s - 1)) - 1.0 for x, s in zip((i, j, k), size)]
    # grid_sample wants the last axis first; samples of a batch lie one behind the other.
    grid = torch.stack(normal[::-1], dim=-1).view(1, n * a, b, c, 3)
    sampled = functional.grid_sample(
        maps, grid, mode="bilinear", padding_mode="zeros", align_corners=True
    )
    return sampled.view(maps.shape[1], n, a, b, c)


def sample_narrow_map(
    maps: torch.Tensor, i: torch.Tensor, j: torch.Tensor, k: torch.Tensor
) -> torch.Tensor:
    """:func:`sample_map` of a map that is narrow in its planes: on a CPU, only places within it are
    looked up.

    On a GPU all are, since finding out how many they are would make it wait.
    """
    if i.device.type != "cpu":
        return sample_map(maps, i, j, k)
    within = (
        ((i > -1) & (i < maps.shape[2]) & (j > -1) & (j < maps.shape[3])).flatten().nonzero()[:, 0]
    )
    result = torch.zeros(maps.shape[1], i.numel())
    if len(within):
        result[:, within] = sample_map(
            maps, *(x.flatten()[within].view(1, 1, 1, -1) for x in (i, j, k))
        ).flatten(1)
    return result.view(maps.shape[1], *i.shape)


def reflected(k: torch.Tensor, top: torch.Tensor | float) -> torch.Tensor:
    """Positions folded back into [0, top]."""
    return top - (k.remainder(2 * top) - top).abs()
