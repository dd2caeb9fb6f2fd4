"""Fixtures of the evaluation."""

from __future__ import annotations

import pytest

from SoftCordSegLib.segmentation import SoftMask


@pytest.fixture
def engine(monkeypatch):
    """Replaces the network by a function of the image and of ``progress`` that gives a mask."""

    def use(segment):
        def run(
            image, bundle, *, box=None, progress=None, device="auto", flips=False, located=None
        ):
            return SoftMask(segment(image, progress), None, "")

        monkeypatch.setattr("SoftCordSegLib.segmentation.within_memory.segment", run)

    return use
