"""``softcord review doubt``."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from review import round_cord
from SoftCordSegLib.cli.app import app
from SoftCordSegLib.volume import write_nifti
from SoftCordSegLib.workflows.review import review_doubt


def review(*words, code=0):
    result = CliRunner().invoke(app, ["review", *map(str, words)])
    assert result.exit_code == code, result.stderr
    return json.loads(result.stdout) if "--json" in words else result.stderr


@pytest.fixture
def dataset(tmp_path):
    """A good mask, one of the whole sac, and an image that is none."""
    for name, data in (("good", round_cord.mask()), ("sac", round_cord.mask(radius=8.0))):
        write_nifti(round_cord.volume(round_cord.image()), tmp_path / f"{name}.nii.gz")
        write_nifti(round_cord.volume(data), tmp_path / f"{name}_seg.nii.gz")
    (tmp_path / "broken.nii.gz").write_bytes(b"<html>" * 20)
    write_nifti(round_cord.volume(round_cord.mask()), tmp_path / "broken_seg.nii.gz")
    return tmp_path


def test_the_doubtful_come_first_with_the_reason_and_the_list_knows_them(dataset):
    found = review("doubt", dataset, "--json")
    rows = [(row["case"], row["Score"] > 0.9) for row in found["doubts"]]

    assert rows == [("sac", True), ("broken", True), ("good", False)]
    assert found["failures"] == ["broken"]
    text = review("doubt", dataset)
    assert text.index("sac") < text.index("good")
    assert "two tissues" in text
    assert "broken: " in text
    assert "2 masks judged; 1 could not be read; 0 images without a mask." in text
    assert "two tissues" in review("list", dataset)


def test_cases_to_teach_are_drawn_by_a_seed(dataset):
    one, again = (
        review("doubt", dataset, "--teach", 2, "--seed", 3, "--json")["teach"] for _ in range(2)
    )

    assert one == again
    assert len({row["case"] for row in one}) == 2
    assert {row["drawn"] for row in one} <= {"unsure", "random"}
    assert "To teach" in review("doubt", dataset, "--teach", 1)
    assert review("doubt", dataset, "--json")["teach"] == []


def test_the_network_is_asked_once_for_each_mask(dataset, monkeypatch):
    from cli.fakes import A_BUNDLE, engine
    from SoftCordSegLib.review.network_agreement import Agreement

    asked = []

    def agreement(image, mask, bundle, **options):
        asked.append(options["by_this_network"])
        return Agreement(0.5, 0.4, 0.1, (0.0, 6.0, 130.0))

    monkeypatch.setattr(review_doubt, "network_agreement", agreement)
    with engine(None):
        found = review("doubt", dataset, "--network", "--json")
        again = review("doubt", dataset, "--network", "--json")
    kept = review("doubt", dataset, "--json")

    assert asked == [False, False]
    assert again["doubts"] == found["doubts"] == kept["doubts"]
    good = next(row for row in found["doubts"] if row["case"] == "good")
    assert good["Score"] > 0.9
    assert "the model agrees by 40 % only" in good["Reason"]
    assert A_BUNDLE.name not in json.dumps(found)
    assert np.isclose(good["PositionMm"], [0, 6, 130], atol=3).all()
