"""The names before; see :mod:`.running`."""

from .running import needing_packages, speaks, watched

__all__ = ["needing_packages", "speaks", "watched"]
