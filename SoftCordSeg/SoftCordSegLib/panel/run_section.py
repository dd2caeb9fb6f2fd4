"""The top of the panel: the volume, the button Segment, in whose place progress and Cancel appear,
and the line that says what came of it.
"""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ..errors import Cancelled, SoftCordSegError
from .controls import Section
from .outcome import Outcome, outcome_of
from .platforms import confirm, install_missing_packages
from .sample_data import load_sample
from .situation import frame_of_sequence, is_soft_mask, volumes_to_segment

# The outcome of a mask is read again when the hand has rested so long, ms.
_REST_MS = 300


class RunSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    choice: :class:`~.model_choice.ModelChoice`.
    """

    def __init__(self, panel, choice):
        self._panel, self._ui, self._choice = panel, panel.ui, choice
        self._masks: list[str] = []  # IDs of the nodes that are not offered as volumes
        self._of_many = ""
        self._watched: tuple = ()
        self._browser = None  # of the sequence whose frame is shown
        self._shown_frame = None
        self._outcome: tuple | None = None  # (key, Outcome) of the shown mask
        self._notes = ""  # on the last run, as long as its mask is shown
        self._reading = qt.QTimer()
        self._reading.setSingleShot(True)
        self._reading.setInterval(_REST_MS)
        self._reading.connect("timeout()", self._on_rest)
        ui = self._ui
        ui.cordSegmentButton.connect("clicked()", self.on_segment)
        ui.cordCancelButton.connect("clicked()", self.on_cancel)
        ui.cordSampleButton.connect("clicked()", self._on_sample)
        ui.cordInstallButton.connect("clicked()", self._on_install)
        ui.cordProgressBar.visible = ui.cordCancelButton.visible = False

    def refresh(self, situation) -> None:
        ui, allow = self._ui, self._panel.hints.allow
        wait = _("Wait for the segmentation, or cancel it.") if situation.busy else ""
        self._leave_out_masks()
        for control in (ui.cordImageSelector, ui.cordInstallButton, ui.cordSampleButton):
            allow(control, wait)
        allow(ui.cordSegmentButton, wait or situation.reason)
        ui.cordSegmentButton.text = (
            _("Segment again") if situation.view is not None else _("Segment")
        )
        if situation.busy and not ui.cordCancelButton.visible:
            ui.cordProgressBar.value = 0
            allow(ui.cordCancelButton)
        ui.cordSegmentButton.visible = not situation.busy and not self._panel.reviewing
        ui.cordProgressBar.visible = ui.cordCancelButton.visible = situation.busy
        ui.cordInstallButton.visible = bool(situation.missing)
        ui.cordSampleButton.visible = (
            situation.image is None and not situation.missing and not self._panel.reviewing
        )
        waiting = self._waiting()
        allow(
            self._panel.menu.segment_all,
            wait or ("" if waiting else _("Every loaded volume has a mask, or none is loaded.")),
        )
        self._show_box(situation)
        self._watch(situation)
        self._watch_frames(situation.image)
        self._say_the_state(situation)

    def close(self) -> None:
        self._watch(None)
        self._watch_frames(None)
        self._reading.stop()
        self._reading.disconnect("timeout()", self._on_rest)

    # --- segmenting
    # ----------------------------------------------------------------------------------------------

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
                self._say_result(self._segment(image))

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
                    mask = self._segment(image)
                except Cancelled:
                    problems.append(_("Stopped; masks made before stay."))
                    break
                except SoftCordSegError as error:
                    problems.append(f"{image.GetName()}: {error}")
                    continue
                done += mask.found
                if not mask.found or mask.notes:
                    said = mask.notes if mask.found else (mask.message,)
                    problems.append(f"{image.GetName()}: {' '.join(said)}")
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

    @property
    def model(self):
        """The folder of the chosen model; None for the recommended one."""
        return self._choice.model

    @property
    def device(self) -> str:
        """Where the network is to run, "auto" for example."""
        return self._choice.device

    def run_network(self, request, what: str = ""):
        """The network's answer to a request, with progress and Cancel meanwhile.

        Args:
            request: ``workflows.segment_images.VolumeRequest``.
            what: said before each step; "" for nothing.

        Returns:
            ``segmentation.SoftMask``.
        """
        panel, engine = self._panel, self._panel.logic.engine
        panel.say(what + _("Starting"))
        return panel.work(
            lambda progress: engine(request, progress),
            lambda fraction, message: panel.report(fraction, what + message),
        )

    def _segment(self, image):
        """Run the network on one image, and put the mask into the scene.

        Returns:
            ``segmentation.SoftMask``.
        """
        panel = self._panel
        only_box = (
            panel.parameters is not None
            and panel.parameters.onlyInBox
            and image is panel.situation.image
        )
        request = panel.logic.request(image, self._choice.model, self._choice.device, only_box)
        mask = self.run_network(request, self._of_many)
        # The user may have closed the scene, or deleted the volume, during the run.
        if image.GetScene() is None:
            raise SoftCordSegError(
                _("The volume was deleted while it was being segmented. Nothing was added.")
            )
        study = panel.logic.accept(image, request, mask)
        if mask.found and image is (
            panel.parameters.image if panel.parameters is not None else None
        ):
            panel.refresh()
            panel.views.bring_to_cord(study)
        return mask

    def _say_result(self, mask) -> None:
        """Where a cord was found, the state says it; notes that it does not know are said here."""
        from ..segmentation import abrupt_ends

        known = {end.sentence for end in abrupt_ends(mask.volume)}
        notes = " ".join(note for note in mask.notes if note not in known)
        if not mask.found:
            self._panel.say(f"{mask.message} {notes}".strip(), warning=True)
            return
        self._panel.say("")
        self._notes = notes
        self._say_the_state(self._panel.situation)

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

    def _waiting(self) -> list:
        """The volumes that have no mask yet."""
        return [
            image for image in volumes_to_segment(self._panel.scene) if not self._has_mask(image)
        ]

    @staticmethod
    def _has_mask(image) -> bool:
        from ..scene.links import IMAGE, nodes_linked_to

        return bool(nodes_linked_to(image, IMAGE, "vtkMRMLScalarVolumeNode"))

    # --- the volume
    # ----------------------------------------------------------------------------------------------

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

    def _on_sample(self) -> None:
        with self._panel.guard(_("The sample could not be loaded.")):
            image = load_sample()
            if self._panel.parameters is not None:
                self._panel.parameters.image = image

    def _on_install(self) -> None:
        with self._panel.guard(_("The packages could not be installed.")):
            install_missing_packages(self._panel.requirements)

    def _show_box(self, situation) -> None:
        """Show the box as chosen in the menu; make one to look in where there is none."""
        parameters, study = self._panel.parameters, situation.study
        if parameters is None or study is None or situation.busy:
            return
        box = study.box
        if box is None and parameters.onlyInBox and not situation.reason:
            box = self._panel.logic.add_whole_box(situation.image)
        display = box.GetDisplayNode() if box is not None else None
        if display is None:
            return
        shown = parameters.boxShown or parameters.onlyInBox
        if bool(display.GetVisibility()) != shown:
            display.SetVisibility(shown)
        if bool(display.GetHandlesInteractive()) != parameters.onlyInBox:
            display.SetHandlesInteractive(parameters.onlyInBox)

    # --- the line that says the state, and what to do next
    # ----------------------------------------------------------------------------------------------

    def _say_the_state(self, situation) -> None:
        rest, image = self._panel.rest, situation.image
        if self._panel.reviewing and not situation.missing:
            rest("")  # the case has lines of its own, and the list needs the room
        elif situation.missing:
            rest(
                _("These packages are missing: {names}.").format(names=", ".join(situation.missing))
            )
        elif image is None:
            rest(_("No MR volume yet: drop a file or a DICOM folder here, or"))
        elif situation.reason:
            rest(situation.reason, warning=True)
        elif situation.view is None:
            rest(" ".join([self._frame(image), _("Press Segment.")]).strip())
        else:
            outcome = self._read_outcome(situation.study)
            position = outcome.position_mm
            rest(
                " ".join([self._frame(image), outcome.text, self._notes]).strip(),
                warning=outcome.warning,
                show=(lambda: self._panel.views.jump(position)) if position else None,
            )

    @staticmethod
    def _frame(image) -> str:
        frame = frame_of_sequence(image)
        if frame is None:
            return ""
        return _("Frame {number} of {count} of '{name}'.").format(
            name=frame[0], number=frame[1], count=frame[2]
        )

    def _watch_frames(self, image) -> None:
        """Follow the browser of the sequence whose frame is shown."""
        from ..scene.sequence_frames import browser_of, shown_frame

        browser = None if image is None else browser_of(image)
        self._shown_frame = None if browser is None else shown_frame(image)
        if browser is self._browser:
            return
        if self._browser is not None:
            self._panel.unobserve(self._browser, "ModifiedEvent", self._on_frame)
        if browser is not None:
            self._panel.observe(browser, "ModifiedEvent", self._on_frame)
        self._browser = browser

    def _on_frame(self, browser, _event=None) -> None:
        """Another frame is shown: the masks of the former one are not its masks."""
        if browser.GetSelectedItemNumber() == self._shown_frame:
            return
        from ..scene.on_screen import images_in_views, show_only

        self._panel.refresh()
        show_only(self._panel.scene, images_in_views(self._panel.scene))

    def _read_outcome(self, study) -> Outcome:
        """The outcome of the mask; read anew at once for another mask, else when the hand rests."""
        key = _key(study)
        if self._outcome is None or self._outcome[0][0] != key[0]:
            self._outcome, self._notes = (key, outcome_of(study)), ""
        elif self._outcome[0] != key:
            self._reading.start()
        return self._outcome[1]

    def _on_rest(self) -> None:
        situation = self._panel.situation
        if situation.view is not None and not situation.busy:
            with self._panel.guard(_("The mask could not be read."), refresh=False, by_itself=True):
                self._outcome = (_key(situation.study), outcome_of(situation.study))
                self._say_the_state(situation)

    def _watch(self, situation) -> None:
        """Follow what the outcome depends on."""
        study = situation.study if situation is not None and situation.view is not None else None
        nodes = () if study is None else (study.soft, study.slice_table, study.discs)
        if nodes == self._watched:
            return
        for watch, followed in (
            (self._panel.unobserve, self._watched),
            (self._panel.observe, nodes),
        ):
            for node in followed:
                if node is not None:
                    watch(node, "ModifiedEvent", self._on_source_changed)
        self._watched = nodes

    def _on_source_changed(self, _caller=None, _event=None) -> None:
        self._reading.start()


def _key(study) -> tuple:
    """Changes when the outcome may; the first part when it is of another mask or run."""
    tables = (study.slice_table, study.discs)
    from .saving import RUN

    return (
        (study.soft.GetID(), study.soft.GetAttribute(RUN)),
        study.soft.GetImageData().GetMTime(),
        *(None if node is None else node.GetMTime() for node in tables),
    )
