"""Prints the counts of all attacks at the end."""

from __future__ import annotations

from stress.tally import TALLIES


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("What became of every case")
    for one in TALLIES:
        terminalreporter.line(one.line())
