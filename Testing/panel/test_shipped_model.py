"""The shipped model behind the Segment button, on a real image."""

from __future__ import annotations

from scene.loading import load_image
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import volume_of
from SoftCordSegLib.volume import read_nifti, resample_mask
from SoftCordSegLib.workflows.segment_images import segment_volume


def test_segment_outlines_the_cord_of_a_real_image(ui, widget, app, shared_data):
    data = shared_data / "images" / "sct-testing"
    image = load_image(app.logics["Volumes"], data / "t2.nii.gz")
    widget.logic.engine = segment_volume
    ui.cordSegmentButton.click()

    soft = volume_of(study_of(image).soft)
    truth = resample_mask(read_nifti(data / "t2_seg-manual.nii.gz"), soft.grid)
    ours, drawn = soft.data >= 0.5, truth.data >= 0.5
    assert 2 * (ours & drawn).sum() / (ours.sum() + drawn.sum()) > 0.88
    assert ((soft.data > 0.2) & (soft.data < 0.8)).any(), "the mask in the scene is soft"
