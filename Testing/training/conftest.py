"""Fixtures of training."""

from __future__ import annotations

import pytest

from SoftCordSegLib.training.synthetic import Anatomy, Synthesis
from training.tiny import RECIPE, made_up_anatomy


@pytest.fixture(scope="session")
def anatomy() -> Anatomy:
    return made_up_anatomy()


@pytest.fixture(scope="session")
def source(anatomy) -> Synthesis:
    return Synthesis(anatomy, RECIPE)
