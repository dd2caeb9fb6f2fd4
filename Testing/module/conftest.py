"""Fixtures of the module's tests: the module as Slicer loads it, over a real scene."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.scene.volume_nodes import add_volume
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box, Volume

# Left-handed, anisotropic and shifted: what is mixed up anywhere shows.
AFFINE = np.array([[-0.8, 0, 0, 20], [0, 1.2, 0, -30], [0, 0, 3.0, 5], [0, 0, 0, 1]])


@pytest.fixture
def scene(app):
    """The scene of a Slicer without its window."""
    return app.scene


@pytest.fixture
def app():
    """A Slicer without its window."""
    pytest.importorskip("slicer", reason="the package slicer-core is not installed")
    app = offscreen.start()
    yield app
    app.close()


@pytest.fixture
def host(app, monkeypatch):
    """The application around it."""
    pytest.importorskip("PySide6", reason="the package PySide6-Essentials is not installed")
    from host.application import HostSlicer

    host = HostSlicer(app, monkeypatch)
    yield host
    host.end()


@pytest.fixture
def module(host):
    """``SoftCordSeg.py`` as Slicer loads it."""
    return host.load_module()


@pytest.fixture
def image_node(scene):
    """A volume node with a bright column on a dark ground."""
    data = np.zeros((24, 20, 12), np.int16)
    data[10:14, 8:12, 2:10] = 500
    return add_volume(scene, Volume(data, AFFINE), "neck")


@pytest.fixture
def engine():
    """Stands for the network: what is bright is cord, its rim is half cord."""

    def segment(request, progress) -> SoftMask:
        volume = request.image
        soft = np.where(volume.data > 250, 0.9, 0.0).astype(np.float32)
        rim = (np.roll(soft, 1, axis=0) > 0) & (soft == 0)
        soft[rim] = 0.4
        for step in range(4):
            progress.check_cancelled()
            progress.report((step + 1) / 4, f"tile {step + 1}")
        found = bool(soft.any())
        box = Box.of_grid(volume.grid) if found else None
        return SoftMask(volume.with_data(soft), box, "Found." if found else "No cord was found.")

    return segment
