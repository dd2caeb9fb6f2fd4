"""The case in view of the tab *Review*: its name, why it is doubtful, verdict, rank and comment."""

from __future__ import annotations

from functools import partial

from slicer.i18n import tr as _

from ..controls import Section
from .review_again import segment_around

_RANKS = 10


class ReviewSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    desk: see :class:`~.review_desk.ReviewDesk`.
    run: see :class:`~.run_section.RunSection`.
    """

    needs_packages = True

    def __init__(self, panel, desk, run):
        self._panel, self._ui, self._desk, self._run = panel, panel.ui, desk, run
        self._key = ""  # of the case whose comment is in the line
        ui = self._ui
        self._buttons = {
            "pass": ui.cordPassButton,
            "fail": ui.cordFailButton,
            "artefact": ui.cordArtefactButton,
            "to correct": ui.cordToCorrectButton,
        }
        for word, button in self._buttons.items():
            button.connect("clicked()", partial(self._on_verdict, word))
        ui.cordPreviousCase.connect("clicked()", self._on_previous)
        ui.cordNextCase.connect("clicked()", self._on_next)
        ui.cordReasonShow.connect("clicked()", self._on_worst)
        ui.cordRankCombo.connect("activated(int)", self._on_rank)
        ui.cordCommentEdit.connect("editingFinished()", self._on_comment)
        ui.cordCommentEdit.connect("returnPressed()", self._on_return)
        ui.cordBesideButton.connect("clicked()", self._on_beside)
        ui.cordAgainButton.connect("clicked()", self._on_again)
        desk.leaving = self._on_comment
        desk.listen(self._show)

    def keys(self, cases) -> tuple[dict, dict]:
        """Keys of the tab: (letters, digits); the digits are the Segment Editor's while it is
        open.
        """
        letters = {
            "P": partial(self._press, "pass"),
            "F": partial(self._press, "fail"),
            "A": partial(self._press, "artefact"),
            "C": partial(self._press, "to correct"),
            "N": self._on_next,
            "B": self._on_previous,
            "W": self._on_worst,
            "S": self._on_side_by_side_key,
            "M": self._on_comment_key,
            "/": cases.search,
        }
        digits = {}
        for rank in range(_RANKS):
            letters[f"Alt+{rank}"] = partial(self._rank, rank)
            digits[str(rank)] = partial(self._rank, rank)
        return letters, digits

    def refresh(self, situation) -> None:
        self._show()

    def _show(self) -> None:
        ui, desk, allow = self._ui, self._desk, self._panel.hints.allow
        row = desk.row
        ui.cordVerdictBar.visible = self._panel.reviewing and row is not None
        if row is None:
            return
        blinded = desk.session.blinded
        name = row.shown_name if blinded else row.case.key.rpartition("/")[2]
        ui.cordCaseName.text = name
        ui.cordCaseName.toolTip = row.shown_name
        busy = _("Wait for what is running, or cancel it.") if self._panel.situation.busy else ""
        judged = busy or _why_not_judged(row)
        said = None if row.judgement is None else row.judgement.value
        for word, button in self._buttons.items():
            allow(button, judged)
            button.checked = word == said
        allow(ui.cordRankCombo, judged)
        allow(ui.cordCommentEdit, judged)
        for control in (ui.cordPreviousCase, ui.cordNextCase, ui.cordCaseTable):
            allow(control, busy)
        self._show_said(row)
        self._show_reason(row, blinded)
        no_case = busy or ("" if desk.is_shown else _("The case is not in the scene."))
        allow(ui.cordBesideButton, no_case)
        ui.cordBesideButton.checked = desk.side_by_side
        allow(ui.cordAgainButton, no_case)
        self._rest(row)

    def _show_said(self, row) -> None:
        verdict, ui = row.verdict, self._ui
        rank = None if verdict is None else verdict.rank
        ui.cordRankCombo.currentIndex = 0 if rank is None else rank + 1
        # A comment that is being typed stays.
        if row.case.key != self._key or not ui.cordCommentEdit.hasFocus():
            text = "" if verdict is None else verdict.comment
            if ui.cordCommentEdit.text != text:
                ui.cordCommentEdit.text = text
            self._key = row.case.key

    def _show_reason(self, row, blinded: bool) -> None:
        ui, doubt = self._ui, row.doubt
        if blinded:
            text = ""
        elif doubt is None:
            text = _("How doubtful this mask is was not computed yet.") if row.case.mask else ""
        elif doubt.reason:
            text = _("Doubt {score:.2f}: {reason}").format(score=doubt.score, reason=doubt.reason)
        else:
            text = _("Doubt {score:.2f}: nothing is conspicuous.").format(score=doubt.score)
        ui.cordCaseReason.text = text
        ui.cordCaseReason.visible = bool(text)
        ui.cordReasonShow.visible = self._desk.worst_place is not None

    def _rest(self, row) -> None:
        """What is wrong with the case, else what is stored of it."""
        desk = self._desk
        problems = list(dict.fromkeys(desk.problems))
        if problems:
            self._panel.rest(" ".join(problems), self.name, warning=True)
        elif not desk.is_shown:
            self._panel.rest(
                _("Another volume is in the panel."), self.name, warning=True, show=self._show_again
            )
        else:
            words = [_("No verdict yet.") if row.judgement is None else _("The verdict is stored.")]
            if (
                row.verdict is not None
                and desk.session.of_earlier_mask(row)
                and (not desk.is_corrected)
            ):
                words = [_("The verdict was on an earlier mask.")]
            if desk.is_corrected:
                words.append(_("The correction is saved."))
            self._panel.rest(" ".join(words), self.name)

    def _show_again(self) -> None:
        self._desk.go_to(self._desk.row.case.key)

    # --- verdict, rank, comment
    # ----------------------------------------------------------------------------------------------

    def _press(self, word: str) -> None:
        """By its key."""
        if self._ui.cordVerdictBar.visible and self._buttons[word].enabled:
            self._on_verdict(word)

    def _on_verdict(self, word: str) -> None:
        """A verdict; the same one again takes it back."""
        from ...review.verdicts import Judgement

        row = self._desk.row
        if row is None:
            return
        judgement = None if row.judgement == Judgement(word) else Judgement(word)
        with self._panel.guard(_("The verdict could not be stored."), section=self.name):
            self._store(judgement=judgement)
            if word == "to correct" and judgement is not None:
                self._panel.sections.open("Correct")

    def _on_rank(self, index: int) -> None:
        self._rank(None if index == 0 else index - 1)

    def _rank(self, rank: int | None) -> None:
        ui = self._ui
        if self._desk.row is None or not ui.cordRankCombo.enabled:
            return
        with self._panel.guard(_("The rank could not be stored."), section=self.name):
            self._store(rank=rank)

    def _on_comment(self) -> None:
        """The comment is stored when it is left, and before another case is shown."""
        row = self._desk.row
        if row is None or row.case.key != self._key:
            return
        text = self._ui.cordCommentEdit.text.strip()
        if text != ("" if row.verdict is None else row.verdict.comment):
            with self._panel.guard(_("The comment could not be stored."), section=self.name):
                self._store(comment=text)

    def _store(self, **changed) -> None:
        verdict, text = self._desk.row.verdict, self._ui.cordCommentEdit.text.strip()
        said = {
            "judgement": None if verdict is None else verdict.verdict,
            "rank": None if verdict is None else verdict.rank,
            "comment": text,
        }
        self._panel.say("", self.name)
        self._desk.judge(**{**said, **changed})

    def _on_return(self) -> None:
        self._ui.cordCommentEdit.clearFocus()

    def _on_comment_key(self) -> None:
        if self._ui.cordCommentEdit.enabled:
            self._ui.cordCommentEdit.setFocus()

    # --- which case, and where in it
    # ----------------------------------------------------------------------------------------------

    def _on_next(self) -> None:
        if not self._may_move():
            return
        with self._panel.guard(_("The next case could not be shown."), section=self.name):
            if not self._desk.next():
                self._panel.say(_("Every case of the list has a verdict."), self.name)

    def _on_previous(self) -> None:
        if not self._may_move():
            return
        with self._panel.guard(_("The case before could not be shown."), section=self.name):
            if not self._desk.back():
                self._panel.say(_("This is the first case."), self.name)

    def _may_move(self) -> bool:
        return self._desk.row is not None and self._ui.cordNextCase.enabled

    def _on_worst(self) -> None:
        with self._panel.guard(_("The place could not be shown."), False, self.name):
            self._desk.jump()

    def _on_side_by_side_key(self) -> None:
        if self._ui.cordBesideButton.enabled:
            self._ui.cordBesideButton.click()

    def _on_beside(self) -> None:
        with self._panel.guard(_("The other images could not be shown."), section=self.name):
            self._desk.show_side_by_side(self._ui.cordBesideButton.checked)

    def _on_again(self) -> None:
        with self._panel.guard(_("The part could not be segmented."), section=self.name):
            segment_around(self._panel, self._desk, self._run)


def _why_not_judged(row) -> str:
    if row.can_be_judged:
        return ""
    return _("The case cannot be opened.") if row.is_broken else _("There is no mask to judge.")
