"""Hundreds of models from strangers: each is refused with a sentence, and nothing of it stays."""

from __future__ import annotations

import time
import traceback

import psutil

from stress import tally as tallies
from stress.hostile_models import attempt, cases

COUNT = 420


def test_hostile_models_are_refused(tmp_path):
    counted = tallies.tally(f"{COUNT} models")
    for number, (name, make) in enumerate(cases(COUNT)):
        folder = tmp_path / str(number)
        folder.mkdir()
        begun = time.monotonic()
        try:
            result = attempt(make, folder)
        except Exception:
            counted.add(tallies.TRACEBACK, name, traceback.format_exc())
            continue
        if time.monotonic() - begun > tallies.LONGEST_S:
            counted.add(tallies.HANG, name)
        elif psutil.Process().memory_info().rss > tallies.MOST_BYTES:
            counted.add(tallies.MEMORY, name)
        elif result.startswith("left"):
            counted.add(tallies.LEFT, name, result)
        elif result == "accepted":
            counted.add(tallies.WRONG, name)
        else:
            counted.add("refused")
    counted.check()
