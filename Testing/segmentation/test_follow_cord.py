"""Following the cord from where it was found to where it ends."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.conftest import BrightBundle, BrightIsCord, bright_bundle
from segmentation.tubes import dice
from SoftCordSegLib.network import load_bundle, shipped_bundles
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import Volume, read_nifti, reorient

LENGTH = 220


class UpperHalfOnly(BrightIsCord):
    """A locator that misses the lower half of what it sees, or ``missed``."""

    missed = None

    def forward(self, x):
        (raw,) = super().forward(x)
        raw[..., self.missed or slice(raw.shape[-1] // 2)] = 0
        return [raw]


class HalfLocatedBundle(BrightBundle):
    """Its segmenter sees what is bright; its locator only the upper half of that."""

    def network(self, stage):
        if stage is self.segmenter:
            return super().network(stage)
        return self.__dict__.setdefault("_blind", UpperHalfOnly())


@pytest.fixture
def half_located():
    whole = bright_bundle()
    return HalfLocatedBundle(
        folder=whole.folder,
        metadata=whole.metadata,
        orientation=whole.orientation,
        locator=whole.locator,
        segmenter=whole.segmenter,
    )


def a_cord(bend=0.0, first=0, gap=(0, 0), tip_mm=0, blank=(0, 0)) -> tuple[Volume, np.ndarray]:
    """A bright cord in an image of ``LENGTH`` slices, and where it is.

    Args:
        bend: how far it runs to the front and back again, mm.
        first: the lowest slice of cord.
        gap: slices in which it is as dark as all around.
        tip_mm: over which it tapers at its lower end.
        blank: slices that hold 0 all over.
    """
    x, y, z = np.indices((60, 110, LENGTH))
    middle = 30 + bend * np.sin(np.pi * z / LENGTH)
    radius = 5.0 * np.sqrt(np.clip((z - first + 1) / max(tip_mm, 1), 0, 1))
    soft = np.clip(radius - np.hypot(x - 30, y - middle) + 0.5, 0, 1)
    soft *= (z >= first) & ((z < gap[0]) | (z >= gap[1]))
    data = 100 + 900 * soft + np.random.default_rng(0).normal(0, 1, soft.shape)
    data[:, :, slice(*blank)] = 0
    return Volume(data.astype(np.float32), np.eye(4)), soft


def filled(mask: np.ndarray) -> list[int]:
    """The slices with cord."""
    return np.flatnonzero((mask >= 0.5).any(axis=(0, 1))).tolist()


@pytest.mark.parametrize("bend", [0.0, 60.0])
def test_a_cord_that_was_located_in_part_is_followed_to_the_edge_of_the_image(half_located, bend):
    image, truth = a_cord(bend)
    result = segment(image, half_located)
    assert filled(result.volume.data) == list(range(LENGTH))
    assert dice(result.volume.data >= 0.5, truth >= 0.5) > 0.9
    assert result.notes == ()
    start, _ = result.box.voxels_of(image.grid)
    assert start[2] <= 1, "the box is what was looked at"


def test_it_is_followed_upwards_too(half_located):
    image, truth = a_cord(30.0)
    half_located.network(half_located.locator).missed = slice(-32 // 2, None)
    mask = segment(image, half_located).volume.data
    assert filled(mask)[: LENGTH - 2] == list(range(LENGTH - 2))
    assert dice(mask >= 0.5, truth >= 0.5) > 0.93


def test_a_gap_as_of_a_lesion_is_filled_and_said(half_located):
    image, _ = a_cord(20.0, gap=(60, 75))
    _, truth = a_cord(20.0)
    result = segment(image, half_located)
    assert filled(result.volume.data) == list(range(LENGTH))
    assert dice(result.volume.data >= 0.5, truth >= 0.5) > 0.93
    (note,) = result.notes
    assert "slices 60 to 74" in note
    assert "drawn from the slices below and above" in note


def test_blank_slices_are_crossed_and_stay_empty(half_located):
    image, _ = a_cord(blank=(60, 64))
    result = segment(image, half_located)
    assert filled(result.volume.data) == [*range(60), *range(64, LENGTH)]
    assert any("4 slices inside the image" in note for note in result.notes)


def test_behind_a_long_gap_nothing_is_guessed_and_the_end_is_said(half_located):
    image, _ = a_cord(gap=(30, 80))
    result = segment(image, half_located)
    assert filled(result.volume.data) == list(range(80, LENGTH))
    assert any("ends inside the image, 8" in note and "(slice 8" in note for note in result.notes)


def test_a_cord_that_tapers_has_ended(half_located):
    """Behind the conus runs something like a cord: the filum, a vessel."""
    image, _ = a_cord(first=60, tip_mm=50)
    x, y, z = np.indices(image.shape)
    image.data[(np.hypot(x - 30, y - 30) < 4) & (z < 45)] = 1000
    mask = segment(image, half_located).volume.data
    assert filled(mask)[0] >= 55
    assert not mask[:, :, :45].any()


def test_below_an_enlargement_come_roots_and_nothing_is_followed(half_located):
    """Of the calibre of the thoracic cord, and in line with it."""
    image, _ = a_cord(first=80)
    x, y, z = np.indices(image.shape)
    radius = np.hypot(x - 30, y - 30)
    image.data[(radius < 6.5) & (z >= 80) & (z < 125)] = 1000
    image.data[(radius < 5) & (z < 70)] = 1000
    half_located.network(half_located.locator).missed = slice(28)
    assert filled(segment(image, half_located).volume.data)[0] >= 75


def test_roots_that_were_taken_for_cord_are_not_followed_and_the_gap_above_them_stays(half_located):
    """Though they are longer than the cord that is seen."""
    image, _ = a_cord(first=140)
    x, y, z = np.indices(image.shape)
    radius = np.hypot(x - 30, y - 30)
    image.data[(radius < 6.5) & (z >= 140) & (z < 180)] = 1000
    image.data[(radius < 5) & (z < 128)] = 1000
    half_located.network(half_located.locator).missed = slice(20)
    result = segment(image, half_located)
    found = filled(result.volume.data)
    assert found[0] >= 20
    assert not set(range(130, 138)) & set(found)
    assert any("is interrupted" in note for note in result.notes)


def test_something_much_wider_is_not_followed(half_located):
    image, _ = a_cord(first=70)
    x, y, z = np.indices(image.shape)
    image.data[(np.hypot(x - 30, y - 30) < 11) & (z < 60)] = 1000
    assert filled(segment(image, half_located).volume.data)[0] >= 58


def test_a_tile_is_computed_for_each_stretch_and_not_for_the_field_of_view(half_located):
    image, _ = a_cord()
    located = bright_bundle()
    calls = []
    for bundle in (located, half_located):
        before = bundle.network(bundle.segmenter).calls
        segment(image, bundle)
        calls.append(bundle.network(bundle.segmenter).calls - before)
    assert calls[1] <= calls[0]


def test_a_given_box_is_not_left(half_located):
    from SoftCordSegLib.volume import Box

    image, _ = a_cord()
    box = Box.of_grid(image.grid.crop(np.array([10, 10, 100]), np.array([50, 50, 160])))
    assert filled(segment(image, half_located, box=box).volume.data) == list(range(100, 160))


def test_the_thoracic_cord_of_a_real_neck_is_followed_to_the_edge(shared_data):
    """A third of its slices was missing, where the cord bends back and is thin."""
    folder = shared_data / "images/errsm"
    image = reorient(read_nifti(folder / "sub-errsm11_T2w.nii.gz"), "LAS")
    drawn = reorient(read_nifti(folder / "sub-errsm11_T2w_seg-manual.nii.gz"), "LAS").data > 0
    # The lower two thirds.
    part = Volume(image.data[:, 60:230, :140], image.grid.crop([0, 60, 0], [52, 230, 140]).affine)
    result = segment(part, load_bundle(shipped_bundles()[0]))
    found = set(filled(result.volume.data))
    assert set(filled(drawn[:, 60:230, :140])) - found <= set(range(5))
