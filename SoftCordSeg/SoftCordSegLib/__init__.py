"""Contrast-agnostic soft segmentation of the spinal cord.

Rooms (sub-packages) import downward only; see ``Testing/house/test_floors.py``.  Importing this
package loads neither torch nor MONAI nor matplotlib.
"""

# The one source of the software's version; model bundles count on their own (``metadata.json``).
__version__ = "0.6.0"
