"""Section "Segment": the button, progress, Cancel, the box, and segmenting all volumes."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..errors import Cancelled, SoftCordSegError
from .controls import Section
from .platforms import confirm, install_missing_packages
from .situation import volumes_to_segment


class RunSection(Section):
    """The section "Segment".

    Args:
        panel: see :class:`~.panel.Panel`.
        choices: the section with the model and the device.
    """

    def __init__(self, panel, choices):
        self._panel, self._ui, self._choices = panel, panel.ui, choices
        self._ui.cordSegmentButton.connect("clicked()", self.on_segment)
        self._ui.cordSegmentAllButton.connect("clicked()", self.on_segment_all)
        self._ui.cordCancelButton.connect("clicked()", self.on_cancel)
        self._ui.cordProgressBar.visible = False
        self._ui.cordCancelButton.visible = False
        self._of_many = ""

    def refresh(self, situation) -> None:
        ui, allow = self._ui, self._panel.hints.allow
        wait = _("Wait for the segmentation, or cancel it.") if situation.busy else ""
        allow(ui.cordSegmentButton, wait or situation.reason)
        allow(
            ui.cordSegmentAllButton,
            wait
            or ("" if self._waiting() else _("Every loaded volume has a mask, or none is loaded.")),
        )
        ui.cordSegmentButton.text = (
            _("Segment again") if situation.view is not None else _("Segment")
        )
        if situation.busy and not ui.cordCancelButton.visible:
            ui.cordProgressBar.value = 0
            allow(ui.cordCancelButton)
        ui.cordProgressBar.visible = situation.busy
        ui.cordCancelButton.visible = situation.busy
        self._show_box(situation, wait)
        self._point_to_the_next_step(situation)

    def on_cancel(self) -> None:
        self._panel.worker.cancel()
        self._panel.hints.allow(self._ui.cordCancelButton, _("Stopping at the next tile."))
        self._panel.say(_("Stopping …"))

    def on_segment(self) -> None:
        panel, image = self._panel, self._panel.situation.image
        with panel.guard(_("The spinal cord could not be segmented.")):
            install_missing_packages(panel.requirements)
            panel.refresh()
            if self._may_segment(image):
                panel.say(self._segment(image))

    def on_segment_all(self) -> None:
        panel = self._panel
        with panel.guard(_("The volumes could not be segmented.")):
            install_missing_packages(panel.requirements)
            images = self._waiting()
            if not images:
                raise SoftCordSegError(_("Every loaded volume has a mask, or none is loaded."))
            panel.say(self._segment_many(images))

    def _segment_many(self, images: list) -> str:
        """Segment several volumes; one that cannot be segmented does not stop the others.  A
        summary, and a sentence for each problem.
        """
        done, problems = 0, []
        try:
            for number, image in enumerate(images, 1):
                if image.GetScene() is None:
                    continue
                self._of_many = _("{number} of {count}, {name}: ").format(
                    number=number, count=len(images), name=image.GetName()
                )
                try:
                    message = self._segment(image)
                except Cancelled:
                    problems.append(_("Stopped; masks made before stay."))
                    break
                except SoftCordSegError as error:
                    problems.append(f"{image.GetName()}: {error}")
                    continue
                if self._has_mask(image):
                    done += 1
                else:
                    problems.append(f"{image.GetName()}: {message}")
        finally:
            self._of_many = ""
        return "\n".join(
            [
                _("{done} of {count} volumes have a mask now.").format(
                    done=done, count=len(images)
                ),
                *problems,
            ]
        )

    def _segment(self, image) -> str:
        """Run the network on one image, and put the mask into the scene; a message on the
        result.
        """
        panel = self._panel
        only_box = (
            panel.parameters is not None
            and panel.parameters.onlyInBox
            and image is panel.situation.image
        )
        request = panel.logic.request(image, self._choices.model, self._choices.device, only_box)
        panel.say(self._of_many + _("Starting"))
        engine = panel.logic.engine

        def report(fraction, message):
            self._ui.cordProgressBar.value = round(100 * fraction)
            if self._ui.cordCancelButton.enabled:
                panel.say(self._of_many + message)

        mask = panel.work(lambda progress: engine(request, progress), report)
        # The user may have closed the scene, or deleted the volume, during the run.
        if image.GetScene() is None:
            raise SoftCordSegError(
                _("The volume was deleted while it was being segmented. Nothing was added.")
            )
        study = panel.logic.accept(image, request, mask)
        if mask.found and image is (
            panel.parameters.image if panel.parameters is not None else None
        ):
            self._panel.refresh()
            panel.views.bring_to_cord(study)
        return " ".join([mask.message, *mask.notes])

    def _may_segment(self, image) -> bool:
        """Ask where there are the user's corrections."""
        if not self._panel.logic.has_edits(image):
            return True
        return confirm(
            _(
                "This volume was corrected by hand. Segment it again? Your corrections are applied"
                " to the new mask."
            )
        )

    def _point_to_the_next_step(self, situation) -> None:
        """Show the first step, where there is no other message."""
        waits = situation.image is not None and not situation.reason and situation.view is None
        hints = (_("Load an MR volume: drag it into the window."), _("Press Segment."))
        self._panel.rest(hints[0] if situation.image is None else hints[1] if waits else "")

    def _waiting(self) -> list:
        """The volumes that have no mask yet."""
        return [
            image for image in volumes_to_segment(self._panel.scene) if not self._has_mask(image)
        ]

    @staticmethod
    def _has_mask(image) -> bool:
        from ..scene.links import IMAGE, nodes_linked_to

        return bool(nodes_linked_to(image, IMAGE, "vtkMRMLScalarVolumeNode"))

    def _show_box(self, situation, wait: str) -> None:
        ui, allow = self._ui, self._panel.hints.allow
        box = situation.study.box if situation.study is not None else None
        parameters = self._panel.parameters
        allow(
            ui.cordBoxShownCheck,
            (
                ""
                if box is not None
                else _("There is no box yet: segment the volume, or tick 'Segment only inside it'.")
            ),
        )
        allow(ui.cordInBoxCheck, wait or situation.reason)
        if parameters is None or situation.study is None or situation.busy:
            return
        if box is None and parameters.onlyInBox and not situation.reason:
            box = self._panel.logic.add_whole_box(situation.image)
            allow(ui.cordBoxShownCheck)
        if box is not None:
            display = box.GetDisplayNode()
            shown = parameters.boxShown or parameters.onlyInBox
            if display is not None and bool(display.GetVisibility()) != shown:
                display.SetVisibility(shown)
            if (
                display is not None
                and bool(display.GetHandlesInteractive()) != parameters.onlyInBox
            ):
                display.SetHandlesInteractive(parameters.onlyInBox)
