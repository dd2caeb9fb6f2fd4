"""What commands that train have in common: one voice of several processes, a bar or a log, and
packages that may be missing.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from ..errors import InputError
from ..progress import Progress
from .console import progress_bars, say
from .interrupt import Interrupt

# What training needs beside the rest of the library, by what is imported.
_PACKAGES = {
    "lightning": "lightning",
    "monai": "monai",
    "tensorboard": "tensorboard",
    "yaml": "PyYAML",
}


def speaks() -> bool:
    """Whether this is the first of several processes that train together; Lightning starts the
    others with this variable.
    """
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


@contextlib.contextmanager
def watched(interrupt: Interrupt, name: str) -> Iterator[Progress]:
    """A bar in a terminal; in a log one line at each half per cent, so that the log of hours stays
    readable.
    """
    if not speaks():
        yield Progress(None, interrupt.is_set)
        return
    if sys.stderr.isatty():
        with progress_bars(interrupt) as bars, bars.bar(name) as progress:
            yield progress
        return
    last = [-1]

    def report(fraction: float, message: str) -> None:
        if int(fraction * 200) != last[0]:
            last[0] = int(fraction * 200)
            say(f"{fraction:6.1%} {message}")

    yield Progress(report, interrupt.is_set)


@contextlib.contextmanager
def needing_packages() -> Iterator[None]:
    """A sentence where a package that only training needs is missing.

    Raises:
        InputError: it is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        # Lightning says in words only that it misses tensorboard.
        package = (error.name or ("tensorboard" if "tensorboard" in str(error) else "")).split(".")[
            0
        ]
        if package not in _PACKAGES:
            raise
        raise InputError(
            f"Training needs the package '{_PACKAGES[package]}', which is not installed. Install"
            " SoftCordSeg with its extra 'training': pip install 'softcordseg[training]'."
        ) from error
