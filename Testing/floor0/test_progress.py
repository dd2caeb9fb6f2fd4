"""The one object through which long work speaks to whoever waits."""

from __future__ import annotations

import pytest

from SoftCordSegLib.errors import Cancelled
from SoftCordSegLib.progress import Progress


def test_parts_of_parts_report_to_the_whole():
    said = []
    progress = Progress(lambda fraction, message: said.append((round(fraction, 6), message)))

    half = progress.part(0.5, 1.0)
    half.report(0.0, "locate")
    half.part(0.5, 1.0).report(0.5, "tile")

    assert said == [(0.5, "locate"), (0.875, "tile")]


def test_fractions_stay_between_0_and_1():
    said = []
    progress = Progress(lambda fraction, message: said.append(fraction))

    progress.report(-1, "early")
    progress.report(7, "late")
    progress.part(0.2, 0.4).report(7, "a part does not reach beyond its end")

    assert said == [0.0, 1.0, 0.4]


def test_the_wish_to_stop_reaches_every_part():
    wish = [False]
    part = Progress(is_cancelled=lambda: wish[0]).part(0, 0.5).part(0, 0.5)
    part.check_cancelled()

    wish[0] = True

    with pytest.raises(Cancelled):
        part.check_cancelled()


def test_nobody_need_listen():
    Progress().report(0.5, "nobody hears")
    Progress().check_cancelled()
