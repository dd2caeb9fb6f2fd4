"""pydicom, highdicom and dcm2niix: a sentence where one is missing, and no value of a header in any
log.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator

from ..errors import InputError

# The packages of the extra 'dicom', by what is imported.
_PACKAGES = ("dcm2niix", "highdicom", "pydicom")
_OLDEST_PYTHON = (3, 10)


@contextlib.contextmanager
def needing_dicom() -> Iterator[None]:
    """A block that imports and uses the packages for DICOM.

    What they warn of stays unsaid: their sentences quote values of the header, such as names.

    Raises:
        InputError: one is not installed, or cannot be had for this Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _PACKAGES:
            raise
        raise _missing(package, sys.version_info[:2]) from error


def _missing(package: str, python: tuple[int, int]) -> InputError:
    if python < _OLDEST_PYTHON and package != "dcm2niix":
        return InputError(
            f"DICOM needs Python 3.10 or newer; this is Python {python[0]}.{python[1]}.",
            hint="Convert the images to NIfTI, which works with every Python, or use a newer one.",
        )
    return InputError(
        f"DICOM needs the package '{package}', which is not installed.",
        hint="Install SoftCordSeg with its extra 'dicom': pip install 'softcordseg[dicom]'.",
    )
