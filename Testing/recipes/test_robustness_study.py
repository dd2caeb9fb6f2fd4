"""Faults of scanners, and the studies of how a model bears them and what its soft values mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recipes.loaded_recipe import recipe
from review import round_cord


@pytest.fixture(scope="module")
def faults(repository):
    return recipe("scan_faults", repository)


@pytest.fixture(scope="module")
def robustness(repository):
    return recipe("robustness_study", repository)


@pytest.fixture(scope="module")
def softness(repository):
    return recipe("softness_study", repository)


def _scan():
    image = round_cord.volume(np.maximum(round_cord.image(), 0))
    return image, round_cord.volume(round_cord.mask())


def test_the_first_strength_is_no_fault_and_the_others_are_ever_worse(faults):
    image, truth = _scan()
    for fault in faults.FAULTS:
        changes = []
        for strength in fault.strengths:
            bad, known = fault.spoil(image, truth, strength, np.random.default_rng(4))
            assert bad.shape == known.shape, fault.name
            assert np.allclose(bad.affine, known.affine), fault.name
            assert np.isfinite(bad.data).all(), fault.name
            assert 0 <= known.data.min() <= known.data.max() <= 1 + 1e-6, fault.name
            same = bad.shape == image.shape
            changes.append(np.abs(bad.data - image.data).mean() if same else np.inf)
        # Motion of nothing leaves the image as the Fourier transform does.
        assert changes[0] < 1e-3, fault.name
        assert changes == sorted(changes), fault.name
        assert changes[-1] > 1, fault.name


def test_larger_voxels_hold_the_same_cord_in_the_same_place(faults):
    _, truth = _scan()
    coarse = faults.averaged_down(truth, 2 * truth.spacing)

    assert np.allclose(coarse.spacing, 2 * truth.spacing)
    whole = np.asarray(truth.data)[tuple(slice(n // 2 * 2) for n in truth.shape)]
    assert coarse.data.sum() * 8 == pytest.approx(whole.sum())
    centres = []
    for data, volume in ((coarse.data, coarse), (whole, truth)):
        weights = np.asarray(data, float)
        voxel = [(n * weights).sum() / weights.sum() for n in np.indices(data.shape)]
        centres.append(volume.grid.to_world(voxel))
    assert centres[0] == pytest.approx(centres[1], abs=0.05)


def test_a_bent_image_keeps_the_volume_of_its_cord(faults):
    image, truth = _scan()
    turned, known = faults.bent_forward(image, truth, 10)

    inner = slice(15, -15)
    # Through the middle slices the cord is longer by 1 / cos(10°) within a slice.
    ratio = known.data[:, :, inner].sum() / truth.data[:, :, inner].sum()
    assert ratio == pytest.approx(1 / np.cos(np.deg2rad(10)), rel=0.03)
    assert turned.shape == image.shape


def test_metal_lies_beside_the_cord_and_hides_none_of_it(faults):
    image, truth = _scan()
    bad = faults.metal(np.asarray(image.data), np.asarray(truth.data), image.spacing, 10)

    lost = (bad == 0) & (image.data > 0)
    assert lost.any()
    assert not (lost & (truth.data >= 0.5)).any()


def test_bins_tell_values_that_are_too_high_from_those_that_are_right(softness):
    rng = np.random.default_rng(3)
    soft = rng.uniform(0, 1, 200_000)
    right, counts = softness.binned(soft, (rng.uniform(0, 1, soft.size) < soft).astype(float))
    high, _ = softness.binned(soft, np.clip(soft - 0.2, 0, 1))

    assert counts.sum() == soft.size
    assert np.abs(right).max() < 0.02
    assert high[2:] == pytest.approx(np.full(8, -0.2), abs=1e-6)
    assert np.isnan(softness.binned(np.array([0.05]), np.array([0.0]))[0][1:]).all()


def test_a_row_says_how_soft_the_edge_is_and_what_the_thresholds_hold(softness):
    share = np.repeat([0.0, 0.5, 1.0], 100)
    soft = np.repeat([0.0, 0.2, 0.4, 1.0], [50, 100, 50, 100])

    row = softness.line("phantom", "one", soft, share)

    assert "| 1.50 |" in row
    assert row.endswith("| 0.75, 0.50, 1.00 |")


def test_curves_of_two_bundles_become_a_table_and_a_picture(robustness, faults, tmp_path):
    some = faults.FAULTS[:2]
    rows = pd.DataFrame(
        {
            "bundle": bundle,
            "fault": fault.name,
            "strength": strength,
            "image": image,
            "dice": dice,
            "volume_ratio": 1.0,
        }
        for bundle, dice in (("one", 0.9), ("two", 0.8))
        for fault in some
        for strength in fault.strengths
        for image in ("a", "b")
    )

    text = robustness.table(rows, some)
    robustness.draw(rows, some, tmp_path / "curves.png")

    assert text.count("| one |") == text.count("| two |") == 2
    assert "0.05: 0.900 (1.00)" in text
    assert (tmp_path / "curves.png").stat().st_size > 5000


def test_a_worse_scan_of_a_phantom_gets_a_worse_mask(robustness, faults):
    from SoftCordSegLib.network import load_bundle, shipped_bundles
    from SoftCordSegLib.phantom import make_phantom

    made = make_phantom("MTon")
    scans = {"phantom": (robustness.as_ras(made.image), robustness.as_ras(made.truth))}
    noise = next(one for one in faults.FAULTS if one.name == "noise")

    rows = robustness.measured(load_bundle(shipped_bundles()[0]), scans, [noise])

    dice = list(rows.dice)
    assert dice[0] > 0.9
    assert dice[-1] < dice[0]
