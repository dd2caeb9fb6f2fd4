"""Section "Mask": its threshold, and how it is drawn."""

from __future__ import annotations

import importlib.util

import slicer
import vtk
from slicer.i18n import tr as _

from ..scene.mask_style import Style
from .controls import Section


class MaskSection(Section):
    """The section "Mask".

    Args:
        panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._drawn = None  # what was last drawn, and in which views
        self._watched = None  # the segmentation node whose display is followed
        self._ui.cordThresholdSlider.connect("valueChanged(double)", self._on_threshold)
        self._radios = {
            Style.Contours: self._ui.cordContoursRadio,
            Style.Soft: self._ui.cordSoftRadio,
            Style.Filled: self._ui.cordFilledRadio,
        }
        for radio in self._radios.values():
            radio.connect("clicked()", self._on_style)

    def refresh(self, situation) -> None:
        ui, view, parameters = self._ui, situation.view, self._panel.parameters
        self._follow_images()
        self._say_what_differs(situation)
        for control in (ui.cordThresholdSlider, ui.cordSurfaceCheck, *self._radios.values()):
            self._panel.hints.allow(control, situation.why_no_mask)
        self._watch(view.node if view is not None else None)
        if parameters is not None:
            self._radios[parameters.style].checked = True
        if view is None:
            self._drawn = None
            return
        ui.cordThresholdSlider.value = view.threshold
        if parameters is not None and not situation.busy:
            self._draw(situation.study, parameters)
            self._show_edits(parameters)

    def step(self, hundredths: int) -> None:
        """Move the threshold, where there is one."""
        slider = self._ui.cordThresholdSlider
        if slider.enabled:
            slider.value = slider.value + hundredths / 100

    def exit(self) -> None:
        from ..scene.mask_style import leave_style

        leave_style(self._panel.scene)
        self._drawn = None

    def close(self) -> None:
        self._watch(None)
        self.exit()

    def _draw(self, study, parameters) -> None:
        """Draw the mask where something differs: the user's own choice of layers is not changed
        until a choice is made here.
        """
        from ..scene.contours import colour_of
        from ..scene.mask_style import composites_of, show_style, views_of

        for composite in composites_of(self._panel.scene):
            self._panel.observe(composite, vtk.vtkCommand.ModifiedEvent, self._on_display)
        drawn = (
            study.soft.GetID(),
            parameters.style,
            parameters.surfaceShown,
            study.view.is_visible,
            colour_of(study),
            len(study.contours),
            views_of(study.image),
        )
        if self._panel.shown and drawn != self._drawn:
            self._drawn = drawn  # drawing is told of to the views, and they tell of it
            with self._panel.guard(_("The mask could not be drawn."), False, by_itself=True):
                show_style(study, parameters.style, in_3d=parameters.surfaceShown)

    def _show_edits(self, parameters) -> None:
        edits = self._panel.edits
        shown = parameters.editsShown and edits.has_edits
        if edits.is_shown != shown:
            edits.show(shown)

    def _follow_images(self) -> None:
        """Results go with their image when it is put under a transform, of this volume and of all
        others.
        """
        if importlib.util.find_spec("nibabel") is None:
            return
        from ..scene.follow_image import follow_image, images_with_results

        for image in images_with_results(self._panel.scene):
            follow_image(image)
            event = slicer.vtkMRMLTransformableNode.TransformModifiedEvent
            self._panel.observe(image, event, self._on_image_moved)

    def _on_image_moved(self, image, _event=None) -> None:
        from ..scene.follow_image import follow_image, is_left_behind

        if image.GetScene() is None or self._panel.scene.IsBatchProcessing():
            return
        if is_left_behind(image):  # not at every change of the transform itself
            with self._panel.guard(_("The mask could not follow its volume."), by_itself=True):
                follow_image(image)

    def _say_what_differs(self, situation) -> None:
        differs = ""
        if situation.view is not None:
            from ..scene.follow_image import geometry_change

            differs = geometry_change(situation.image, situation.study.soft)
        text = _(
            "The volume has changed since it was segmented ({differs}). Segment again: the former"
            " mask and its corrections stay in the scene, hidden."
        )
        said = text.format(differs=differs) if differs else ""
        self._panel.rest(said, section="Mask", warning=bool(differs))

    def _watch(self, node) -> None:
        """Follow the eye and the colour of the segment in Slicer's other modules."""
        if node is self._watched:
            return
        shown, recoloured = (
            slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent,
            slicer.vtkSegmentation.SegmentModified,
        )
        for event in (shown, recoloured):
            if self._watched is not None:
                self._panel.unobserve(self._watched, event, self._on_display)
            if node is not None:
                self._panel.observe(node, event, self._on_display)
        self._watched = node

    def _on_display(self, _caller=None, _event=None) -> None:
        """The segment was shown, hidden or recoloured, or the image came into a view or left it."""
        situation, parameters = self._panel.situation, self._panel.parameters
        view = situation.view
        if view is None or parameters is None or situation.busy or view.is_updating:
            return
        if None not in (situation.image.GetScene(), view.node.GetScene(), view.soft_node):
            self._draw(situation.study, parameters)

    def _on_threshold(self, value: float) -> None:
        from ..scene.mask_style import follow_threshold

        view, parameters = self._panel.situation.view, self._panel.parameters
        if self._panel.refreshing or view is None:
            return
        # The slider rounds, and also signals values that are set by the program.
        if abs(view.threshold - value) < 0.5 * self._ui.cordThresholdSlider.singleStep:
            return
        with self._panel.guard(_("The threshold could not be changed."), refresh=False):
            view.update(value)
            if parameters is not None:
                follow_threshold(self._panel.situation.study, parameters.style)

    def _on_style(self) -> None:
        if self._panel.parameters is not None:
            chosen = (style for style, radio in self._radios.items() if radio.checked)
            self._panel.parameters.style = next(chosen)
