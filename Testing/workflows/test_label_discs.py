"""Discs of a volume in memory, as the panel finds them."""

from __future__ import annotations

import pytest

from SoftCordSegLib.errors import OptionError
from SoftCordSegLib.morphometry import DiscLabel
from SoftCordSegLib.morphometry.disc_files import FOUND, KNOWN
from SoftCordSegLib.phantom import make_phantom
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.workflows.label_discs import LabelOptions, label_volume


def test_discs_are_found_from_a_known_one_and_landmarks_are_kept():
    phantom = make_phantom("T2w")
    known = [disc for disc in phantom.discs if disc.value == 3]
    junction = DiscLabel(50, (0.0, 0.0, 90.0))
    labelling = label_volume(phantom.image, phantom.truth, [*known, junction], Progress())

    sources = {disc.label.value: disc.source for disc in labelling.discs}
    assert list(sources)[0] == 50, "from above to below"
    assert (sources[3], sources[50], sources[5]) == (KNOWN, KNOWN, FOUND)
    assert not labelling.implausible


def test_carrying_over_and_known_discs_contradict_each_other(tmp_path):
    with pytest.raises(OptionError, match="carried over"):
        LabelOptions(known_files=[tmp_path / "a.nii.gz"], carry_from=tmp_path / "b").check()
