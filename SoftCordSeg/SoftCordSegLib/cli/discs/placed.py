"""The names before; see :mod:`SoftCordSegLib.morphometry.disc_files`."""

from ...morphometry.disc_files import CARRIED, FIRST_LANDMARK, FOUND, KNOWN
from ...morphometry.disc_files import LocatedDisc as PlacedDisc
from ...morphometry.disc_files import changed_and_left as told_apart

__all__ = ["CARRIED", "FIRST_LANDMARK", "FOUND", "KNOWN", "PlacedDisc", "told_apart"]
