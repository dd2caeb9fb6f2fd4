"""Accuracy against the time of a tile: what is taken from the measure's file, and the picture."""

from __future__ import annotations

import json

import pytest

from recipes.loaded_recipe import recipe
from SoftCordSegLib.evaluation.held_out import Measured
from SoftCordSegLib.evaluation.held_out.area_profile import StretchSpread
from SoftCordSegLib.evaluation.held_out.image_measures import ContrastSpread, ImageMeasures
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.store import find_bundle


@pytest.fixture(scope="module")
def sizes(repository):
    return recipe("size_and_time", repository)


def measured(bundle: str) -> dict:
    def image(participant, **values):
        return ImageMeasures("i", participant, "T2w", "cervical", "", "", False, values)

    images = (image("a", dice=0.9), image("a", dice=0.8), image("a"), image("b", dice=0.95))
    spreads = tuple(
        ContrastSpread(
            "a", "cervical", "", ("T2w", "DWI"), False, StretchSpread(9, 5.0, 1.0, sd, {}, {}, {})
        )
        for sd in (2.0, 3.0)
    )
    return Measured(bundle, "", images, spreads, ()).to_json()


def test_each_participant_counts_once_and_a_tile_is_timed_with_both_engines(
    sizes, tmp_path, capsys
):
    name = load_bundle(find_bundle("compact")).name
    file = tmp_path / "measured.json"
    file.write_text(json.dumps({"bundles": [measured(name)]}), encoding="utf-8")
    picture = tmp_path / "sizes.png"

    assert sizes.main([str(file), "compact", "-o", str(picture), "--threads", "1"]) == 0

    row = capsys.readouterr().out.splitlines()[-1].split("|")
    assert row[2].strip() == "16·32·64·128·128"
    assert float(row[3]) == pytest.approx(3.75, abs=0.05)
    openvino, pytorch = float(row[4]), float(row[5])
    assert openvino > 0
    assert pytorch > 0
    assert float(row[6]) == pytest.approx(0.9)
    assert float(row[7]) == pytest.approx(2.5)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_another_files_numbers_are_not_taken(sizes, tmp_path, capsys):
    file = tmp_path / "measured.json"
    file.write_text(json.dumps({"bundles": [measured("another 1.0")]}), encoding="utf-8")

    assert sizes.main([str(file), "compact", "-o", str(tmp_path / "x.png")]) == 1
    assert "It holds another 1.0" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()
