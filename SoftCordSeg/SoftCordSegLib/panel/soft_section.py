"""Section "Soft mask": its threshold, and its display."""

from __future__ import annotations

from slicer.i18n import tr as _

from .controls import Section


class SoftSection(Section):
    """The section "Soft mask".

    Args:
        panel: see :class:`~.panel.Panel`.
    """

    name = "Mask"

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._layers = None  # the layers that were last set in the slice views
        self._colours: list[str] = []
        self._ui.cordThresholdSlider.connect("valueChanged(double)", self._on_threshold)
        self._ui.cordColourSelector.connect("activated(int)", self._on_colours)

    def refresh(self, situation) -> None:
        ui, view = self._ui, situation.view
        reason = situation.why_no_mask
        for control in (
            ui.cordThresholdSlider,
            ui.cordOpacitySlider,
            ui.cordColourSelector,
            ui.cordOverlayCheck,
            ui.cordFillCheck,
            ui.cordSurfaceCheck,
        ):
            self._panel.hints.allow(control, reason)
        if view is None:
            self._layers = None
            return
        ui.cordThresholdSlider.value = view.threshold
        self._show_colours(situation.study.soft)
        if self._panel.parameters is not None and not situation.busy:
            self._apply(situation, self._panel.parameters)

    def step(self, hundredths: int) -> None:
        """Move the threshold, where there is one."""
        slider = self._ui.cordThresholdSlider
        if slider.enabled:
            slider.value = slider.value + hundredths / 100

    def close(self) -> None:
        self._layers = None

    def _apply(self, situation, parameters) -> None:
        """Apply the check boxes; only what differs is changed."""
        from ..scene.soft_mask_node import show_in_slice_views

        view, soft = situation.view, situation.study.soft
        layers = (
            situation.image.GetID(),
            soft.GetID(),
            parameters.overlayShown,
            parameters.overlayOpacity,
        )
        if layers != self._layers:
            # The user's own choice of layers is not changed until a choice is made here.
            show_in_slice_views(
                self._panel.scene,
                situation.image,
                soft if parameters.overlayShown else None,
                opacity=parameters.overlayOpacity,
            )
            self._layers = layers
        display = view.ensure_display()
        if bool(display.GetVisibility2DFill()) != parameters.segmentFilled:
            display.SetVisibility2DFill(parameters.segmentFilled)
        if view.shows_surface != parameters.surfaceShown:
            view.update(surface=parameters.surfaceShown)
        edits = self._panel.edits
        shown = parameters.editsShown and edits.has_edits
        if edits.is_shown != shown:
            edits.show(shown)

    def _on_threshold(self, value: float) -> None:
        view = self._panel.situation.view
        if self._panel.refreshing or view is None:
            return
        # The slider rounds, and also signals values that are set by the program.
        if abs(view.threshold - value) < 0.5 * self._ui.cordThresholdSlider.singleStep:
            return
        with self._panel.guard(_("The threshold could not be changed."), refresh=False):
            view.update(value)

    def _show_colours(self, soft) -> None:
        from ..scene.soft_mask_node import COLOUR_MAPS

        if not self._colours:
            self._colours = list(COLOUR_MAPS)
            for name in self._colours:
                self._ui.cordColourSelector.addItem(_(name))
        display = soft.GetDisplayNode()
        shown = display.GetColorNodeID() if display is not None else None
        index = next((n for n, name in enumerate(self._colours) if COLOUR_MAPS[name] == shown), -1)
        if self._ui.cordColourSelector.currentIndex != index:
            self._ui.cordColourSelector.currentIndex = index

    def _on_colours(self, index: int) -> None:
        from ..scene.soft_mask_node import display_soft_mask

        soft = self._panel.situation.study.soft if self._panel.situation.view is not None else None
        if soft is not None:
            with self._panel.guard(_("The colours could not be changed.")):
                display_soft_mask(soft, colour_map=self._colours[index])
