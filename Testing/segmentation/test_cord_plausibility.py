"""Tubes in made-up bodies are no cord, and real cords are not lost."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from segmentation.tubes import body_with_tube, tube_image
from SoftCordSegLib.network import load_bundle, shipped_bundles
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.segmentation.cord_plausibility import Surroundings, surroundings
from SoftCordSegLib.segmentation.soft_mask import NOTHING_PLAUSIBLE
from SoftCordSegLib.volume import Box, Grid, Volume, read_nifti, reorient

# Seeds of a bright tube and of a grey one.
BRIGHT, GREY = 5, 11


def test_a_tube_in_a_body_without_a_spine_is_no_cord():
    """The shipped networks take it for one."""
    image, _ = body_with_tube(BRIGHT)
    result = segment(image, load_bundle(shipped_bundles()[0]))
    assert not result.found
    assert result.message == NOTHING_PLAUSIBLE
    assert result.box is None
    assert result.notes == ()


@pytest.mark.parametrize("seed", [BRIGHT, GREY], ids=["bright", "grey"])
def test_the_brightness_of_the_tube_makes_no_difference(seed):
    assert judged(*body_with_tube(seed)).rule_out_cord


def test_in_a_given_box_the_user_has_the_last_word():
    image, truth = body_with_tube(BRIGHT)
    voxels = np.argwhere(truth > 0.5)
    box = Box.of_grid(image.grid.crop(voxels.min(axis=0) - 8, voxels.max(axis=0) + 8))
    assert segment(image, load_bundle(shipped_bundles()[0]), box=box).found


def spine_like(sides: float, level: float = 1.0) -> tuple[Volume, np.ndarray]:
    """A tube, with blocks left and right of it that differ by a share ``sides``."""
    image, truth = tube_image(Grid((90, 90, 60), np.eye(4)), (44, 44, 30), 5, 40, noise=20)
    blocks = ndimage.gaussian_filter(np.random.default_rng(4).normal(size=(90, 90, 60)), (5, 5, 9))
    blocks /= blocks.std()
    mirrored = np.roll(blocks[::-1], -1, axis=0)
    even = (blocks + mirrored) / 2**0.5
    odd = (blocks - mirrored) / 2**0.5
    around = (1 - sides) * even + sides * odd
    data = image.data + level * 400 * around * (truth == 0)
    return Volume(data.astype(np.float32), image.affine), truth


def judged(image: Volume, truth: np.ndarray) -> Surroundings:
    around = surroundings(image, Volume(truth.astype(np.float32), image.affine))
    assert around is not None
    return around


def test_two_sides_that_are_alike_speak_for_a_cord():
    around = judged(*spine_like(sides=0.1, level=0.2))
    assert around.symmetry > 0.8
    assert around.variety < 0.35
    assert not around.rule_out_cord
    assert around.notes == ()


def test_where_there_is_much_variety_no_cord_is_ruled_out_though_the_sides_differ():
    around = judged(*spine_like(sides=0.9))
    assert around.variety > 0.35
    assert not around.rule_out_cord


def test_even_tissue_whose_sides_differ_rules_a_cord_out():
    assert judged(*spine_like(sides=0.9, level=0.2)).rule_out_cord


@pytest.mark.parametrize(("symmetry", "variety"), [(0.65, 0.2), (0.2, 0.5)])
def test_what_is_less_clear_gets_a_note(symmetry, variety):
    between = Surroundings(symmetry, variety)
    assert not between.rule_out_cord
    assert "may not be a spinal cord" in between.notes[0]


def test_the_slope_of_a_coil_is_not_taken_for_likeness_of_the_sides():
    image, truth = spine_like(sides=0.9, level=0.2)
    slope = np.linspace(0, 900, 90)[None, :, None]
    bright = Volume((image.data + slope).astype(np.float32), image.affine)
    assert judged(bright, truth).symmetry == pytest.approx(judged(image, truth).symmetry, abs=0.1)


@pytest.mark.parametrize("level", [0.0, 0.2], ids=["in air", "in tissue"])
def test_noise_about_a_cord_rules_nothing_out(level):
    """Where it is most of what differs; as in a diffusion-weighted image."""
    image, truth = spine_like(sides=0.9, level=level)
    noise = np.random.default_rng(3).normal(0, 400, image.shape)
    noisy = np.abs(image.data + noise).astype(np.float32)
    around = judged(image.with_data(noisy), truth)
    assert around.symmetry < 0.5
    assert around.variety < 0.3
    assert not around.rule_out_cord
    assert around.notes


@pytest.mark.parametrize("sizes", [(20, 90, 60), (90, 90, 4)], ids=["narrow", "few slices"])
def test_of_too_small_an_image_nothing_is_said(sizes):
    middle = (sizes[0] / 2, 44, sizes[2] / 2)
    image, truth = tube_image(Grid(sizes, np.eye(4)), middle, 5, 40, noise=20)
    assert surroundings(image, Volume(truth.astype(np.float32), image.affine)) is None


def test_where_nothing_is_around_nothing_is_ruled_out():
    """A drawing, or an image in which all but the cord was blanked."""
    image, truth = tube_image(Grid((90, 90, 60), np.eye(4)), (44, 44, 30), 5, 40)
    assert not judged(image, truth).rule_out_cord
    image.data[truth == 0] = 0
    assert not judged(image, truth).rule_out_cord
    noisy, truth = tube_image(Grid((90, 90, 60), np.eye(4)), (44, 44, 30), 5, 40, noise=5)
    assert not judged(noisy, truth).rule_out_cord


def test_a_real_cord_beside_a_tube_is_still_found(monkeypatch):
    """What is ruled out first does not hide the next candidate, unless that is much smaller."""
    import SoftCordSegLib.segmentation.locate_and_segment as stage
    from segmentation.conftest import bright_bundle

    x, y, _ = np.indices((120, 60, 120))
    data = np.random.default_rng(0).normal(100, 1, x.shape)
    for left, long in ((30, 120), (85, 100)):
        data[..., :long][np.hypot(x - left, y - 30)[..., :long] < 5] = 1000
    seen = []

    def first_is_a_tube(image, soft):
        seen.append(soft)
        return Surroundings(0.1 if len(seen) == 1 else 0.9, 0.1)

    monkeypatch.setattr(stage, "surroundings", first_is_a_tube)
    image = Volume(data.astype(np.float32), np.eye(4))
    mask = segment(image, bright_bundle()).volume.data >= 0.5
    assert len(seen) == 2
    assert mask[80:90].any()
    assert not mask[:60].any()
    seen.clear()
    image.data[80:, :, 30:] = 100
    result = segment(image, bright_bundle())
    assert not result.found
    assert result.message == NOTHING_PLAUSIBLE


def test_an_empty_mask_has_no_surroundings():
    image, truth = spine_like(0.5)
    assert surroundings(image, Volume(np.zeros(truth.shape, np.float32), image.affine)) is None


@pytest.mark.parametrize("change", ["noisy", "inverted", "turned"])
def test_a_real_cord_is_kept(shared_data, change):
    folder = shared_data / "images/errsm"
    image = reorient(read_nifti(folder / "sub-errsm18_T2w.nii.gz"), "LAS")
    drawn = reorient(read_nifti(folder / "sub-errsm18_T2w_seg-manual.nii.gz"), "LAS")
    data, truth = image.data.astype(np.float32), drawn.data.astype(np.float32)
    top = np.percentile(data, 99)
    if change == "noisy":
        data = np.abs(data + np.random.default_rng(0).normal(0, 0.08 * top, data.shape))
    if change == "inverted":
        data = top - np.clip(data, 0, top)
    if change == "turned":
        data, truth = (
            ndimage.rotate(part, 20, axes=(0, 1), reshape=False, order=1, mode="nearest")
            for part in (data, truth)
        )
    around = judged(image.with_data(data.astype(np.float32)), truth)
    assert around.symmetry > 0.6
    assert around.variety > 0.4
    assert around.notes == ()
