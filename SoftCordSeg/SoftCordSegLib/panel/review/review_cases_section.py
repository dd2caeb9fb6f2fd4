"""Section "Cases" of the tab *Review*: the list, searched, filtered and sorted."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ..controls import Section

_CASE, _DOUBT, _VERDICT, _REASON = range(4)
# Rows that are seen without scrolling: as many as the window has room for, within these.
_FEWEST_ROWS, _MOST_ROWS = 5, 16
# Of the table beside its rows and its head, pixels.
_FRAME = 8
# The rest of the panel is laid out by then.
_FIT_MS = 60
_SEARCH_MS = 150


class CasesSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    desk: see :class:`~.review_desk.ReviewDesk`.
    """

    needs_packages = True

    def __init__(self, panel, desk):
        self._panel, self._ui, self._desk = panel, panel.ui, desk
        self._session = None  # whose rows are listed
        self._rows: list = []
        self._sorted_by: tuple[int, bool] | None = None  # column, from below
        self._filling = False
        ui = self._ui
        desk.order, desk.relist = self.keys, self.fill
        desk.listen(self._on_changed)
        ui.cordCaseTable.connect("cellClicked(int,int)", self._on_cell)
        ui.cordCaseTable.connect("cellActivated(int,int)", self._on_cell)
        ui.cordCaseSearch.connect("textChanged(QString)", self._on_search)
        ui.cordCaseSearch.connect("returnPressed()", self._on_return)
        for combo in (ui.cordVerdictFilter, ui.cordContrastFilter):
            combo.connect("currentIndexChanged(int)", self._on_filter)
        self._searching = qt.QTimer()
        self._searching.setSingleShot(True)
        self._searching.setInterval(_SEARCH_MS)
        self._searching.connect("timeout()", self._on_filter)
        self._head = ui.cordCaseTable.horizontalHeader()
        self._head.setSectionsClickable(True)
        self._head.setSortIndicatorShown(True)
        self._head.connect("sectionClicked(int)", self._on_heading)
        self._head.setStretchLastSection(True)
        self._row_height = _height_of_line()
        ui.cordCaseTable.verticalHeader().hide()
        ui.cordCaseTable.verticalHeader().setDefaultSectionSize(self._row_height)
        self._show_so_many(_FEWEST_ROWS)
        self._fitting = qt.QTimer()
        self._fitting.setSingleShot(True)
        self._fitting.setInterval(_FIT_MS)
        self._fitting.connect("timeout()", self._fit)

    def _show_so_many(self, rows: int) -> None:
        self._ui.cordCaseTable.setFixedHeight(self._row_height * (rows + 1) + _FRAME)

    def _fit(self) -> None:
        """Make the list as high as the panel has room for."""
        table = area = self._ui.cordCaseTable
        while area is not None and not area.inherits("QScrollArea"):
            area = area.parent()
        if area is not None and table.isVisible():
            content = area.widget()
            content.layout().activate()
            free = area.viewport().height - content.minimumSizeHint.height()
            rows = (table.height + free - _FRAME) // self._row_height - 1
            self._show_so_many(min(max(rows, _FEWEST_ROWS), _MOST_ROWS))

    def keys(self) -> list[str]:
        """Of the cases, as they are listed."""
        return [row.case.key for row in self._rows]

    def search(self) -> None:
        """Type in the search, as by its key."""
        self._panel.sections.open("Cases")
        self._ui.cordCaseSearch.setFocus()
        self._ui.cordCaseSearch.selectAll()

    def refresh(self, situation) -> None:
        session = self._desk.session
        self._ui.cordCasesSection.visible = self._panel.reviewing and session is not None
        if session is not self._session:
            self._session, self._sorted_by = session, None
            self._fill_contrasts(session)
            self.fill()
        words = "" if session is None else self._words(session)
        self._panel.rest(words, self.name)

    def title(self, situation) -> str:
        session = self._desk.session
        return "" if session is None else session.progress_text()

    def close(self) -> None:
        self._searching.stop()
        self._searching.disconnect("timeout()", self._on_filter)
        self._searching.deleteLater()
        self._fitting.stop()
        self._fitting.disconnect("timeout()", self._fit)
        self._fitting.deleteLater()
        self._desk.order, self._desk.relist = list, list
        self._session, self._rows = None, []

    def fill(self) -> None:
        """List the cases as the search, the filters and the heading say."""
        session, ui = self._desk.session, self._ui
        if session is None:
            self._rows = []
        else:
            contrast = ui.cordContrastFilter.currentIndex
            self._rows = session.filtered(
                ui.cordCaseSearch.text,
                _filters()[max(ui.cordVerdictFilter.currentIndex, 0)],
                session.contrasts[contrast - 1] if contrast > 0 else "",
            )
            if self._sorted_by is not None:
                column, below = self._sorted_by
                self._rows = sorted(self._rows, key=_worth(column), reverse=below)
        self._show_rows()
        self._fitting.start()

    def _show_rows(self) -> None:
        """Only what differs is written: a thousand rows are filled within a glance."""
        table, blinded = self._ui.cordCaseTable, self._is_blinded
        self._filling = True
        try:
            if table.rowCount != len(self._rows):
                table.setRowCount(len(self._rows))
            for number, row in enumerate(self._rows):
                for column, text in enumerate(_texts(row, blinded)):
                    self._write(number, column, text)
            self._mark()
        finally:
            self._filling = False
        table.setColumnHidden(_DOUBT, blinded)
        table.setColumnHidden(_REASON, blinded)
        for column in (_CASE, _DOUBT, _VERDICT):
            table.setColumnWidth(column, self._width_of(column))
        self._panel.rest("" if self._session is None else self._words(self._session), self.name)

    def _width_of(self, column: int) -> int:
        letters = (15, 8, 9)[column]
        return round(letters * 0.3 * _height_of_line())

    @property
    def _is_blinded(self) -> bool:
        session = self._desk.session
        return session is not None and session.blinded

    def _write(self, row: int, column: int, text: str) -> None:
        item = self._ui.cordCaseTable.item(row, column)
        if item is None:
            item = qt.QTableWidgetItem(text)
            self._ui.cordCaseTable.setItem(row, column, item)
        elif item.text() == text:
            return
        else:
            item.setText(text)
        item.setToolTip(text)

    def _mark(self) -> None:
        """Select the case in view, and scroll to it."""
        row = self._desk.row
        keys = self.keys()
        table = self._ui.cordCaseTable
        if row is None or row.case.key not in keys:
            table.clearSelection()
            return
        at = keys.index(row.case.key)
        if table.currentRow() != at:
            table.setCurrentCell(at, _CASE)

    def _words(self, session) -> str:
        words = session.progress_text()
        if len(self._rows) < len(session.rows):
            words = _("{words}; {count} listed").format(words=words, count=len(self._rows))
        return words

    def _fill_contrasts(self, session) -> None:
        combo = self._ui.cordContrastFilter
        contrasts = [] if session is None or session.blinded else session.contrasts
        combo.visible = bool(contrasts)
        before = combo.blockSignals(True)
        combo.clear()
        combo.addItem(_("Any contrast"))
        for contrast in contrasts:
            combo.addItem(contrast)
        combo.blockSignals(before)

    def _on_changed(self) -> None:
        """A verdict, the case in view or the doubts have changed.  A row that no longer passes the
        filter stays where it is until the filter is touched: the list does not jump under the
        hand.
        """
        session = self._desk.session
        if session is not self._session:
            self._panel.refresh()
            return
        if session is not None:
            known = {row.case.key: row for row in session.rows}
            self._rows = [known[row.case.key] for row in self._rows if row.case.key in known]
            self._show_rows()
            self._panel.sections.set_title(self.name, session.progress_text())

    def _on_cell(self, row: int, _column: int) -> None:
        if self._filling or row >= len(self._rows):
            return
        key = self._rows[row].case.key
        if self._desk.row is not None and self._desk.row.case.key == key and self._desk.is_shown:
            return
        with self._panel.guard(_("The case could not be shown."), section="Review"):
            self._desk.go_to(key)

    def _on_heading(self, column: int) -> None:
        below = self._sorted_by == (column, False)
        self._sorted_by = (column, below)
        self._head.setSortIndicator(
            column, qt.Qt.DescendingOrder if below else qt.Qt.AscendingOrder
        )
        self.fill()

    def _on_search(self, _text: str = "") -> None:
        self._searching.start()

    def _on_filter(self, _index: int = 0) -> None:
        if self._desk.session is not None:
            self.fill()

    def _on_return(self) -> None:
        """Return in the search shows the first of what was found, and gives the keys back."""
        self._searching.stop()
        self._on_filter()
        self._ui.cordCaseSearch.clearFocus()
        if self._rows and self._ui.cordCaseSearch.text.strip():
            self._on_cell(0, _CASE)


def _filters() -> list:
    from ...review.verdicts import Judgement
    from ...workflows.review.review_session import OPEN

    return [
        None,
        OPEN,
        Judgement.PASS,
        Judgement.FAIL,
        Judgement.ARTEFACT,
        Judgement.TO_CORRECT,
    ]


def verdict_sign(row) -> str:
    """A row's verdict in one sign, and its rank: "✗ 3"; "" where there is none."""
    verdict = row.verdict
    if verdict is None:
        return ""
    signs = {"pass": "✓", "fail": "✗", "artefact": "⚠", "to correct": "✎"}
    sign = "" if verdict.verdict is None else signs[verdict.verdict.value]
    rank = "" if verdict.rank is None else str(verdict.rank)
    return f"{sign} {rank}".strip()


def _texts(row, blinded: bool) -> tuple[str, str, str, str]:
    name = row.shown_name if blinded else row.case.key.rpartition("/")[2]
    sign = verdict_sign(row) or ("" if row.can_be_judged else "–")
    if blinded:
        return name, "", sign, ""
    doubt = row.doubt
    reason = row.case.problem or ("" if doubt is None else doubt.reason)
    if not reason and row.case.mask is None:
        reason = _("no mask")
    return name, "" if doubt is None else f"{doubt.score:.2f}", sign, reason


def _worth(column: int):
    """The key of a heading's order: what is doubtful first, what is open first."""

    def key(row) -> tuple:
        name, doubt, sign, reason = _texts(row, False)
        if column == _DOUBT:
            return (row.doubt is None, -row.doubt.score if row.doubt is not None else 0.0)
        return ((name,), (), (bool(sign), sign), (not reason, reason.casefold()))[column]

    return key


def _height_of_line() -> int:
    """Pixels of a line of the list, in the font of the screen."""
    label = qt.QLabel("Hg")
    return label.sizeHint.height() + 4
