"""Section "Measure": the area along the cord as a table, always that of the mask as it is now."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from .controls import Section, setting, store_setting
from .measurer import Measurer
from .measuring import Rows, Sources, levels_of, put_into_scene
from .short_table import (
    ShortTable,
    mean_text,
    range_text,
    slice_at,
    table_by_group,
    table_by_slice,
)
from .status_lines import error_style

# A table of more rows scrolls; below a comparison more words stand.
_MOST_ROWS, _MOST_ROWS_COMPARED = 6, 5
_ROW_PADDING = 6  # px
_AREA_COLUMN = 2
_REST_MS = 400
_NO_LEVELS = _("Vertebral levels are not known yet. Find or place the discs.")


class MeasureSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._measurer = Measurer(panel, self._on_measured)
        self._shown: ShortTable | None = None
        self._made = None  # (measurements, rows, levels), and what was made of them
        self._compared = None  # the volumes that are shown, one where they are not compared
        self._spreads = None  # of a comparison, for the CSV
        self._settled_for = None
        self._summed = False  # the scene has a table of the chosen rows
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
        rows = ui.cordTable.verticalHeader()
        rows.setDefaultSectionSize(ui.cordTable.fontMetrics().height() + _ROW_PADDING)
        ui.cordTable.connect("currentCellChanged(int,int,int,int)", self._on_row)
        ui.cordTable.connect("cellClicked(int,int)", self._on_row)
        ui.cordToLevelsButton.connect("clicked()", self._on_to_levels)
        ui.cordCopyButton.connect("clicked()", self._on_copy)
        ui.cordCsvButton.connect("clicked()", self._on_csv)
        ui.cordCompareButton.connect("clicked()", self._on_compare)
        panel.views.watch(self._mark_row)

    # --- what is shown
    # ----------------------------------------------------------------------------------------------

    def refresh(self, situation) -> None:
        ui, allow = self._ui, self._panel.hints.allow
        self._compared = self._volumes(situation)
        self._measurer.want(list(self._compared.studies) if self._compared else [])
        several = self._compared is not None and len(self._compared.studies) > 1
        shown = Rows.Level if several and self._rows is Rows.Slice else self._rows
        for rows, chip in self._chips.items():
            chip.checked = rows is shown
        apart = _("Slices of several volumes do not match: they are compared by level.")
        allow(ui.cordSliceChip, apart if several else "")
        ui.cordLevelsEdit.visible = self._rows is Rows.Range
        wrong = self._wrong_range()
        ui.cordRangeNote.visible = bool(wrong)
        ui.cordRangeNote.text = wrong
        ui.cordRangeNote.styleSheet = error_style() if self._levels else ""
        table, words, to_levels = None, situation.why_no_mask, False
        if not words:
            table, words, to_levels = self._content()
        self._show(table)
        self._panel.rest(words, "Measure")
        ui.cordToLevelsButton.visible = to_levels
        reason = situation.why_no_mask or ("" if table is not None else words or wrong)
        allow(ui.cordCompareButton, situation.why_no_mask)
        for control in (ui.cordCopyButton, ui.cordCsvButton):
            allow(control, reason)
        self._settle(situation)

    def _settle(self, situation) -> None:
        """Bring the scene's tables up to date soon, where the choice has changed."""
        if self._measurement(situation) is not None:
            choice = (self._rows, self._levels, self._shown, situation.image)
            study = situation.study
            deleted = self._panel.shown and (
                study.slice_table is None or (self._summed and study.summary_table is None)
            )
            if choice != self._settled_for or (deleted and not self._settling.isActive()):
                self._settled_for = choice
                self._settling.start()

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
        self._panel.views.unwatch(self._mark_row)

    def follow(self, change) -> None:
        """The mask was corrected: new areas at once, everything else when the hand rests."""
        situation = self._panel.situation
        if situation.view is not None:
            self._measurer.follow(situation.study, change)

    def _volumes(self, situation):
        """What is shown: the chosen volume, with others of the participant in a comparison."""
        from .comparing import Compared, volumes_to_compare

        if situation.view is None:
            return None
        if self._ui.cordCompareButton.checked:
            compared = volumes_to_compare(situation.study)
            if len(compared.studies) > 1:
                return compared
            self._ui.cordCompareButton.checked = False
        return Compared((situation.study,), ("",))

    def _content(self) -> tuple[ShortTable | None, str, bool]:
        """The table, what is said below it, and whether levels are wanting."""
        measurements = []
        for study, name in zip(self._compared.studies, self._compared.names):
            measurement = self._measurer.of(study)
            if measurement is None:
                problem = self._measurer.problem_of(study)
                words = f"{name}: {problem}" if name and problem else problem
                return None, words or _("Measuring …"), False
            measurements.append(measurement)
        made_for = (measurements, self._compared.remarks, self._rows, self._levels)
        if self._made is None or self._made[0] != made_for:
            several = len(measurements) > 1
            made = self._compare(measurements) if several else self._make(measurements[0])
            self._made = made_for, made
        return self._made[1]

    def _compare(self, measurements) -> tuple[ShortTable | None, str, bool]:
        from .comparing import compare

        self._spreads = None
        for name, measurement in zip(self._compared.names, measurements):
            if not measurement.has_levels:
                problem = measurement.level_problem or _NO_LEVELS
                return None, f"{name}: {problem}", True
        try:
            found = compare(self._compared, measurements, self._rows, self._levels)
        except InputError as error:
            return None, "" if self._wrong_range() else str(error), False
        self._spreads = found.spreads
        return found.table, found.words, False

    def _make(self, measurement) -> tuple[ShortTable | None, str, bool]:
        if self._rows is Rows.Slice:
            notes = (measurement.level_problem, *measurement.whole.notes)
            words = _("{count} slices.").format(count=measurement.count)
            return table_by_slice(measurement.shape), _sentences(words, *notes), False
        if not measurement.has_levels:
            return None, measurement.level_problem or _NO_LEVELS, True
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
            header = widget.horizontalHeader()
            header.setSectionResizeMode(qt.QHeaderView.Stretch)
            if len(self._compared.studies) == 1:  # the area needs more room than the others
                for column in range(len(table.headings)):
                    if column != _AREA_COLUMN:
                        header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
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
        most = _MOST_ROWS if len(self._compared.studies) == 1 else _MOST_ROWS_COMPARED
        rows = min(len(table.cells), most)
        height = widget.verticalHeader().defaultSectionSize * rows
        widget.setFixedHeight(widget.horizontalHeader().height + height + 2 * widget.frameWidth)
        widget.blockSignals(False)
        self._mark_row()

    def _mark_row(self) -> None:
        """Mark the row of the slice that the axial view shows."""
        measurement = self._measurement(self._panel.situation)
        height = self._panel.views.axial_height_mm
        if self._shown is None or measurement is None or height is None:
            return
        row = self._shown.row_of(slice_at(measurement.shape, height))
        widget = self._ui.cordTable
        widget.blockSignals(True)
        if row is None:
            widget.clearSelection()
        elif widget.currentRow() != row or not widget.item(row, 0).isSelected():
            widget.selectRow(row)
            widget.scrollToItem(widget.item(row, 0))
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
        if Sources(study) == measurement.sources:  # not by the discs of another volume
            put_into_scene(study, measurement, self._rows, self._levels)
            self._summed = study.summary_table is not None

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
        with self._panel.guard(_("The table could not be made."), False, "Measure", by_itself=True):
            from ..scene.study import study_of
            from .comparing import put_comparison_into_scene

            study = study_of(situation.image)  # with all tables that were made meanwhile
            self._on_measured(study, measurement)
            if self._spreads is not None and self._shown is not None:
                put_comparison_into_scene(study, self._shown)

    def _on_row(self, row: int, _column: int) -> None:
        if self._panel.refreshing or self._shown is None or not 0 <= row < len(self._shown.cells):
            return
        with self._panel.guard(_("The row could not be shown."), refresh=False, section="Measure"):
            position = self._shown.positions[row]
            if position is not None:
                self._panel.views.jump(position)

    def _on_to_levels(self) -> None:
        with self._panel.guard(_("The section could not be opened."), section="Measure"):
            self._panel.sections.open("Levels")

    def _on_compare(self) -> None:
        panel = self._panel
        with panel.guard(_("The volumes could not be compared."), section="Measure"):
            from ..scene.cord_profile import studies_of_participant
            from .comparing import volumes_to_compare

            wanted = self._ui.cordCompareButton.checked
            if wanted and len(volumes_to_compare(panel.situation.study).studies) < 2:
                self._ui.cordCompareButton.checked = False
                raise InputError(
                    _("No other volume of this participant has a mask."),
                    hint=_("Segment it first."),
                )
            if not wanted:
                panel.views.show_layout("cord")
            elif studies_of_participant(panel.situation.study):  # else the table alone
                panel.views.show_layout("compare")

    # --- taking it away
    # ----------------------------------------------------------------------------------------------

    def _on_copy(self) -> None:
        with self._panel.guard(_("The table could not be copied."), section="Measure"):
            self._bring_up_to_date()
            if self._shown is None:
                raise InputError(_("There is no table any more."))
            slicer.app.clipboard().setText(self._shown.text)
            self._panel.say(_("The table is on the clipboard, as it is seen."), "Measure")

    def _bring_up_to_date(self) -> None:
        for study in self._compared.studies:
            self._measurer.bring_up_to_date(study)
        self._panel.refresh()

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
            from ..files import write_text_atomically
            from ..morphometry import contrasts_csv_text
            from ..workflows.csa_tables import CsaFiles, write_csa

            path = Path(path) if str(path).lower().endswith(".csv") else Path(f"{path}.csv")
            self._bring_up_to_date()
            if self._spreads is not None and len(self._compared.studies) > 1:
                write_text_atomically(path, contrasts_csv_text(self._spreads, _subject(image)))
            else:
                measured = self._measurer.of(self._panel.situation.study)
                write_csa(CsaFiles(path), [measured.rows(self._rows, self._levels)], [])
            store_setting("Folder", str(path.parent))
            self._panel.say(_("Saved with all digits: {path}").format(path=path), "Measure")


def _subject(image) -> str:
    from ..bids import session_of

    return session_of(Path(image.GetName()))


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)
