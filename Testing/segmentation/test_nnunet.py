"""nnU-Net's pipeline from a result folder: its probabilities, whatever the spacing and the axes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from network.nnunet_folders import PATCH, SHAPE, dataset, plans, write_result_folder
from network.plain_conv_net import random_net
from segmentation.plain_nnunet import probabilities
from segmentation.plain_nnunet import resampled as plainly_resampled
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.network import load_bundle, save_plan_bundle
from SoftCordSegLib.network.nnunet_folder import convert_result_folder
from SoftCordSegLib.network.plans import Margins, Resampling
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.segmentation.nnunet import normalised, resampled, thick_axis
from SoftCordSegLib.segmentation.segment_by_plan import with_margins
from SoftCordSegLib.volume import Volume, reorient


def an_image(shape, spacing, letters) -> Volume:
    """Smooth noise with rims of 0."""
    data = gaussian_filter(np.random.default_rng(5).normal(size=shape), 1.0) * 400 + 300
    data[:3] = 0
    data[:, -2:] = 0
    return reorient(Volume(data.astype(np.float32), np.diag([*spacing, 1.0])), letters)


def installed(tmp_path, plans_file, folds=(0,), dataset_file=None, **settings):
    folder = write_result_folder(tmp_path / "release", plans_file, dataset_file, folds)
    converted = convert_result_folder(folder, **settings)
    metadata = {"name": "random", "version": "0", "license": "none"}
    save_plan_bundle(
        tmp_path / "bundle", metadata, converted.orientation, converted.plan, converted.states
    )
    return load_bundle(tmp_path / "bundle")


PER_AXIS = {"is_seg": False, "order": 1, "order_z": 1, "force_separate_z": True}
CASES = {
    "isotropic": (an_image((18, 24, 21), (1, 1, 1), "RAS"), {}, (0, 1), False),
    "thick slices": (an_image((26, 34, 7), (0.7, 0.6, 5.0), "LAS"), {}, (0,), False),
    "masked, axes in another order": (
        an_image((26, 34, 7), (0.7, 0.6, 5.0), "PSR"),
        {"transpose": (1, 2, 0), "use_mask_for_norm": [True]},
        (0,),
        False,
    ),
    "thick patches, linear across": (
        an_image((20, 26, 22), (1, 1, 1), "RAS"),
        {"spacing": [4.0, 0.9, 0.9], "resampling_fn_probabilities_kwargs": PER_AXIS},
        (0,),
        False,
    ),
    "smaller than a patch": (an_image((12, 10, 7), (1, 1, 1), "RAS"), {}, (0,), False),
    "mirrored": (an_image((12, 16, 14), (1, 1, 1.2), "RAS"), {}, (0,), True),
}


@pytest.mark.parametrize(("image", "changes", "folds", "mirror"), CASES.values(), ids=CASES)
def test_probabilities_are_nnunets(tmp_path, image, changes, folds, mirror):
    written = plans(**changes)
    bundle = installed(tmp_path, written, folds, floor=0.0)
    ours = segment(image, bundle, device="cpu", flips=mirror).volume.data

    working = reorient(image, "LAS")
    nets = [random_net(seed=10 + fold, **SHAPE) for fold in folds]
    axes = (0, 1, 2) if mirror else ()
    theirs = probabilities(
        working.data.transpose(2, 1, 0), working.spacing[::-1], nets, written, axes
    )[1]
    theirs = reorient(working.with_data(theirs.transpose(2, 1, 0)), image.letters).data
    assert theirs.max() - theirs.min() > 0.3, "nothing to compare"
    assert np.abs(ours - theirs).max() < 1e-5


def test_low_probabilities_become_0(tmp_path):
    image = an_image((18, 24, 21), (1, 1, 1), "RAS")
    bundle = installed(tmp_path, plans())
    everything = dataclasses.replace(bundle, plan=dataclasses.replace(bundle.plan, floor=0.0))
    whole, cut = (segment(image, one, device="cpu").volume.data for one in (everything, bundle))
    assert np.array_equal(cut, np.where(whole < 0.1, 0, whole))
    assert 0 < whole[whole > 0].min() < 0.1


def test_the_orientation_of_the_data_set_is_kept(tmp_path):
    assert installed(tmp_path / "a", plans()).orientation == "LAS"
    assert (
        installed(
            tmp_path / "b", plans(), dataset_file=dataset(image_orientation="AIL")
        ).orientation
        == "PSR"
    )


def test_an_image_of_zeros_in_the_box_is_a_sentence(tmp_path):
    from SoftCordSegLib.volume import Box

    image = an_image((18, 24, 21), (1, 1, 1), "RAS")
    with pytest.raises(InputError, match="constant inside the box"):
        segment(
            image,
            installed(tmp_path, plans()),
            box=Box.of_grid(image.grid.crop([0, 0, 0], [3, 20, 20])),
            device="cpu",
        )


@pytest.mark.parametrize("separate", [None, True, False])
@pytest.mark.parametrize(("order", "order_z"), [(3, 0), (1, 0), (1, 1), (3, 1)])
@pytest.mark.parametrize("shape", [(5, 30, 22), (9, 13, 11), (21, 12, 10), (9, 30, 22)])
def test_resampling_is_scikit_images(shape, order, order_z, separate):
    data = gaussian_filter(np.random.default_rng(1).normal(size=(9, 14, 12)), 0.7)
    old, new = (4.0, 1.0, 1.1), (4.0 * 9 / shape[0], 14 / shape[1], 1.1 * 12 / shape[2])
    ours = resampled(data[None], shape, old, new, Resampling(order, order_z, separate))[0]
    theirs = plainly_resampled(data, shape, old, new, order, order_z, separate, False)
    assert ours.shape == theirs.shape == shape
    assert np.abs(ours - theirs).max() < 1e-9


def test_two_thick_axes_are_not_treated_apart():
    assert thick_axis((0.24, 1.25, 1.25), (1, 1, 1), None) is None
    assert thick_axis((1, 1, 1), (1, 1, 1), True) is None
    assert thick_axis((1, 1, 1), (1, 5, 1), None) == 1


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("ZScoreNormalization", lambda x: (x - x.mean()) / x.std()),
        ("CTNormalization", lambda x: (np.clip(x, 5, 800) - 300) / 120),
        ("NoNormalization", lambda x: x),
        ("RescaleTo01Normalization", lambda x: (x - x.min()) / (x.max() - x.min())),
    ],
)
def test_schemes_of_normalisation(tmp_path, scheme, expected):
    plan = installed(tmp_path, plans(normalization_schemes=[scheme])).plan
    data = np.random.default_rng(2).uniform(-50, 1200, PATCH).astype(np.float32)
    result = normalised(data, np.ones(PATCH, bool), plan)
    assert result.dtype == np.float32
    assert np.allclose(result, expected(data.astype(float)), atol=1e-4)


@pytest.mark.parametrize("letters", ["LAS", "RPI", "SPR"])
def test_margins_lie_on_the_right_sides(letters):
    cord = np.zeros((60, 70, 200), bool)
    cord[30:34, 40:44, 110:150] = True
    affine = np.diag([-1.0, 1, 1, 1])
    located = reorient(Volume(cord, affine), letters)
    start, stop = with_margins(located, Margins()).voxels_of(Volume(cord, affine).grid)
    # LAS: low ends are right, posterior, inferior.
    assert start.tolist() == [30 - 15, 40 - 22, 110 - 100]
    assert stop.tolist() == [34 + 15, 44 + 15, 150 + 40]


def test_margins_end_with_the_image():
    cord = np.zeros((20, 20, 30), bool)
    cord[8:12, 8:12, 5:25] = True
    box = with_margins(Volume(cord, np.diag([-2.0, 2, 2, 1])), Margins())
    assert np.allclose(box.size_mm, [40, 40, 60])
