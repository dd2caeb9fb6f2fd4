"""The menu behind ⋯: everything that is rarely needed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import qt
from slicer.i18n import tr as _

from .controls import Section, setting
from .model_choice import DEVICES, model_name
from .platforms import install_missing_packages

_HELP = "https://github.com/SoftCordSeg/SoftCordSeg/blob/main/docs/tutorial.md"


class MoreMenu(Section):
    """The menu.

    Args:
        panel: see :class:`~.panel.Panel`.
        choice: :class:`~.model_choice.ModelChoice`.
        dialog: :class:`~.model_dialog.ModelDialog`.
        segment_all: segments all volumes.

    Attributes:
        box_shown, in_box, follow, square, segment_all, open_mask, get_models: its actions.
        models, devices, layouts: its menus.
    """

    def __init__(self, panel, choice, dialog, segment_all):
        self._panel, self._ui, self._choice, self._dialog = panel, panel.ui, choice, dialog
        self._shown_models: list[Path] | None = None
        self._model_actions: list = []
        menu = self._menu = qt.QMenu(self._ui.cordMenuButton)
        menu.toolTipsVisible = True
        self._ui.cordMenuButton.setMenu(menu)
        self.models = menu.addMenu(_("Model"))
        self.get_models = self._add(menu, "GetModels", _("Get or remove models…"), dialog.open)
        self.devices = menu.addMenu(_("Compute on"))
        self._device_actions = self._add_devices()
        menu.addSeparator()
        self.box_shown = self._add(menu, "BoxShown", _("Show the box"), self._on_box)
        self.in_box = self._add(menu, "InBox", _("Segment only inside the box"), self._on_box)
        for action in (self.box_shown, self.in_box):
            action.setCheckable(True)
        self.box_shown.toolTip = _("Show the box around what was segmented.")
        self.in_box.toolTip = _("Look for the cord only in the box. Move its handles in the views.")
        self.segment_all = self._add(menu, "SegmentAll", _("Segment all volumes"), segment_all)
        self.segment_all.toolTip = _(
            "Segment every loaded volume that has no mask yet. Existing masks are not changed."
        )
        self.open_mask = self._add(menu, "OpenMask", _("Open a DICOM mask…"), self._on_open_mask)
        self.open_mask.toolTip = _(
            "Take a DICOM segmentation or parametric map as the soft mask of this volume."
        )
        menu.addSeparator()
        self.layouts = menu.addMenu(_("Layout"))
        self._add_layouts()
        self.follow = self._add(menu, "Follow", _("Axial view follows the cord"), self._on_axial)
        self.follow.toolTip = _("Keep the cord in the middle of the axial view while you scroll.")
        self.square = self._add(
            menu, "Square", _("Axial view at right angles to the cord"), self._on_axial
        )
        self.square.toolTip = _("Cut the cord at right angles, as its area is measured.")
        for action in (self.follow, self.square):
            action.setCheckable(True)
        self._add(menu, "Help", _("Help"), _open_help)

    def refresh(self, situation) -> None:
        allow = self._panel.hints.allow
        wait = _("Wait for the segmentation, or cancel it.") if situation.busy else ""
        missing = _("Install the missing packages first.") if situation.missing else ""
        allow(self.get_models, wait or missing)
        if not situation.missing:
            self._fill_models()
        for menu in (self.models, self.devices):
            menu.setEnabled(not wait)
        for device, action in self._device_actions.items():
            action.setChecked(device == self._choice.device)
        self._refresh_box(situation, wait)
        allow(self.open_mask, wait or missing or situation.reason)

    def _refresh_box(self, situation, wait: str) -> None:
        allow, parameters = self._panel.hints.allow, self._panel.parameters
        box = situation.study.box if situation.study is not None else None
        no_box = _("There is no box yet: segment, or choose to segment only inside one.")
        allow(self.box_shown, wait or ("" if box is not None else no_box))
        allow(self.in_box, wait or situation.reason)
        if parameters is not None:
            self.box_shown.setChecked(parameters.boxShown)
            self.in_box.setChecked(parameters.onlyInBox)
            self.follow.setChecked(parameters.followCord)
            self.square.setChecked(parameters.squareToCord)

    def close(self) -> None:
        self._dialog.close()

    def _add(self, menu, name: str, text: str, function):
        action = menu.addAction(text)
        action.objectName = f"cordMore{name}"
        action.connect("triggered()", function)
        return action

    def _add_choices(self, menu, prefix: str, texts: list[str], function) -> list:
        """Actions of which one is chosen; ``function`` is called with its number."""
        group, actions = qt.QActionGroup(menu), []
        for number, text in enumerate(texts):
            action = self._add(menu, f"{prefix}{number}", text, partial(function, number))
            action.setCheckable(True)
            group.addAction(action)
            actions.append(action)
        return actions

    def _add_devices(self) -> dict:
        texts = [_("Automatic"), _("Processor (CPU)"), _("Graphics card (GPU)")]
        actions = self._add_choices(self.devices, "Device", texts, self._on_device)
        return dict(zip(DEVICES, actions))

    def _add_layouts(self) -> None:
        for name, text in (
            ("cord", _("Cord: sagittal, profile, axial, 3D")),
            ("compare", _("Compare: several contrasts")),
            ("correct", _("Correct: a large axial view")),
        ):
            self._add(self.layouts, f"Layout{name}", text, partial(self._on_layout, name))
        self.layouts.addSeparator()
        self._add(self.layouts, "LayoutBefore", _("The layout before"), self._on_layout_before)

    def _fill_models(self) -> None:
        """The models, filled again only after a change; the chosen one is ticked."""
        models = self._choice.models
        if models != self._shown_models:
            self._shown_models = models
            self.models.clear()
            texts = [model_name(folder) for folder in models]
            self._model_actions = self._add_choices(self.models, "Model", texts, self._on_model)
            self.models.addSeparator()
            self._add(self.models, "Browse", _("From a folder…"), self._on_browse)
        chosen = self._choice.model
        for folder, action in zip(models, self._model_actions):
            action.setChecked(folder == chosen)

    def _on_model(self, number: int) -> None:
        self._choice.model = self._shown_models[number]
        self._panel.refresh()

    def _on_device(self, number: int) -> None:
        self._choice.device = DEVICES[number]
        self._panel.refresh()

    def _on_browse(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            None, _("Choose the folder of a model"), setting("Model")
        )
        if not folder:
            return
        with self._panel.guard(_("The model could not be used.")):
            self._panel.logic.check_model(Path(folder))
            self._choice.model = Path(folder)
            self._panel.say(_("The model '{name}' will be used.").format(name=Path(folder).name))

    def _on_open_mask(self) -> None:
        from .dicom_saving import dicom_requirements, open_dicom_mask

        image = self._panel.situation.image
        path = qt.QFileDialog.getOpenFileName(
            None, _("Open a DICOM mask"), setting("ResultsFolder"), _("DICOM") + " (*.dcm *)"
        )
        if not path or image is None:
            return
        with self._panel.guard(_("The mask could not be opened.")):
            install_missing_packages(dicom_requirements())
            open_dicom_mask(image, Path(path))

    def _on_box(self) -> None:
        parameters = self._panel.parameters
        if parameters is not None:
            with self._panel.guard(_("The box could not be shown.")):
                parameters.boxShown = self.box_shown.checked
                parameters.onlyInBox = self.in_box.checked

    def _on_axial(self) -> None:
        parameters = self._panel.parameters
        if parameters is not None:
            with self._panel.guard(_("The axial view could not be turned.")):
                parameters.followCord = self.follow.checked
                parameters.squareToCord = self.square.checked

    def _on_layout(self, name: str) -> None:
        with self._panel.guard(_("The layout could not be shown.")):
            self._panel.views.show_layout(name)

    def _on_layout_before(self) -> None:
        with self._panel.guard(_("The layout could not be shown.")):
            self._panel.views.leave_layout()


def _open_help() -> None:
    qt.QDesktopServices.openUrl(qt.QUrl(_HELP))
