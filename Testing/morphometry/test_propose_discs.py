"""Discs are found from one that is known, or from none; wrong ones are doubted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from known_phantoms import known_phantom
from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.morphometry import (
    DiscLabel,
    carry_over_discs,
    centreline_of,
    discs_from_label_image,
    discs_to_label_image,
    levels_from_discs,
    propose_discs,
)
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume, read_nifti, reorient

SAGITTAL = ("T1w", "T2w")
THICK_AXIAL = ("T2starw", "MTon", "DWI")


@pytest.fixture(scope="module")
def phantoms():
    return {contrast: known_phantom(contrast) for contrast in (*SAGITTAL, *THICK_AXIAL)}


def errors_mm(labels, truth) -> dict[int, float]:
    """Distance of each label from the true disc of its value."""
    truth = {disc.value: np.array(disc.position_mm) for disc in truth}
    return {
        disc.value: float(np.linalg.norm(np.array(disc.position_mm) - truth[disc.value]))
        for disc in labels
    }


def chosen(discs, *values) -> list[DiscLabel]:
    return [disc for disc in discs if disc.value in values]


@pytest.mark.parametrize(
    ("contrast", "known"),
    [("T1w", (3,)), ("T1w", (8,)), ("T2w", (5,)), ("T2w", (10,)), ("T2w", (3, 7))],
    ids=str,
)
def test_every_disc_of_the_phantom_is_within_2_mm(phantoms, contrast, known):
    phantom = phantoms[contrast]
    found = propose_discs(phantom.image, phantom.truth, chosen(phantom.discs, *known))
    assert not found.implausible
    assert [disc.label.value for disc in found] == list(range(2, 12))
    assert max(errors_mm(found.labels, phantom.discs).values()) < 2.0
    assert {disc.label.value for disc in found if disc.known} == set(known)
    assert all(disc.confidence > 0.9 for disc in found if disc.label.value > 2)
    # C1/C2 is no disc: its place follows from the spacing only, and its confidence says so.
    assert found[0].confidence < 0.8


@pytest.mark.parametrize("contrast", SAGITTAL)
def test_without_any_label_the_phantoms_discs_are_found_and_named(phantoms, contrast):
    phantom = phantoms[contrast]
    found = propose_discs(phantom.image, phantom.truth)
    assert max(errors_mm(found.labels, phantom.discs).values()) < 2.0
    assert found.certain
    assert not any(disc.known for disc in found)


@pytest.mark.parametrize("contrast", THICK_AXIAL)
def test_discs_of_thick_slices_are_carried_over_within_2_mm(phantoms, contrast):
    phantom = phantoms[contrast]
    with pytest.raises(InputError, match="carry them over"):
        propose_discs(phantom.image, phantom.truth, phantom.discs[:1])
    sagittal = phantoms["T2w"]
    labels = propose_discs(sagittal.image, sagittal.truth, chosen(sagittal.discs, 3)).labels
    carried, notes = carry_over_discs(labels, phantom.truth)
    assert "Left out" in notes[0]
    inside = [disc for disc in phantom.discs if disc.value in {label.value for label in carried}]
    assert len(inside) >= 3
    assert (
        max(errors_mm(chosen(carried, *(disc.value for disc in inside)), phantom.discs).values())
        < 2.0
    )
    line = centreline_of(phantom.truth)
    found, true = levels_from_discs(carried, line)[0], levels_from_discs(phantom.discs, line)[0]
    assert (found == true).mean() > 0.85


@pytest.mark.parametrize(
    ("contrast", "real", "named"),
    [("T1w", 3, 4), ("T1w", 8, 7), ("T1w", 5, 6), ("T2w", 4, 3), ("T2w", 5, 4), ("T2w", 8, 9)],
)
def test_a_disc_that_is_misnamed_by_one_is_doubted(phantoms, contrast, real, named):
    phantom = phantoms[contrast]
    wrong = replace(chosen(phantom.discs, real)[0], value=named)
    found = propose_discs(phantom.image, phantom.truth, [wrong])
    assert found.implausible
    assert "further " + ("up" if named > real else "down") in found.notes[0]


@pytest.mark.parametrize("contrast", SAGITTAL)
def test_a_point_in_mid_vertebra_is_doubted(phantoms, contrast):
    phantom = phantoms[contrast]
    upper, lower = (np.array(disc.position_mm) for disc in chosen(phantom.discs, 4, 5))
    found = propose_discs(phantom.image, phantom.truth, [DiscLabel(4, tuple((upper + lower) / 2))])
    assert found.implausible
    assert "middle of a vertebra" in found.notes[0]


def test_correcting_a_disc_corrects_the_others_and_leaves_it_alone(phantoms):
    phantom = phantoms["T2w"]
    right = chosen(phantom.discs, 8)[0]
    before = propose_discs(phantom.image, phantom.truth, [replace(right, value=7)])
    assert min(errors_mm(chosen(before.labels, 4, 5, 6), phantom.discs).values()) > 10.0
    after = propose_discs(phantom.image, phantom.truth, [right])
    assert max(errors_mm(after.labels, phantom.discs).values()) < 2.0
    assert chosen(after.labels, 8) == [right]


@pytest.fixture(scope="module")
def t2(shared_data):
    folder = shared_data / "images" / "sct-testing"
    return read_nifti(folder / "t2.nii.gz"), read_nifti(folder / "t2_seg-manual.nii.gz")


@pytest.fixture(scope="module")
def t2_borders(shared_data, t2):
    """Slices at which the labelled segmentation of t2 goes from one level to the next: C2/C3 and
    C3/C4.
    """
    labels = reorient(
        read_nifti(shared_data / "images" / "sct-testing" / "t2_seg-manual_labeled.nii.gz"), "LAS"
    ).data
    levels = [
        (
            int(round(labels[:, :, k][labels[:, :, k] > 0].mean()))
            if (labels[:, :, k] > 0).any()
            else 0
        )
        for k in range(labels.shape[2])
    ]
    return {
        value: max(k for k, level in enumerate(levels) if level == value) + 0.5 for value in (3, 4)
    }


@pytest.mark.parametrize(("known", "wanted"), [(3, 4), (4, 3)])
def test_discs_of_a_real_neck_are_within_4_mm_of_its_labelled_levels(t2, t2_borders, known, wanted):
    image, mask = t2
    line = centreline_of(mask)
    row = int(round(t2_borders[known]))
    start = line.points_mm[row - line.slices[0]] + [0.0, 7.0, 0.0]
    found = propose_discs(image, mask, [DiscLabel(known, tuple(start))])
    position = np.array(chosen(found.labels, wanted)[0].position_mm)
    place = line.slices[np.argmin(np.linalg.norm(line.points_mm - position, axis=1))]
    assert abs(place - t2_borders[wanted]) * mask.spacing[1] < 4.0
    assert not found.implausible


def test_labels_of_t2_that_lie_in_mid_vertebra_are_doubted(t2, shared_data):
    """The disc points that come with this crop lie 7 to 10 mm from the discs that its image
    shows.
    """
    labels = discs_from_label_image(
        read_nifti(shared_data / "images" / "sct-testing" / "t2_labels-disc.nii.gz")
    )
    found = propose_discs(*t2, labels)
    assert found.implausible


def test_an_image_that_cannot_tell_names_gives_the_ways_to_name_them(t2):
    found = propose_discs(*t2)
    assert not found.certain
    assert found.discs == found.namings[0].discs
    probabilities = [naming.probability for naming in found.namings]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0.5 < sum(probabilities) <= 1.0 + 1e-9


@pytest.mark.parametrize("known", [3, 10])
def test_the_templates_discs_from_one(shared_data, known):
    folder = shared_data / "template"
    image, mask = (
        read_nifti(folder / "PAM50_small_t2.nii.gz"),
        read_nifti(folder / "PAM50_small_cord.nii.gz"),
    )
    truth = discs_from_label_image(read_nifti(folder / "PAM50_small_label_disc.nii.gz"))
    found = propose_discs(image, mask, chosen(truth, known))
    true_values = {disc.value for disc in truth}
    errors = errors_mm([label for label in found.labels if label.value in true_values], truth)
    assert set(errors) == set(range(2, 20))
    assert max(errors.values()) < 3.0
    assert not found.implausible


def test_a_label_image_can_be_written_and_read_back(phantoms):
    phantom = phantoms["T2w"]
    image, notes = discs_to_label_image(
        [*phantom.discs, DiscLabel(20, (0.0, 0.0, -900.0))], phantom.image
    )
    assert "T12/L1" in notes[0]
    again = discs_from_label_image(image)
    assert [disc.value for disc in again] == [disc.value for disc in phantom.discs]
    assert max(errors_mm(again, phantom.discs).values()) < 0.9


def test_discs_in_one_voxel_are_said(phantoms):
    image, disc = phantoms["T2w"].image, phantoms["T2w"].discs[0]
    labels, notes = discs_to_label_image([disc, replace(disc, value=disc.value + 1)], image)
    assert np.unique(labels.data).tolist() == [0, disc.value]
    assert "same voxel" in notes[0]


@pytest.mark.parametrize("known", [(), (5,)], ids=["none known", "one known"])
def test_looking_for_discs_is_followed_and_stopped(phantoms, known):
    phantom, told = phantoms["T2w"], []

    def look(progress):
        return propose_discs(
            phantom.image, phantom.truth, chosen(phantom.discs, *known), progress=progress
        )

    look(Progress(lambda fraction, message: told.append(fraction)))
    assert told == sorted(told)
    assert told[-1] == 1.0
    asked = iter([False, False, False, True])
    with pytest.raises(Cancelled):
        look(Progress(is_cancelled=lambda: next(asked)))


def test_discs_of_another_scanner_space_are_refused(phantoms):
    phantom = phantoms["T2w"]
    shifted = Volume(
        phantom.truth.data,
        np.array([[1, 0, 0, 90.0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        @ phantom.truth.affine,
    )
    with pytest.raises(InputError, match="away from the cord"):
        carry_over_discs(phantom.discs, shifted)


# Posterior disc tips of the lumbar image (voxels of its RAS grid, by eye), and the cord's middle
# down to the conus.
LUMBAR_DISCS = {
    18: (23, 76, 187),
    19: (23, 77.5, 161),
    20: (23, 82.5, 133),
    21: (23, 88.5, 102.5),
    22: (23, 95.5, 69),
}
LUMBAR_CORD = {100: 77, 120: 73.5, 140: 70.5, 160: 69, 200: 67.5}


@pytest.mark.parametrize("known", [18, 21])
def test_discs_of_a_real_lumbar_spine_are_within_4_mm_of_those_seen(shared_data, known):
    image = reorient(
        read_nifti(shared_data / "images" / "sct-tutorial" / "sub-single_t2_lumbar.nii.gz"), "RAS"
    )
    x, y = np.mgrid[: image.shape[0], : image.shape[1]]
    cord = np.zeros(image.shape, dtype=np.uint8)
    for k in range(100, image.shape[2]):
        middle = np.interp(k, list(LUMBAR_CORD), list(LUMBAR_CORD.values()))
        cord[:, :, k] = ((x - 23) / 5) ** 2 + ((y - middle) / 4) ** 2 <= 1
    seen = [
        DiscLabel(value, tuple(image.grid.to_world(np.array(tip, dtype=float))))
        for value, tip in LUMBAR_DISCS.items()
    ]
    found = propose_discs(image, Volume(cord, image.affine), chosen(seen, known))
    assert {disc.label.value for disc in found} == set(LUMBAR_DISCS)
    assert max(errors_mm(found.labels, seen).values()) < 4.0
