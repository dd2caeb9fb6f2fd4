"""What arithmetic on volumes needs to be installed."""

from __future__ import annotations

import subprocess
import sys


def test_arithmetic_on_volumes_needs_no_nibabel(repository):
    """So that training runs on a machine that reads no images; reading one then says what is
    missing.
    """
    code = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "nibabel":
            raise ModuleNotFoundError("No module named 'nibabel'", name="nibabel")

sys.meta_path.insert(0, Absent())
import numpy as np
import SoftCordSegLib.volume
from SoftCordSegLib.volume.intensities import Scaling, near_cord

print(Scaling.of(np.arange(101.0))(np.array([1.0, 50.0, 99.0])))
print(near_cord(np.ones((3, 3, 3), bool)).all())
"""
    path = str(repository / "SoftCordSeg")
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    ).stdout
    assert printed.split() == ["[-1.", "0.", "1.]", "True"]
