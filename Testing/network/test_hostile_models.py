"""One model from a stranger of each kind; 'make stress' tries hundreds."""

from __future__ import annotations

import pytest

from stress.hostile_models import KINDS, attempt, bundle, cases, zipped


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("name", "make"), list(cases(len(KINDS))))
def test_a_hostile_model_is_refused_with_a_sentence_and_nothing_stays(tmp_path, name, make):
    assert attempt(make, tmp_path).startswith("refused: ")


def test_the_model_that_they_are_made_from_is_sound(tmp_path):
    def make(folder):
        return zipped(bundle(folder / "in"), folder / "model.zip")

    assert attempt(make, tmp_path) == "accepted"
