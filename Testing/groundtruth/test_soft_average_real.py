"""Real cords: masks drawn by hand, moved in known ways, and four contrasts of one neck."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.groundtruth import Contrast, make_ground_truth
from SoftCordSegLib.volume import Volume, read_nifti, reorient

SHIFT, DEGREES = np.array([1.7, -1.1]), 6.0


def spine_generic(shared_data, subject, contrast) -> Volume:
    path = shared_data / "labels" / "spine-generic" / f"sub-{subject}_{contrast}_seg-manual.nii.gz"
    if not path.is_file():
        pytest.skip(f"'{path.name}' is not here")
    return read_nifti(path)


def moved(mask: Volume, like: Volume) -> Volume:
    """The mask lying elsewhere: its affine shifted and turned in the planes of ``like``'s axial
    slices, about its middle.
    """
    frame = reorient(like, "LAS").affine[:3, :3]
    axes = frame / np.linalg.norm(frame, axis=0)
    c, s = np.cos(np.radians(DEGREES)), np.sin(np.radians(DEGREES))
    turn = axes @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.linalg.inv(axes)
    middle = mask.grid.to_world(np.argwhere(mask.data > 0)).mean(axis=0)
    motion = np.eye(4)
    motion[:3, :3] = turn
    motion[:3, 3] = middle - turn @ middle + axes[:, :2] @ SHIFT
    return Volume(mask.data, motion @ mask.affine)


@pytest.mark.parametrize("subject", ["cardiff03", "juntendo750w01", "sapienza05"])
def test_three_masks_of_one_real_cord_are_brought_back_together(shared_data, subject):
    """The three files hold the same drawing on the GRE's slices; two of them are moved by a known
    motion.
    """
    reference = spine_generic(shared_data, subject, "T2w")
    contrasts = [
        Contrast("T2w", reference),
        Contrast("T1w", moved(spine_generic(shared_data, subject, "T1w"), reference)),
        Contrast("T2star", moved(spine_generic(shared_data, subject, "T2star"), reference)),
    ]

    truth = make_ground_truth(contrasts)

    for name in ("T1w", "T2star"):
        one = truth.of(name)
        mask = next(contrast.mask for contrast in contrasts if contrast.name == name)
        assert np.degrees(one.transform.angle[one.turned]).mean() == pytest.approx(DEGREES, abs=0.5)
        # The motion turns about the mask's own middle: there the shift is the known one.
        centre = mask.grid.to_world(np.argwhere(mask.data > 0)).mean(axis=0)
        back = one.transform.to_reference(centre)
        frame = reorient(reference, "LAS").affine[:3, :3] / reorient(reference, "LAS").spacing
        assert np.linalg.inv(frame) @ (centre - back) == pytest.approx([*SHIFT, 0], abs=0.15)
        soft, hard = one.soft.data >= 0.5, mask.data > 0
        assert 2 * (soft & hard).sum() / (soft.sum() + hard.sum()) > 0.97
        assert one.soft.data.sum() == pytest.approx(hard.sum(), rel=0.02)


def test_identical_masks_of_a_real_cord_give_it_back(shared_data):
    masks = [
        Contrast(name, spine_generic(shared_data, "tokyoSkyra06", name))
        for name in ("T2w", "T1w", "T2star")
    ]

    truth = make_ground_truth(masks)

    for contrast, one in zip(masks, truth.contrasts):
        assert np.abs(one.soft.data - contrast.mask.data).max() < 0.02


def test_four_contrasts_of_a_real_neck_agree_on_one_cord(shared_data):
    folder = shared_data / "images" / "sct-testing"
    files = {"T2w": "t2_seg-manual", "T2star": "t2s_seg", "MToff": "mt0_seg", "MTon": "mt1_seg"}
    contrasts = [
        Contrast(name, read_nifti(folder / f"{file}.nii.gz")) for name, file in files.items()
    ]

    truth = make_ground_truth(contrasts)

    areas = []
    for contrast, one in zip(contrasts, truth.contrasts):
        mask, soft = (
            np.asarray(reorient(volume, "LAS").data, float) for volume in (contrast.mask, one.soft)
        )
        both = np.flatnonzero(soft.any(axis=(0, 1)) & mask.any(axis=(0, 1)))
        assert len(both) >= 3
        soft, mask = soft[:, :, both], mask[:, :, both]
        assert 2 * ((soft >= 0.5) & (mask > 0)).sum() / ((soft >= 0.5).sum() + mask.sum()) > 0.88
        sections = soft.sum(axis=(0, 1)) * np.prod(reorient(one.soft, "LAS").spacing[:2])
        areas.append(sections.mean())
    # One ground truth: the areas are of one cord, though of different parts of the neck.
    assert np.ptp(areas) < 5
    # MT on and MT off were taken one after the other: their slices lie alike.
    off, on = truth.of("MToff").transform, truth.of("MTon").transform
    assert np.abs(off.shift - on.shift).max() < 2.0
    assert truth.contrasts_per_slice.max() == pytest.approx(4)
