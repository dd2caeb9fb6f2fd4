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
from .short_table import ShortTable, mean_text, range_text, table_by_group, table_by_slice
from .status_lines import error_style

# A table of more rows scrolls.
_MOST_ROWS = 8
_REST_MS = 400


class MeasureSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._measurer = Measurer(panel, self._on_measured)
        self._shown: ShortTable | None = None
        self._made = None  # (measurement, rows, levels), and what was made of them
        # The scene's table of the chosen rows follows when the choice has rested.
        self._settling = qt.QTimer()
        self._settling.setSingleShot(True)
        self._settling.setInterval(_REST_MS)
        self._settling.connect("timeout()", self._on_settled)
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
        ui.cordCompareButton.connect("clicked()", self._on_compare)

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
        if self._measurement(situation) is not None:
            self._settling.start()
        ui.cordToLevelsButton.visible = to_levels
        reason = situation.why_no_mask or ("" if table is not None else words or wrong)
        allow(ui.cordCompareButton, situation.why_no_mask)
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
            return _("{count} slices").format(count=measurement.count)
        return f"{range_text(row.name)}  {mean_text(row)} mm²"

    @property
    def settled(self) -> bool:
        """Whether the tables are those of the mask, the discs and the chips as they are now."""
        return self._measurer.settled and not self._settling.isActive()

    def close(self) -> None:
        self._settling.stop()
        self._settling.disconnect("timeout()", self._on_settled)  # or each would keep the other
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
        made_for = (measurement, self._rows, self._levels)
        if self._made is None or self._made[0] != made_for:
            self._made = made_for, self._make(measurement)
        return self._made[1]

    def _make(self, measurement) -> tuple[ShortTable | None, str, bool]:
        if self._rows is Rows.Slice:
            notes = (measurement.level_problem, *measurement.whole.notes)
            words = _("{count} slices.").format(count=measurement.count)
            return table_by_slice(measurement.shape), _sentences(words, *notes), False
        if not measurement.has_levels:
            words = measurement.level_problem or _(
                "Vertebral levels are not known yet. Find or place the discs."
            )
            return None, words, True
        try:
            measured = measurement.rows(self._rows, self._levels)
        except InputError as error:
            return None, "" if self._wrong_range() else str(error), False
        words = _("Mean ± SD over the slices of each level.")
        if self._rows is not Rows.Level:
            words = _("Mean ± SD over {count} slices.").format(count=measured.summary[0].count)
        return table_by_group(measured), _sentences(words, *measured.notes), False

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
                    item.setTextAlignment(qt.Qt.AlignCenter)
                    widget.setItem(row, column, item)
                if item.text() != text:
                    item.setText(text)
        rows = min(len(table.cells), _MOST_ROWS)
        height = widget.verticalHeader().defaultSectionSize * rows
        widget.setFixedHeight(widget.horizontalHeader().height + height + 2 * widget.frameWidth)
        widget.blockSignals(False)

    def _wrong_range(self) -> str:
        """What is wrong with the levels in the entry; "" where nothing is."""
        if self._rows is Rows.Range:
            try:
                levels_of(self._levels)
            except InputError as error:
                return str(error)
        return ""

    @property
    def _rows(self) -> Rows:
        parameters = self._panel.parameters
        return parameters.rows if parameters is not None else Rows.C2C3

    @property
    def _levels(self) -> str:
        parameters = self._panel.parameters
        return parameters.levels.strip() if parameters is not None else ""

    def _measurement(self, situation):
        return self._measurer.of(situation.study) if situation.view is not None else None

    def _on_measured(self, study, measurement) -> None:
        put_into_scene(study, measurement, self._rows, self._levels)

    # --- looking at it
    # ----------------------------------------------------------------------------------------------

    def _on_chip(self, rows: Rows) -> None:
        if self._panel.refreshing or self._panel.parameters is None:
            return
        with self._panel.guard(_("The table could not be shown."), section="Measure"):
            self._panel.parameters.rows = rows

    def _on_settled(self) -> None:
        situation = self._panel.situation
        measurement = self._measurement(situation)
        if measurement is None or situation.busy or self._panel.scene.IsBatchProcessing():
            return
        with self._panel.guard(_("The table could not be made."), refresh=False, section="Measure"):
            from ..scene.study import study_of

            study = study_of(situation.image)  # with all tables that were made meanwhile
            put_into_scene(study, measurement, self._rows, self._levels)

    def _on_row(self, row: int, _column: int) -> None:
        if self._panel.refreshing or self._shown is None or not 0 <= row < len(self._shown.cells):
            return
        with self._panel.guard(_("The row could not be shown."), refresh=False, section="Measure"):
            position = self._shown.positions[row]
            if position is not None:
                slicer.vtkMRMLSliceNode.JumpAllSlices(self._panel.scene, *position)

    def _on_to_levels(self) -> None:
        with self._panel.guard(_("The section could not be opened."), section="Measure"):
            self._panel.sections.open("Levels")

    def _on_compare(self) -> None:
        with self._panel.guard(_("The volumes could not be compared."), section="Measure"):
            from ..scene.disc_points import discs_of
            from .comparing import compare

            study = self._panel.situation.study
            discs = discs_of(study.discs) if study.discs is not None else []
            self._panel.say(compare(self._panel.scene, discs)[2], "Measure")

    # --- taking it away
    # ----------------------------------------------------------------------------------------------

    def _on_copy(self) -> None:
        with self._panel.guard(_("The table could not be copied."), section="Measure"):
            self._measurer.bring_up_to_date(self._panel.situation.study)
            self._panel.refresh()
            if self._shown is None:
                raise InputError(_("There is no table any more."))
            slicer.app.clipboard().setText(self._shown.text)
            self._panel.say(_("The table is on the clipboard, as it is seen."), "Measure")

    def _on_csv(self) -> None:
        from .saving import stem_of

        image = self._panel.situation.image
        proposed = str(Path(setting("Folder") or ".") / f"{stem_of(image)}_csa.csv")
        path = qt.QFileDialog.getSaveFileName(
            None, _("Save the table"), proposed, f"{_('Table')} (*.csv)"
        )
        if not path:
            return
        with self._panel.guard(_("The table could not be saved."), section="Measure"):
            from ..workflows.csa_tables import CsaFiles, write_csa

            path = Path(path) if str(path).lower().endswith(".csv") else Path(f"{path}.csv")
            study = self._panel.situation.study
            self._measurer.bring_up_to_date(study)
            measured = self._measurer.of(study).rows(self._rows, self._levels)
            write_csa(CsaFiles(path), [measured], [])
            store_setting("Folder", str(path.parent))
            self._panel.say(_("Saved with all digits: {path}").format(path=path), "Measure")


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)
