"""Fixtures of the generator."""

from __future__ import annotations

import dataclasses

import pytest

from SoftCordSegLib.training.generator import SEGMENTER, BatchRecipe
from SoftCordSegLib.training.packed import Packed
from training.generator.made_packed import made_packed

# All steps of a recipe that have a probability.
LEVERS = tuple(
    one.name
    for one in dataclasses.fields(BatchRecipe)
    if one.type == "float"
    and one.name
    not in ("spacing", "real", "twins", "about_cord", "registered", "stem_mm", "contract_jitter")
)


@pytest.fixture(scope="session")
def packed() -> Packed:
    return made_packed()


@pytest.fixture(scope="session")
def plain() -> BatchRecipe:
    """Synthetic patches with every step left out."""
    return dataclasses.replace(SEGMENTER, real=0.0, **dict.fromkeys(LEVERS, 0.0))
