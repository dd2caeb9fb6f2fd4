"""One soft ground truth in every contrast's own space: padding, trimming, coverage, averaging."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtruth.cords import Cord, grid, stored, turned_axes
from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.groundtruth import (
    AUTHORS,
    Contrast,
    GroundTruthOptions,
    make_ground_truth,
)
from SoftCordSegLib.groundtruth.soft_average import average, coverage_of, pad_ends, trim_ends
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume

UNTRIMMED = GroundTruthOptions(trim_mm=0)
WHERE = grid(0.8, (36, 36, 40))


def three_contrasts(soft=True):
    """One cord: straight T2w, oblique T1w stored sagittally, moved thick T2star."""
    cord = Cord(bend=(4, -6))
    return [
        Contrast("T2w", cord.mask(WHERE, soft=soft)),
        Contrast(
            "T1w",
            stored(
                cord.mask(
                    grid(1.0, (34, 34, 24), turned_axes((8, 4, -5))), (1.2, 0.6), 5, soft=soft
                ),
                "PSR",
            ),
        ),
        Contrast("T2star", cord.mask(grid((0.5, 0.5, 5), (56, 56, 6)), (-0.9, 1.4), -7, soft=soft)),
    ]


def test_the_average_of_identical_masks_is_the_mask():
    mask = Cord(bend=(5, 5)).mask(WHERE, soft=False)

    truth = make_ground_truth([Contrast(name, mask) for name in ("T2w", "T1w", "MTon")])

    for one in truth.contrasts:
        assert np.abs(one.soft.data - mask.data).max() < 1e-5
        assert one.soft.grid.same_as(mask.grid)
        assert one.soft.data.dtype == np.float32


def test_identical_soft_masks_stay_as_they_are_on_an_oblique_sagittal_grid():
    mask = stored(
        Cord(turned_axes((10, -5, 3))).mask(
            grid((1, 0.8, 0.9), (26, 30, 20), turned_axes((10, -5, 3)))
        ),
        "PIR",
    )

    truth = make_ground_truth([Contrast("T2w", mask), Contrast("T1w", mask)])

    assert max(np.abs(one.soft.data - mask.data).max() for one in truth.contrasts) < 1e-5


def test_every_contrast_gets_it_where_its_own_cord_lies():
    contrasts = three_contrasts()

    truth = make_ground_truth(contrasts, UNTRIMMED)

    for contrast, one in zip(contrasts, truth.contrasts):
        assert one.name == contrast.name
        assert one.soft.letters == contrast.mask.letters
        assert one.soft.grid.same_as(contrast.mask.grid)
        hard, soft = contrast.mask.data >= 0.5, one.soft.data >= 0.5
        dice = 2 * (hard & soft).sum() / (hard.sum() + soft.sum())
        assert dice > 0.96
        assert one.soft.data.sum() == pytest.approx(contrast.mask.data.sum(), rel=0.04)
        assert one.soft.data.min() >= 0
        assert one.soft.data.max() <= 1
    assert truth.of("T1w").shift_mm.mean(axis=0) == pytest.approx([1.2, 0.6], abs=0.1)
    assert truth.of("T2star").angle_deg.mean() == pytest.approx(-7, abs=0.5)


def test_it_is_the_mean_of_what_the_contrasts_say():
    """Two concentric cords: 1 where both, a half where only the larger one."""
    small, large = (
        Cord(radii=(5, 3.5)).mask(WHERE, soft=False),
        Cord(radii=(7, 5)).mask(WHERE, soft=False),
    )

    truth = make_ground_truth([Contrast("T2w", small), Contrast("T1w", large)])

    assert truth.of("T1w").soft.data == pytest.approx((small.data + large.data) / 2, abs=1e-4)
    assert truth.of("T2w").soft.data == pytest.approx((small.data + large.data) / 2, abs=1e-4)


def test_a_missing_contrast_changes_nothing_but_the_weights():
    small, large = (
        Cord(radii=(5, 3.5)).mask(WHERE, soft=False),
        Cord(radii=(7, 5)).mask(WHERE, soft=False),
    )

    three = make_ground_truth(
        [Contrast("T2w", small), Contrast("T1w", large), Contrast("MTon", large)], UNTRIMMED
    )
    two = make_ground_truth([Contrast("T2w", small), Contrast("T1w", large)], UNTRIMMED)

    ring = (large.data > 0) & (small.data == 0)
    assert three.of("T2w").soft.data[ring] == pytest.approx(2 / 3, abs=1e-4)
    assert two.of("T2w").soft.data[ring] == pytest.approx(1 / 2, abs=1e-4)


def test_where_a_contrast_does_not_reach_the_others_alone_count():
    small = Cord(radii=(5, 3.5)).mask(WHERE, soft=False)
    part = Cord(radii=(7, 5)).mask(
        grid(0.8, (36, 36, 16)), soft=False
    )  # slices 12 to 27 of the others

    truth = make_ground_truth([Contrast("T2w", small), Contrast("MTon", part)], UNTRIMMED)

    soft = truth.of("T2w").soft.data
    assert soft[:, :, :12] == pytest.approx(small.data[:, :, :12], abs=1e-4)
    assert soft[:, :, 28:] == pytest.approx(small.data[:, :, 28:], abs=1e-4)
    assert soft[:, :, 12:28] == pytest.approx((small.data[:, :, 12:28] + part.data) / 2, abs=1e-4)
    assert truth.contrasts_per_slice[[5, 20, 35]] == pytest.approx([1, 2, 1])
    assert truth.of("T2w").coverage == pytest.approx(1)
    assert truth.of("MTon").coverage == pytest.approx(
        soft[:, :, 12:28].sum() / soft.sum(), abs=0.03
    )


def test_unsegmented_slices_do_not_thin_out_the_average():
    whole = Cord(radii=(6, 4)).mask(WHERE, soft=False)
    holed = whole.data.copy()
    holed[:, :, 15:20] = 0

    truth = make_ground_truth([Contrast("T2w", whole), Contrast("T1w", whole.with_data(holed))])

    assert truth.of("T2w").soft.data == pytest.approx(whole.data, abs=1e-4)
    # Where the contrast was not segmented it gets no ground truth either.
    assert not truth.of("T1w").soft.data[:, :, 15:20].any()


def test_the_ends_of_all_but_t1w_are_left_out_of_the_average():
    small, large = (
        Cord(radii=(5, 3.5)).mask(WHERE, soft=False),
        Cord(radii=(7, 5)).mask(WHERE, soft=False),
    )

    truth = make_ground_truth(
        [Contrast("T2w", small), Contrast("MTon", large), Contrast("T1w", large)]
    )

    ring = (large.data > 0) & (small.data == 0)
    values = [
        truth.of("T2w").soft.data[:, :, k][ring[:, :, k]].mean() for k in (0, 9, 10, 29, 30, 39)
    ]
    assert values == pytest.approx([1 / 2, 1 / 2, 2 / 3, 2 / 3, 1 / 2, 1 / 2], abs=1e-4)
    assert [one.trimmed for one in truth.contrasts] == [0, 10, 0]
    # The trimmed contrast still gets what the others say there.
    assert truth.of("MTon").soft.data[:, :, 2][ring[:, :, 2]] == pytest.approx(1 / 2, abs=1e-4)


def test_outside_the_references_field_of_view_there_is_no_ground_truth_unless_asked_for():
    cord = Cord(bend=(3, 3))
    t2w, t1w = cord.mask(grid(0.8, (36, 36, 20))), cord.mask(grid(0.8, (36, 36, 40)), (1, 1), 4)
    contrasts = [Contrast("T2w", t2w), Contrast("T1w", t1w)]

    within = make_ground_truth(contrasts).of("T1w")
    beyond = make_ground_truth(contrasts, GroundTruthOptions(beyond_reference=True)).of("T1w")

    reached = np.flatnonzero(within.soft.data.any(axis=(0, 1)))
    assert (reached[0], reached[-1]) == (10, 29)
    assert within.without == (*range(10), *range(30, 40))
    assert "slices 0-9, 30-39 were segmented but have no ground truth" in within.notes[0]
    assert beyond.without == ()
    assert beyond.notes == ()
    # Alone there, T1w's own mask comes back.
    assert beyond.soft.data[:, :, :8].sum() == pytest.approx(t1w.data[:, :, :8].sum(), rel=1e-3)
    assert ((beyond.soft.data >= 0.5) != (t1w.data >= 0.5)).sum() < 0.02 * t1w.data.sum()


def test_values_do_not_fade_at_the_end_of_the_average():
    """T1w's last voxel lies a third of a voxel beyond the reference's: its value is that of the
    reference's last.
    """
    cord = Cord()
    t2w = cord.mask(grid(0.9, (36, 36, 21)), soft=False)
    t1w = cord.mask(grid(0.9, (36, 36, 21), middle=(0, 0, 0.3)), soft=False)

    truth = make_ground_truth([Contrast("T2w", t2w), Contrast("T1w", t1w)])

    assert truth.of("T1w").soft.data[18, 18, 20] == pytest.approx(1)


def test_a_finer_averaging_grid_is_an_option():
    contrasts = three_contrasts()

    truth = make_ground_truth(
        contrasts, GroundTruthOptions(reference="T2star", spacing_mm=0.8, trim_mm=0)
    )

    assert truth.average.spacing == pytest.approx(np.full(3, 0.8))
    assert truth.of("T2star").soft.data.sum() == pytest.approx(
        contrasts[2].mask.data.sum(), rel=0.04
    )


def test_the_authors_way_is_translation_only():
    truth = make_ground_truth(three_contrasts(), AUTHORS)

    assert all(len(one.angle_deg) == 0 for one in truth.contrasts if one.name != "T2w")
    assert truth.of("T1w").shift_mm.mean(axis=0) == pytest.approx([1.2, 0.6], abs=0.1)


def test_places_are_carried_between_contrasts():
    """A disc 15 mm behind the cord's middle moves with the cord of each contrast."""
    cord = Cord()
    shift, degrees = (1.5, -2.0), 9.0
    contrasts = [
        Contrast("T2w", cord.mask(WHERE)),
        Contrast("T1w", cord.mask(WHERE, shift, degrees)),
    ]

    transform = make_ground_truth(contrasts, UNTRIMMED).of("T1w").transform

    u, v = np.array([0.0, -15.0])
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    expected = np.array(
        [-(c * u - s * v + shift[0]), s * u + c * v + shift[1], 6.0]
    )  # the first axis leads to the Left
    moved = transform.to_moving(np.array([0.0, -15.0, 6.0]))
    assert moved == pytest.approx(expected, abs=0.15)
    assert transform.to_reference(moved) == pytest.approx([0, -15, 6])


def test_the_reference_alone_is_its_own_ground_truth_and_says_so():
    mask = Cord().mask(WHERE, soft=False)

    truth = make_ground_truth([Contrast("T2w", mask)])

    assert truth.of("T2w").soft.data == pytest.approx(mask.data, abs=1e-5)
    assert "Only T2w was given" in truth.notes[0]


def test_inputs_are_not_changed():
    contrasts = three_contrasts()
    before = [one.mask.data.copy() for one in contrasts]

    make_ground_truth(contrasts)

    assert all((one.mask.data == data).all() for one, data in zip(contrasts, before))


def test_a_large_shift_is_pointed_out():
    cord = Cord()
    contrasts = [
        Contrast("T2w", cord.mask(grid(0.8, (60, 60, 20)))),
        Contrast("T1w", cord.mask(grid(0.8, (60, 60, 20)), (12, 0))),
    ]

    assert "shifted by up to 12.0 mm" in make_ground_truth(contrasts).of("T1w").notes[0]


def test_the_reference_must_be_there_and_names_be_unique():
    mask = Cord().mask(WHERE)

    with pytest.raises(InputError, match="no mask of the reference contrast T2w; there are T1w"):
        make_ground_truth([Contrast("T1w", mask)])
    with pytest.raises(InputError, match="T2w is given twice"):
        make_ground_truth([Contrast("T2w", mask), Contrast("T2w", mask)])


def test_it_can_be_stopped():
    with pytest.raises(Cancelled):
        make_ground_truth(three_contrasts(), progress=Progress(is_cancelled=lambda: True))


def test_progress_runs_from_nothing_to_all():
    told = []

    make_ground_truth(
        three_contrasts(), progress=Progress(lambda fraction, message: told.append(fraction))
    )

    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == 1


def a_stack(slices, first=0, last=None):
    data = np.zeros((4, 4, slices), np.float32)
    last = slices - 1 if last is None else last
    data[1:3, 1:3, first : last + 1] = np.linspace(0.2, 1, last - first + 1)
    return data


def test_padding_repeats_the_first_and_last_slice_once():
    mask = Volume(a_stack(6, 1, 4), np.diag([1, 1, 5, 1]))

    padded = pad_ends(mask)

    assert padded.shape == (4, 4, 8)
    assert padded.grid.to_world([0, 0, 1]) == pytest.approx(mask.grid.to_world([0, 0, 0]))
    assert (padded.data[:, :, 2:6] == mask.data[:, :, 1:5]).all()
    assert (padded.data[:, :, 1] == mask.data[:, :, 1]).all()
    assert (padded.data[:, :, 6] == mask.data[:, :, 4]).all()
    assert not padded.data[:, :, [0, 7]].any()


def test_padding_goes_beyond_the_stack_where_the_mask_fills_it():
    mask = Volume(a_stack(3), np.eye(4))

    padded = pad_ends(mask).data

    assert (padded[:, :, 0] == mask.data[:, :, 0]).all()
    assert (padded[:, :, 4] == mask.data[:, :, 2]).all()


def test_ten_slices_go_at_each_end_of_a_long_stack():
    mask, coverage = a_stack(60, 5, 54), np.ones((4, 4, 60), np.float32)

    trimmed, covered, count = trim_ends(mask, coverage, 10)

    assert count == 10
    assert np.flatnonzero(trimmed.any(axis=(0, 1))).tolist() == list(range(15, 45))
    assert np.flatnonzero(covered.any(axis=(0, 1))).tolist() == list(range(15, 45))
    assert (trimmed[:, :, 15:45] == mask[:, :, 15:45]).all()


@given(slices=st.integers(1, 60), wanted=st.integers(0, 40))
def test_at_least_half_of_any_stack_stays(slices, wanted):
    mask = a_stack(slices)

    trimmed, covered, count = trim_ends(mask, np.ones_like(mask), wanted)

    left = np.count_nonzero(trimmed.any(axis=(0, 1)))
    assert left == slices - 2 * count == np.count_nonzero(covered.any(axis=(0, 1)))
    assert count <= wanted
    assert left >= slices / 2


def test_an_empty_mask_is_left_alone():
    empty = np.zeros((2, 2, 5))

    assert trim_ends(empty, empty, 3)[2] == 0


def test_slices_without_a_mask_are_not_covered():
    mask = Cord().mask(grid(1.0, (20, 20, 9), middle=(0, 0, 4)), length=(2, 6))
    data = mask.data.copy()
    data[:, :, 4] = 0

    covered = coverage_of(mask.with_data(data)).data

    assert (
        covered.min(axis=(0, 1)).tolist()
        == covered.max(axis=(0, 1)).tolist()
        == [0, 0, 1, 1, 0, 1, 1, 0, 0]
    )


def test_the_average_is_over_those_that_cover_a_place():
    masks = [np.array([[[0.9, 0.9, 0.0, 0.0]]]), np.array([[[0.3, 0.0, 0.3, 0.0]]])]
    coverages = [np.array([[[1.0, 1.0, 0.0, 0.0]]]), np.array([[[1.0, 0.0, 0.5, 0.0]]])]

    soft, count = average(masks, coverages)

    assert soft[0, 0] == pytest.approx([0.6, 0.9, 0.6, 0.0])
    assert count[0, 0] == pytest.approx([2, 1, 0.5, 0])
    assert np.isfinite(soft).all()
