"""Section "Data set" of the tab *Review*: the folder, who reads it, and in which order."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ...errors import InputError
from ..controls import Section, counted, setting, store_setting

_FOLDER, _RATER, _ORDER = "ReviewFolder", "ReviewRater", "ReviewOrder"
_ORDERS = ("doubt", "teach", "name")
# Long names are broken here where a line is too short.
_BREAK = "_\N{ZERO WIDTH SPACE}"


class DataSetSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    desk: see :class:`~.review_desk.ReviewDesk`.
    """

    needs_packages = True

    def __init__(self, panel, desk):
        self._panel, self._ui, self._desk = panel, panel.ui, desk
        self._folder: Path | None = None
        self._readings: list[str] = [""]
        ui = self._ui
        ui.cordReviewFolderButton.connect("clicked()", self._on_folder)
        ui.cordReviewStartButton.connect("clicked()", self._on_start)
        ui.cordJudgeButton.connect("clicked()", self._on_judge)
        ui.cordRaterEdit.connect("textChanged(QString)", self._on_rater)
        ui.cordRaterEdit.text = setting(_RATER) or self._user
        order = setting(_ORDER, "doubt")
        ui.cordOrderCombo.currentIndex = _ORDERS.index(order) if order in _ORDERS else 0
        folder = setting(_FOLDER)
        if folder and Path(folder).is_dir():
            self._choose(Path(folder))

    @property
    def _user(self) -> str:
        """As Slicer's settings have it."""
        return slicer.app.applicationLogic().GetUserInformation().GetName() or ""

    def refresh(self, situation) -> None:
        ui, allow, session = self._ui, self._panel.hints.allow, self._desk.session
        ui.cordDataSetSection.visible = self._panel.reviewing
        busy = _("Wait for what is running, or cancel it.") if situation.busy else ""
        for control in (ui.cordReviewFolderButton, ui.cordRaterEdit):
            allow(control, busy)
        folder = self._folder
        ui.cordReviewFolder.text = (
            _("A BIDS data set, or a folder of images and masks.")
            if folder is None
            else str(folder).replace("_", _BREAK)
        )
        missing = busy or self._what_is_missing()
        allow(ui.cordReviewStartButton, missing)
        ui.cordReviewStartButton.text = _("Start") if session is None else _("Start anew")
        allow(ui.cordJudgeButton, busy or (_("Start first.") if session is None else ""))
        allow(ui.cordBlindedCheck, busy)
        if session is None:
            self._panel.rest(missing if not busy else "", self.name)
        else:
            words = session.progress_text()
            text = _("{words} by {rater}").format(words=words, rater=session.rater)
            remarks = session.remarks
            self._panel.rest(" ".join([*remarks, text]), self.name, warning=bool(remarks))

    def title(self, situation) -> str:
        session = self._desk.session
        if session is None:
            return ""
        parts = [session.dataset.name, session.rater]
        return " · ".join([*parts, _("blinded")] if session.blinded else parts)

    def _what_is_missing(self) -> str:
        if self._folder is None:
            return _("Choose the folder of a data set first.")
        if not self._ui.cordRaterEdit.text.strip():
            return _("Write your name first: it is stored with each verdict.")
        return ""

    def _on_folder(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            None, _("Choose the folder of a data set"), setting(_FOLDER)
        )
        if folder:
            self._choose(Path(folder))
            store_setting(_FOLDER, str(folder))
            self._panel.refresh()

    def _choose(self, folder: Path) -> None:
        self._folder = folder
        from ...review.second_reading import reading_names

        self._readings = ["", *reading_names(folder)]
        combo = self._ui.cordReadingCombo
        combo.clear()
        for name in self._readings:
            combo.addItem(name or _("First reading"))

    def _on_rater(self, _text: str = "") -> None:
        self._panel.refresh()

    def _on_start(self) -> None:
        ui = self._ui
        with self._panel.guard(_("The data set could not be opened."), section=self.name):
            from ...workflows.review.review_session import ReviewSession

            self._panel.say("", self.name)
            options, folder = self._options(), self._folder
            session = self._panel.work(lambda progress: ReviewSession(folder, options))
            store_setting(_RATER, ui.cordRaterEdit.text.strip())
            store_setting(_ORDER, session.options.order)
            if not session.rows:
                raise InputError(
                    _("There are no images in this folder."),
                    path=session.dataset,
                    hint=_("Choose the folder of a BIDS data set, or of images and masks."),
                )
            self._desk.open(session)
            self._panel.sections.open("Cases")

    def _options(self):
        from ...workflows.review.review_session import ReviewOptions

        ui = self._ui
        reading = self._readings[max(ui.cordReadingCombo.currentIndex, 0)]
        return ReviewOptions(
            rater=ui.cordRaterEdit.text.strip(),
            order=_ORDERS[max(ui.cordOrderCombo.currentIndex, 0)],
            reading=reading,
            blinded=bool(ui.cordBlindedCheck.checked),
        )

    def _on_judge(self) -> None:
        panel, desk = self._panel, self._desk
        with panel.guard(_("The masks could not be judged."), section=self.name):
            from ...workflows.review.review_doubt import doubts_of

            session = desk.session
            dataset, cases = session.dataset, [row.case for row in session.rows]
            panel.say(_("Looking at the masks …"), self.name)
            doubts = panel.work(
                lambda progress: doubts_of(dataset, cases, progress=progress), self._report
            )
            judged = sum(not doubt.is_unreadable for doubt in doubts.values())
            words = counted(judged, _("1 mask was judged."), _("{count} masks were judged."))
            panel.say(words, self.name)
            session.set_doubts(doubts)
            desk.relist()
            desk.tell()

    def _report(self, fraction: float, message: str) -> None:
        self._panel.report(fraction, message, self.name)
