"""The names before; see :mod:`SoftCordSegLib.morphometry.disc_files`."""

from ...morphometry.disc_files import MarkedPoint, is_points_file, read_discs, read_points

__all__ = ["MarkedPoint", "is_points_file", "read_discs", "read_points"]
