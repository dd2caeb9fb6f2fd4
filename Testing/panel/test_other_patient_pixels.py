"""Nothing of the first patient is drawn once the second one is chosen: every pixel of the slice
and 3D views.
"""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.scene.contours import colour_of
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import add_volume
from SoftCordSegLib.volume import Volume

VIEWS = ("Red", "Yellow", "Green", "1")


def all_nodes(scene) -> list:
    """Every node of the scene."""
    return [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]


def switch_off(nodes) -> None:
    """Nothing of these nodes is drawn any more."""
    for node in nodes:
        if node.IsA("vtkMRMLDisplayableNode") and not node.IsA("vtkMRMLVolumeNode"):
            for n in range(node.GetNumberOfDisplayNodes()):
                display = node.GetNthDisplayNode(n)
                if display is not None:
                    display.SetVisibility(False)


@pytest.fixture
def pictures(slicer_host):
    """A function that draws all views."""
    return lambda: {name: slicer_host.picture(name) for name in VIEWS}


@pytest.fixture
def first(neck, mark, phantom, ui, slicer_host):
    """The first patient with everything that can be shown."""
    mark(phantom.discs)
    for name in ("cordSurfaceCheck", "cordBoxShownCheck"):
        check = getattr(ui, name, None)
        if check is not None and not check.checked:
            check.click()
    slicer_host.process_events()
    return neck


@pytest.fixture
def second(app, phantom):
    """A function that loads another patient, whose cord is where the first one's is."""

    def load():
        data = np.ascontiguousarray(phantom.image.data[::-1])
        return add_volume(app.scene, Volume(data, phantom.image.affine), "sub-other_T2w")

    return load


@pytest.mark.parametrize("segmented", [False, True], ids=["not yet segmented", "segmented"])
def test_nothing_of_the_first_patient_is_drawn_for_the_second(
    first, second, segmented, app, ui, pictures, slicer_host
):
    of_first = all_nodes(app.scene)
    before = pictures()
    node = second()
    ui.cordImageSelector.setCurrentNode(node)
    if segmented:
        ui.cordSegmentButton.click()
    slicer_host.process_events()
    slicer_host.process_events()
    after = pictures()
    for name in VIEWS[:3]:
        composite = slicer_host.views.sliceWidget(name).mrmlSliceCompositeNode()
        layers = (
            composite.GetBackgroundVolumeID(),
            composite.GetForegroundVolumeID(),
            composite.GetLabelVolumeID(),
        )
        assert composite.GetBackgroundVolumeID() == node.GetID()
        assert not {one.GetID() for one in of_first} & set(layers)
        assert (after[name] != before[name]).any()

    switch_off(of_first)

    for name, picture in pictures().items():
        assert np.array_equal(picture, after[name]), f"view {name} shows the first patient"


def in_colour(picture, colour) -> int:
    """How many pixels have this colour, ``#rrggbb``."""
    wanted = [int(colour[n : n + 2], 16) for n in (1, 3, 5)]
    return int((np.abs(picture.astype(int) - wanted).max(axis=2) < 4).sum())


def test_the_first_patient_comes_back(first, second, ui, pictures, slicer_host):
    colour = colour_of(study_of(first))
    assert all(in_colour(pictures()[name], colour) > 20 for name in ("Red", "Yellow"))
    ui.cordImageSelector.setCurrentNode(second())
    slicer_host.process_events()
    slicer_host.process_events()
    assert not any(in_colour(picture, colour) for picture in pictures().values())
    ui.cordImageSelector.setCurrentNode(first)
    slicer_host.process_events()
    slicer_host.process_events()
    assert all(in_colour(pictures()[name], colour) > 20 for name in ("Red", "Yellow"))


def test_switching_off_is_seen(first, app, pictures):
    """Or the first test could not fail."""
    before = pictures()
    switch_off(all_nodes(app.scene))
    after = pictures()
    assert all((after[name] != before[name]).any() for name in ("Red", "Yellow", "1"))
