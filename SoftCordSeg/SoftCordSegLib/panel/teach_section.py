"""Section "Teach" of the tab *Review*: corrected and passed masks teach the model, and the rest is
segmented again.

The work is done in a process of its own, which goes on when Slicer is closed; here its files are
looked at.
"""

from __future__ import annotations

import html
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from .controls import Section, counted, setting, store_setting
from .teach_curve import draw_curve

_PYTHON = "TrainingPython"
# How often the process is looked at, ms.
_LOOK_MS = 1000
# Per cent from which on a drift of the mean area is a warning.
_DRIFT_LIMIT = 3.0
_FEW = 2  # points that make no curve yet


class TeachSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    desk: see :class:`~.review_desk.ReviewDesk`.
    choice: :class:`~.model_choice.ModelChoice`.
    """

    needs_packages = True

    def __init__(self, panel, desk, choice):
        self._panel, self._ui, self._desk, self._choice = panel, panel.ui, desk, choice
        self._teaching = self._again = self._proposal = None
        self._dataset: Path | None = None  # whose state is shown
        self._timer = qt.QTimer()
        self._timer.setInterval(_LOOK_MS)
        self._timer.connect("timeout()", self._look)
        ui = self._ui
        for button, action in (
            (ui.cordTeachButton, self._on_teach),
            (ui.cordTeachStopButton, self._on_stop),
            (ui.cordTeachPythonButton, self._on_python),
            (ui.cordTeachKeepButton, self._on_keep),
            (ui.cordTeachDiscardButton, self._on_discard),
            (ui.cordRestButton, self._on_rest),
            (ui.cordRestReplaceButton, self._on_replace),
            (ui.cordRestLeaveButton, self._on_leave),
        ):
            button.connect("clicked()", action)
        ui.cordTeachNameEdit.connect("textChanged(QString)", self._on_name)

    # --- what is shown
    # ----------------------------------------------------------------------------------------------

    def refresh(self, situation) -> None:
        ui, session = self._ui, self._desk.session
        # A blinded rater is not to see what a model makes of the cases.
        blinded = session is not None and session.options.blinded
        ui.cordTeachSection.visible = self._panel.reviewing and not blinded
        dataset = None if session is None or blinded else session.dataset
        if dataset != self._dataset:
            self._dataset = dataset
            self._finish()
            self._read()
        self._show(situation)

    def title(self, situation) -> str:
        if self._alive:
            return f"{self._live.fraction:.0%}"
        return _("to be decided") if self._is_undecided or self._proposal is not None else ""

    def close(self) -> None:
        self._timer.stop()
        self._timer.disconnect("timeout()", self._look)  # or each would keep the other

    @property
    def _live(self):
        """Of the process that works, or worked last."""
        if self._again is not None and self._again.state.is_alive:
            return self._again
        return None if self._teaching is None else self._teaching.live

    @property
    def _alive(self) -> bool:
        return self._live is not None and self._live.state.is_alive

    @property
    def _is_undecided(self) -> bool:
        return self._teaching is not None and self._teaching.accepted is not None

    def _finish(self) -> None:
        """What was being put in place when Slicer was ended, is put in place."""
        if self._dataset is not None:
            from ..workflows.review.segment_again import finish_again

            with self._panel.guard(
                _("The masks could not be replaced."), False, self.name, by_itself=True
            ):
                finish_again(self._dataset)

    def _read(self) -> None:
        """The state of the data set, from its files."""
        self._teaching = self._again = self._proposal = None
        if self._dataset is not None:
            from ..workflows.live_run import read_live
            from ..workflows.review.segment_again import again_folder, read_proposal
            from ..workflows.review.teach_model import teaching_of

            self._teaching = teaching_of(self._dataset)
            self._again = read_live(again_folder(self._dataset))
            if not self._again.state.is_alive:
                self._proposal = read_proposal(self._dataset)
        if self._alive:
            self._timer.start()
        else:
            self._timer.stop()

    def _look(self) -> None:
        self._read()
        if not self._panel.situation.busy:
            self._panel.refresh()

    def _show(self, situation) -> None:
        ui, allow = self._ui, self._panel.hints.allow
        busy = _("Wait for what is running, or cancel it.") if situation.busy else ""
        busy = busy or (_("Choose and start a data set first.") if self._dataset is None else "")
        working = busy or (_("Wait for the process, or stop it.") if self._alive else "")
        undecided = _("Keep or discard the new model first.") if self._is_undecided else ""
        waiting = _("Replace the masks, or leave them, first.") if self._proposal else ""
        allow(ui.cordTeachButton, working or undecided)
        allow(ui.cordRestButton, working or undecided or waiting)
        allow(ui.cordTeachPythonButton, working)
        allow(ui.cordTeachDiscardButton, working)
        name = working or ("" if ui.cordTeachNameEdit.text.strip() else _("Write a name first."))
        allow(ui.cordTeachKeepButton, name)
        for button in (ui.cordRestReplaceButton, ui.cordRestLeaveButton):
            allow(button, working)
        resumable = self._is_resumable
        ui.cordTeachButton.text = _("Go on teaching") if resumable else _("Teach")
        ui.cordTeachStopButton.visible = ui.cordTeachProgress.visible = self._alive
        ui.cordTeachProgress.value = round(100 * self._live.fraction) if self._alive else 0
        for control in (ui.cordTeachNameEdit, ui.cordTeachKeepButton, ui.cordTeachDiscardButton):
            control.visible = self._is_undecided
        for control in (ui.cordRestReplaceButton, ui.cordRestLeaveButton, ui.cordRestDrift):
            control.visible = self._proposal is not None
        self._show_curve()
        self._show_tables()
        self._rest()

    @property
    def _is_resumable(self) -> bool:
        from ..workflows.live_run import RunState

        ended = None if self._teaching is None else self._teaching.live.state
        return ended is RunState.STOPPED or (ended is RunState.FAILED and bool(self._curve))

    @property
    def _curve(self) -> list:
        return [] if self._teaching is None else self._teaching.curve

    def _show_curve(self) -> None:
        label, losses = self._ui.cordTeachCurve, [loss for _step, loss, _dice in self._curve]
        shown = len(losses) > _FEW and (self._alive or self._is_resumable)
        label.visible = shown
        if shown:
            draw_curve(label, losses)

    def _show_tables(self) -> None:
        ui = self._ui
        rows = [] if self._teaching is None else self._teaching.report.get("contrasts", [])
        groups = {"held out": _("Held out"), "watched": _("Phantoms")}
        ui.cordTeachReport.text = _table(
            (_("Soft Dice"), _("images"), _("before"), _("after")),
            [
                (
                    f"{groups.get(row['group'], row['group'])}, {row['contrast']}",
                    row["images"],
                    f"{row['soft_dice_before']:.3f}",
                    f"{row['soft_dice_after']:.3f}",
                )
                for row in rows
            ],
        )
        ui.cordTeachReport.visible = bool(rows) and self._proposal is None
        drifts = () if self._proposal is None else self._proposal.drifts
        ui.cordRestDrift.text = _table(
            (_("Mean area"), _("images"), "mm\N{SUPERSCRIPT TWO}", "%"),
            [
                (
                    drift["dataset"],
                    drift["images"],
                    f"{drift['mean_mm2']:+.2f}",
                    f"{drift['mean_percent']:+.1f}",
                )
                for drift in drifts
                if drift["images"]
            ],
        )

    def _rest(self) -> None:
        """What is so, and what to do next."""
        from ..workflows.live_run import RunState

        say, live, teaching = self._panel.rest, self._live, self._teaching
        if teaching is None or live is None:
            say(_("Correct or pass some cases, then teach the model."), self.name)
        elif self._alive:
            say(live.message, self.name)
        elif self._again is not None and self._again.state is RunState.FAILED:
            say(f"{self._again.message} {self._again.hint}".strip(), self.name, warning=True)
        elif self._proposal is not None:
            self._rest_on_proposal()
        elif live.state is RunState.FAILED:
            say(f"{live.message} {live.hint}".strip(), self.name, warning=True)
        elif live.state is RunState.STOPPED:
            say(_("Stopped. It can go on from there."), self.name)
        elif teaching.accepted is False:
            say(" ".join(map(str, teaching.report.get("objections", []))), self.name, warning=True)
        elif teaching.accepted:
            self._rest_on_better(teaching)
        elif teaching.decision.get("kept"):
            text = _("The model '{name}' was kept. Segment the rest again with it.")
            say(text.format(name=teaching.decision["kept"]), self.name)
        else:
            say(
                _(
                    "Correct or pass some cases, then teach the model. The order 'Worth teaching"
                    " first' proposes which."
                ),
                self.name,
            )

    def _rest_on_better(self, teaching) -> None:
        from ..workflows.finetune_bundle import volume_note

        notes = [volume_note(teaching.report)]
        if teaching.left_out:
            one = _("1 case could not be learned from: {first}")
            many = _("{count} cases could not be learned from; the first: {first}")
            first = teaching.left_out[0]
            notes.append(counted(len(teaching.left_out), one, many, first=first))
        said = " ".join([_("The new model is better. Keep or discard it."), *filter(None, notes)])
        self._panel.rest(said, self.name, warning=any(notes))

    def _rest_on_proposal(self) -> None:
        proposal = self._proposal
        edited = sum(row.edited > 0 for row in proposal.proposed)
        text = counted(
            len(proposal.proposed),
            _("1 new mask by {model}, {edited} with corrections on top."),
            _("{count} new masks by {model}, {edited} with corrections on top."),
            model=proposal.model,
            edited=edited,
        )
        beyond = [
            drift["dataset"]
            for drift in proposal.drifts
            if drift["images"] and abs(drift["mean_percent"]) > _DRIFT_LIMIT
        ]
        if beyond:
            moved = _("The mean area moves by more than {limit:g} % in {contrasts}.")
            text += " " + moved.format(limit=_DRIFT_LIMIT, contrasts=", ".join(beyond))
        self._panel.rest(text, self.name, warning=bool(beyond))

    # --- teaching
    # ----------------------------------------------------------------------------------------------

    def _on_teach(self) -> None:
        panel, desk = self._panel, self._desk
        with panel.guard(_("Teaching could not be started."), section=self.name):
            from ..workflows.review.teach_model import (
                TeachOptions,
                plan_teaching,
                resume_teaching,
                start_teaching,
            )

            panel.say("", self.name)
            dataset, python, model = self._dataset, self._python(), self._choice.model
            desk.pause()
            if self._is_resumable:
                resume_teaching(dataset, model, python)
            else:
                options = TeachOptions(model=model, device=self._choice.device)
                plan = panel.work(
                    lambda progress: plan_teaching(dataset, options, progress=progress),
                    self._report,
                )
                start_teaching(dataset, plan, options, python)
            panel.say("", self.name)
            self._read()

    def _on_stop(self) -> None:
        if self._dataset is None:
            return  # the data set was left meanwhile
        with self._panel.guard(_("It could not be stopped."), section=self.name):
            from ..workflows.live_run import request_stop
            from ..workflows.review.segment_again import again_folder
            from ..workflows.review.teach_model import teaching_folder

            again = self._again is not None and self._again.state.is_alive
            request_stop((again_folder if again else teaching_folder)(self._dataset))
            self._panel.say(_("Stopping at the next step …"), self.name)

    def _on_python(self) -> None:
        path = qt.QFileDialog.getOpenFileName(
            None, _("Choose the Python that trains"), setting(_PYTHON), ""
        )
        if path:
            with self._panel.guard(_("This Python cannot be used."), section=self.name):
                store_setting(_PYTHON, str(path))
                found = self._python()
                self._panel.say(
                    _("{path} has what training needs.").format(path=found.path), "Teach"
                )

    def _python(self):
        from ..workflows.review.training_python import find_training_python

        chosen = setting(_PYTHON)
        environment = slicer.util.startupEnvironment() if chosen else None
        return find_training_python(chosen or None, environment)

    def _on_name(self, _text: str = "") -> None:
        self._panel.refresh()

    def _on_keep(self) -> None:
        with self._panel.guard(_("The model could not be kept."), section=self.name):
            from ..workflows.review.teach_model import keep_taught

            name = self._ui.cordTeachNameEdit.text.strip()
            worse_too = self._teaching.accepted is False and self._wants_worse()
            if self._teaching.accepted or worse_too:
                self._choice.model = keep_taught(self._dataset, name, worse_too=worse_too)
                self._panel.say("", self.name)
            self._read()

    def _wants_worse(self) -> bool:
        return bool(
            slicer.util.confirmYesNoDisplay(
                _("The new model is worse than the one it came from. Keep it all the same?")
            )
        )

    def _on_discard(self) -> None:
        with self._panel.guard(_("The model could not be removed."), section=self.name):
            from ..workflows.review.teach_model import discard_taught

            discard_taught(self._dataset)
            self._panel.say(_("The new model was discarded."), self.name)
            self._read()

    # --- segmenting the rest again
    # ----------------------------------------------------------------------------------------------

    def _on_rest(self) -> None:
        with self._panel.guard(_("This could not be started."), section=self.name):
            from ..workflows.review.segment_again import start_again

            self._panel.say("", self.name)
            self._desk.pause()
            start_again(self._dataset, self._choice.model, self._python(), self._choice.device)
            self._read()

    def _on_replace(self) -> None:
        panel, desk, dataset = self._panel, self._desk, self._dataset
        with panel.guard(_("The masks could not be replaced."), section=self.name):
            from ..workflows.review.segment_again import apply_again

            desk.pause()
            rows = panel.work(lambda progress: apply_again(dataset, progress), self._report)
            self._reload()
            self._read()
            self._say_replaced(rows)

    def _say_replaced(self, rows) -> None:
        left = sum(bool(row.reason) for row in rows)
        text = counted(
            len(rows) - left, _("1 mask was replaced."), _("{count} masks were replaced.")
        )
        if left:
            one = _("1 was changed meanwhile and is left.")
            text += " " + counted(left, one, _("{count} were changed meanwhile and are left."))
        self._panel.say(text, self.name, warning=bool(left))

    def _on_leave(self) -> None:
        with self._panel.guard(_("The new masks could not be removed."), section=self.name):
            from ..workflows.review.segment_again import discard_again

            discard_again(self._dataset)
            self._panel.say(_("The masks are as they were."), self.name)
            self._read()

    def _reload(self) -> None:
        """The case in view may have got another mask."""
        session = self._desk.session
        session.refresh()
        if session.current is not None:
            self._desk.go_to(session.current.case.key)
        self._desk.tell()

    def _report(self, fraction: float, message: str) -> None:
        self._panel.report(fraction, message, self.name)


def _table(headings: tuple, rows: list[tuple]) -> str:
    """As rich text; "" without rows."""
    if not rows:
        return ""

    def line(tag: str, cells) -> str:
        first, *others = (html.escape(str(cell)) for cell in cells)
        rest = "".join(f"<{tag} align='right'>&nbsp;{cell}</{tag}>" for cell in others)
        return f"<tr><{tag} align='left'>{first}</{tag}>{rest}</tr>"

    return f"<table>{line('th', headings)}{''.join(line('td', row) for row in rows)}</table>"
