"""Without OpenGL there is a sentence, not a crash."""

from __future__ import annotations

import sys

import pytest

from SoftCordSegLib.scene import SlicerMissing, require_slicer
from SoftCordSegLib.scene import offscreen as graphics

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="EGL and OSMesa are for Linux"
)


@pytest.fixture
def unset(monkeypatch):
    monkeypatch.delenv("VTK_DEFAULT_OPENGL_WINDOW", raising=False)
    # so that what the code under test sets is taken back as well
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", "")
    return monkeypatch


def test_neither_egl_nor_osmesa_says_what_to_install(unset):
    unset.setattr(graphics, "_egl_works", lambda: False)
    unset.setattr(graphics, "_loads", lambda name: "X11" in name)

    with pytest.raises(
        graphics.GraphicsMissing,
        match="apt-get install libosmesa6 libx11-6 .* libegl1 libgl1-mesa-dri",
    ):
        graphics.choose_offscreen_graphics()


def test_a_missing_libx11_says_so(unset):
    unset.setattr(graphics, "_loads", lambda name: False)

    with pytest.raises(graphics.GraphicsMissing, match="apt-get install libx11-6"):
        graphics.choose_offscreen_graphics()


def test_osmesa_serves_where_egl_does_not(unset):
    unset.setattr(graphics, "_egl_works", lambda: False)
    unset.setattr(graphics, "_loads", lambda name: True)

    assert graphics.choose_offscreen_graphics() == "vtkOSOpenGLRenderWindow"


def test_egl_is_preferred(unset):
    unset.setattr(graphics, "_egl_works", lambda: True)
    unset.setattr(graphics, "_loads", lambda name: True)

    assert graphics.choose_offscreen_graphics() == "vtkEGLRenderWindow"


def test_the_user_s_own_choice_is_left_alone(unset):
    unset.setenv("VTK_DEFAULT_OPENGL_WINDOW", "vtkXOpenGLRenderWindow")
    unset.setattr(graphics, "_egl_works", lambda: True)

    assert graphics.choose_offscreen_graphics() == "vtkXOpenGLRenderWindow"


def test_a_missing_slicer_core_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "slicer", None)

    with pytest.raises(SlicerMissing, match="pip install slicer-core"):
        require_slicer()
