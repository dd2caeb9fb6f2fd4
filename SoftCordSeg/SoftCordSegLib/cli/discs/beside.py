"""The names before; see :mod:`SoftCordSegLib.bids`."""

from ...bids import discs_beside

__all__ = ["discs_beside"]
