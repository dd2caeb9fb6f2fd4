"""Prints the counts of all attacks at the end, those of other processes too."""

from __future__ import annotations

import pytest

from stress.tally import TALLIES

_lines: list[str] = []


def pytest_sessionfinish(session):
    # Of a process that was started by pytest-xdist.
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tallies"] = [one.line() for one in TALLIES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    _lines.extend(getattr(node, "workeroutput", {}).get("tallies", ()))


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("What became of every case")
    for line in (*_lines, *(one.line() for one in TALLIES)):
        terminalreporter.line(line)
