"""Two runs into one folder do no case twice."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter

from SoftCordSegLib.workflows.data_set import case_claims
from SoftCordSegLib.workflows.data_set.case_claims import claimed, is_claimed, remove_empty

KEY = "sub-01/anat/sub-01_T2w"


def test_a_claim_is_held_by_one(tmp_path):
    with claimed(tmp_path / "c", KEY) as ours:
        assert ours
        assert is_claimed(tmp_path / "c", KEY)
        with claimed(tmp_path / "c", KEY) as theirs, claimed(tmp_path / "c", "other") as other:
            assert (theirs, other) == (False, True)
    assert not is_claimed(tmp_path / "c", KEY)
    remove_empty(tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_the_claim_of_a_dead_process_is_taken_over_by_one(tmp_path):
    code = (
        "from pathlib import Path; import os\n"
        "from SoftCordSegLib.workflows.data_set.case_claims import claimed\n"
        f"with claimed(Path({str(tmp_path)!r}), {KEY!r}): os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False, env=os.environ)
    assert len(list(tmp_path.iterdir())) == 1
    assert not is_claimed(tmp_path, KEY)
    together(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_was_not_touched_for_long_is_stale(tmp_path):
    path = tmp_path / f"{case_claims._stem(KEY)}.0"
    path.write_text("1234abcd-17 of another machine", encoding="utf-8")
    with claimed(tmp_path, KEY) as ours:
        assert not ours
    before = time.time() - 2 * case_claims._STALE_AFTER_S
    os.utime(path, (before, before))
    with claimed(tmp_path, KEY) as ours:
        assert ours


def test_a_claim_out_of_the_future_does_not_last_for_ever(tmp_path):
    """A machine whose clock is an hour ahead may live; one of a year ahead would never be stale."""
    path = tmp_path / f"{case_claims._stem(KEY)}.0"
    for days, taken in ((1 / 24, False), (365, True)):
        path.write_text("1234abcd-17 of another machine", encoding="utf-8")
        ahead = time.time() + days * 86400
        os.utime(path, (ahead, ahead))
        with claimed(tmp_path, KEY) as ours:
            assert ours is taken


def test_many_at_once(tmp_path):
    for _ in range(5):
        together(tmp_path)


def together(folder):
    """Twelve threads want a case; never do two have it at once, and somebody gets it."""
    inside, seen, begin = [], Counter(), threading.Barrier(12)

    def want():
        begin.wait()
        with claimed(folder, KEY) as ours:
            if ours:
                inside.append(1)
                seen["most"] = max(seen["most"], len(inside))
                time.sleep(0.03)
                seen["times"] += 1
                inside.pop()

    threads = [threading.Thread(target=want) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert seen["most"] == 1
    assert seen["times"] >= 1
