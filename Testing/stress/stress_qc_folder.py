"""Many processes and kills at one folder of quality control: no entry is lost, no file is torn."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from workflows.review.test_qc_folder import check_processes, listed

REPOSITORY = Path(__file__).resolve().parents[2]
KILLS, SEED = 25, 20261128
_RUN = """
import sys
from pathlib import Path
from workflows.review.test_qc_folder import add_entries
add_entries(Path(sys.argv[1]), sys.argv[2], 1000)
"""


def _environment():
    folders = (REPOSITORY / "SoftCordSeg", REPOSITORY / "Testing")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}


def test_four_processes_write_two_hundred_entries(tmp_path):
    check_processes(tmp_path, 4, 50)


def test_kills_at_random_moments_leave_every_file_whole(tmp_path):
    chance = random.Random(SEED)
    before = 0
    for number in range(KILLS):
        words = [sys.executable, "-c", _RUN, str(tmp_path), str(number)]
        running = subprocess.Popen(words, env=_environment())
        while not (tmp_path / "js" / "datasets.js").exists() and running.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(1.0, 4.0))
        running.send_signal(signal.SIGKILL)
        running.wait()
        entries = [
            json.loads(path.read_text(encoding="utf-8"))
            for path in (tmp_path / "_json").glob("qc_*.json")
        ]
        for entry in entries:
            for name in ("backgroundImage", "overlayImage"):
                assert (tmp_path / entry[name]).read_bytes().startswith(b"\x89PNG")
        shown = listed(tmp_path)[1]  # whole, and of all but the last moment
        assert before <= len(shown) <= len(entries)
        before = len(shown)
    assert before > KILLS
