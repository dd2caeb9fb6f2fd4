"""Linear operations along one axis as matrices, one a sample: enlarging, blurring, cutting off
frequencies, ghosts.

What a scanner does along an axis is linear, so that all of it is one product with one matrix.
"""

from __future__ import annotations

import torch


def along(field: torch.Tensor, matrix: torch.Tensor, axis: int) -> torch.Tensor:
    """Multiply along one axis.

    Args:
        field: (n, i, j, k).
        matrix: (n, new, old), or (1, new, old) for all.
        axis: 0, 1 or 2.

    Returns:
        (n, i, j, k) with that axis's new size.
    """
    n, i, j, k = field.shape
    if axis == 0:
        return torch.matmul(matrix, field.reshape(n, i, j * k)).view(n, -1, j, k)
    if axis == 1:
        return torch.matmul(matrix[:, None], field)
    return torch.matmul(field.reshape(n, i * j, k), matrix.transpose(1, 2)).view(n, i, j, -1)


def coarse_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of a grid that has every other voxel, the last one included or one beyond it."""
    return tuple(n // 2 + 1 for n in shape)


def enlarge(field: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """From a coarse grid to the full one, linearly: (…, i/2+1, j/2+1, k/2+1) to (…, i, j, k)."""
    # The last axis first, while the field is small, as a product; what is large then moves in long
    # pieces.
    at = torch.arange(shape[2], device=field.device) / 2
    field = field @ (
        1 - (at - torch.arange(field.shape[-1], device=field.device)[:, None]).abs()
    ).clamp_(min=0)
    for axis, size in ((-2, shape[1]), (-3, shape[0])):
        parts = list(field.shape)
        parts[axis : axis + 1 or None] = [size // 2, 2]
        here, there = field.narrow(axis, 0, size // 2), field.narrow(axis, 1, size // 2)
        both = field.new_empty(parts)
        both.select(axis, 0).copy_(here)
        torch.lerp(here, there, 0.5, out=both.select(axis, 1))
        field = both.flatten(axis - 1, axis)
    return field


def blur_matrix(sigma: torch.Tensor, size: int) -> torch.Tensor:
    """Gaussians (n, size, size) of a standard deviation, (n,) voxels, each; about 0 is no blur.
    Rows sum to 1 at the ends too.
    """
    at = torch.arange(size, device=sigma.device)
    apart = (at[:, None] - at)[None] / sigma.clamp(min=0.05)[:, None, None]
    weights = torch.exp(-0.5 * apart**2)
    return weights / weights.sum(dim=2, keepdim=True)


def blurred(field: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """A Gaussian of (n, 3) or (n, 1) standard deviations, voxels, on (n, i, j, k)."""
    sigma = sigma.expand(-1, 3)
    for axis in range(3):
        field = along(field, blur_matrix(sigma[:, axis], field.shape[axis + 1]), axis)
    return field


def truncation_matrix(keep: torch.Tensor, size: int) -> torch.Tensor:
    """Matrices (n, size, size) that leave the part ``keep`` (n,) of the spatial frequencies, which
    makes edges ring.
    """
    at = torch.arange(size, device=keep.device)
    apart = (at[:, None] - at).float()
    # The periodic sinc (Dirichlet kernel) of an odd number of frequencies.
    count = 2 * torch.floor(keep * (size - 1) / 2) + 1
    angle = torch.pi * apart / size
    small = angle.abs() < 1e-6
    kernel = (
        torch.sin(count[:, None, None] * angle)
        / torch.where(small, torch.ones_like(angle), torch.sin(angle))
        / size
    )
    return torch.where(small, count[:, None, None] / size, kernel)


def ghost_matrix(strength: torch.Tensor, shift: torch.Tensor, size: int) -> torch.Tensor:
    """Matrices (n, size, size) that add a faint copy (n,) moved by whole voxels (n,), round the
    ends, as pulsation does.
    """
    at = torch.arange(size, device=strength.device)
    moved = (at[None, :, None] - shift[:, None, None].long()).remainder(size) == at
    return torch.eye(size, device=strength.device) + strength[:, None, None] * moved
