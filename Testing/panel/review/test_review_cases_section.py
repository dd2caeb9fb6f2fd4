"""The list of cases in the panel: it is as long as the window has room for."""

from __future__ import annotations

from PySide6.QtTest import QTest

from host.pythonqt import unwrap
from panel.review_examples import make_data_set, start
from panel_actions import wait_until


def rows_seen(table) -> int:
    """That can be read whole without scrolling."""
    view = table.viewport().rect()
    items = [table.item(row, 0) for row in range(table.rowCount())]
    return sum(view.contains(table.visualItemRect(item).center()) for item in items)


def test_the_list_takes_the_room_that_there_is_and_nothing_has_to_be_scrolled(
    slicer_host, ui, tmp_path
):
    folder, area = make_data_set(tmp_path / "study", 30), slicer_host.main_window.panel
    table = unwrap(ui.cordCaseTable)
    start(slicer_host, ui, folder)
    wait_until(lambda: rows_seen(table) >= 6)
    wait_until(lambda: area.verticalScrollBar().maximum() == 0)

    slicer_host.main_window.resize(1920, 1061)  # of 1080, with a title
    QTest.qWait(1)
    unwrap(ui.cordCaseSearch).setText("sub")
    wait_until(lambda: rows_seen(table) >= 12)
    wait_until(lambda: area.verticalScrollBar().maximum() == 0)

    slicer_host.main_window.resize(1024, 749)
    unwrap(ui.cordCaseSearch).setText("")
    wait_until(lambda: rows_seen(table) < 12)
    assert rows_seen(table) >= 5
