"""The list of discs in the section "Levels": name, height, confidence."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

_MOST_ROWS = 5  # more are scrolled to, so that the other sections stay in sight


class DiscTable:
    """A table of the points of a disc list, from above to below.

    Args:
        table: the ``QTableWidget``, with its columns.
        on_rename: called with the number of a control point and the text that was typed.
        on_click: called with the number of a control point.
    """

    def __init__(self, table, on_rename, on_click):
        self._table, self._on_rename, self._on_click = table, on_rename, on_click
        self._rows: list = []
        self._filling = False
        table.connect("cellChanged(int,int)", self._on_changed)
        table.connect("cellClicked(int,int)", self._on_clicked)

    def show(self, rows) -> None:
        """Show rows (``scene.disc_names.DiscRow``); only what differs is written, so that a name
        can be typed meanwhile.
        """
        self._rows = list(rows)
        table = self._table
        self._filling = True
        try:
            others = table.rowCount != len(self._rows)
            if others:
                table.setRowCount(len(self._rows))
            for number, row in enumerate(self._rows):
                for column, text in enumerate(_texts(row)):
                    self._write(number, column, text)
            if others:
                self._fit()
        finally:
            self._filling = False
        table.visible = bool(self._rows)

    def _fit(self) -> None:
        """As high as its rows, in the font of the screen."""
        table, rows = self._table, len(self._rows)
        if rows:
            table.resizeColumnsToContents()
            # The head is about as high as a row.
            table.setFixedHeight(table.rowHeight(0) * (min(rows, _MOST_ROWS) + 1) + 8)

    def _write(self, row: int, column: int, text: str) -> None:
        item = self._table.item(row, column)
        if item is None:
            item = qt.QTableWidgetItem(text)
            if column:
                item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
            self._table.setItem(row, column, item)
        elif item.text() != text:
            item.setText(text)

    def _on_changed(self, row: int, column: int) -> None:
        if self._filling or column or row >= len(self._rows):
            return
        typed = self._table.item(row, column).text()
        shown = self._rows[row]
        # Typed or refused, what is in the list is shown.
        self.show(self._rows)
        if typed.strip() != shown.name:
            self._on_rename(shown.number, typed)

    def _on_clicked(self, row: int, _column: int) -> None:
        if row < len(self._rows):
            self._on_click(self._rows[row].number)


def _texts(row) -> tuple[str, str, str]:
    sure = _("marked") if row.confidence is None else f"{row.confidence:.0%}"
    return row.name, f"{row.position_mm[2]:.1f}", sure
