"""Section "Measure": the area along the cord as a table, always that of the mask as it is now."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from .controls import Section, setting, store_setting
from .measurer import Measurer
from .measuring import Rows, levels_of, put_into_scene
from .short_table import ShortTable, number_text, short_table
from .status_lines import error_style

# A table of more rows scrolls.
_MOST_ROWS = 8


class MeasureSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._measurer = Measurer(panel, self._on_measured)
        self._shown: ShortTable | None = None
        ui = self._ui
        self._chips = {
            Rows.C2C3: ui.cordC2C3Chip,
            Rows.Level: ui.cordLevelChip,
            Rows.Slice: ui.cordSliceChip,
            Rows.Range: ui.cordRangeChip,
        }
        for rows, chip in self._chips.items():
            chip.connect("clicked()", lambda rows=rows: self._on_chip(rows))
        ui.cordTable.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        ui.cordTable.connect("currentCellChanged(int,int,int,int)", self._on_row)
        ui.cordTable.connect("cellClicked(int,int)", self._on_row)
        ui.cordToLevelsButton.connect("clicked()", self._on_to_levels)
        ui.cordCopyButton.connect("clicked()", self._on_copy)
        ui.cordCsvButton.connect("clicked()", self._on_csv)

    # --- what is shown
    # ----------------------------------------------------------------------------------------------

    def refresh(self, situation) -> None:
        ui, allow = self._ui, self._panel.hints.allow
        self._measurer.want([situation.study] if situation.view is not None else [])
        for rows, chip in self._chips.items():
            chip.checked = rows is self._rows
        ui.cordLevelsEdit.visible = self._rows is Rows.Range
        wrong = self._wrong_range()
        ui.cordRangeNote.visible = bool(wrong)
        ui.cordRangeNote.text = wrong
        ui.cordRangeNote.styleSheet = error_style()
        table, words, to_levels = None, situation.why_no_mask, False
        if not words:
            table, words, to_levels = self._content(situation.study)
        self._show(table)
        self._panel.rest(words, "Measure")
        ui.cordToLevelsButton.visible = to_levels
        reason = situation.why_no_mask or ("" if table is not None else words or wrong)
        for control in (ui.cordCopyButton, ui.cordCsvButton):
            allow(control, reason)

    def title(self, situation) -> str:
        measurement = self._measurement(situation)
        if measurement is None:
            return ""
        rows = Rows.Range if self._rows is Rows.Range else Rows.C2C3
        try:
            (row,) = measurement.rows(rows, self._levels).summary
        except InputError:
            return _("{count} slices").format(count=len(measurement.by_slice.summary))
        return "{name}  {area} ± {sd} mm²".format(
            name=row.name.replace(":", "–"),
            area=number_text(row.mean["area"]),
            sd=number_text(row.std["area"]),
        )

    def close(self) -> None:
        self._measurer.close()

    def follow(self, change) -> None:
        """The mask was corrected: new areas at once, everything else when the hand rests."""
        situation = self._panel.situation
        if situation.view is not None:
            self._measurer.follow(situation.study, change)

    def _content(self, study) -> tuple[ShortTable | None, str, bool]:
        """The table, what is said below it, and whether levels are wanting."""
        measurement = self._measurer.of(study)
        if measurement is None:
            return None, self._measurer.problem_of(study) or _("Measuring …"), False
        wants_levels = self._rows is not Rows.Slice and not measurement.has_levels
        if wants_levels:
            words = measurement.level_problem or _(
                "Vertebral levels are not known yet. Find or place the discs."
            )
            return None, words, True
        try:
            measured = measurement.rows(self._rows, self._levels)
        except InputError as error:
            return None, "" if self._wrong_range() else str(error), False
        table = short_table(measured, self._rows is Rows.Slice)
        notes = [measurement.level_problem, *measured.notes]
        return table, " ".join([_counted(measured), *filter(None, notes)]), False

    def _show(self, table: ShortTable | None) -> None:
        """Fill the table's widget, where it shows another one."""
        widget = self._ui.cordTable
        widget.visible = table is not None
        if table is None or table == self._shown:
            self._shown = table
            return
        former, self._shown = self._shown, table
        widget.blockSignals(True)
        if former is None or former.headings != table.headings:
            widget.setColumnCount(len(table.headings))
            widget.setHorizontalHeaderLabels(list(table.headings))
        widget.setRowCount(len(table.cells))
        for row, line in enumerate(table.cells):
            for column, text in enumerate(line):
                item = widget.item(row, column)
                if item is None:
                    item = qt.QTableWidgetItem()
                    item.setTextAlignment(_ALIGNED)
                    widget.setItem(row, column, item)
                if item.text() != text:
                    item.setText(text)
        rows = min(len(table.cells), _MOST_ROWS)
        height = widget.verticalHeader().defaultSectionSize * rows
        widget.setFixedHeight(widget.horizontalHeader().height + height + 2 * widget.frameWidth)
        widget.blockSignals(False)
