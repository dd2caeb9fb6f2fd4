"""Fixtures of the panel's tests: the module opened in the host, over a real scene, with a quick
engine.
"""

from __future__ import annotations

import numpy as np
import pytest

from known_phantoms import known_phantom
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box, Volume

# Left-handed, anisotropic and shifted: what is mixed up anywhere shows.
AFFINE = np.array([[-0.8, 0, 0, 20], [0, 1.2, 0, -30], [0, 0, 3.0, 5], [0, 0, 0, 1]])


@pytest.fixture(autouse=True)
def own_models(tmp_path, monkeypatch):
    """The folder of installed models; the user's own is left alone, and nothing is ever
    downloaded.
    """
    from SoftCordSegLib.errors import ModelError

    def no_network(url, *_arguments, **_options):
        raise ModelError(f"'{url}' cannot be reached.")

    monkeypatch.setenv("SOFTCORDSEG_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr("SoftCordSegLib.network.install_model.download", no_network)
    monkeypatch.setattr("SoftCordSegLib.network.download.size_of", no_network)
    return tmp_path / "models"


@pytest.fixture
def app():
    """A Slicer without its window."""
    pytest.importorskip("slicer", reason="the package slicer-core is not installed")
    from SoftCordSegLib.scene import offscreen

    app = offscreen.start()
    yield app
    app.close()


@pytest.fixture
def slicer_host(app, monkeypatch, request):
    """The application around it; at the end nothing may have gone wrong that nobody saw."""
    pytest.importorskip("PySide6", reason="the package PySide6-Essentials is not installed")
    from host.application import HostSlicer

    host = HostSlicer(app, monkeypatch, getattr(request, "param", "5.12.3"))
    yield host
    unseen = host.unseen_errors
    host.end()
    assert not unseen, f"errors in slots or observers: {unseen}"


@pytest.fixture
def module(slicer_host):
    """``SoftCordSeg.py`` as Slicer loads it."""
    return slicer_host.load_module()


@pytest.fixture
def widget(slicer_host, module, engine):
    """The opened panel, with a quick engine."""
    widget = slicer_host.open_panel(module)
    widget.logic.engine = engine
    yield widget
    if widget.panel is not None:
        slicer_host.close_panel(widget)


@pytest.fixture
def ui(widget):
    """The controls of the panel."""
    return widget.ui


@pytest.fixture
def menu(widget):
    """The menu behind ⋯."""
    return widget.panel.menu


def bright_column(scale: int = 500) -> Volume:
    """A bright column on a dark ground."""
    data = np.zeros((24, 20, 12), np.int16)
    data[10:14, 8:12, 2:10] = scale
    data[0, 0, 0] = 7
    return Volume(data, AFFINE)


@pytest.fixture
def a_volume(app):
    """A function that adds a volume node with a bright column."""
    from SoftCordSegLib.scene.volume_nodes import add_volume

    return lambda name="neck", scale=500: add_volume(app.scene, bright_column(scale), name)


@pytest.fixture
def image_node(a_volume):
    return a_volume()


class Engine:
    """Stands for the network: what is bright is cord, its rim is half cord.

    Attributes:
        requests: what it was asked.
        at_tile: called on the worker's thread before each tile, with its number.
    """

    def __init__(self):
        self.requests = []
        self.at_tile = lambda number: None

    def __call__(self, request, progress) -> SoftMask:
        self.requests.append(request)
        volume = request.image
        for tile in range(4):
            progress.check_cancelled()
            progress.report(tile / 4, f"Segmenting the cord: tile {tile + 1} of 4")
            self.at_tile(tile)
        progress.check_cancelled()
        soft = np.where(volume.data > 250, 0.9, 0.0).astype(np.float32)
        soft[(np.roll(soft, 1, axis=0) > 0) & (soft == 0)] = 0.4
        box = (request.options.box or Box.of_grid(volume.grid)) if soft.any() else None
        return SoftMask(
            volume.with_data(soft),
            box,
            "Spinal cord found." if soft.any() else "No spinal cord was found.",
        )


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture(scope="session")
def phantom():
    """A neck whose cord is known."""
    return known_phantom("T2w")


@pytest.fixture
def neck(phantom, app, widget):
    """The phantom in the scene; the engine gives its true mask."""
    from SoftCordSegLib.scene.volume_nodes import add_volume, values_on

    node = add_volume(app.scene, phantom.image, "sub-phantom_T2w")

    def truth(request, progress):
        values = np.ascontiguousarray(values_on(phantom.truth, request.image.grid))
        return SoftMask(
            request.image.with_data(values), Box.of_grid(request.image.grid), "Spinal cord found."
        )

    widget.logic.engine = truth
    widget.ui.cordImageSelector.setCurrentNode(node)
    widget.ui.cordSegmentButton.click()
    return node


@pytest.fixture
def mark(neck, widget):
    """A function that marks discs, as another module would."""

    def mark(discs):
        from SoftCordSegLib.scene.study import set_disc_labels

        set_disc_labels(neck, discs)
        widget.panel.refresh()

    return mark
