"""What is known of models: shipped, and releases that can be downloaded."""

from __future__ import annotations

import pytest

from SoftCordSegLib.errors import ModelError
from SoftCordSegLib.workflows.describe_models import all_models, describe, facts_of


@pytest.fixture(autouse=True)
def own_models(tmp_path, monkeypatch):
    monkeypatch.setenv("SOFTCORDSEG_MODELS", str(tmp_path / "models"))


def test_the_shipped_model_and_the_releases_are_listed():
    models = all_models()
    assert models[0]["state"] == "shipped"
    assert "can be downloaded" in {model["state"] for model in models}


def test_a_release_has_its_licence_and_address():
    release = next(model for model in all_models() if model["state"] == "can be downloaded")
    facts = dict(facts_of(describe(release["name"])))
    assert facts["URL"].startswith("https://")
    assert "Licence" in facts


def test_an_unknown_name_is_a_sentence():
    with pytest.raises(ModelError, match="nonsense"):
        describe("nonsense")
