"""Lists of whole images and their labels: how they are made of a data set, and how the paper trains
on them.

Importing this package does not import torch.
"""

from .datalist import make_datalist, split_participants
from .listing import Listed, read_part

__all__ = ["Listed", "make_datalist", "read_part", "split_participants"]
