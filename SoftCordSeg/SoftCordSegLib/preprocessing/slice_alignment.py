"""Shift the slices of one volume until they lie on those of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

# Splines of this order, reflected at the edges; coefficients and sampling must agree in both.
_ORDER, _EDGES = 3, "mirror"
_MOST_STEPS = 30
# Voxels: below this a step no longer matters.
_SMALL_STEP = 2e-3
# No single step goes further than this, voxels: beyond it the gradient says nothing.
_LARGEST_STEP = 1.5


def spline_coefficients(volume: np.ndarray) -> np.ndarray:
    """(i, j, k) cubic spline coefficients of each slice, for :func:`shifted`, of the floating type
    of ``volume``.
    """
    filtered = np.asarray(volume)
    for axis in (0, 1):
        if filtered.shape[axis] > 1:
            filtered = ndimage.spline_filter1d(
                filtered, _ORDER, axis=axis, output=volume.dtype, mode=_EDGES
            )
    return filtered


def shifted(coefficients: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(i, j, k) values of slice k at its voxels plus ``shift[k]`` (n, 2), voxels; reflected beyond
    the edges.
    """
    result = np.empty_like(coefficients)
    for k in range(coefficients.shape[2]):
        ndimage.shift(
            coefficients[..., k],
            -shift[k],
            output=result[..., k],
            order=_ORDER,
            mode=_EDGES,
            prefilter=False,
        )
    return result


@dataclass(frozen=True, eq=False)
class Target:
    """What volumes are laid on.

    Attributes:
        values: (i, j, k).
        gradients: (2, i, j, k) along the first and second axis, per voxel.
        weights: (i, j, k) 0 to 1, where likeness is measured.
    """

    values: np.ndarray
    gradients: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, weights: np.ndarray) -> Target:
        """A target from its values."""
        return cls(values, np.stack(np.gradient(values, axis=(0, 1))), weights)


def best_whole_shift(volume: np.ndarray, target: Target, reach: int) -> np.ndarray:
    """(2,) the whole number of voxels, the same for all slices, at which the volume is most like
    the target.

    Likeness is the normalised correlation within the weights, summed over slices; every shift up to
    ``reach`` along both axes is looked at.
    """
    weights = target.weights
    mean = _slice_sum(weights * target.values) / np.maximum(_slice_sum(weights), 1e-9)
    pattern = weights * (target.values - mean)
    shape = [fft.next_fast_len(n + 2 * reach, real=True) for n in weights.shape[:2]]
    padded = np.pad(volume, ((reach, reach), (reach, reach), (0, 0)), mode="edge").astype(
        np.float64
    )
    padded -= padded.mean()

    def correlated(what: np.ndarray, values: np.ndarray) -> np.ndarray:
        product = np.conj(fft.rfft2(what, shape, axes=(0, 1))) * fft.rfft2(
            values, shape, axes=(0, 1)
        )
        return fft.irfft2(product, shape, axes=(0, 1))[: 2 * reach + 1, : 2 * reach + 1]

    total = np.maximum(_slice_sum(weights), 1e-9)
    first, second = correlated(weights, padded), correlated(weights, padded**2)
    energy = np.maximum(second - first**2 / total, 1e-9 * np.maximum(second.max(), 1e-9))
    own = np.sqrt(np.maximum(_slice_sum(weights * (target.values - mean) ** 2), 1e-9))
    likeness = (correlated(pattern, padded) / (np.sqrt(energy) * own)).sum(axis=2)
    return np.array(np.unravel_index(np.argmax(likeness), likeness.shape), dtype=float) - reach


def align(
    coefficients: np.ndarray, target: Target, basis: np.ndarray, start: np.ndarray
) -> np.ndarray | None:
    """Find the shifts, ``basis @ result``, that make a volume most like the target.

    Gauss-Newton steps on the squared difference within the weights, with a gain and an offset of
    each slice fitted along (so that a volume may be brighter or flatter than the target, as another
    diffusion direction makes it), and each slice counted by how well it fits.  All slices are
    fitted together: the slices' own shifts are never known, only the curve through them.

    In slice k the volume v, the target t, the weights w and the shift s are modelled as
    v(x + s) = g t(x) + o + r(x), with gain g, offset o and residual r.  A step d changes v by about
    g ∇t·d, so the sum over k of c Σ w (r + g ∇t·d)², with c the inverse variance of r, is least
    where H d = b, H = c g² Σ w ∇t ∇tᵀ and b = −c g Σ w r ∇t.  g and o are eliminated by taking from
    ∇t what 1 and t explain of it.  With s = B q along the cord (B: ``basis``) the equations of all
    slices become one: (Σ Bᵀ H B) step = Σ Bᵀ b.

    Args:
        coefficients: (i, j, k) of the volume, by :func:`spline_coefficients`.
        target: on the same grid.
        basis: (k, m) functions along the cord: columns of a polynomial, or one column a slice.
        start: (m, 2) to begin with, voxels.

    Returns:
        (m, 2), voxels, or None where the volume is not like the target at all.
    """
    result = start.copy()
    for _ in range(_MOST_STEPS):
        equations = _normal_equations(coefficients, target, basis @ result)
        if equations is None:
            return None
        hessian, slope = equations
        count = basis.shape[1]
        # Unknowns: the first axis' coefficients, then the second's.
        left = np.einsum("km,kab,kn->ambn", basis, hessian, basis).reshape(2 * count, 2 * count)
        right = np.einsum("km,ka->am", basis, slope).ravel()
        # A little of the diagonal keeps slices without any edge where they are.
        left[np.diag_indices_from(left)] += 1e-6 * np.trace(left) / len(left) + 1e-12
        step = np.linalg.solve(left, right).reshape(2, count).T
        largest = np.abs(basis @ step).max()
        result += step * min(1.0, _LARGEST_STEP / max(largest, 1e-9))
        if largest < _SMALL_STEP:
            break
    return result


def _normal_equations(
    coefficients: np.ndarray, target: Target, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Of each slice: (k, 2, 2) and (k, 2), whose solution is its next step; None where no slice is
    like the target.
    """
    weights = target.weights * _within(target.weights.shape, shift)
    values = shifted(coefficients, shift)
    total = np.maximum(_slice_sum(weights), 1e-9)

    def centred(x: np.ndarray) -> np.ndarray:
        return x - _slice_sum(weights * x) / total

    ours, theirs = centred(target.values), centred(values)
    energy = np.maximum(_slice_sum(weights * ours**2), 1e-9)
    gain = _slice_sum(weights * ours * theirs) / energy
    residual = theirs - gain * ours
    variance = _slice_sum(weights * residual**2) / total
    # A slice that fits perfectly, as in a phantom, must not outweigh all the others.
    floor = 1e-4 * (gain**2 * energy / total).max()
    count = np.where(gain > 0, 1.0 / np.maximum(variance, max(floor, 1e-12)), 0.0)
    if not (count * (total > 1e-6)).any():
        return None
    # What a gain or an offset would explain of the gradients is not motion.
    gradients = [centred(one) for one in target.gradients]
    gradients = [one - ours * (_slice_sum(weights * ours * one) / energy) for one in gradients]
    hessian = (
        np.array([[_slice_sum(weights * a * b) for b in gradients] for a in gradients])
        * gain**2
        * count
    )
    slope = np.array([_slice_sum(weights * a * residual) for a in gradients]) * -gain * count
    return np.moveaxis(hessian, 2, 0), slope.T


def _slice_sum(values: np.ndarray) -> np.ndarray:
    return values.sum(axis=(0, 1))


def _within(shape: tuple[int, int, int], shift: np.ndarray) -> np.ndarray:
    """(i, j, k) 1 where the shifted voxel is within the slice; beyond it is only a reflection."""
    inside = []
    for axis in (0, 1):
        positions = np.arange(shape[axis])[:, None] + shift[:, axis]
        inside.append((positions >= 0) & (positions <= shape[axis] - 1))
    return inside[0][:, None, :] & inside[1][None, :, :]
