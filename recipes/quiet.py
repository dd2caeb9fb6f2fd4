"""Runs a command while the training in the background waits, and ends with its exit code.

    python quiet.py COMMAND …

The training waits while the lock is held, which the system gives up when this process ends, however
it ends.  Where no lock can be held the command runs all the same.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "SoftCordSeg"))

from SoftCordSegLib.processes import shared_lock, state_folder

LOCK = "quiet.lock"


def runs_folder() -> Path:
    """Where trainings in the background are kept: ``$SOFTCORDSEG_RUNS``, or the user's folder for
    states of this system.
    """
    chosen = os.environ.get("SOFTCORDSEG_RUNS")
    return Path(chosen).expanduser().absolute() if chosen else state_folder() / "runs"


def main(command: list[str]) -> int:
    """Run a command; its exit code."""
    if not command:
        print("error: name the command to run. Example: python quiet.py make test", file=sys.stderr)
        return 2
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            held.enter_context(shared_lock(runs_folder() / LOCK))
        try:
            process = subprocess.Popen(command)
        except OSError as error:
            print(
                f"error: '{command[0]}' cannot be run: {error.strerror}. Check the name.",
                file=sys.stderr,
            )
            return 127
        while True:
            # Ctrl-C reaches the command too: it is the one that ends, and this waits for it.
            with contextlib.suppress(KeyboardInterrupt):
                code = process.wait()
                return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
