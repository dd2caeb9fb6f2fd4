"""Inside the canal and around it: what the second stage of training was given to learn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from SoftCordSegLib.training.synthetic import SEGMENTER, Synthesis, contrast, load_anatomy
from SoftCordSegLib.training.synthetic.anatomy import CORD, EDGE
from SoftCordSegLib.training.synthetic.artefacts import distorted, metal, signal_loss
from SoftCordSegLib.training.synthetic.canal import TIP_MM, paint_canal
from SoftCordSegLib.training.synthetic.contrast import TISSUES
from SoftCordSegLib.training.synthetic.geometry import random_posture

PLAIN = dataclasses.replace(
    SEGMENTER,
    without_cord=0.0,
    cropped=0.0,
    signal_loss=0.0,
    metal=0.0,
    distortion=0.0,
    random_network=0.0,
)


def test_the_visible_edge_lies_outside_the_label_by_the_rim(anatomy):
    """A cord of 5 mm with a rim of 1 mm looks (6/5)² = 1.44 times as large as its label; without
    one it looks like it.
    """
    posture = random_posture(np.random.default_rng(2), SEGMENTER.shape, 1.0, 300.0, np.zeros(3))
    ratios = {}
    for rim in (0.0, 1.0):
        synthesis = Synthesis(anatomy, dataclasses.replace(PLAIN, rim_mm=(rim, rim)))
        cord, visible, *_ = synthesis.canal_fractions(np.random.default_rng(2), posture, whole=True)
        ratios[rim] = visible.sum() / cord.sum()
    assert ratios[0.0] == pytest.approx(1.0, abs=0.02)
    assert ratios[1.0] == pytest.approx(1.44, abs=0.05)


def test_the_label_does_not_know_of_the_rim(anatomy):
    labels = [
        Synthesis(anatomy, dataclasses.replace(PLAIN, rim_mm=(rim, rim))).pair(3).label
        for rim in (0.0, 1.0)
    ]
    assert labels[0].sum() == pytest.approx(labels[1].sum(), rel=0.02)


def test_roots_below_the_tip_are_not_in_the_label_and_reach_above_the_tip_only_a_little():
    """Fluid of intensity 1, everything else 0: what is darker than fluid in a canal without cord is
    root.
    """
    means = np.zeros(TISSUES, np.float32)
    means[contrast.CSF] = 1
    least, highest = [], []
    for seed in range(12):
        posture = random_posture(
            np.random.default_rng(seed), SEGMENTER.shape, 1.0, TIP_MM, np.zeros(3)
        )
        nothing = np.zeros(SEGMENTER.shape, np.float32)
        bare, full = (
            paint_canal(
                np.random.default_rng(seed),
                posture,
                nothing,
                nothing,
                means,
                1.0,
                inflow=0.0,
                bundles=share,
            )
            for share in (0.0, 1.0)
        )
        roots = bare - full > 0.2
        least.append(roots.sum())
        highest.append(posture.height[roots].max() - TIP_MM)
    assert min(least) > 100
    assert max(highest) < 36, "mm above the tip"
    assert max(highest) > 6, "some surround the last of the cord"


def test_coils_that_end_leave_noise_only():
    least = [signal_loss(np.random.default_rng(seed), (8, 8, 64), 1.0).min() for seed in range(20)]
    assert min(least) < 0.1
    fade = signal_loss(np.random.default_rng(3), (8, 8, 64), 1.0)
    assert fade.shape == (1, 1, 64)
    assert 0 < fade.min() < fade.max()
    assert fade.max() <= 1


def test_metal_leaves_a_void_beside_the_cord_and_the_cord_itself_in_place():
    cord = np.zeros((48, 64, 64), np.float32)
    cord[20:28, 28:36] = 1
    image = np.ones_like(cord)
    spoilt = metal(np.random.default_rng(1), image, 1.0, cord)
    assert spoilt.min() < 0.1
    assert spoilt.shape == image.shape
    assert np.median(spoilt[cord > 0]) > 0.9


def test_distortion_moves_image_and_label_together():
    label = np.zeros((32, 48, 32), np.float32)
    label[12:20, 20:28] = 1
    image, moved = distorted(np.random.default_rng(5), 1.0, [label.copy(), label])
    assert not np.array_equal(moved, label)
    assert moved.sum() == pytest.approx(label.sum(), rel=0.15)
    # Where the moved label is whole, the moved image is its intensity times the pile-up.
    assert (image[moved > 0.99] > 0.4).all()
    assert image[moved < 0.01].max() < 0.05


def test_the_templates_edge_is_a_distance(shared_data):
    for cord in load_anatomy(shared_data).cords:
        edge, fraction = cord.maps[EDGE], cord.maps[CORD]
        assert edge.min() >= -3
        assert edge.max() <= 3
        assert (fraction[edge > 0.8] > 0.5).all()
        assert (fraction[edge < -0.8] < 0.5).all()
