"""Pictures of the panel in every state, on the phantom: ``python Testing/panel/screenshots.py
[FOLDER]`` (Screenshots/ by default).

The mask is the shipped model's; without a model the phantom's known mask stands in for it.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "SoftCordSeg"), str(ROOT / "Testing")]

WIDTH = 444
_TALL = 600  # of the pictures of the views


class Photographer:
    """Opens the panel, and takes its picture.

    Args:
        folder: where the pictures go.
    """

    def __init__(self, folder: Path):
        from _pytest.monkeypatch import MonkeyPatch

        from host.application import HostSlicer
        from SoftCordSegLib.network import shipped_bundles
        from SoftCordSegLib.phantom import make_phantom
        from SoftCordSegLib.scene import offscreen
        from SoftCordSegLib.scene.render import SliceView, ThreeDView

        self.folder = folder
        self.patch = MonkeyPatch()
        self.app = offscreen.start()
        self.host = HostSlicer(self.app, self.patch)
        self.phantom = make_phantom("T2w")
        self.sagittal = SliceView(self.app, "Sagittal", (_TALL, _TALL), name="Yellow")
        self.axial = SliceView(self.app, "Axial", (_TALL // 2, _TALL // 2), name="Red")
        self.three_d = ThreeDView(self.app, (_TALL // 2, _TALL // 2), background=(0.6, 0.65, 0.8))
        self.widget = self.host.open_panel(self.host.load_module())
        if not shipped_bundles():
            self.widget.logic.engine = self._known_mask
        self.ui = self.widget.ui

    def open_image(self):
        """The phantom as a loaded volume, shown in the views."""
        from SoftCordSegLib.scene.render import set_window_level
        from SoftCordSegLib.scene.volume_nodes import add_volume

        self.image = add_volume(self.app.scene, self.phantom.image, "sub-phantom_T2w")
        set_window_level(self.image)
        for view in (self.sagittal, self.axial):
            view.show(self.image)

    def look_at_the_cord(self):
        """Bring the middle of the cord into the slice views.

        Returns:
            (3,) its voxel in the mask.
        """
        from SoftCordSegLib.scene.study import study_of
        from SoftCordSegLib.scene.volume_nodes import array_of, grid_of

        soft = study_of(self.image).soft
        inside = np.argwhere(array_of(soft) > 0.95)
        grid = grid_of(soft)
        heights = grid.to_world(inside)[:, 2]
        level = inside[np.abs(heights - np.median(heights)) < 0.6 * grid.spacing.max()]
        center = np.round(level.mean(axis=0)).astype(int)
        position = grid.to_world(center)
        self.sagittal.jump_to(position)
        self.sagittal.zoom(190)
        self.axial.jump_to(position)
        self.axial.zoom(50)
        return center

    def panel(self):
        """The panel as a picture, as high as it needs to be."""
        window = self.widget.parent._object
        for _ in range(3):  # a layout needs a few rounds after sections were folded
            self.host.process_events()
            window.layout().activate()
            window.resize(WIDTH, max(window.sizeHint().height(), 200))
        self.host.process_events()
        return window.grab()

    def take(self, state: str) -> None:
        """Save the panel's picture as ``panel-<state>.png``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"panel-{state}.png"
        if not self.panel().save(str(path)):
            raise SystemExit(f"'{path}' could not be written.")
        print(path)

    def take_with_views(self, state: str) -> None:
        """Save the panel beside the slice views."""
        from PySide6 import QtGui

        panel = self.panel()
        height = max(panel.height(), _TALL)
        picture = QtGui.QPixmap(WIDTH + _TALL + _TALL // 2 + 8, height)
        picture.fill(QtGui.QColor(0, 0, 0))
        painter = QtGui.QPainter(picture)
        painter.fillRect(0, 0, WIDTH, height, self.widget.parent._object.palette().window())
        painter.drawPixmap(0, 0, panel)
        painter.drawImage(WIDTH + 4, 0, _image(self.sagittal.render()))
        painter.drawImage(WIDTH + _TALL + 8, 0, _image(self.axial.render()))
        self.three_d.look_from("R")
        painter.drawImage(WIDTH + _TALL + 8, _TALL // 2 + 4, _image(self.three_d.render()))
        painter.end()
        path = self.folder / f"panel-{state}.png"
        if not picture.save(str(path)):
            raise SystemExit(f"'{path}' could not be written.")
        print(path)

    def fold(self, *opened: str) -> None:
        """Open these sections and close the others."""
        for name in ("Image", "Run", "Soft", "Correct", "Levels", "Measure", "Save"):
            getattr(self.ui, f"cord{name}Section").collapsed = name not in opened

    def close(self) -> None:
        """Let everything go."""
        self.host.close_panel(self.widget)
        self.sagittal.close()
        self.axial.close()
        self.three_d.close()
        self.host.end()
        self.app.close()
        self.patch.undo()

    def _known_mask(self, request, progress):
        from SoftCordSegLib.scene.volume_nodes import values_on
        from SoftCordSegLib.segmentation import SoftMask
        from SoftCordSegLib.volume import Box

        for tile in range(8):
            progress.check_cancelled()
            progress.report(0.2 + 0.1 * tile, f"Segmenting the cord: tile {tile + 1} of 8")
            threading.Event().wait(0.2)
        values = np.ascontiguousarray(values_on(self.phantom.truth, request.image.grid))
        return SoftMask(
            request.image.with_data(values), Box.of_grid(request.image.grid), "Spinal cord found."
        )


def take_all(folder: Path) -> None:
    """Every state, in the order in which a user meets them."""
    camera = Photographer(folder)
    ui = camera.ui
    camera.take("empty")
    camera.open_image()
    camera.take("ready")

    taken = []
    events = camera.host.process_events

    def picture_while_running():
        events()
        if ui.cordProgressBar.value >= 40 and not taken:
            taken.append(True)
            camera.take("running")

    camera.host.process_events = picture_while_running
    ui.cordSegmentButton.click()
    camera.host.process_events = events
    ui.cordSurfaceCheck.checked = True
    camera.look_at_the_cord()
    camera.take_with_views("done")

    _correct(camera)
    _levels_and_measures(camera)

    camera.fold("Image", "Run")
    camera.widget.logic.engine = _out_of_memory
    ui.cordSegmentButton.click()
    camera.take("error")
    camera.close()


def _correct(camera: Photographer) -> None:
    from panel_actions import paint_voxels
    from SoftCordSegLib.scene.study import study_of
    from SoftCordSegLib.scene.volume_nodes import array_of, grid_of

    camera.fold("Run", "Soft", "Correct")
    study = study_of(camera.image)
    soft = array_of(study.soft)
    grid = grid_of(study.soft)
    here = grid.to_world(camera.look_at_the_cord())
    away = np.linalg.norm(
        grid.to_world(np.indices(soft.shape).reshape(3, -1).T) - here - (0, 6, 0), axis=1
    )
    paint_voxels(camera.ui, (away < 3).reshape(soft.shape))
    camera.ui.cordEditsCheck.checked = True
    camera.ui.cordEditor.setActiveEffectByName("Paint")
    camera.take_with_views("correcting")
    camera.ui.cordRevertAllButton.click()
    camera.ui.cordEditsCheck.checked = False


def _levels_and_measures(camera: Photographer) -> None:
    from SoftCordSegLib.scene.study import set_disc_labels

    set_disc_labels(camera.image, camera.phantom.discs)
    camera.widget.panel.refresh()
    camera.fold("Levels", "Measure", "Save")
    camera.ui.cordRowsSelector.currentIndex = 1
    camera.ui.cordMeasureButton.click()
    camera.take_with_views("measuring")


def _out_of_memory(request, progress):
    from SoftCordSegLib.segmentation import OutOfMemory

    raise OutOfMemory(
        "There is not enough memory for this image, even in small pieces on the CPU.",
        hint="Close other programs, or crop the image to the neck, and try again.",
    )


def _image(pixels: np.ndarray):
    from PySide6 import QtGui

    rows, columns, _ = pixels.shape
    pixels = np.ascontiguousarray(pixels)
    return QtGui.QImage(pixels.data, columns, rows, 3 * columns, QtGui.QImage.Format_RGB888).copy()


if __name__ == "__main__":
    take_all(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Screenshots")
