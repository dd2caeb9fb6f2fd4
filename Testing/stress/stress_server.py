"""Every behaviour of a download server, once and three times in a row: a sentence, and the release
can be installed from the next server that behaves.
"""

from __future__ import annotations

import time
import traceback

import pytest

from SoftCordSegLib.network import download
from stress import tally as tallies
from stress.hostile_models import bundle, zipped
from stress.hostile_server import BEHAVIOURS, attempt, serving


@pytest.mark.parametrize("times", [1, 3])
def test_no_behaviour_of_a_server_blocks_its_release(tmp_path, monkeypatch, times):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "_TIMEOUT_S", 0.5)
    counted = tallies.tally(f"{len(BEHAVIOURS)} behaviours of a server, {times} times each")
    content = zipped(bundle(tmp_path / "in"), tmp_path / "file.zip").read_bytes()
    with serving(content) as site:
        for name in BEHAVIOURS:
            begun = time.monotonic()
            try:
                first, last = attempt(site, name, tmp_path / name, times)
            except Exception:
                counted.add(tallies.TRACEBACK, name, traceback.format_exc())
                continue
            if time.monotonic() - begun > tallies.LONGEST_S:
                counted.add(tallies.HANG, name)
            elif last != "installed":
                counted.add(tallies.LOST, name, f"{first} / {last}")
            else:
                counted.add("accepted" if first == "installed" else "refused")
    counted.check()
