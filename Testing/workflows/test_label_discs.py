"""Discs of a volume in memory, as the panel finds them."""

from __future__ import annotations

import pytest

from known_phantoms import known_phantom
from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.morphometry import DiscLabel
from SoftCordSegLib.morphometry.disc_files import FOUND, KNOWN
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import read_nifti
from SoftCordSegLib.workflows.label_discs import LabelOptions, label_volume
from workflows.made_data_set import _neck
from workflows.quick_segmenter import straight_cord
from workflows.real_necks import check_discs_of_a_neck


def test_discs_are_found_from_a_known_one_and_landmarks_are_kept():
    phantom = known_phantom("T2w")
    known = [disc for disc in phantom.discs if disc.value == 3]
    junction = DiscLabel(50, (0.0, 0.0, 90.0))
    labelling = label_volume(phantom.image, phantom.truth, [*known, junction], Progress())

    sources = {disc.label.value: disc.source for disc in labelling.discs}
    assert list(sources)[0] == 50, "from above to below"
    assert (sources[3], sources[50], sources[5]) == (KNOWN, KNOWN, FOUND)
    assert not labelling.implausible


def test_one_click_after_segmenting_finds_and_names_the_discs_of_a_neck(shared_data):
    check_discs_of_a_neck(shared_data, "errsm20")


@pytest.fixture(scope="module")
def crop(shared_data):
    """A neck of two discs."""
    folder = shared_data / "images" / "sct-testing"
    return read_nifti(folder / "t2.nii.gz"), read_nifti(folder / "t2_seg-manual.nii.gz")


def test_uncertain_names_are_refused_with_what_was_found_and_what_to_do(crop):
    with pytest.raises(InputError) as refused:
        label_volume(*crop, [], Progress())
    assert refused.value.sentence.startswith("2 discs were found, but their names are not certain")
    assert "%" in refused.value.sentence
    assert "give it as known" in refused.value.hint


def test_uncertain_names_can_be_had_to_ask_for_them(crop):
    junction = DiscLabel(50, (-7.0, 0.0, 60.0))
    labelling = label_volume(*crop, [junction], Progress(), uncertain_names=True)
    assert not labelling.certain
    assert labelling.discs == labelling.namings[0].discs
    key = labelling.namings[0].key_disc
    assert key in labelling.discs
    assert key.source == FOUND
    assert key.confidence > 0.5
    sure = label_volume(*crop, [key.label], Progress())
    assert sure.certain
    assert sure.namings == ()


def test_no_disc_along_the_mask_is_a_sentence():
    """The mask lies beside the cord, straight through a bent neck."""
    image = _neck("sub-04_ses-1_T2w")
    mask = straight_cord(image, None, progress=Progress()).volume
    for uncertain_names in (False, True):
        with pytest.raises(InputError, match="No disc is seen"):
            label_volume(image, mask, [], Progress(), uncertain_names=uncertain_names)


def test_carrying_over_and_known_discs_contradict_each_other(tmp_path):
    with pytest.raises(OptionError, match="carried over"):
        LabelOptions(known_files=[tmp_path / "a.nii.gz"], carry_from=tmp_path / "b").check()
