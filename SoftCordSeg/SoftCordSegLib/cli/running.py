"""How commands run: over several images or participants with a bar each, for hours with a line in
the log, in a process that is theirs alone.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import InputError
from ..progress import Progress
from ..workflows.run_each import Failure, Outcomes, run_each
from .console import Interrupt, fail, interruptible, progress_bars, say
from .guard import for_user

if TYPE_CHECKING:
    from ..network import ModelBundle

Item = TypeVar("Item")
Result = TypeVar("Result")
# What training needs beside the rest of the library, by what is imported.
_PACKAGES = {
    "lightning": "lightning",
    "monai": "monai",
    "pydantic": "pydantic",
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
        # Of tensorboard alone, Lightning's error names no module.
        package = (error.name or "tensorboard").split(".")[0]
        if package not in _PACKAGES:
            raise
        raise InputError(
            f"Training needs the package '{_PACKAGES[package]}', which is not installed.",
            hint="Install SoftCordSeg with its extra 'training': pip install"
            " 'softcordseg[training]'.",
        ) from error


def run_with_bars(
    items: Sequence[Item],
    work: Callable[[Item, Progress], Result],
    debug: bool,
    *,
    name: Callable[[Any], str] = lambda item: item.name,
) -> Outcomes[Item, Result]:
    """As :func:`~SoftCordSegLib.workflows.run_each.run_each`, with a bar for each item; what could
    not be done is said at once.

    Args:
        items: paths of images, or participants.
        work, name: as there.
        debug: show the traceback of an unexpected error.

    Returns:
        As there; the errors are those that were shown.
    """
    shown = []

    def on_failure(failure: Failure[Item]) -> None:
        path = failure.item if isinstance(failure.item, Path) else None
        error = for_user(failure.error, debug, path)
        shown.append(replace(failure, error=error))
        fail(str(error) if path or len(items) == 1 else f"{failure.name}: {error}")

    with interruptible() as interrupt, progress_bars(interrupt) as bars:
        outcomes = run_each(items, work, name=name, bar=bars.bar, on_failure=on_failure)
    return replace(outcomes, failures=shown)


def use_threads(count: int | None) -> None:
    """Let the network use no more than ``count`` threads; None leaves torch's choice."""
    if count is not None:
        import torch

        torch.set_num_threads(count)


def keep_memory_for(bundle: ModelBundle) -> None:
    """Keep freed memory for the next tile of this network, in a process that is ours alone."""
    from ..processes import LARGEST_THRESHOLD, keep_freed_memory

    # The layers of the authors' networks are larger than that.
    keep_freed_memory(LARGEST_THRESHOLD if bundle.plan is None else None)
