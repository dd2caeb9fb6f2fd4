"""A tiny bundle, trained once, and cases whose masks are drawn wider than it draws them."""

from __future__ import annotations

import pytest

from SoftCordSegLib.network import ModelBundle
from SoftCordSegLib.training.finetune import finetune
from training.finetune.necks import SCORER, a_request, trained_bundle, write_case


@pytest.fixture(scope="session")
def parent(tmp_path_factory) -> ModelBundle:
    return trained_bundle(tmp_path_factory.mktemp("parent"))


@pytest.fixture(scope="session")
def wide_cases(tmp_path_factory):
    """Five participants; the masks are a voxel wider all around."""
    folder = tmp_path_factory.mktemp("cases")
    return [write_case(folder, number, grown_mm=1.0) for number in range(1, 6)]


@pytest.fixture(scope="session")
def tuned(parent, wide_cases, tmp_path_factory):
    """An undisturbed request that keeps all it learns, its outcome, and the sentences on the
    way.
    """
    out, said = tmp_path_factory.mktemp("out"), []
    request = a_request(parent, wide_cases, out, largest_drift=None)
    return request, finetune(request, SCORER, tell=said.append), said
