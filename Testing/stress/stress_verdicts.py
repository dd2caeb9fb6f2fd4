"""Raters who are killed, and raters at once: no verdict is lost but the one in hand, and every file
is whole.
"""

from __future__ import annotations

import os

from hypothesis import given, settings

from review.folders import bids_folder
from review.test_verdicts import STRANGE, check_between
from review.writers import kill_raters, raters_at_once
from stress.tally import LOST, WRONG, tally

KILLS = int(os.environ.get("SOFTCORD_KILLS", "50"))
LINES = 1000


def test_raters_who_are_killed_lose_the_verdict_in_hand_at_most(tmp_path):
    counted = tally(f"{KILLS} kills of a rater who judges and saves")

    found = kill_raters(bids_folder(tmp_path, participants=12), KILLS)

    for _ in range(found.stored + found.saved):
        counted.add("accepted")
    for what in found.lost:
        counted.add(LOST, what)
    for what in found.broken:
        counted.add(WRONG, what)
    assert found.kills == KILLS
    assert found.stored > KILLS
    assert found.saved > KILLS // 3
    counted.check()


def write(name, dataset, writers):
    counted = tally(name)

    there = raters_at_once(dataset, writers, LINES // len(writers))

    for number in range(len(writers)):
        for at in range(LINES // len(writers)):
            times = there.count(f"{number}-{at}")
            counted.add(*(("accepted",) if times == 1 else (LOST, f"{number}-{at}", f"{times}")))
    assert len(there) == LINES
    counted.check()


def test_four_raters_at_once(tmp_path):
    raters = [(name, "one") for name in ("Anna", "anna", "Bert/../x", "山田")]
    write("1,000 verdicts of four raters at once", bids_folder(tmp_path, 30), raters)


def test_one_rater_on_two_machines(tmp_path):
    machines = [("Anna", "one"), ("Anna", "two")]
    write("1,000 verdicts of one rater on two machines", bids_folder(tmp_path, 30), machines)


def test_one_rater_in_four_windows_of_one_machine(tmp_path):
    write("1,000 verdicts of one rater, four times", bids_folder(tmp_path, 30), [("Anna", "1")] * 4)


@settings(max_examples=1000)
@given(STRANGE)
def test_whatever_stands_between_verdicts(lines):
    check_between(lines)
