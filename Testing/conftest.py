"""Fixtures that every room may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before NumPy is loaded.  Its threads and PyTorch's wait for each other by spinning, so that on two
# cores small matrices take several times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parent.parent

# No example may fail for being slow: the tests run on loaded machines.  In CI the examples are
# always the same ones, so that a change is not held up by what another one did.
settings.register_profile(
    "house",
    deadline=None,
    # ``make stress`` takes more.
    max_examples=int(os.environ.get("SOFTCORD_EXAMPLES", "25")),
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("house")


def pytest_make_parametrize_id(config, val, argname):
    """Bytes are named by their length: their content may hold a time (gzip's does), and processes
    that share the tests must call them the same.
    """
    return f"{argname} of {len(val)} bytes" if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images, labels and the template beside the checkout; the test is skipped
    where it is missing.
    """
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the sample data (../shared/data beside the checkout) are not here")
    return folder


@pytest.fixture(scope="session")
def review_dataset(tmp_path_factory):
    """Forty cases to review, with what is wrong with them; made once, not to be changed."""
    from review.review_dataset import make_review_dataset

    shared = REPOSITORY.parent / "shared" / "data"
    folder = tmp_path_factory.mktemp("review")
    return make_review_dataset(folder, shared if shared.is_dir() else None)


@pytest.fixture
def review_copy(review_dataset, tmp_path):
    """A copy of it for this test alone."""
    return review_dataset.copy_to(tmp_path / "data")
