"""The names before; see :mod:`.console`."""

from .console import Interrupt, interruptible

__all__ = ["Interrupt", "interruptible"]
