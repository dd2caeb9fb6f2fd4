"""The paper's pipeline on arrays is the one that MONAI's transforms make."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.network import UNetConfig, load_bundle, save_centre_crop_bundle
from SoftCordSegLib.network.unet import UNet
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import Box, Volume, read_nifti, reorient, write_nifti

CONFIG = UNetConfig((4, 6, 8), ((1, 1, 1), (2, 2, 2), (1, 2, 2)))
SETTINGS = {"crop": (16, 24, -1), "divisible_by": 8, "tile": (16, 24, 32)}


def make_bundle(folder, orientation="RPI", **settings):
    """A network of random weights that answers with numbers of both signs."""
    torch.manual_seed(3)
    metadata = {"name": "random", "version": "0", "license": "Apache-2.0"}
    state = UNet(CONFIG).state_dict()
    save_centre_crop_bundle(
        folder, metadata, state, CONFIG, orientation=orientation, **{**SETTINGS, **settings}
    )
    return load_bundle(folder)


@pytest.fixture
def bundle(tmp_path):
    return make_bundle(tmp_path / "bundle")


def an_image(shape, spacing, letters="RAS", angles=(0, 0, 0)) -> Volume:
    """Smooth noise, oblique if wanted."""
    from scipy.ndimage import gaussian_filter

    data = gaussian_filter(np.random.default_rng(5).normal(size=shape), 1.0) * 400 + 300
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing
    affine[:3, 3] = [12, -30, 45]
    return reorient(Volume(data.astype(np.float32), affine), letters)


def by_monai(path, bundle) -> np.ndarray:
    """The authors' script, from MONAI's parts."""
    from monai import transforms
    from monai.data import MetaTensor
    from monai.inferers import sliding_window_inference

    plan, network = bundle.plan, next(bundle.networks(bundle.plan.network))
    labels = (("L", "R"), ("P", "A"), ("I", "S"))
    before = transforms.Compose(
        [
            transforms.LoadImaged("image", ensure_channel_first=True),
            transforms.Orientationd("image", axcodes=bundle.orientation, labels=labels),
            transforms.Spacingd("image", pixdim=(1, 1, 1), mode=2),
            transforms.ResizeWithPadOrCropd("image", plan.crop),
            transforms.DivisiblePadd("image", plan.divisible_by, mode=plan.padding),
            transforms.NormalizeIntensityd("image", nonzero=False, channel_wise=False),
        ]
    )
    after = transforms.Invertd("pred", transform=before, orig_keys="image", nearest_interp=False)
    sample = before({"image": str(path)})
    with torch.inference_mode():
        raw = sliding_window_inference(
            sample["image"][None],
            plan.tile,
            4,
            lambda x: network(x)[0],
            overlap=plan.overlap,
            mode="gaussian",
        )[0]
    positive = torch.relu(raw)
    sample["pred"] = MetaTensor(positive / positive.max(), meta=sample["image"].meta)
    sample["pred"].applied_operations = sample["image"].applied_operations
    mask = after(sample)["pred"][0].numpy()
    mask[mask < 0.1] = 0
    return np.minimum(mask, 1)


IMAGES = {
    "isotropic, larger than the crop": an_image((30, 40, 75), (1, 1, 1)),
    "anisotropic, thick slices": an_image((50, 61, 12), (0.7, 0.5, 4.0), "LAS"),
    "smaller than the crop": an_image((9, 30, 21), (1.0, 1.0, 1.3), "PSR"),
    "oblique": an_image((33, 28, 30), (0.8, 1.2, 1.5), "SLP", (8, -6, 15)),
    "oblique the other way, thick slices": an_image(
        (40, 40, 6), (0.84, 0.84, 12), "LAS", (-4, 2, -1)
    ),
    "oblique, at 1 mm already": an_image((20, 28, 30), (1, 1, 1), "RPI", (3, 5, -7)),
    "oblique, turned round": an_image((25, 30, 22), (1.1, 0.9, 2.0), "ASR", (-10, -5, 3)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("padding", ["edge", "constant"])
@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_the_mask_is_monais_to_five_digits(tmp_path, image, padding):
    pytest.importorskip("monai")
    bundle = make_bundle(tmp_path / "bundle", padding=padding)
    write_nifti(image, tmp_path / "image.nii.gz")
    # From the file, whose affine is rounded: MONAI's grid depends on the eighth digit.
    ours = segment(read_nifti(tmp_path / "image.nii.gz"), bundle, device="pytorch").volume.data
    theirs = by_monai(tmp_path / "image.nii.gz", bundle)
    assert (theirs > 0).sum() > 500, "nothing to compare"
    assert 0 < (theirs > 0).mean() < 1
    # A voxel that one has just below the floor and the other just above is not a difference.
    near_floor = np.abs(np.maximum(ours, theirs) - 0.1) < 1e-5
    assert np.abs(ours - theirs)[~near_floor].max() < 1e-5


def test_nothing_is_found_beside_the_crop(bundle):
    image = an_image((60, 60, 40), (1, 1, 1), "RPI")
    result = segment(image, bundle, device="cpu")
    beside = np.ones(image.shape, bool)
    beside[22:38, 18:42] = False
    assert result.volume.data[~beside].any()
    # The order-2 spline rings for a few voxels round the edge of the crop.
    beside[19:41, 15:45] = False
    assert not result.volume.data[beside].any()


def test_in_a_box_the_image_is_what_was_cropped_to_it(bundle):
    image = an_image((60, 60, 40), (1, 1, 1))
    start, stop = np.array([3, 5, 2]), np.array([40, 50, 38])
    whole = segment(
        image, bundle, box=Box.of_grid(image.grid.crop(start, stop)), device="cpu"
    ).volume.data
    inside = tuple(slice(a, b) for a, b in zip(start, stop))
    part = segment(
        Volume(image.data[inside], image.grid.crop(start, stop).affine), bundle, device="cpu"
    ).volume.data
    assert np.array_equal(whole[inside], part)
    whole[inside] = 0
    assert not whole.any()


def test_a_box_outside_the_image_is_a_sentence(bundle):
    with pytest.raises(InputError, match="outside the image"):
        segment(
            an_image((30, 30, 30), (1, 1, 1)), bundle, box=Box([900, 0, 0], np.eye(3), [20, 20, 20])
        )


def test_with_flips_an_image_and_its_mirror_image_have_mirrored_masks(bundle):
    image = an_image((16, 24, 32), (1, 1, 1), "RPI")
    mirrored = image.with_data(image.data[::-1].copy())
    plain = segment(image, bundle, device="cpu").volume.data
    assert not np.allclose(
        segment(mirrored, bundle, device="cpu").volume.data[::-1], plain, atol=1e-3
    )
    one, other = (
        segment(volume, bundle, device="cpu", flips=True).volume.data
        for volume in (image, mirrored)
    )
    assert np.allclose(one, other[::-1], atol=1e-5)


def test_cancel_stops_before_the_next_tile(bundle):
    told = []

    def cancelled():
        return len([message for message in told if "tile" in message]) >= 2

    progress = Progress(lambda _, message: told.append(message), cancelled)
    with pytest.raises(Cancelled):
        segment(an_image((20, 30, 120), (1, 1, 1), "RPI"), bundle, progress=progress, device="cpu")
    assert len([message for message in told if "tile" in message]) == 2
