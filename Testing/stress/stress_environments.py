"""Every environment of the table."""

from __future__ import annotations

from stress.environments import environments, faults
from stress.tally import LEFT, LOST, TRACEBACK, tally


def test_environments(tmp_path):
    counted = tally("environments")
    for number, one in enumerate(environments()):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = faults(one, folder)
        for fault in found:
            what = LEFT if "left" in fault else LOST if "lost" in fault else TRACEBACK
            counted.add(what, f"{one.kind}, {one.name}", fault)
        if not found:
            counted.add("accepted" if one.codes == (0,) else "refused")
    counted.check()
