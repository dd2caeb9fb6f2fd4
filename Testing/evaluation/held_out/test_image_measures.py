"""The records of a bundle on a list."""

from __future__ import annotations

import json
import math

import pytest

from evaluation.held_out.records import measure
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.evaluation.held_out import Measured, read_tips
from SoftCordSegLib.evaluation.held_out.image_measures import Tip


class TestMeasuring:
    def test_contrasts_and_rescans_are_found_by_person_and_session(self, study):
        found = measure(study, "0.6.0")

        (spread,) = found.spreads
        (rescan,) = found.rescans
        assert (spread.participant, spread.contrasts, spread.seen) == (
            "b",
            ("T2star", "T2w"),
            False,
        )
        assert spread.spread.sd_mm2 == pytest.approx(
            2 * math.pi * 5.2 * 0.3 / math.sqrt(2), rel=0.15
        )
        assert (rescan.participant, rescan.visit) == ("a", "")
        assert rescan.difference_mm2 == pytest.approx(2 * math.pi * 5.3 * 0.2, rel=0.15)

    def test_records_survive_the_file(self, study):
        found = measure(study, "0.5.0", offset_mm=0.1)

        again = Measured.from_json(json.loads(json.dumps(found.to_json())))

        assert again == found
        with pytest.raises(InputError, match="not a measure of a bundle"):
            Measured.from_json({"bundle": "compact"})


def test_tips_that_cannot_be_seen_are_left_out(tmp_path):
    table = tmp_path / "tips.csv"
    table.write_text(
        "file,cord_visible,tip_S,tip_uncertainty_mm,top_S\na.nii.gz,yes,10,4,90\nb.nii.gz,unsure,,,\n",
        encoding="utf-8",
    )

    assert read_tips(table) == {(tmp_path / "a.nii.gz").resolve(): Tip(10.0, 4.0, 90.0)}
    table.write_text("file\na\n", encoding="utf-8")
    with pytest.raises(InputError, match="not a table of tips"):
        read_tips(table)
