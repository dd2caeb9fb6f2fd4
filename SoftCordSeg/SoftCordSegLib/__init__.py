"""Contrast-agnostic soft segmentation of the spinal cord.

Rooms (sub-packages) import downward only; see ``Testing/house/test_floors.py``.  Importing this
package loads neither torch nor MONAI nor matplotlib.
"""

__version__ = "0.1.0"
