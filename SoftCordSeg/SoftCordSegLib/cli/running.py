"""How commands run: over several images or participants with a bar each, for hours with a line in
the log, in a process that is theirs alone.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import LazyLoader, find_spec, module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import InputError, OutOfMemory
from ..processes import free_addresses
from ..progress import Progress
from ..workflows.run_each import Bar, Failure, OnFailure, Outcomes, run_each
from .console import Interrupt, fail, interruptible, progress_bars, say
from .guard import for_user

if TYPE_CHECKING:
    from ..network import ModelBundle

# The address space in which Python, NumPy, SciPy and OpenVINO start with two threads.
_LEAST_ADDRESSES = 640 << 20
Item = TypeVar("Item")
Result = TypeVar("Result")
# What training needs beside the rest of the library, by what is imported.
_PACKAGES = {
    "lightning": "lightning",
    "monai": "monai",
    "pydantic": "pydantic",
    "tensorboard": "tensorboard",
    "torch": "torch",
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
    if sys.stderr is not None and sys.stderr.isatty():
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
        # Of tensorboard alone, Lightning's error names no module.
        package = (error.name or "tensorboard").split(".")[0]
        if package not in _PACKAGES:
            raise
        raise InputError(
            f"Training needs the package '{_PACKAGES[package]}', which is not installed.",
            hint="Install SoftCordSeg with its extra 'training': pip install"
            " 'softcordseg[training]'.",
        ) from error


@contextlib.contextmanager
def watching(debug: bool, several: bool) -> Iterator[tuple[Bar, OnFailure]]:
    """What :func:`~SoftCordSegLib.workflows.run_each.run_each` takes: a bar for each item, and what
    says at once that an item could not be done.

    Args:
        debug: show the traceback of an unexpected error.
        several: name the participant that could not be done.
    """

    def on_failure(failure: Failure[Any]) -> None:
        path = failure.item if isinstance(failure.item, Path) else None
        error = for_user(failure.error, debug, path)
        fail(f"{failure.name}: {error}" if several and path is None else str(error))

    with interruptible() as interrupt, progress_bars(interrupt) as bars:
        yield bars.bar, on_failure


def run_with_bars(
    items: Sequence[Item], work: Callable[[Item, Progress], Result], debug: bool
) -> Outcomes[Item, Result]:
    """:func:`~SoftCordSegLib.workflows.run_each.run_each` over paths or participants, with
    :func:`watching`.
    """
    with watching(debug, len(items) > 1) as (bar, on_failure):
        return run_each(items, work, bar=bar, on_failure=on_failure)


def check_address_space() -> None:
    """Check that the libraries find room where the address space is limited (``ulimit -v``):
    with less, some of them end the process while they are imported, or hang.

    Raises:
        OutOfMemory: they do not.
    """
    free = free_addresses()
    if free is not None and free < _LEAST_ADDRESSES:
        raise OutOfMemory(
            f"There is not enough memory: the limit of this shell leaves {free >> 20} MB, and"
            f" {_LEAST_ADDRESSES >> 20} MB are the least.",
            hint="Raise the limit (ulimit -v, or the memory of the job), and try again.",
        )


def import_libraries() -> None:
    """Import nibabel and SciPy's image functions without what they import in passing, which no
    command here uses, or only later: pydicom is a fifth of the time until an image is read, the two
    parts of NumPy are a third of SciPy's import.

    For processes that are ours alone: while it runs, no other thread can import pydicom.
    """
    # nibabel: for an extension of NIfTI headers, wherever pydicom is installed.
    hide = "nibabel" not in sys.modules and "pydicom" not in sys.modules
    if hide:
        sys.modules["pydicom"] = None  # type: ignore[assignment]
    try:
        with contextlib.suppress(ImportError):  # said where an image is read
            # SciPy: whatever has a name in NumPy.
            _import_when_used("numpy.f2py")
            _import_when_used("numpy.testing")
            import nibabel  # noqa: F401
            from scipy import ndimage  # noqa: F401
    finally:
        if hide:
            del sys.modules["pydicom"]


def _import_when_used(name: str) -> None:
    """Put a module of a package in its place, to be loaded when something of it is used."""
    package, _, own = name.rpartition(".")
    parent = import_module(package)
    found = None if name in sys.modules else find_spec(name)
    if found is None or found.loader is None:
        return
    found.loader = LazyLoader(found.loader)
    sys.modules[name] = module = module_from_spec(found)
    found.loader.exec_module(module)
    setattr(parent, own, module)


def prepare_process(bundle: ModelBundle | None, threads: int | None, device: str = "auto") -> None:
    """Make a process that is ours alone ready to run a network.

    Args:
        bundle: the model: where PyTorch runs it, freed memory is kept for its next tile; None where
            there is none.
        threads: that the network may use on the CPU; None for all cores.
        device: that it runs on.

    Raises:
        OptionError, NoEngine: the network cannot run on this device.
    """
    from ..network.engines import PYTORCH, choose_engine
    from ..processes import LARGEST_THRESHOLD, keep_freed_memory
    from ..threads import limit_threads

    limit_threads(threads)
    # OpenVINO imports its converter of models, which nothing here uses, wherever it can: two fifths
    # of its import.
    sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
    if bundle is not None and choose_engine(device, bundle.needs_pytorch).library == PYTORCH:
        # The layers of the authors' networks are larger than that.
        keep_freed_memory(LARGEST_THRESHOLD if bundle.plan is None else None)
