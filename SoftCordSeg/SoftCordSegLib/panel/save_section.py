"""Section "Save": the results as files with BIDS names, or the whole scene."""

from __future__ import annotations

from pathlib import Path

import qt
from slicer.i18n import tr as _

from .controls import Section, setting, store_setting
from .dicom_saving import DicomSaving, dicom_requirements, why_no_dicom
from .platforms import confirm, install_missing_packages
from .saving import file_of, files_of, names_of, signature_of, stem_of, write_all

_FOLDER = "ResultsFolder"
# Long names are broken here where a line is too short.
_BREAK = "_\N{ZERO WIDTH SPACE}"


class SaveSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._saved: dict = {}  # ID of a soft mask -> its signature when it was saved
        self._written: set[Path] = set()  # by this panel: these are replaced without asking
        self._ui.cordSaveButton.connect("clicked()", self._on_save)
        self._ui.cordSaveFolderButton.connect("clicked()", self._on_folder)
        self._ui.cordSaveSceneButton.connect("clicked()", self._on_save_scene)
        self._ui.cordSaveDicomButton.connect("clicked()", self._on_save_dicom)
        self._before: set[str] = set()  # IDs of soft masks before a scene is loaded
        scene = panel.scene
        panel.observe(scene, scene.StartImportEvent, self._on_loading)
        panel.observe(scene, scene.EndImportEvent, self._on_loaded)
        panel.observe(scene, scene.EndCloseEvent, self._on_closed)

    def refresh(self, situation) -> None:
        ui, allow, reason = self._ui, self._panel.hints.allow, situation.why_no_mask
        for control in (ui.cordSaveButton, ui.cordSaveFolderButton, ui.cordSaveSceneButton):
            allow(control, reason)
        no_mask = situation.view is None
        allow(ui.cordSaveDicomButton, reason if no_mask else why_no_dicom(situation.image))
        ui.cordSaveFolderButton.visible = situation.view is not None
        if situation.view is None:
            ui.cordSaveFiles.text, ui.cordSaveFolder.text = reason, ""
            self._panel.rest("", self.name)
            return
        lines = [f"{name}: {words}" for name, words in names_of(situation.study).items()]
        ui.cordSaveFiles.text = "\n".join(lines).replace("_", _BREAK)
        folder = self._folder
        ui.cordSaveFolder.text = (
            _("Into {folder}").format(folder=str(folder).replace("_", _BREAK))
            if folder is not None
            else _("The folder is asked for when you save.")
        )
        self._panel.rest(
            _("Saved.") if self._is_saved(situation.study) else _("Not saved yet."), self.name
        )

    def title(self, situation) -> str:
        if situation.view is None:
            return ""
        return _("saved") if self._is_saved(situation.study) else _("not saved")

    @property
    def _folder(self) -> Path | None:
        """The last folder; None where there is none, or it is gone."""
        folder = setting(_FOLDER)
        return Path(folder) if folder and Path(folder).is_dir() else None

    def _is_saved(self, study) -> bool:
        """As files, or in the scene's file: then Slicer does not offer to save them either."""
        if self._saved.get(study.soft.GetID()) == signature_of(study):
            return True
        nodes = (study.soft, study.view.node if study.view is not None else None, study.discs)
        return not any(node.GetModifiedSinceRead() for node in nodes if node is not None)

    def _on_loading(self, _caller=None, _event=None) -> None:
        self._before = {study.soft.GetID() for study in self._studies()}

    def _on_loaded(self, _caller=None, _event=None) -> None:
        """What comes with a scene is in its file."""
        for study in self._studies():
            if study.soft.GetID() not in self._before:
                self._saved[study.soft.GetID()] = signature_of(study)

    def _on_closed(self, _caller=None, _event=None) -> None:
        self._saved.clear()

    def _studies(self) -> list:
        if self._panel.situation.missing:
            return []
        from .situation import studies_of

        return studies_of(self._panel.scene)

    def _on_folder(self) -> None:
        folder = self._ask_for_folder()
        if folder is not None:
            store_setting(_FOLDER, str(folder))
            self._panel.refresh()

    def _ask_for_folder(self) -> Path | None:
        folder = qt.QFileDialog.getExistingDirectory(
            None, _("Choose a folder for the results"), self._start()
        )
        return Path(folder) if folder else None

    def _on_save(self) -> None:
        folder = self._folder or self._ask_for_folder()
        if folder is None:
            return
        with self._panel.guard(_("The results could not be saved."), section=self.name):
            study = self._panel.situation.study
            files = files_of(study, folder)
            there = [path.name for path in files if path.exists() and path not in self._written]
            if there and not confirm(
                _("These files are in {folder} already: {names}. Replace them?").format(
                    folder=folder, names=", ".join(there)
                )
            ):
                return
            write_all(files, study.image)
            store_setting(_FOLDER, str(folder))
            self._written |= set(files)
            self._saved[study.soft.GetID()] = signature_of(study)
            self._panel.say(
                _("{count} files were saved in {folder}.").format(count=len(files), folder=folder),
                self.name,
            )

    def _on_save_dicom(self) -> None:
        folder = self._folder or self._ask_for_folder()
        if folder is None:
            return
        with self._panel.guard(_("The results could not be saved."), section=self.name):
            install_missing_packages(dicom_requirements())
            saving = DicomSaving(self._panel.situation.study, folder)
            there = [path for path in saving.existing() if path not in self._written]
            if there and not confirm(
                _("These files are in {folder} already: {names}. Replace them?").format(
                    folder=folder, names=", ".join(path.name for path in there)
                )
            ):
                return
            self._panel.say(_("Writing DICOM"), self.name)
            written = self._panel.work(saving.write)
            store_setting(_FOLDER, str(folder))
            self._written |= set(written.files.values())
            text = _("{count} DICOM files were saved in {folder}.").format(
                count=len(written.files), folder=folder
            )
            if "report" not in written.files:
                text += " " + _("Mark discs for a report of the areas by level.")
            self._panel.say(text, self.name)

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
        with self._panel.guard(_("The scene could not be saved."), section=self.name):
            from ..scene.scene_files import save_scene

            path = Path(path) if str(path).endswith(".mrb") else Path(f"{path}.mrb")
            save_scene(self._panel.scene, path)
            store_setting(_FOLDER, str(path.parent))
            for study in self._studies():
                self._saved[study.soft.GetID()] = signature_of(study)
            self._panel.say(_("Saved: {path}").format(path=path), self.name)

    def _start(self) -> str:
        """Where a dialog begins: the last folder, else that of the image."""
        file = file_of(self._panel.situation.image)
        return setting(_FOLDER) or ("" if file is None else str(file.parent))
