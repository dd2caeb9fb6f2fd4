"""Discs are named where none is known: whole necks by themselves, other images by asking."""

from __future__ import annotations

import numpy as np
import pytest

from known_phantoms import known_phantom
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import Proposals, discs_from_label_image, propose_discs
from SoftCordSegLib.volume import Volume, read_nifti, reorient

# The posterior tips of C2/C3, C3/C4, ... in whole necks, R, A, S, mm, by eye; the names agree with
# the middles of C2 and T2 that come with the images.
NECKS = {
    "errsm11": (
        (1, 24, 44), (2, 24, 27), (3, 23, 11), (3, 20, -3), (4, 14, -18), (5, 6, -33), (6, -6, -50),
        (7, -20, -68), (7, -32, -86),
    ),
    "errsm18": (
        (0, 5, 34), (1, 1, 15), (2, -3, -3), (2, -6, -19), (2, -11, -36), (1, -16, -54),
        (0, -22, -74), (0, -28, -93), (0, -34, -114),
    ),
}  # fmt: skip


def neck(shared_data, participant: str) -> tuple[Volume, Volume]:
    folder = shared_data / "images" / "errsm"
    return (
        read_nifti(folder / f"sub-{participant}_T2w.nii.gz"),
        read_nifti(folder / f"sub-{participant}_T2w_seg-manual.nii.gz"),
    )


def heights_off(found: Proposals, truth: dict[int, float]) -> dict[int, float]:
    """Disc value -> distance in height from the disc of that name, mm."""
    return {
        disc.label.value: abs(disc.label.position_mm[2] - truth[disc.label.value])
        for disc in found
        if disc.label.value in truth
    }


@pytest.mark.parametrize("participant", NECKS)
def test_the_discs_of_a_whole_neck_are_found_and_named(shared_data, participant):
    found = propose_discs(*neck(shared_data, participant))
    off = heights_off(found, {3 + n: tip[2] for n, tip in enumerate(NECKS[participant])})
    assert found.certain
    assert len(off) == len(NECKS[participant])
    assert max(off.values()) < 4.0
    assert found.namings[0].discs == found.discs


def test_names_agree_with_the_labels_of_another_hand(shared_data):
    """Its eight discs, of which C7/T1 lies in a part that is nearly dark."""
    labels = shared_data / "images" / "errsm" / "sub-test001_T2w_label-discs.nii.gz"
    truth = {disc.value: disc.position_mm[2] for disc in discs_from_label_image(read_nifti(labels))}
    found = propose_discs(*neck(shared_data, "test001"))
    off = heights_off(found, truth)
    assert found.certain
    assert set(off) == set(truth)
    assert max(off.values()) < 4.0


def without_the_top(volume: Volume, height_mm: float) -> Volume:
    """What is below a height (S)."""
    upright = reorient(volume, "RAS")
    top = int(upright.grid.to_voxel(np.array([0.0, 0.0, height_mm]))[2])
    return Volume(upright.data[:, :, :top], upright.affine)


def test_a_neck_without_its_top_is_named_right_or_asked_for(shared_data):
    """From below C5/C6 down, neither the dens nor most of the enlargement is in view."""
    image, mask = (without_the_top(v, -10.0) for v in neck(shared_data, "errsm18"))
    found = propose_discs(image, mask)
    assert not found.certain
    assert len(found.namings) > 1
    truth = {3 + n: tip[2] for n, tip in enumerate(NECKS["errsm18"])}
    first, second = (
        np.mean([*heights_off(Proposals(naming.discs), truth).values()])
        for naming in found.namings[:2]
    )
    assert min(first, second) < 4.0


def test_a_lumbar_spine_is_asked_for(shared_data):
    """The cord's end differs from person to person by up to four vertebrae."""
    image = reorient(
        read_nifti(shared_data / "images" / "sct-tutorial" / "sub-single_t2_lumbar.nii.gz"), "RAS"
    )
    cord = np.zeros(image.shape, dtype=np.uint8)
    x, y = np.mgrid[: image.shape[0], : image.shape[1]]
    heights, middles = (100, 120, 140, 160, 200), (77, 73.5, 70.5, 69, 67.5)
    for k in range(100, image.shape[2]):
        middle = np.interp(k, heights, middles)
        cord[:, :, k] = ((x - 23) / 5) ** 2 + ((y - middle) / 4) ** 2 <= 1
    assert not propose_discs(image, Volume(cord, image.affine)).certain


def test_the_template_is_named(shared_data):
    folder = shared_data / "template"
    found = propose_discs(
        read_nifti(folder / "PAM50_small_t2.nii.gz"), read_nifti(folder / "PAM50_small_cord.nii.gz")
    )
    labels = discs_from_label_image(read_nifti(folder / "PAM50_small_label_disc.nii.gz"))
    off = heights_off(found, {disc.value: disc.position_mm[2] for disc in labels})
    assert found.certain
    assert set(range(2, 20)) <= set(off)
    assert max(off.values()) < 4.0


@pytest.fixture(scope="module")
def phantom():
    return known_phantom("T2w")


def test_every_way_to_name_shares_one_disc(phantom):
    """Names differ, what is a disc does not."""
    image, mask = (without_the_top(v, 30.0) for v in (phantom.image, phantom.truth))
    found = propose_discs(image, mask)
    heights = [
        sorted(disc.label.position_mm[2] for disc in naming.discs if disc.label.value > 2)
        for naming in found.namings
    ]
    assert len(found.namings) > 1
    shared = set(np.round(heights[0], 1)).intersection(*(np.round(h, 1) for h in heights[1:]))
    assert shared
    assert len({naming.discs[0].label.value for naming in found.namings}) > 1


def test_a_known_disc_makes_the_names_certain(phantom):
    known = [disc for disc in phantom.discs if disc.value == 6]
    found = propose_discs(phantom.image, phantom.truth, known)
    assert found.certain
    assert found.namings == ()


def test_noise_has_no_disc(phantom):
    noise = np.random.default_rng(0).normal(100.0, 1.0, phantom.image.shape)
    with pytest.raises(InputError, match="looks like a disc"):
        propose_discs(phantom.image.with_data(noise.astype(np.float32)), phantom.truth)


def test_a_cord_of_few_slices_is_asked_for(phantom):
    """Nothing fails where there is too little of the cord to tell its shape."""
    upright = reorient(phantom.truth, "RAS")
    few = np.zeros_like(upright.data)
    k = upright.shape[2] // 2
    few[:, :, k : k + 6] = upright.data[:, :, k : k + 6]
    assert not propose_discs(phantom.image, Volume(few, upright.affine)).certain
