"""Fixtures of the scene: a Slicer without its window, and images of every awkward kind."""

from __future__ import annotations

import pytest

from scene.examples import GRIDS
from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.scene.graphics import choose_offscreen_graphics
from SoftCordSegLib.volume import Grid


@pytest.fixture
def app():
    """A Slicer without its window, with an empty scene."""
    pytest.importorskip("slicer", reason="the package slicer-core is not installed")
    app = offscreen.start()
    yield app
    app.close()


@pytest.fixture
def drawing_app(app):
    """The same, where pictures can be drawn."""
    try:
        choose_offscreen_graphics()
    except SoftCordSegError as error:
        pytest.skip(str(error))
    return app


@pytest.fixture(params=GRIDS)
def grid(request) -> Grid:
    """One grid of each awkward kind."""
    return GRIDS[request.param]
