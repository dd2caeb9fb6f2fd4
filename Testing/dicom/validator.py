"""dciodvfy of dicom3tools, the usual judge of whether an object keeps to the standard."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def errors_of(path: Path) -> list[str]:
    """What dciodvfy calls an error; skips where it is not installed."""
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dciodvfy is not installed (Debian, Ubuntu: apt-get install dicom3tools)")
    answer = subprocess.run(
        [program, "-new", str(path)],
        capture_output=True,
        text=True,
        check=False,
        encoding="latin-1",
    )
    lines = (answer.stdout + answer.stderr).splitlines()
    assert not [line for line in lines if "could not" in line.lower()], lines
    return [line for line in lines if line.startswith("Error")]
