"""Section "Levels": discs placed by click in the order of the spine, found in the image, or read
from a file.
"""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from .controls import Section, setting, store_setting

_FILES = "(*.mrk.json *.json *.fcsv *.nii *.nii.gz)"


class LevelsSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._watched = None
        self._find_text = panel.ui.cordProposeButton.text
        self._ui.cordPlaceButton.connect("clicked()", self._on_place)
        self._ui.cordProposeButton.connect("clicked()", self._on_propose)
        self._ui.cordLoadDiscsButton.connect("clicked()", self._on_load)
        self._ui.cordRemoveDiscsButton.connect("clicked()", self._on_remove)

    def refresh(self, situation) -> None:
        ui, allow = self._ui, self._panel.hints.allow
        reason = (
            _("Wait for the segmentation, or cancel it.") if situation.busy else situation.reason
        )
        if not reason and situation.study is None:
            reason = _("Install the missing packages first.")
        node = situation.study.discs if situation.study is not None else None
        self._watch(node)
        points = node.GetNumberOfControlPoints() if node is not None else 0
        allow(ui.cordPlaceButton, reason)
        allow(ui.cordLoadDiscsButton, reason)
        self._offer_finding(node, reason or situation.why_no_mask)
        allow(ui.cordRemoveDiscsButton, reason or ("" if points else _("There are no discs yet.")))
        ui.cordPlaceButton.checked = self._is_placing(node)
        ui.cordDiscsNote.text = self._words(node)

    def _offer_finding(self, node, reason: str) -> None:
        """One button: finds the discs, and once they were found, finds them anew around what the
        user changed.
        """
        refit = False
        if (
            node is not None
        ):  # without one, nothing is imported: the panel opens before the packages are there
            from ..scene.disc_points import has_found_discs

            refit = has_found_discs(node)
        tip = _(
            "Find anew the discs that were found before. Those that you placed, moved or renamed"
            " stay, and help."
        )
        self._panel.hints.allow(self._ui.cordProposeButton, reason, tip if refit else "")
        self._ui.cordProposeButton.text = _("Re-fit") if refit else self._find_text

    def exit(self) -> None:
        """Another module is shown: clicks in the views are not ours any more."""
        self._stop_placing()

    def close(self) -> None:
        self._stop_placing()
        self._watch(None)

    @staticmethod
    def _words(node) -> str:
        from ..errors import InputError

        if node is None or not node.GetNumberOfControlPoints():
            return _("No discs yet. The first click is C2/C3, the next one C3/C4, and so on.")
        from ..scene.disc_points import discs_of

        try:
            return ", ".join(disc.name for disc in discs_of(node))
        except InputError as error:
            return str(error)

    # --- placing by click
    # ----------------------------------------------------------------------------------------------

    def _on_place(self) -> None:
        with self._panel.guard(_("Discs could not be placed.")):
            node = (
                self._panel.situation.study.discs
                if self._panel.situation.study is not None
                else None
            )
            if self._is_placing(node):
                self._stop_placing()
                return
            from ..scene.study import set_disc_labels

            if node is None:
                node = set_disc_labels(self._panel.situation.image, []).discs
            selection = slicer.app.applicationLogic().GetSelectionNode()
            selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
            selection.SetActivePlaceNodeID(node.GetID())
            self._interaction_node().SwitchToPersistentPlaceMode()

    def _is_placing(self, node) -> bool:
        interaction = self._interaction_node()
        if node is None or interaction is None:
            return False
        selection = slicer.app.applicationLogic().GetSelectionNode()
        return (
            interaction.GetCurrentInteractionMode() == interaction.Place
            and selection.GetActivePlaceNodeID() == node.GetID()
        )

    def _stop_placing(self) -> None:
        if self._is_placing(self._watched):
            self._interaction_node().SwitchToViewTransformMode()

    @staticmethod
    def _interaction_node():
        return slicer.app.applicationLogic().GetInteractionNode()

    def _watch(self, node) -> None:
        """Name the points of the shown list as they are placed."""
        if node is self._watched:
            return
        placed = slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent
        removed, moved = (
            slicer.vtkMRMLMarkupsNode.PointRemovedEvent,
            slicer.vtkMRMLMarkupsNode.PointModifiedEvent,
        )
        followed = (
            (placed, self._on_placed),
            (removed, self._on_points_changed),
            (moved, self._on_point_moved),
        )
        for event, method in followed:
            if self._watched is not None:
                self._panel.unobserve(self._watched, event, method)
            if node is not None:
                self._panel.observe(node, event, method)
        if node is not None:
            interaction = self._interaction_node()
            if interaction is not None:
                self._panel.observe(
                    interaction, interaction.InteractionModeChangedEvent, self._on_points_changed
                )
        self._watched = node

    def _on_placed(self, node, _event=None) -> None:
        from ..morphometry import disc_name
        from ..scene.disc_points import next_disc_value

        named = _newest_point(node)
        if named is not None:
            # Slicer named it "<list>-<number>"; that name is no disc, and so not counted for the
            # next one.
            node.SetNthControlPointLabel(named, disc_name(next_disc_value(node)))
        self._panel.refresh()

    def _on_points_changed(self, _caller=None, _event=None) -> None:
        self._panel.refresh()

    def _on_point_moved(self, node, _event=None) -> None:
        self._ui.cordDiscsNote.text = self._words(
            node
        )  # only the names: a drag fires this for every pixel

    # --- from the image, from a file, and away
    # -------------------------------------------------------------------------

    def _on_propose(self) -> None:
        with self._panel.guard(_("The discs could not be found.")):
            from ..morphometry.disc_files import FOUND
            from ..scene.disc_points import placed_discs_of
            from ..scene.study import set_disc_labels
            from ..scene.volume_nodes import volume_of
            from ..workflows.label_discs import label_volume

            situation = self._panel.situation
            image, soft, node = situation.image, situation.study.soft, situation.study.discs
            known = placed_discs_of(node) if node is not None else []
            volume, mask = volume_of(image), volume_of(soft)
            self._panel.say(_("Looking for the discs"))
            labelling = self._panel.work(
                lambda progress: label_volume(volume, mask, known, progress)
            )
            if image.GetScene() is None:
                return
            found = [disc for disc in labelling.discs if disc.source == FOUND]
            remarks = {disc.label.value: disc.remark for disc in found}
            set_disc_labels(image, [disc.label for disc in labelling.discs], remarks)
            new = [disc.label.name for disc in found]
            words = _("Found: {names}. Check each disc, and move it where it is off.")
            words = words.format(names=", ".join(new) or _("nothing more"))
            self._panel.say(" ".join([words, *labelling.notes]))

    def _on_load(self) -> None:
        path = qt.QFileDialog.getOpenFileName(
            None, _("Choose the discs"), setting("DiscsFolder"), f"{_('Discs')} {_FILES}"
        )
        if not path:
            return
        with self._panel.guard(_("The discs could not be loaded.")):
            from ..morphometry.disc_files import read_discs, read_remarks
            from ..scene.study import set_disc_labels

            discs = read_discs(Path(path))
            set_disc_labels(self._panel.situation.image, discs, read_remarks(Path(path)))
            store_setting("DiscsFolder", str(Path(path).parent))
            self._panel.say(_("{count} discs were loaded.").format(count=len(discs)))

    def _on_remove(self) -> None:
        with self._panel.guard(_("The discs could not be removed.")):
            self._stop_placing()
            self._panel.scene.RemoveNode(self._panel.situation.study.discs)


def _newest_point(node) -> int | None:
    """The last placed point whose name is no disc yet."""
    for n in reversed(range(node.GetNumberOfControlPoints())):
        if node.GetNthControlPointPositionStatus(n) == node.PositionDefined and not _is_disc(
            node.GetNthControlPointLabel(n)
        ):
            return n
    return None


def _is_disc(name: str) -> bool:
    from ..errors import InputError
    from ..morphometry import parse_disc

    try:
        parse_disc(name)
    except InputError:
        return False
    return True
