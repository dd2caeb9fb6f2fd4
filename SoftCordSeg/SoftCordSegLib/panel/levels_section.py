"""Section "Levels": discs placed by click in the order of the spine, found in the image, or read
from a file.
"""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from .controls import Section, setting, store_setting
from .disc_table import DiscTable

_FILES = "(*.mrk.json *.json *.fcsv *.nii *.nii.gz)"


class LevelsSection(Section):
    """The section "Levels".

    Args:
        panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._watched = None
        self._next: int | None = None  # what the user called the next disc
        self._choices: list[int] = []  # the values that can be chosen for it
        self._answers: list[int] = []  # the values that the disc in question may have
        self._namings: tuple = ()  # the ways to name what was found last
        self._find_text = panel.ui.cordProposeButton.text
        self._table = DiscTable(panel.ui.cordDiscsTable, self._on_renamed, self._on_row)
        self._ui.cordPlaceButton.connect("clicked()", self._on_place)
        self._ui.cordProposeButton.connect("clicked()", self._on_propose)
        self._ui.cordLoadDiscsButton.connect("clicked()", self._on_load)
        self._ui.cordRemoveDiscsButton.connect("clicked()", self._on_remove)
        self._ui.cordNextDiscSelector.connect("activated(int)", self._on_next_chosen)
        self._ui.cordNamesYesButton.connect("clicked()", self._on_names_right)
        self._ui.cordNamesSelector.connect("activated(int)", self._on_names_other)

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
        allow(ui.cordNextDiscSelector, reason)
        self._offer_finding(node, reason or situation.why_no_mask)
        allow(ui.cordRemoveDiscsButton, reason or ("" if points else _("There are no discs yet.")))
        ui.cordPlaceButton.checked = self._is_placing(node)
        if situation.study is not None:
            self._show_discs(node)
        else:
            self._show_no_discs()

    def title(self, situation) -> str:
        """From the uppermost disc to the lowest."""
        node = situation.study.discs if situation.study is not None else None
        if node is None or not node.GetNumberOfControlPoints():
            return _("no discs") if situation.image is not None else ""
        from ..scene.disc_names import disc_rows, disc_to_confirm

        names = [row.name for row in disc_rows(node)]
        if not names:
            return _("no discs")
        text = names[0]
        if len(names) > 1:
            text = _("{first} to {last}").format(first=names[0], last=names[-1])
        return text + (_(", names uncertain") if disc_to_confirm(node) is not None else "")

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

    # --- the list, and the next name
    # ----------------------------------------------------------------------------------------------

    def _show_discs(self, node) -> None:
        from ..scene.disc_names import disc_rows

        rows = disc_rows(node) if node is not None else []
        self._table.show(rows)
        self._show_next(node)
        self._show_question(node, len(rows))
        self._advise(node, rows)

    def _show_no_discs(self) -> None:
        """Without an image; nothing is imported, for packages may be missing."""
        ui = self._ui
        self._table.show([])
        for control in (ui.cordNamesQuestion, ui.cordNamesYesButton, ui.cordNamesSelector):
            control.visible = False
        self._panel.rest("", "Levels")

    def _advise(self, node, rows) -> None:
        """What to do next, in the status line."""
        from ..errors import InputError
        from ..morphometry import disc_name
        from ..scene.disc_points import discs_of
        from ..workflows.label_discs import UNSURE

        rest = self._panel.rest
        if not rows:
            words = _(
                "Press Find discs; or Place, and click the discs from above to below: the first"
                " click is {first}."
            )
            rest(words.format(first=disc_name(self._next_value(node))), "Levels")
            return
        try:
            discs_of(node)
        except InputError as error:
            rest(str(error), "Levels", warning=True)
            return
        unsure = [row for row in rows if (row.confidence or 1.0) < UNSURE]
        if not unsure:
            rest("", "Levels")
            return
        words = _("Look at {names}: more likely wrong than right.")
        words = words.format(names=", ".join(row.name for row in unsure))
        first = unsure[0].number
        rest(words, "Levels", warning=True, show=lambda: self._on_row(first))

    def _next_value(self, node) -> int | None:
        """The disc that the next click is; None where L5/S1 is there already."""
        from ..errors import InputError
        from ..morphometry import parse_disc
        from ..scene.disc_names import free_disc_values
        from ..scene.disc_points import next_disc_value

        free = free_disc_values(node)
        if self._next in free:
            return self._next
        parameters = self._panel.parameters
        try:
            first = parse_disc(parameters.firstDisc) if parameters is not None else 3
        except InputError:  # of a scene that somebody wrote
            first = 3
        value = first if node is None else next_disc_value(node, first)
        return value if value in free else None

    def _show_next(self, node) -> None:
        from ..morphometry import disc_name
        from ..scene.disc_names import free_disc_values, name_next_disc

        ui, value, free = self._ui, self._next_value(node), free_disc_values(node)
        if node is not None:
            name_next_disc(node, value)
        empty = node is None or not node.GetNumberOfControlPoints()
        ui.cordNextDiscLabel.text = _("First disc:") if empty else _("Next disc:")
        selector = ui.cordNextDiscSelector
        if free != self._choices:
            self._choices = free
            selector.clear()
            for one in free:
                selector.addItem(disc_name(one))
        index = free.index(value) if value is not None else -1
        if selector.currentIndex != index:
            selector.currentIndex = index

    def _on_next_chosen(self, index: int) -> None:
        from ..morphometry import disc_name

        with self._panel.guard(_("The next disc could not be named."), section="Levels"):
            node, value = self._watched, self._choices[index]
            empty = node is None or not node.GetNumberOfControlPoints()
            if empty and self._panel.parameters is not None:
                self._panel.parameters.firstDisc = disc_name(value)
            self._next = None if empty else value

    def _on_renamed(self, number: int, text: str) -> None:
        with self._panel.guard(_("The disc could not be renamed."), section="Levels"):
            from ..morphometry import parse_disc
            from ..scene.disc_names import ask_for_name, rename_from

            rename_from(self._watched, number, parse_disc(text))
            ask_for_name(self._watched, None)

    def _on_row(self, number: int) -> None:
        with self._panel.guard(_("The disc could not be shown."), False, "Levels"):
            position = [0.0, 0.0, 0.0]
            self._watched.GetNthControlPointPositionWorld(number, position)
            self._panel.views.jump(position)

    # --- are the names right?
    # ----------------------------------------------------------------------------------------------

    def _show_question(self, node, count: int) -> None:
        from ..morphometry import LAST_DISC, disc_name
        from ..scene.disc_names import disc_to_confirm

        ui, row = self._ui, disc_to_confirm(node)
        for control in (ui.cordNamesQuestion, ui.cordNamesYesButton, ui.cordNamesSelector):
            control.visible = row is not None
        if row is None:
            self._namings = ()
            return
        name = disc_name(row.value)
        words = _("{count} discs, but their names are not certain: is this {name}?")
        ui.cordNamesQuestion.text = words.format(count=count, name=name)
        ui.cordNamesYesButton.text = _("Yes, {name}").format(name=name)
        likely = {value: probability for value, probability, _discs in self._alternatives(row)}
        rest = [value for value in range(1, LAST_DISC + 1) if value not in {row.value, *likely}]
        answers = [*likely, *rest]
        if answers == self._answers and ui.cordNamesSelector.count:
            ui.cordNamesSelector.currentIndex = 0
            return
        self._answers = answers
        ui.cordNamesSelector.clear()
        ui.cordNamesSelector.addItem(_("No, it is …"))
        for value in answers:
            chance = f" ({likely[value]:.0%})" if value in likely else ""
            ui.cordNamesSelector.addItem(disc_name(value) + chance)

    def _alternatives(self, row) -> list[tuple[int, float, tuple]]:
        """(value of the disc in question, probability, discs) of the other ways to name them."""
        import math

        found = []
        for naming in self._namings[1:]:
            nearest = min(
                naming.discs,
                key=lambda disc: math.dist(disc.label.position_mm, row.position_mm),
            )
            found.append((nearest.label.value, naming.probability, naming.discs))
        return found

    def _on_names_right(self) -> None:
        with self._panel.guard(_("The names could not be confirmed."), section="Levels"):
            from ..scene.disc_names import confirm_name

            if self._watched is not None:
                confirm_name(self._watched)
            self._panel.say("", "Levels")

    def _on_names_other(self, index: int) -> None:
        with self._panel.guard(_("The discs could not be renamed."), section="Levels"):
            from ..scene.disc_names import ask_for_name, confirm_name, disc_to_confirm, rename_from
            from ..scene.disc_points import placed_discs_of

            node = self._watched
            row = disc_to_confirm(node)
            if index < 1 or row is None:
                return
            value = self._answers[index - 1]
            discs = {one: discs for one, _p, discs in self._alternatives(row)}.get(value)
            if discs is None or placed_discs_of(node):
                rename_from(node, row.number, value)
                ask_for_name(node, None)
            else:
                # Under another name another chain fits best.
                self._put(discs, self._panel.situation.image)
                ask_for_name(node, value)
                confirm_name(node)
            self._panel.say("", "Levels")

    # --- placing by click
    # ----------------------------------------------------------------------------------------------

    def _on_place(self) -> None:
        with self._panel.guard(_("Discs could not be placed."), section="Levels"):
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
            self._show_next(node)  # before the mouse shows a preview
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
        self._next, self._namings = None, ()
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

        named, value = _newest_point(node), self._next_value(node)
        if named is not None and value is not None:
            # Placed by another module under Slicer's "<list>-<number>".
            node.SetNthControlPointLabel(named, disc_name(value))
        self._next = None
        if self._next_value(node) is None:
            self._stop_placing()
        self._panel.refresh()

    def _on_points_changed(self, _caller=None, _event=None) -> None:
        self._panel.refresh()

    def _on_point_moved(self, node, _event=None) -> None:
        # Only the list: a drag fires this for every pixel.
        if not self._panel.refreshing:
            self._show_discs(node)

    # --- from the image, from a file, and away
    # -------------------------------------------------------------------------

    def _on_propose(self) -> None:
        with self._panel.guard(_("The discs could not be found."), section="Levels"):
            from ..scene.disc_names import merge_found
            from ..scene.disc_points import placed_discs_of
            from ..scene.study import study_of
            from ..scene.volume_nodes import volume_of
            from ..workflows.label_discs import label_volume

            situation = self._panel.situation
            image, soft, node = situation.image, situation.study.soft, situation.study.discs
            before = placed_discs_of(node) if node is not None else []
            volume, mask = volume_of(image), volume_of(soft)
            self._panel.say(_("Looking for the discs"), "Levels")
            labelling = self._panel.work(
                lambda progress: label_volume(volume, mask, before, progress, uncertain_names=True)
            )
            if image.GetScene() is None:
                return
            left = study_of(image).discs
            if node is not None and left is None:
                self._panel.say(_("The discs were removed meanwhile; nothing was put."), "Levels")
                return
            now = placed_discs_of(left) if left is not None else []
            discs, changed = merge_found(labelling.discs, before, now)
            self._put(discs, image)
            if image is self._panel.situation.image:
                self._say_found(discs, labelling, changed)
            else:
                words = _("{count} discs were put into {name}.")
                words = words.format(count=len(discs), name=image.GetName())
                self._panel.say(words, "Levels")

    def _put(self, discs, image) -> None:
        """Put located discs into the scene, for the volume that they were found in: another one may
        have been chosen meanwhile.
        """
        from ..morphometry.disc_files import FOUND
        from ..scene.study import set_disc_labels

        remarks = {disc.label.value: disc.remark for disc in discs if disc.source == FOUND}
        node = set_disc_labels(image, [disc.label for disc in discs], remarks).discs
        if image is self._panel.situation.image:
            self._watch(node)

    def _say_found(self, discs, labelling, changed: bool) -> None:
        from ..morphometry.disc_files import FOUND
        from ..scene.disc_names import ask_for_name

        new = sum(disc.source == FOUND for disc in discs)
        found = _("Found: {count} discs. Check each, and move it where it is off.")
        words = [found.format(count=new) if new else _("No further disc was found.")]
        if changed:
            words.append(
                _("Those that you changed meanwhile stay; Re-fit fits the others to them.")
            )
        ask = not labelling.certain and not changed
        key = labelling.namings[0].key_disc.label if ask else None
        ask_for_name(self._watched, key.value if ask else None)
        if ask:
            self._namings = labelling.namings
            self._panel.views.jump(key.position_mm)
            words = words[1:]  # the question says it
        self._panel.say(" ".join([*words, *labelling.notes]), "Levels")

    def _on_load(self) -> None:
        path = qt.QFileDialog.getOpenFileName(
            None, _("Choose the discs"), setting("DiscsFolder"), f"{_('Discs')} {_FILES}"
        )
        if not path:
            return
        with self._panel.guard(_("The discs could not be loaded."), section="Levels"):
            from ..morphometry.disc_files import read_discs, read_remarks
            from ..scene.disc_names import ask_for_name
            from ..scene.study import set_disc_labels

            discs = read_discs(Path(path))
            node = set_disc_labels(
                self._panel.situation.image, discs, read_remarks(Path(path))
            ).discs
            ask_for_name(node, None)
            store_setting("DiscsFolder", str(Path(path).parent))
            self._panel.say(_("{count} discs were loaded.").format(count=len(discs)), "Levels")

    def _on_remove(self) -> None:
        with self._panel.guard(_("The discs could not be removed."), section="Levels"):
            self._stop_placing()
            self._panel.scene.RemoveNode(self._panel.situation.study.discs)
            self._panel.say("", "Levels")


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
