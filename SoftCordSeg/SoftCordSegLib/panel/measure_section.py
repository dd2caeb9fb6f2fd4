"""Section "Measure": the area along the cord as table and plot, kept up to date while somebody
corrects.
"""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from .controls import Section, setting, store_setting
from .measuring import (
    LiveTable,
    Rows,
    Sources,
    csa_options,
    has_rows_of,
    is_measured_from,
    measure_study,
    position_of_row,
    remember_sources,
    table_text,
)
from .short_table import show_short

# A full measurement follows a change of the mask, the discs or the choice of rows when the hand has
# rested so long, ms.
_REST_MS = 400


class MeasureSection(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._live = None
        self._current = None  # the Sources that the tables were made from
        self._failed = None  # the Sources of which no table could be made
        self._watched: tuple = ()
        self._plot_view = None
        self._shown = None  # which table the panel shows, and as of when
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.connect("timeout()", self._measure_again)
        self._ui.cordMeasureButton.connect("clicked()", self._on_measure)
        self._ui.cordCompareButton.connect("clicked()", self._on_compare)
        self._ui.cordPlotButton.connect("clicked()", self._on_plot)
        self._ui.cordCopyButton.connect("clicked()", self._on_copy)
        self._ui.cordCsvButton.connect("clicked()", self._on_csv)
        self._ui.cordTable.connect("selectionChanged()", self._on_row)

    def refresh(self, situation) -> None:
        ui, allow = self._ui, self._panel.hints.allow
        reason = situation.why_no_mask
        self._watch(situation.study)
        self._check()
        table = self._table(situation)
        unmeasured = reason or ("" if table is not None else _("Measure first."))
        for control in (
            ui.cordMeasureButton,
            ui.cordRowsSelector,
            ui.cordLevelsEdit,
            ui.cordCompareButton,
        ):
            allow(control, reason)
        for control in (ui.cordPlotButton, ui.cordCopyButton, ui.cordCsvButton):
            allow(control, unmeasured)
        self._show(table)
        if self._live is not None and (
            situation.view is None or self._live.soft is not situation.study.soft
        ):
            self._live = None

    def _show(self, table) -> None:
        """Show a table in few columns; filled again only where it is another one, or has
        changed.
        """
        shown = None if table is None else (table.GetID(), table.GetMTime())
        self._ui.cordTable.visible = table is not None
        if shown == self._shown:
            return
        self._shown = shown
        self._ui.cordTable.setMRMLTableNode(
            show_short(self._panel.scene, table, self._kind) if table is not None else None
        )

    def _watch(self, study) -> None:
        """Follow the mask and the discs that a table is made from."""
        nodes = () if study is None or study.soft is None else (study.soft, study.discs)
        if nodes == self._watched:
            return
        markups = slicer.vtkMRMLMarkupsNode
        events = (
            ("ModifiedEvent",),
            (
                markups.PointPositionDefinedEvent,
                markups.PointModifiedEvent,
                markups.PointRemovedEvent,
            ),
        )
        for watch, followed in (
            (self._panel.unobserve, self._watched),
            (self._panel.observe, nodes),
        ):
            for node, kinds in zip(followed, events):
                for event in kinds if node is not None else ():
                    watch(node, event, self._on_source_changed)
        self._watched = nodes

    def _on_source_changed(self, _caller=None, _event=None) -> None:
        self._check()

    def _check(self) -> None:
        """Measure again soon where the tables may have been made from something else."""
        sources = self._sources()
        if sources is not None and sources != self._current and sources != self._failed:
            self._timer.start()

    def _sources(self) -> Sources | None:
        """What a table made now would be made from; None where nothing was measured."""
        study = self._panel.situation.study
        if study is None or study.soft is None or study.slice_table is None:
            return None
        return Sources(study, self._rows, self._levels)

    def close(self) -> None:
        self._watch(None)
        self._timer.stop()
        self._timer.disconnect("timeout()", self._measure_again)  # or each would keep the other
        self._live = None
        self._ui.cordTable.setMRMLTableNode(None)
        if self._plot_view is not None:
            self._plot_view.disconnect(
                "dataSelected(vtkStringArray*,vtkCollection*)", self._on_point
            )
            self._plot_view = None

    def follow(self, change) -> None:
        """The mask was corrected: new areas at once, everything else when the hand rests."""
        study = self._panel.situation.study
        if study is None or study.slice_table is None:
            return
        if self._live is None or self._live.soft is not study.soft:
            self._live = LiveTable(study.soft)  # measures the mask as it is now
        else:
            self._live.update(study.slice_table, change)
            self._show(self._table(self._panel.situation))
        self._timer.start()

    @property
    def _rows(self) -> Rows:
        parameters = self._panel.parameters
        return parameters.rows if parameters is not None else Rows.Slice

    def _table(self, situation):
        """The full table that is shown; None where there is none of the chosen rows."""
        sources = self._sources() if situation.view is not None else None
        if sources is None or sources == self._failed:
            return None
        study = situation.study
        table = study.slice_table if self._kind is Rows.Slice else study.summary_table
        return table if table is not None and has_rows_of(table, sources) else None

    @property
    def _kind(self) -> Rows:
        """``Rows.Slice`` where the slice table is shown; rows of some levels only are in the
        summary table.
        """
        return self._rows if not self._levels or self._rows is not Rows.Slice else Rows.Level

    @property
    def _levels(self) -> str:
        parameters = self._panel.parameters
        return parameters.levels.strip() if parameters is not None else ""

    def _on_measure(self) -> None:
        with self._panel.guard(_("The cord could not be measured.")):
            self._panel.say(self._measure())

    def _measure(self) -> str:
        """Make the tables and the plot; a sentence on the result."""
        from ..scene.study import set_measurement

        study = self._panel.situation.study
        sources = Sources(study, self._rows, self._levels)
        self._failed = sources
        measured = measure_study(study, csa_options(self._rows, self._levels))
        shape = measured.shape
        set_measurement(study, shape, measured.summary)
        remember_sources((study.slice_table, study.summary_table), sources)
        self._current, self._failed = sources, None
        self._live = LiveTable(study.soft)
        words = _("Measured {count} slices.").format(count=int((shape.columns["area"] > 0).sum()))
        return " ".join([words, *measured.notes])

    def _measure_again(self) -> None:
        if not self._panel.situation.busy and self._sources() is not None:
            with self._panel.guard(_("The cord could not be measured.")):
                self._bring_up_to_date()

    def _bring_up_to_date(self) -> None:
        """Measure again where something changed since the tables were made."""
        sources = self._sources()
        if sources is None or sources == self._current:
            return
        study = self._panel.situation.study
        tables = (study.slice_table, study.summary_table)
        if all(table is not None and is_measured_from(table, sources) for table in tables):
            self._current = sources  # as after a saved scene was opened
        else:
            self._measure()

    # --- looking at it
    # ----------------------------------------------------------------------------------------------

    def _on_row(self) -> None:
        if self._panel.refreshing or self._panel.situation.view is None:
            return
        with self._panel.guard(_("The row could not be shown."), refresh=False):
            indexes = self._ui.cordTable.selectionModel().selectedIndexes
            if indexes:
                study = self._panel.situation.study
                self._jump(position_of_row(study, self._kind, indexes[0].row()))

    def _on_plot(self) -> None:
        with self._panel.guard(_("The plot could not be shown.")):
            from ..scene.study import complete_plot

            self._bring_up_to_date()
            study = complete_plot(self._panel.situation.study)
            self._show_in_layout(self._table(self._panel.situation), study.chart)

    def _on_compare(self) -> None:
        with self._panel.guard(_("The volumes could not be compared.")):
            from ..scene.disc_points import discs_of
            from .comparing import compare

            study = self._panel.situation.study
            table, chart, words = compare(
                self._panel.scene, discs_of(study.discs) if study.discs is not None else []
            )
            self._show_in_layout(table, chart)
            self._panel.say(words)

    def _show_in_layout(self, table, chart) -> None:
        """Table and plot beside the slice views."""
        manager, logic = slicer.app.layoutManager(), slicer.app.applicationLogic()
        manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView)
        logic.GetSelectionNode().SetActivePlotChartID(chart.GetID())
        logic.PropagatePlotChartSelection()
        logic.GetSelectionNode().SetActiveTableID(table.GetID())
        logic.PropagateTableSelection()
        if self._plot_view is None and manager.plotViewCount > 0:
            self._plot_view = manager.plotWidget(0).plotView()
            self._plot_view.connect("dataSelected(vtkStringArray*,vtkCollection*)", self._on_point)

    def _on_point(self, series, selections) -> None:
        study = self._panel.situation.study
        if study is None or study.slice_table is None or study.series is None:
            return
        if not any(
            series.GetValue(n) == study.series.GetID() for n in range(series.GetNumberOfValues())
        ):
            return  # a point of another plot
        chosen = [selections.GetItemAsObject(n) for n in range(selections.GetNumberOfItems())]
        points = [ids.GetValue(0) for ids in chosen if ids is not None and ids.GetNumberOfValues()]
        if points:
            self._jump(position_of_row(study, Rows.Slice, int(points[0])))

    def _jump(self, position) -> None:
        if position is not None:
            slicer.vtkMRMLSliceNode.JumpAllSlices(self._panel.scene, *position)

    # --- taking it away
    # ----------------------------------------------------------------------------------------------

    def _on_copy(self) -> None:
        with self._panel.guard(_("The table could not be copied.")):
            self._bring_up_to_date()
            slicer.app.clipboard().setText(table_text(self._table(self._panel.situation)))
            self._panel.say(_("The table is on the clipboard."))

    def _on_csv(self) -> None:
        from .saving import stem_of

        image = self._panel.situation.image
        proposed = str(Path(setting("Folder") or ".") / f"{stem_of(image)}_csa.csv")
        path = qt.QFileDialog.getSaveFileName(
            None, _("Save the table"), proposed, f"{_('Table')} (*.csv)"
        )
        if not path:
            return
        with self._panel.guard(_("The table could not be saved.")):
            from ..workflows.csa_tables import CsaFiles, write_csa

            path = Path(path) if str(path).lower().endswith(".csv") else Path(f"{path}.csv")
            options = csa_options(self._rows, self._levels)
            measured = measure_study(self._panel.situation.study, options)
            write_csa(CsaFiles(path), [measured], [])
            store_setting("Folder", str(path.parent))
            self._panel.say(_("Saved: {path}").format(path=path))
