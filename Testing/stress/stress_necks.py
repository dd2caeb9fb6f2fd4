"""Discs are found and named in every whole neck; ``make test`` has one of them."""

from __future__ import annotations

import pytest

from workflows.real_necks import NECKS, check_discs_of_a_neck


@pytest.mark.parametrize("participant", NECKS)
def test_one_click_after_segmenting_finds_and_names_the_discs_of_a_neck(shared_data, participant):
    check_discs_of_a_neck(shared_data, participant)
