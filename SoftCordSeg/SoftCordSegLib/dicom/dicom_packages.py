"""pydicom, highdicom and dcm2niix: a sentence where one is missing, and no value of a header in any
log.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator

from ..errors import InputError

# The packages of the extra 'dicom', by what is imported.
_PACKAGES = ("dcm2niix", "highdicom", "pydicom")
_LOGGING = ("highdicom", "pydicom")
_OLDEST_PYTHON = (3, 10)


@contextlib.contextmanager
def needing_dicom() -> Iterator[None]:
    """A block that imports and uses the packages for DICOM.

    What they warn of, by Python's warnings and in their logs, stays unsaid: their sentences quote
    values of the header, such as names.

    Raises:
        InputError: one is not installed, or cannot be had for this Python.
    """
    try:
        with warnings.catch_warnings(), _silent_logs():
            warnings.simplefilter("ignore")
            yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _PACKAGES:
            raise
        raise _missing(package, sys.version_info[:2]) from error


@contextlib.contextmanager
def _silent_logs() -> Iterator[None]:
    """Neither package writes into a log; without a handler of its own, Python prints warnings."""
    loggers = [logging.getLogger(name) for name in _LOGGING]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before):
            logger.setLevel(level)


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
