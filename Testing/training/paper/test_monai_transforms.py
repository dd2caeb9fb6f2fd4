"""The paper's preprocessing and its nine augmentations."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from monai.transforms import Rand3DElasticd, RandAffined, RandFlipd, RandGaussianSmoothd

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.training.paper.datalist import make_datalist
from SoftCordSegLib.training.paper.listed_cases import Listed, read_part
from SoftCordSegLib.training.paper.monai_transforms import augmentation_transforms
from SoftCordSegLib.training.real_cases import RealCase
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti
from training.made_dataset import AFFINE, SHAPE, make_dataset, soft_cord
from training.paper.test_datalist import written

# Paper, section 2.3.2.
ORDER = [
    ("RandAffined", 0.9),
    ("Rand3DElasticd", 0.5),
    ("RandSimulateLowResolutiond", 0.25),
    ("RandAdjustContrastd", 0.5),
    ("RandBiasFieldd", 0.3),
    ("RandGaussianNoised", 0.1),
    ("RandGaussianSmoothd", 0.1),
    ("RandScaleIntensityd", 0.15),
    ("RandFlipd", 0.3),
]


def patch(source, index, seed):
    image, label = source.case(index, seed)
    return SimpleNamespace(image=image, label=label)


def of_kind(variant, kind):
    return next(
        one
        for one in augmentation_transforms(variant, (64, 192, 320)).transforms
        if isinstance(one, kind)
    )


def test_nine_augmentations_in_the_papers_order_with_its_probabilities():
    *random, last = augmentation_transforms("paper", (64, 192, 320)).transforms
    assert [(type(one).__name__, one.prob) for one in random] == ORDER
    assert type(last).__name__ == "NormalizeIntensityd"


def test_the_authors_code_smooths_more_often():
    assert of_kind("code", RandGaussianSmoothd).prob == 0.3
    assert [
        type(one).__name__ for one in augmentation_transforms("code", (8, 8, 8)).transforms[:-1]
    ] == [name for name, _ in ORDER]


def drawn(variant, what, draws=300):
    """Parameters that MONAI drew for an affine, (draws, axes)."""
    affine = of_kind(variant, RandAffined)
    affine.set_random_state(seed=0)
    grid = affine.rand_affine.rand_affine_grid
    rows = []
    for _ in range(draws):
        grid.randomize()
        rows.append(getattr(grid, what))
    return np.array(rows)


def test_the_paper_means_angles_scales_and_shifts_of_each_axis():
    angles, scales, shifts = (
        drawn("paper", what) for what in ("rotate_params", "scale_params", "translate_params")
    )
    assert angles.shape == scales.shape == shifts.shape == (300, 3)
    assert (
        math.radians(18)
        < np.abs(angles).max(axis=0).min()
        <= np.abs(angles).max()
        <= math.radians(20)
    )
    assert 0.18 < np.abs(scales - 1).max(axis=0).min() <= np.abs(scales - 1).max() <= 0.2
    assert np.all(np.abs(shifts).max(axis=0) > [5, 15, 25])
    assert np.all(np.abs(shifts).max(axis=0) <= [6.4, 19.2, 32.0])


def test_the_authors_code_turns_two_axes_only_and_hardly_shifts():
    angles, shifts = drawn("code", "rotate_params"), drawn("code", "translate_params")
    assert angles.shape == (300, 2)
    assert np.abs(angles).max() <= math.radians(20)
    assert np.abs(shifts).max() <= 0.1


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = make_dataset(
        tmp_path_factory.mktemp("data"), participants=5, contrasts=("anat/{}_T1w",)
    )
    content, _ = make_datalist(folder, folder)
    return read_part(written(content, folder / "dataset.json"), "training")


def test_without_augmentation_an_image_is_only_cropped_and_scaled(cases):
    pair = patch(Listed(cases, (16, 16, 16), 1.0, "none"), 0, 0)
    assert pair.image.shape == (16, 16, 16)
    assert pair.image.mean() == pytest.approx(0, abs=1e-5)
    assert pair.image.std() == pytest.approx(1, abs=1e-4)
    middle = tuple(slice((size - 16) // 2, (size - 16) // 2 + 16) for size in SHAPE)
    np.testing.assert_allclose(pair.label, read_nifti(cases[0].label).data[middle], atol=1e-4)


def test_labels_stay_soft_and_the_cord_keeps_its_size(cases):
    source = Listed(cases, (16, 16, 16), 1.0, "paper")
    pairs = [patch(source, 0, [1, n]) for n in range(12)]
    for pair in pairs:
        assert np.isfinite(pair.image).all()
        assert pair.label.min() >= 0
        assert pair.label.max() <= 1
        assert pair.image.std() == pytest.approx(1, abs=1e-3)
    assert any(((pair.label > 0.05) & (pair.label < 0.95)).sum() > 50 for pair in pairs)
    areas = [pair.label.sum() / 16 for pair in pairs]
    assert 0.5 * math.pi * 16 < np.median(areas) < 2 * math.pi * 16


def test_the_seed_decides_an_augmentation(cases):
    one, again, other = (
        patch(Listed(cases, (16, 16, 16), 1.0), 0, seed)
        for seed in ([1, 2, 3], [1, 2, 3], [1, 2, 4])
    )
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.label, again.label)
    assert not np.array_equal(one.image, other.image)


def test_other_orientations_and_spacings_come_to_the_same_frame(tmp_path):
    """Two images of one cord, one with axes to the Right, Posterior, Inferior and slices twice as
    thick.
    """
    soft = soft_cord(shift=2.0, radius=5.0)
    files = {"plain": (soft, AFFINE)}
    turned = np.diag([1.0, -1.0, -2.0, 1.0])
    turned[:3, 3] = [-(SHAPE[0] - 1), SHAPE[1] - 1, 2 * (SHAPE[2] // 2 - 1)]
    files["turned"] = (soft[::-1, ::-1, ::-1][:, :, ::2].copy(), turned)
    pairs = {}
    for name, (data, affine) in files.items():
        path = tmp_path / f"{name}.nii.gz"
        write_nifti(Volume(data, affine), path)
        pairs[name] = patch(
            Listed([RealCase(path, path, None, name)], (16, 16, 16), 1.0, "none"), 0, 0
        )
    np.testing.assert_allclose(pairs["turned"].label, pairs["plain"].label, atol=0.02)


def test_prepared_images_are_kept_where_asked_and_follow_their_files(tmp_path):
    path = tmp_path / "image.nii.gz"
    write_nifti(Volume(soft_cord(), AFFINE), path)
    case = RealCase(path, path, None, "one")
    first = patch(Listed([case], (16, 16, 16), 1.0, "none", cache=tmp_path / "cache"), 0, 0)
    again = patch(Listed([case], (16, 16, 16), 1.0, "none", cache=tmp_path / "cache"), 0, 0)
    assert len(list((tmp_path / "cache").glob("*.pt"))) == 1
    assert np.array_equal(first.image, again.image)
    write_nifti(Volume(soft_cord(radius=3.0), AFFINE), path)
    changed = patch(Listed([case], (16, 16, 16), 1.0, "none", cache=tmp_path / "cache"), 0, 0)
    assert changed.label.sum() < first.label.sum()


def test_a_label_that_is_not_a_mask_and_a_broken_file_are_named(tmp_path):
    image, label = tmp_path / "image.nii.gz", tmp_path / "label.nii.gz"
    write_nifti(Volume(soft_cord(), AFFINE), image)
    write_nifti(Volume(soft_cord() * 3, AFFINE), label)
    with pytest.raises(
        InputError, match=r"label.nii.gz': The label should hold values from 0 to 1"
    ):
        patch(Listed([RealCase(image, label, None, "one")], (16, 16, 16), 1.0), 0, 0)
    image.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"image.nii.gz': .*cannot be used for training"):
        patch(Listed([RealCase(image, label, None, "one")], (16, 16, 16), 1.0), 0, 0)


def certain(source):
    """Each augmentation happens."""
    for transform in source._augment.transforms:
        if hasattr(transform, "prob"):
            transform.prob = 1.0
    return source


def test_every_augmentation_follows_the_seed(cases):
    one, again = (patch(certain(Listed(cases, (16, 16, 16), 1.0)), 0, [3, 1, 4]) for _ in range(2))
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.label, again.label)


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_image_and_label_are_moved_together(tmp_path, variant):
    """Of an image that is its own label, before intensities are touched."""
    path = tmp_path / "cord.nii.gz"
    write_nifti(Volume(soft_cord(shift=2.0), AFFINE), path)
    source = certain(Listed([RealCase(path, path, None, "one")], (16, 16, 16), 1.0, variant))
    for transform in source._augment.transforms:
        if hasattr(transform, "prob") and not isinstance(
            transform, (RandAffined, Rand3DElasticd, RandFlipd)
        ):
            transform.prob = 0.0
    moved = [patch(source, 0, [1, n]) for n in range(6)]
    for pair in moved:
        assert np.corrcoef(pair.image.ravel(), pair.label.ravel())[0, 1] > 0.97
    assert not np.allclose(moved[0].label, moved[1].label, atol=0.1)
