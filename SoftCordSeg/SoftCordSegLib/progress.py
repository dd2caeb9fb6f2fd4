"""Progress of long work, and its cancellation."""

from __future__ import annotations

from collections.abc import Callable

from .errors import Cancelled


class Progress:
    """Receives progress, and says whether the user cancelled.

    The panel, the command line and the tests pass functions of their own, or subclass.

    Args:
        on_report: called with (fraction in [0, 1], message).
        is_cancelled: returns True once the user cancelled.
    """

    def __init__(
        self,
        on_report: Callable[[float, str], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ):
        self._on_report = on_report
        self._is_cancelled = is_cancelled

    def report(self, fraction: float, message: str) -> None:
        """Report how far the work is (``fraction`` in [0, 1]) and what is being done."""
        if self._on_report is not None:
            self._on_report(min(max(fraction, 0.0), 1.0), message)

    def check_cancelled(self) -> None:
        """Raise :class:`Cancelled` if the user cancelled."""
        if self._is_cancelled is not None and self._is_cancelled():
            raise Cancelled("Stopped by the user. Nothing was written.")

    def part(self, start: float, end: float) -> Progress:
        """A progress object whose 0..1 is ``start``..``end`` of this one."""
        return Progress(
            lambda fraction, message: self.report(start + (end - start) * fraction, message),
            self._is_cancelled,
        )
