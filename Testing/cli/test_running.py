"""How a command's process starts."""

from __future__ import annotations

import subprocess
import sys

_STARTED = """
import sys
from SoftCordSegLib.cli.running import import_libraries, prepare_process

{before}
prepare_process(None, None)
import_libraries()
assert "nibabel" in sys.modules and "scipy.ndimage" in sys.modules
{after}
"""


def in_a_process_of_its_own(before: str, after: str) -> None:
    code = _STARTED.format(before=before, after=after)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr


def test_what_libraries_import_in_passing_is_left_until_it_is_used():
    in_a_process_of_its_own(
        "",
        """
assert not {"pydicom", "numpy.f2py.crackfortran", "numpy.testing._private"} & set(sys.modules)
import numpy, numpy.testing, numpy.f2py
numpy.testing.assert_allclose(1.0, 1.0)
assert numpy.f2py.get_include() and "numpy.f2py.crackfortran" in sys.modules
import openvino
assert not any(name.startswith("openvino.tools.ovc.") for name in sys.modules)
import pydicom
assert pydicom.Dataset
""",
    )


def test_what_is_there_already_stays_as_it_is():
    in_a_process_of_its_own(
        "import numpy.f2py, numpy.testing, pydicom; was = numpy.f2py, numpy.testing, pydicom",
        "import numpy; assert (numpy.f2py, numpy.testing, sys.modules['pydicom']) == was",
    )
