"""How many threads the work of this process may take on the CPU, and work that is shared by them.

For networks and for work on arrays inside NumPy and SciPy, which run outside Python's lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from .processes import cores

# The number of parts does not depend on the computer, so that no result does.
_PARTS = 8

_threads: int | None = None


def thread_count() -> int | None:
    """How many threads may be used: what :func:`limit_threads` said, else ``OMP_NUM_THREADS``,
    which PyTorch heeds by itself and OpenVINO does not; None for all cores.
    """
    if _threads is not None:
        return _threads
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdecimal() and int(text) > 0 else None


def limit_threads(count: int | None) -> None:
    """Let this process use no more than so many threads on the CPU; None changes nothing."""
    global _threads
    if count is not None:
        _threads = count


def in_parts(work: Callable[[slice], object], length: int) -> None:
    """Call ``work`` for the parts of a range, in as many threads as may be used.

    Args:
        work: takes a part of ``range(length)``; independent of the other parts.
        length: 1 or more.

    Raises:
        Exception: that of the first part that fails, when all have ended.
    """
    count = min(_PARTS, length)
    edges = [length * number // count for number in range(count + 1)]
    parts = [slice(start, stop) for start, stop in zip(edges, edges[1:])]
    threads = min(thread_count() or cores(), count)
    if threads == 1:
        for part in parts:
            work(part)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, parts):
            pass
