"""Training and the program scale the same image to the same values, under both input contracts."""

from __future__ import annotations

import types

import numpy as np
import pytest

from SoftCordSegLib.network import AROUND_CORD, INTENSITIES, WHOLE_IMAGE
from SoftCordSegLib.segmentation.working_image import WorkingImage, working_image
from SoftCordSegLib.training.input_contract import InputContract
from SoftCordSegLib.training.real import OpenCase, RealPatches
from SoftCordSegLib.training.synthetic import Synthesis
from SoftCordSegLib.volume import Volume, resample
from training.quiet import Quiet
from training.tiny import RECIPE

COARSE_MM = 2.0


def program(image: Volume, intensities: str) -> WorkingImage:
    """What the program makes of an image before a bundle of that contract sees it."""
    stage = types.SimpleNamespace(spacing_mm=COARSE_MM)
    return working_image(
        image, types.SimpleNamespace(orientation="LAS", intensities=intensities, locator=stage)
    )


def a_case(shape, voxel_mm, padding: int = 0) -> OpenCase:
    """A cord of 5 mm radius in noise, brighter towards one side, and planes of a constant around
    all of it.
    """
    rng = np.random.default_rng(3)
    i, j, _ = (np.indices(shape) - (np.array(shape) - 1)[:, None, None, None] / 2) * np.array(
        voxel_mm
    )[:, None, None, None]
    label = np.clip(5.5 - np.hypot(i, j), 0, 1)
    image = 100 + 60 * label + 2 * i + rng.normal(0, 8, shape)
    affine = np.diag([-voxel_mm[0], voxel_mm[1], voxel_mm[2], 1.0])
    image, label = np.pad(image, padding, constant_values=-500), np.pad(label, padding)
    weight = np.ones(image.shape)
    return OpenCase(
        *(Volume(data.astype(np.float32), affine) for data in (image, label, weight)), "one"
    )


def located_by(case: OpenCase, working: WorkingImage) -> np.ndarray:
    """The case's own label as the program's locator would have found it."""
    return resample(case.label, working.coarse.grid, order=1, antialias=True).data > 0.25


def whole_patch(case: OpenCase, shape, spacing: float, intensities: str, monkeypatch) -> np.ndarray:
    """The patch that shows all of a case, unturned; of what happens by chance nothing does."""
    scaling = InputContract(intensities, COARSE_MM).patches(spacing)
    source = RealPatches([case], shape, spacing, new_contrast=0.0, pose=0.0, scaling=scaling)
    # Not about the cord; no new contrast, power, field or noise; by its own percentiles; not
    # mirrored.
    monkeypatch.setattr(
        "SoftCordSegLib.training.real.patches.np.random.default_rng",
        lambda _seed: Quiet(1, 1, 1, 1, 1, 0, 1),
    )
    return source.pair(0).image


def test_a_segmenters_case_is_scaled_around_its_cord_as_the_program_does(monkeypatch):
    case = a_case((60, 50, 12), (1.0, 1.0, 2.0), padding=3)
    working = program(case.image, AROUND_CORD)
    scaling = working.scaling_about(located_by(case, working))
    fine = working.image.grid.with_spacing(1.0)
    expected = scaling(resample(working.image, fine).data)
    assert expected.shape == (60, 50, 24), "the padding is gone"
    found = whole_patch(case, expected.shape, 1.0, AROUND_CORD, monkeypatch)
    assert np.abs(found - expected).max() < 1e-5
    # The image is wider than what lies about its cord, so that its own range is another.
    assert (
        np.abs(
            working.intensities.for_locator()(resample(working.image, fine).data) - expected
        ).max()
        > 0.1
    )


def test_a_locators_case_is_averaged_and_scaled_without_its_padding_as_the_program_does(
    monkeypatch,
):
    case = a_case((60, 50, 24), (1.0, 1.0, 1.0), padding=3)
    working = program(case.image, AROUND_CORD)
    expected = working.intensities.for_locator()(working.coarse.data)
    found = whole_patch(case, expected.shape, COARSE_MM, AROUND_CORD, monkeypatch)
    assert np.abs(found - expected).max() < 1e-5


def test_a_patch_that_is_a_whole_image_is_scaled_as_the_program_scales_that_image(monkeypatch):
    case = a_case((16, 16, 16), (2.0, 2.0, 2.0))
    working = program(case.image, WHOLE_IMAGE)
    expected = working.intensities.for_locator()(working.coarse.data)
    found = whole_patch(case, expected.shape, COARSE_MM, WHOLE_IMAGE, monkeypatch)
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("spacing", [1.0, COARSE_MM], ids=["segmenter", "locator"])
def test_a_made_up_patch_is_scaled_as_if_it_were_an_image(spacing):
    case = a_case((48, 48, 32), (spacing,) * 3)
    working = program(case.image, AROUND_CORD)
    scaling = (
        working.scaling_about(located_by(case, working))
        if spacing < COARSE_MM
        else working.intensities.for_locator()
    )
    known = np.ones(case.image.shape, bool)
    found = (
        InputContract(AROUND_CORD)
        .patches(spacing)
        .synthetic(Quiet(), case.image.data, case.label.data, known)
    )
    assert np.abs(found - scaling(case.image.data)).max() < 1e-5
    whole = (
        InputContract(WHOLE_IMAGE)
        .patches(spacing)
        .synthetic(Quiet(), case.image.data, case.label.data, known)
    )
    low, high = np.percentile(case.image.data[::2, ::2, ::2], (1, 99))
    assert (
        np.abs(whole - np.clip(2 * (case.image.data - low) / (high - low) - 1, -3, 3)).max() < 1e-5
    )


def test_what_lies_beyond_the_field_of_view_does_not_count():
    case = a_case((48, 48, 32), (1.0, 1.0, 1.0))
    known = np.zeros(case.image.shape, bool)
    known[:, :, 8:24] = True
    scaling = InputContract(AROUND_CORD).patches(1.0)
    image = np.where(known, case.image.data, 40.0).astype(np.float32)
    other = np.where(known, case.image.data, 190.0).astype(np.float32)
    dark, bright = (
        scaling.synthetic(Quiet(), one, case.label.data, known) for one in (image, other)
    )
    assert np.abs(dark - bright)[known].max() < 1e-5


def test_where_contrast_was_changed_the_range_is_measured_again():
    case = a_case((48, 48, 32), (1.0, 1.0, 1.0))
    scaling = InputContract(AROUND_CORD).patches(1.0)
    known = np.ones(case.image.shape, bool)
    image = (-5 * case.image.data).astype(np.float32)
    found = scaling.real(Quiet(), image, case.label.data, known, own=False)
    # The cord's radius and 14 mm.
    about = np.abs(np.indices(image.shape)[:2] - 23.5).max(axis=0) < 19
    assert np.percentile(found[about], (2, 98)) == pytest.approx((-1, 1), abs=0.1)
    assert np.array_equal(
        scaling.real(Quiet(), image / 500, case.label.data, known, own=True),
        np.clip(image / 250 - 1, -3, 3),
    )


def test_the_range_is_jittered_a_little_around_the_cord():
    """Without a cord too, and never beyond what networks see."""
    case = a_case((48, 48, 32), (1.0, 1.0, 1.0))
    scaling, known = InputContract(AROUND_CORD).patches(1.0), np.ones(case.image.shape, bool)
    place = np.linspace(0, 1, case.image.data.size, dtype=np.float32).reshape(case.image.shape)
    middles = [
        scaling.real(np.random.default_rng(seed), place, case.label.data, known, own=True).mean()
        for seed in range(40)
    ]
    assert 0.01 < np.std(middles) < 0.2
    assert abs(np.mean(middles)) < 0.1
    for seed in range(20):
        found = scaling.synthetic(
            np.random.default_rng(seed), case.image.data, 0 * case.label.data, known
        )
        assert np.isfinite(found).all()
        assert np.abs(found).max() <= 3


@pytest.mark.parametrize("intensities", INTENSITIES)
def test_the_same_seed_gives_the_same_synthetic_pair(anatomy, intensities):
    first, again = (
        Synthesis(anatomy, RECIPE, InputContract(intensities).patches(RECIPE.spacing)).pair([1, 5])
        for _ in range(2)
    )
    assert np.array_equal(first.image, again.image)
    assert np.abs(first.image).max() <= 3


def test_the_contract_changes_intensities_and_nothing_else(anatomy):
    whole, around = (
        [
            Synthesis(
                anatomy, RECIPE, InputContract(name, RECIPE.spacing * 2).patches(RECIPE.spacing)
            ).pair(seed)
            for seed in range(8)
        ]
        for name in (WHOLE_IMAGE, AROUND_CORD)
    )
    for one, other in zip(whole, around):
        assert np.array_equal(one.label, other.label) or np.array_equal(
            one.label, other.label[::-1]
        )
        assert not np.array_equal(one.image, other.image)
        assert not np.array_equal(one.image, other.image[::-1])
