"""Fixtures of the scene: a Slicer without its window, and images of every awkward kind."""

from __future__ import annotations

import pytest

from scene.desk import Desk
from scene.examples import GRIDS
from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.scene.offscreen import choose_offscreen_graphics
from SoftCordSegLib.volume import Grid


@pytest.fixture
def app():
    """A Slicer without its window, with an empty scene; errors that VTK only prints fail the
    test.
    """
    slicer = pytest.importorskip("slicer", reason="the package slicer-core is not installed")
    import vtk

    usual = vtk.vtkOutputWindow.GetInstance()
    listening = slicer.vtkTestingOutputWindow()
    vtk.vtkOutputWindow.SetInstance(listening)
    app = offscreen.start()
    yield app
    app.close()
    vtk.vtkOutputWindow.SetInstance(usual)
    assert listening.GetNumberOfLoggedErrorMessages() == 0, (
        "VTK or Slicer printed an error; run with -s to read it"
    )


@pytest.fixture
def desk(app) -> Desk:
    """A segmented image that is corrected in the Segment Editor."""
    return Desk(app, GRIDS["isotropic"])


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
