"""The real diffusion series: its own motion, and known shifts put on top of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from SoftCordSegLib.preprocessing import Series, average, estimate_motion, read_series
from SoftCordSegLib.volume import Volume

# Bright volumes, without diffusion weighting; there is no file of b-values beside the series.
B0 = (0, 31, 32, 33, 34)
WEIGHTED = tuple(number for number in range(35) if number not in B0)


@pytest.fixture(scope="module")
def series(shared_data) -> Series:
    path = shared_data / "images" / "sct-tutorial" / "sub-single_dmri.nii.gz"
    if not path.is_file():
        pytest.skip(f"'{path.name}' is not here")
    return read_series(path)


@pytest.fixture(scope="module")
def cord(series) -> Volume:
    """A centreline, roughly: the cord is the brightest thing near the middle of each slice of the
    mean.
    """
    mean = average(series, volumes=WEIGHTED).mean.data
    smooth = ndimage.gaussian_filter(mean, (3, 3, 0))[24:72, 9:27]
    mask = np.zeros(mean.shape, np.float32)
    for k in range(mean.shape[2]):
        i, j = np.unravel_index(np.argmax(smooth[..., k]), smooth.shape[:2])
        mask[i + 22 : i + 27, j + 7 : j + 12, k] = 1
    return Volume(mask, series.affine)


@pytest.fixture(scope="module")
def own(series, cord):
    return estimate_motion(series, cord, WEIGHTED)


def test_the_weighted_volumes_are_the_dark_ones(series):
    means = series.data.mean(axis=(0, 1, 2))

    assert means[list(B0)].min() > 1.5 * means[list(WEIGHTED)].max()


def test_known_shifts_on_top_are_found_to_a_tenth_of_a_voxel(series, cord, own):
    random = np.random.default_rng(3)
    curves = np.polynomial.legendre.legvander(np.linspace(-1, 1, 15), 2)
    added = np.zeros((35, 15, 2))
    data = series.data.astype(np.float32)
    for number in (2, 3, 9, 14, 20, 29):
        added[number] = curves @ (random.uniform(-1.5, 1.5, (3, 2)) * [[1.5], [0.6], [0.5]])
        for k in range(15):  # not by the spline that the correction uses
            data[..., k, number] = ndimage.shift(
                data[..., k, number], added[number, k], order=5, mode="nearest"
            )

    motion = estimate_motion(Series(data, series.affine), cord, WEIGHTED)

    known = added[list(WEIGHTED)]
    assert np.abs(known).max() > 1.5
    error = motion.shift_voxels - own.shift_voxels - (known - known.mean(axis=0))
    assert np.abs(error).max() < 0.1
    assert np.sqrt((error**2).mean()) < 0.02


def test_the_correction_makes_the_cords_surroundings_steadier(series, cord, own):
    """Smoothed before, so that what interpolation smooths does not count; moved the wrong way, they
    are less steady.
    """
    smooth = Series(
        ndimage.gaussian_filter(series.data.astype(np.float32), (1.1, 1.1, 0, 0)), series.affine
    )
    about = Volume(ndimage.grey_dilation(cord.data, size=(13, 11, 1)), cord.affine)

    before = average(smooth, volumes=WEIGHTED).deviation_in(about)
    after = average(smooth, own).deviation_in(about)
    wrong = average(smooth, replace(own, shift_mm=-own.shift_mm)).deviation_in(about)

    assert after < before < wrong
    assert average(series, own).deviation_in(cord) < average(series, volumes=WEIGHTED).deviation_in(
        cord
    )
    assert own.typical_mm < 0.5
