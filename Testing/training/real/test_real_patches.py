"""Patches of real images: in place, in range, the same for the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.training.pairs import Mixture
from SoftCordSegLib.training.real import RealPatches, load_cases, load_real
from SoftCordSegLib.volume import Volume, read_nifti, reorient, resample, write_nifti

SHAPE = (24, 24, 32)


def write_case(
    folder: Path, name: str, letters: str = "LAS", bright: float = 100.0
) -> dict[str, str]:
    """A round cord of 5 mm radius, ``bright`` on 10, along 40 slices of 2 mm; nothing is known of
    the lowest ten slices.
    """
    i, j = np.indices((40, 40)) - 19.5
    plane = np.clip(5.5 - np.hypot(i, j), 0, 1).astype(np.float32)
    label = np.repeat(plane[:, :, None], 40, axis=2)
    weight = np.ones_like(label)
    weight[:, :, :10] = 0
    affine = np.diag([-1.0, 1.0, 2.0, 1.0])
    affine[:3, 3] = (19.5, -19.5, -40)
    for kind, data in (("image", 10 + (bright - 10) * label), ("label", label), ("weight", weight)):
        write_nifti(reorient(Volume(data, affine), letters), folder / f"{name}_{kind}.nii.gz")
    return {kind: f"{name}_{kind}.nii.gz" for kind in ("image", "label", "weight")}


@pytest.fixture
def case_list(tmp_path) -> Path:
    cases = [
        write_case(tmp_path, "a"),
        {**write_case(tmp_path, "b", "RPI", bright=-80.0), "participant": "second"},
    ]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"training": cases}))
    return path


def test_the_list_is_read_with_its_participants(case_list):
    first, second = load_cases(case_list)
    assert (first.participant, second.participant) == ("a", "second")
    assert first.image == case_list.parent / "a_image.nii.gz"


def test_pairs_are_the_seeds_own_and_in_range(case_list):
    source = load_real(case_list, SHAPE, 1.0)
    for seed in range(12):
        pair = source.pair([1, seed])
        assert pair.image.shape == pair.label.shape == pair.weight.shape == SHAPE
        assert pair.image.dtype == pair.label.dtype == pair.weight.dtype == np.float32
        assert np.isfinite(pair.image).all()
        assert np.abs(pair.image).max() <= 3
        assert pair.label.min() >= 0
        assert pair.label.max() <= 1
        assert set(np.unique(pair.weight)) <= {0.0, 1.0}
    assert np.array_equal(source.pair([1, 3]).image, source.pair([1, 3]).image)
    assert not np.array_equal(source.pair([1, 3]).image, source.pair([1, 4]).image)


@pytest.mark.parametrize(("equally", "dark"), [("participant", 0.5), ("image", 0.25)])
def test_participants_or_images_are_drawn_equally_often(tmp_path, equally, dark):
    """One participant has three images, another one, whose cord is dark."""
    cases = [{**write_case(tmp_path, name), "participant": "first"} for name in ("a", "b", "c")]
    cases.append({**write_case(tmp_path, "d", bright=-80.0), "participant": "second"})
    (tmp_path / "cases.json").write_text(json.dumps({"training": cases}))
    source = load_real(
        tmp_path / "cases.json",
        (12, 12, 12),
        1.0,
        new_contrast=0.0,
        about_cord=1.0,
        equally=equally,
    )
    seen = []
    for seed in range(150):
        pair = source.pair(seed)
        inside, outside = pair.label > 0.9, pair.label < 0.1
        if inside.any() and outside.any():
            seen.append(pair.image[inside].mean() < pair.image[outside].mean())
    assert len(seen) > 100
    assert np.mean(seen) == pytest.approx(dark, abs=0.12)


def test_another_word_for_what_is_drawn_equally_is_refused(case_list):
    with pytest.raises(InputError, match="'participant' or each 'image'"):
        load_real(case_list, SHAPE, 1.0, equally="contrast")


def test_label_and_image_stay_on_each_other(case_list):
    """Where intensities keep their meaning, what is cord is what is bright (or, in the other case,
    dark).
    """
    source = load_real(case_list, SHAPE, 1.0, new_contrast=0.0, about_cord=1.0)
    for seed in range(12):
        pair = source.pair(seed)
        inside, outside = pair.label > 0.95, (pair.label < 0.05) & (pair.weight > 0)
        if inside.sum() > 50 and outside.sum() > 50:
            gap = np.median(pair.image[inside]) - np.median(pair.image[outside])
            spread = pair.image[outside].std()
            assert abs(gap) > spread


def area_of(pair) -> float:
    """The cord's, voxels, in the middle slice."""
    return float(pair.label[:, :, SHAPE[2] // 2].sum())


def test_the_label_does_not_fade_at_the_ends_of_the_image(tmp_path):
    """In slices of 2 mm half a slice lies beyond the middle of the last one; the cord goes on
    there.
    """
    (tmp_path / "cases.json").write_text(json.dumps({"training": [write_case(tmp_path, "a")]}))
    source = load_real(tmp_path / "cases.json", (24, 24, 96), 1.0, about_cord=1.0, pose=0.0)
    pairs = [source.pair(seed) for seed in range(10)]
    areas = [(pair.label * pair.weight).sum(axis=(0, 1)) for pair in pairs]
    known = [area[pair.weight.any(axis=(0, 1))] for area, pair in zip(areas, pairs)]
    whole = [
        area for area in known if area[-1] > 60
    ]  # those that show the whole cord from side to side
    assert whole
    assert all(area[-1] == pytest.approx(area.max(), rel=0.01) for area in whole)


def test_patches_may_be_turned_and_scaled_less(case_list):
    usual, still = (
        [
            area_of(load_real(case_list, (32, 32, 32), 1.0, about_cord=1.0, pose=pose).pair(seed))
            for seed in range(40)
        ]
        for pose in (1.0, 0.0)
    )
    whole = [
        area for area in still if area > 60
    ]  # where neither the cord nor what is known of it ends
    assert len(whole) > 10
    assert max(whole) / min(whole) < 1.02, "each shows the cord of one calibre as it is"
    assert max(usual) > 1.1 * max(whole), "some are enlarged"


def test_patches_that_are_not_turned_are_what_the_program_shows_the_network(tmp_path, monkeypatch):
    """On slices of 2 mm and a grid of 1 mm: voxel for voxel, image by the program's spline, and no
    label between voxels.
    """
    case = write_case(tmp_path, "a")
    (tmp_path / "cases.json").write_text(json.dumps({"training": [case]}))
    rng = np.random.default_rng(1)
    image = read_nifti(tmp_path / case["image"])
    image = image.with_data(image.data + rng.normal(0, 5, image.shape).astype(np.float32))
    write_nifti(image, tmp_path / case["image"])
    monkeypatch.setattr(RealPatches, "_appearance", lambda self, rng, image, case: image)
    # What segmentation.outline does before the network, and backwards after it.
    shown = resample(image, image.grid.with_spacing(1.0)).data
    label = read_nifti(tmp_path / case["label"])
    asked = np.clip(resample(label, label.grid.with_spacing(1.0)).data, 0, 1)

    source = load_real(tmp_path / "cases.json", (8, 8, 8), 1.0, about_cord=1.0, pose=0.0)

    found = 0
    for seed in range(6):
        pair = source.pair(seed)
        for patch, answer in ((pair.image, pair.label), (pair.image[::-1], pair.label[::-1])):
            windows = np.lib.stride_tricks.sliding_window_view(shown, patch.shape)
            places = np.argwhere(np.isclose(windows[..., 0, 0, 0], patch[0, 0, 0], atol=1e-3))
            for place in places:
                there = tuple(slice(at, at + 8) for at in place)
                if np.allclose(shown[there], patch, atol=1e-2):
                    found += 1
                    np.testing.assert_allclose(answer, asked[there], atol=1e-4)
    assert found == 6


def test_nothing_is_asked_where_the_weight_is_0_or_the_image_ends(case_list):
    source = load_real(case_list, (48, 48, 32), 1.0, about_cord=1.0)
    weights = np.array([source.pair(seed).weight.mean() for seed in range(20)])
    assert weights.max() < 1, "the image is 40 mm wide, the patch 48"
    assert weights.min() < weights.max() - 0.1, "some patches show slices of which nothing is known"


def test_a_new_contrast_keeps_the_cords_place(case_list):
    """The label of a seed does not depend on what is done to the intensities."""
    plain, changed = (load_real(case_list, SHAPE, 1.0, new_contrast=share) for share in (0.0, 1.0))
    same = 0
    for seed in range(6):
        a, b = plain.pair(seed), changed.pair(seed)
        flipped = b.label[::-1]
        same += np.array_equal(a.label, b.label) or np.array_equal(a.label, flipped)
    assert same == 6


def test_a_mixture_draws_by_its_shares(case_list):
    class Named:
        def __init__(self, name):
            self.name = name

        def pair(self, seed):
            return self.name

    drawn = [Mixture([Named("real"), Named("made")], [1, 3]).pair([5, n]) for n in range(400)]
    assert 60 < drawn.count("real") < 140
    with pytest.raises(ValueError, match="one share"):
        Mixture([Named("real")], [1, 1])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("no json", "not a list of cases"),
        ('{"training": []}', "no case"),
        ('{"training": [{"image": "a_image.nii.gz"}]}', "must name image and label"),
        ('{"training": [{"image": "a_image.nii.gz", "label": "gone.nii.gz"}]}', "does not exist"),
    ],
)
def test_bad_lists_are_refused_in_a_sentence(case_list, content, sentence):
    case_list.write_text(content)
    with pytest.raises(InputError, match=sentence):
        load_cases(case_list)


def test_a_label_on_another_grid_is_refused(tmp_path, case_list):
    write_nifti(Volume(np.zeros((4, 4, 4), np.float32), np.eye(4)), tmp_path / "a_label.nii.gz")
    with pytest.raises(InputError, match="not on the grid of its image"):
        load_real(case_list, SHAPE, 1.0)


def test_a_label_of_0_and_255_is_refused_not_clipped(tmp_path, case_list):
    path = tmp_path / "a_label.nii.gz"
    label = read_nifti(path)
    write_nifti(label.with_data(label.data * 255), path)
    with pytest.raises(InputError, match="a_label.nii.gz' has values from 0 to 255"):
        load_real(case_list, SHAPE, 1.0)
