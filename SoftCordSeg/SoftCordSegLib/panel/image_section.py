"""Section "Image": the volume, the model, the device, and missing packages."""

from __future__ import annotations

import json
from pathlib import Path

import qt
from slicer.i18n import tr as _

from .controls import Section, setting, store_setting
from .platforms import install_missing_packages
from .situation import frame_of_sequence, is_soft_mask

# Names of the devices in the panel and in the library.
_DEVICES = (("Automatic", "auto"), ("Processor (CPU)", "cpu"), ("Graphics card (GPU)", "cuda"))


class ImageSection(Section):
    """The section "Image".

    Args:
        panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._models: list[Path] = []
        self._masks: list[str] = []  # IDs of the nodes that are not offered
        self._fill_devices()
        self._ui.cordDeviceSelector.connect("activated(int)", self._on_device)
        self._ui.cordModelSelector.connect("activated(int)", self._on_model)
        self._ui.cordModelBrowseButton.connect("clicked()", self._on_browse)
        self._ui.cordInstallButton.connect("clicked()", self._on_install)

    @property
    def device(self) -> str:
        """ "auto", "cpu" or "cuda"."""
        return _DEVICES[max(self._ui.cordDeviceSelector.currentIndex, 0)][1]

    @property
    def model(self) -> Path | None:
        """The folder of the chosen model; None where there is none."""
        index = self._ui.cordModelSelector.currentIndex
        return self._models[index] if 0 <= index < len(self._models) else None

    def refresh(self, situation) -> None:
        ui, wait = self._ui, _("Wait for the segmentation, or cancel it.") if situation.busy else ""
        for control in (
            ui.cordImageSelector,
            ui.cordDeviceSelector,
            ui.cordModelBrowseButton,
            ui.cordInstallButton,
        ):
            self._panel.hints.allow(control, wait)
        self._leave_out_masks()
        self._fill_models(situation)
        no_model = (
            ""
            if self._models
            else _(
                "No model came with this installation. Choose one from a folder, with the button"
                " '…'."
            )
        )
        self._panel.hints.allow(ui.cordModelSelector, wait or no_model)
        ui.cordInstallButton.visible = bool(situation.missing)
        note = self._note(situation)
        ui.cordImageNote.text = note
        ui.cordImageNote.visible = bool(note)

    def _leave_out_masks(self) -> None:
        """Do not offer our own soft masks as volumes to segment."""
        scene, kind = self._panel.scene, "vtkMRMLScalarVolumeNode"
        nodes = (
            scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))
        )
        masks = [node.GetID() for node in nodes if is_soft_mask(node)]
        if masks != self._masks:
            self._masks = masks
            self._ui.cordImageSelector.sortFilterProxyModel().hiddenNodeIDs = masks

    def _note(self, situation) -> str:
        if situation.missing:
            return _("These packages are missing: {names}.").format(
                names=", ".join(situation.missing)
            )
        frame = frame_of_sequence(situation.image) if situation.image is not None else None
        if frame is not None:
            return _("Frame {number} of {count} of the sequence '{name}' is used.").format(
                name=frame[0], number=frame[1], count=frame[2]
            )
        return situation.reason if situation.image is not None else ""

    def _fill_devices(self) -> None:
        for text, _device in _DEVICES:
            self._ui.cordDeviceSelector.addItem(_(text))
        chosen = setting("Device", "auto")
        devices = [device for _text, device in _DEVICES]
        self._ui.cordDeviceSelector.currentIndex = devices.index(chosen) if chosen in devices else 0

    def _fill_models(self, situation) -> None:
        """Shipped and installed models, and the last chosen folder; filled again only after a
        change.
        """
        models = [*self._panel.logic.models(), *_installed()] if not situation.missing else []
        last = setting("Model")
        if (
            last
            and (Path(last) / "configs" / "metadata.json").is_file()
            and Path(last) not in models
        ):
            models = [*models, Path(last)]
        if models == self._models and self._ui.cordModelSelector.count == max(len(models), 1):
            return
        self._models = models
        self._ui.cordModelSelector.clear()
        for folder in models:
            self._ui.cordModelSelector.addItem(_name_of(folder))
        if not models:
            self._ui.cordModelSelector.addItem(_("none"))
        self._ui.cordModelSelector.currentIndex = (
            models.index(Path(last)) if last and Path(last) in models else 0
        )

    def _on_device(self, _index) -> None:
        store_setting("Device", self.device)

    def _on_model(self, _index) -> None:
        if self.model is not None:
            store_setting("Model", str(self.model))

    def _on_browse(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            None, _("Choose the folder of a model"), setting("Model")
        )
        if not folder:
            return
        with self._panel.guard(_("The model could not be used.")):
            self._panel.logic.check_model(Path(folder))
            store_setting("Model", str(folder))
            self._panel.say(_("The model '{name}' will be used.").format(name=Path(folder).name))

    def _on_install(self) -> None:
        with self._panel.guard(_("The packages could not be installed.")):
            install_missing_packages(self._panel.requirements)


def _installed() -> list[Path]:
    from ..network.store import installed_bundles

    return installed_bundles()


def _name_of(folder: Path) -> str:
    """Name and version of a model; its folder's name where they are missing."""
    try:
        metadata = json.loads((folder / "configs" / "metadata.json").read_text(encoding="utf-8"))
        return f"{metadata['name']} {metadata['version']}"
    except (OSError, ValueError, KeyError, TypeError):
        return folder.name
