"""A study as a Slicer scene, where Slicer's classes are there."""

from __future__ import annotations

import pytest

from cli.fakes import A_BUNDLE, engine
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.scene.offscreen import GraphicsMissing
from SoftCordSegLib.workflows.demonstration import study_phantom
from SoftCordSegLib.workflows.demonstration_scene import with_views
from SoftCordSegLib.workflows.segment_images import SegmentOptions
from workflows.phantom_engine import the_truth


def test_without_opengl_the_scene_is_saved_and_a_remark_says_what_to_install(tmp_path):
    pytest.importorskip("slicer", reason="the package slicer-core is not installed")

    def no_opengl(app, study, nodes):
        raise GraphicsMissing("Pictures need OpenGL. Install it with: apt-get install libosmesa6")

    with engine(the_truth):
        study = study_phantom("DWI", tmp_path, A_BUNDLE, SegmentOptions(), Progress())
    views = with_views(study, tmp_path, no_opengl)
    assert views.scene.is_file()
    assert views.pictures == ()
    assert "libosmesa6" in views.view_remarks[0]
