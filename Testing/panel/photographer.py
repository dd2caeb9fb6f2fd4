"""Takes pictures of Slicer's window with the panel and the views, as the user would see it: the
panel through the tests' host, the views drawn by Slicer's own displayable managers.
"""

from __future__ import annotations

import hashlib
import pickle
import tempfile
import threading
from pathlib import Path

import numpy as np

SIZES = {"large": (1400, 881), "small": (1024, 749)}  # with a title of 19 pixels: 900, 768
# name -> (dark style, size of the font, size of the window)
LOOKS = {
    "light": (False, 1.0, "large"),
    "dark": (True, 1.0, "large"),
    "125": (False, 1.25, "large"),
    "small": (False, 1.0, "small"),
}
_FONT_PIXELS = 13
# Slicer's own styles, "Light Slicer" and "Dark Slicer", by their main colours.
_LIGHT = {"Window": "#ebebeb", "Base": "#ffffff", "Text": "#000000", "Button": "#ebebeb"}
_DARK = {"Window": "#323232", "Base": "#232323", "Text": "#dcdcdc", "Button": "#3c3c3c"}


class Photographer:
    """Slicer's window with the panel opened.

    Args:
        folder: where the pictures go.
        look: of ``LOOKS``; as in Slicer, it is chosen before the window is made.

    Attributes:
        host: ``HostSlicer``.
        ui: the panel's controls.
    """

    def __init__(self, folder: Path, look: str = "light"):
        from _pytest.monkeypatch import MonkeyPatch

        from host.application import HostSlicer
        from host.views import Drawing
        from SoftCordSegLib.scene import offscreen

        self.folder, self.look = folder, look
        self.patch = MonkeyPatch()
        self.app = offscreen.start()
        self._dress(look)
        self.host = HostSlicer(self.app, self.patch)
        self.host.main_window.resize(*SIZES[LOOKS[look][2]])
        self.host.answers = lambda for_path: True
        Drawing.on = True
        self.widget = self.host.open_panel(self.host.load_module())
        self.ui = self.widget.ui
        self._segment = self.widget.logic.engine
        self.widget.logic.engine = self.segment_once

    def load(self, file: Path, name: str | None = None):
        """Load an image as *Add data* does: it is shown in the views, and these are fitted to
        it.
        """
        from scene.loading import load_image

        node = load_image(self.app.logics["Volumes"], file)
        if name is not None:
            node.SetName(name)
        self.show(node)
        return node

    def show(self, node) -> None:
        """Show a volume in the views as the module *Data* does."""
        logic = self.app.application_logic
        logic.GetSelectionNode().SetActiveVolumeID(node.GetID())
        logic.PropagateVolumeSelection(1)
        self.settle()

    def choose(self, node) -> None:
        """Choose a volume in the panel."""
        self.ui.cordImageSelector.setCurrentNode(node)
        self.settle()

    def segment_once(self, request, progress):
        """The shipped model's mask; kept beside the temporary files, for pictures are taken more
        often than models change.
        """
        from SoftCordSegLib.files import file_sha256
        from SoftCordSegLib.network import shipped_bundles

        digest = hashlib.sha256(np.ascontiguousarray(request.image.data).tobytes())
        for path in sorted(shipped_bundles()[0].rglob("*.safetensors")):
            digest.update(file_sha256(path).encode())
        kept = Path(tempfile.gettempdir()) / "softcord-screenshots" / f"{digest.hexdigest()}.pickle"
        if kept.is_file():
            for tile in range(8):
                progress.check_cancelled()
                progress.report(0.3 + 0.08 * tile, f"Outlining the cord: tile {tile + 1} of 8")
                threading.Event().wait(0.1)
            return pickle.loads(kept.read_bytes())
        mask = self._segment(request, progress)
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(pickle.dumps(mask))
        return mask

    def settle(self) -> None:
        """Let timers and layouts come to rest."""
        from panel_actions import wait_until_measured

        for _ in range(4):
            self.host.process_events()
        wait_until_measured(self.widget)
        for _ in range(3):
            self.host.process_events()

    def take(self, state: str) -> None:
        """Save the window as ``<state>-<look>.png``."""
        self.settle()
        self._save(state)

    def take_while_running(self, state: str, after: float = 0.4) -> None:
        """Press Segment, and take a picture as soon as so much is done."""
        taken, events = [], self.host.process_events

        def process_events():
            events()
            if self.ui.cordProgressBar.value >= 100 * after and not taken:
                taken.append(True)
                self._save(state)

        self.host.process_events = process_events
        self.host.click(self.ui.cordSegmentButton)
        self.host.process_events = events
        self.settle()

    def _save(self, state: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{state}-{self.look}.png"
        if not self.host.main_window.grab().save(str(path)):
            raise SystemExit(f"'{path}' could not be written.")
        print(path, flush=True)

    def paint_in_view(self, reach_mm: float = 3.0) -> None:
        """A stroke at the front of the cord, in the slice of the axial view."""
        from panel_actions import paint_voxels
        from SoftCordSegLib.scene.volume_nodes import array_of, grid_of

        study = self.widget.panel.situation.study
        soft, grid = array_of(study.soft), grid_of(study.soft)
        node = self.host.views.sliceWidget("Red").mrmlSliceNode()
        height = node.GetSliceOffset()
        inside = np.argwhere(soft > 0.5)
        places = grid.to_world(inside)
        here = places[np.abs(places[:, 2] - height) < 1.0]
        front = here[here[:, 1].argmax()]
        away = np.linalg.norm(
            grid.to_world(np.indices(soft.shape).reshape(3, -1).T) - front, axis=1
        )
        paint_voxels(self.ui, (away < reach_mm).reshape(soft.shape))
        self.settle()

    def open_section(self, name: str) -> None:
        """Click on a section's title, if it is folded."""
        section = getattr(self.ui, f"cord{name}Section")
        if section.collapsed:
            self.host.click(section, (60, 10))
        self.settle()

    def close(self) -> None:
        """Let everything go."""
        self.host.close_panel(self.widget)
        self.host.end()
        self.app.close()
        self.patch.undo()

    @staticmethod
    def _dress(look: str) -> None:
        from PySide6 import QtGui, QtWidgets

        dark, scale, _ = LOOKS[look]
        application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
        application.setStyle("Fusion")
        application.setPalette(_palette(_DARK if dark else _LIGHT))
        font = QtGui.QFont(application.font())
        font.setPixelSize(round(_FONT_PIXELS * scale))
        application.setFont(font)


def _palette(colours: dict[str, str]):
    from PySide6 import QtGui

    palette = QtGui.QPalette(QtGui.QColor(colours["Button"]), QtGui.QColor(colours["Window"]))
    roles = QtGui.QPalette
    palette.setColor(roles.Base, QtGui.QColor(colours["Base"]))
    palette.setColor(roles.Highlight, QtGui.QColor("#308cc6"))
    palette.setColor(roles.HighlightedText, QtGui.QColor("#ffffff"))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(role, QtGui.QColor(colours["Text"]))
        grey = QtGui.QColor("#808080")
        palette.setColor(roles.Disabled, role, grey)
    return palette
