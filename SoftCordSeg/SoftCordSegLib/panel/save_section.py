"""Section "Save": the results as files with BIDS names, or the whole scene."""

from __future__ import annotations

from pathlib import Path

import qt
from slicer.i18n import tr as _

from .controls import Section, setting, store_setting
from .platforms import confirm
from .saving import files_of, stem_of, write_all


class SaveSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._ui.cordSaveButton.connect("clicked()", self._on_save)
        self._ui.cordSaveSceneButton.connect("clicked()", self._on_save_scene)

    def refresh(self, situation) -> None:
        self._panel.hints.allow(self._ui.cordSaveButton, situation.why_no_mask)
        self._panel.hints.allow(self._ui.cordSaveSceneButton, situation.why_no_mask)

    def _on_save(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            None, _("Choose a folder for the results"), self._start()
        )
        if not folder:
            return
        with self._panel.guard(_("The results could not be saved.")):
            study = self._panel.situation.study
            files = files_of(study, Path(folder))
            there = [path.name for path in files if path.exists()]
            if there and not confirm(
                _("These files are there already: {names}. Replace them?").format(
                    names=", ".join(there)
                )
            ):
                return
            write_all(files, study.image)
            store_setting("Folder", str(folder))
            self._panel.say(
                _("Saved in {folder}: {names}").format(
                    folder=folder, names=", ".join(path.name for path in files)
                )
            )

    def _on_save_scene(self) -> None:
        image = self._panel.situation.image
        path = qt.QFileDialog.getSaveFileName(
            None,
            _("Save the scene"),
            str(Path(self._start()) / f"{stem_of(image)}.mrb"),
            f"{_('Slicer scene')} (*.mrb)",
        )
        if not path:
            return
        with self._panel.guard(_("The scene could not be saved.")):
            from ..scene.scene_files import save_scene

            path = Path(path) if str(path).endswith(".mrb") else Path(f"{path}.mrb")
            save_scene(self._panel.scene, path)
            store_setting("Folder", str(path.parent))
            self._panel.say(_("Saved: {path}").format(path=path))

    def _start(self) -> str:
        storage = self._panel.situation.image.GetStorageNode()
        beside = (
            str(Path(storage.GetFileName()).parent)
            if storage is not None and storage.GetFileName()
            else ""
        )
        return setting("Folder") or beside
