"""Vertebral levels of slices, from discs and from a labelled segmentation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphometry.cords import cylinder
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import (
    DiscLabel,
    MeasureOptions,
    add_levels,
    add_levels_from_mask,
    centreline_of,
    check_discs,
    discs_from_label_image,
    is_labelled_mask,
    levels_from_discs,
    measure,
)
from SoftCordSegLib.volume import Volume, read_nifti, reorient

CORD = cylinder(shape=(40, 40, 60))


LINE = centreline_of(CORD)


def disc(value: int, number: float, forward: float = 10.0) -> DiscLabel:
    """A disc label before the cord at slice ``number``."""
    return DiscLabel(value, tuple(CORD.grid.to_world([19.5, 19.5 + forward, number])))


def test_disc_slice_and_those_below_it_belong_to_the_disc():
    levels, notes, _ = levels_from_discs([disc(3, 40), disc(4, 25), disc(5, 10)], LINE)
    assert notes == ()
    assert levels[41:].tolist() == [2] * 19
    assert levels[26:41].tolist() == [3] * 15
    assert levels[11:26].tolist() == [4] * 15
    assert levels[:11].tolist() == [5] * 11


def test_above_the_top_of_c1_there_is_no_level():
    levels, _, _ = levels_from_discs([disc(1, 40), disc(2, 30)], LINE)
    assert set(levels[41:]) == {0}


def test_discs_beyond_the_mask_keep_their_order():
    levels, _, _ = levels_from_discs(
        [disc(2, 90), disc(3, 75), disc(4, 30), disc(5, -12), disc(6, -30)], LINE
    )
    assert levels[31:].tolist() == [3] * 29
    assert levels[:31].tolist() == [4] * 31


def test_a_missing_disc_is_said():
    _, notes, _ = levels_from_discs([disc(3, 40), disc(5, 10)], LINE)
    assert "C3/C4 (value 4) is not marked" in notes[0]


@given(st.permutations([disc(3, 50), disc(4, 35), disc(5, 20), disc(50, 58)]))
def test_the_order_in_which_discs_are_given_does_not_matter(discs):
    assert [found.value for found in check_discs(discs, LINE)[0]] == [3, 4, 5]


@pytest.mark.parametrize(
    ("discs", "sentence"),
    [
        ([disc(3, 20), disc(4, 40)], r"C3/C4 \(value 4\) is not below C2/C3"),
        ([disc(3, 20), disc(3, 40)], r"C2/C3 \(value 3\) is marked twice"),
        ([disc(3, 40), disc(4, 20, forward=60)], r"C3/C4 \(value 4\) is 60 mm away from the cord"),
        ([], "No intervertebral disc is marked"),
        ([disc(50, 30)], "No intervertebral disc is marked"),
    ],
)
def test_wrong_discs_are_a_sentence_that_names_the_label(discs, sentence):
    with pytest.raises(InputError, match=sentence):
        check_discs(discs, LINE)


def test_levels_from_a_labelled_segmentation_are_the_rounded_mean():
    labels = np.where(CORD.data > 0.5, 4.0, 0.0)
    labels[:, :, 30:] *= 0.75
    shape = add_levels_from_mask(measure(CORD), reorient(CORD.with_data(labels), "RPI"))
    assert shape.levels.tolist() == [4] * 30 + [3] * 30
    with pytest.raises(InputError, match="another grid"):
        add_levels_from_mask(measure(CORD), Volume(labels[1:], CORD.affine))
    with pytest.raises(InputError, match="no labels"):
        add_levels_from_mask(measure(CORD), CORD.with_data(labels * 0))


def test_levels_need_a_centreline():
    flat = measure(CORD, MeasureOptions(angle_correction=False))
    with pytest.raises(InputError, match="centreline"):
        add_levels(flat, [disc(3, 40)])
    assert add_levels(flat, [disc(3, 40)], CORD).levels[0] == 3


def test_levels_of_a_shape_show_in_its_slices():
    shape = add_levels(measure(CORD), [disc(1, 40), disc(2, 20)], CORD)
    assert (shape.at_slice(10).level, shape.at_slice(30).level, shape.at_slice(50).level) == (
        2,
        1,
        None,
    )


def test_template_levels_from_discs_are_the_templates_own(shared_data):
    """PAM50's posterior disc tips give PAM50's own level of each slice, but for a slice or two at
    the borders.
    """
    cord = read_nifti(shared_data / "template" / "PAM50_cord.nii.gz")
    line = centreline_of(cord)
    levels, _, _ = levels_from_discs(
        discs_from_label_image(
            read_nifti(shared_data / "template" / "PAM50_label_discPosterior.nii.gz")
        ),
        line,
    )
    labels = np.asarray(
        read_nifti(shared_data / "template" / "PAM50_levels.nii.gz").data, dtype=float
    )
    own = np.array(
        [
            labels[:, :, k][labels[:, :, k] > 0].mean() if labels[:, :, k].any() else 0
            for k in line.slices
        ]
    )
    both = (levels > 0) & (own > 0) & (own < 49)
    assert both.sum() > 500
    assert (levels[both] == np.round(own[both])).mean() > 0.9


@pytest.mark.parametrize(
    ("name", "labelled"),
    [
        ("images/sct-testing/t2_seg-manual_labeled", True),
        ("images/sct-testing/t2_labels-disc", False),
        ("template/PAM50_levels", True),
        ("template/PAM50_label_disc", False),
    ],
)
def test_the_two_kinds_of_label_image_are_told_apart(shared_data, name, labelled):
    assert is_labelled_mask(read_nifti(shared_data / f"{name}.nii.gz")) is labelled
