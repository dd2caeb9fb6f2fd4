"""``softcord train``, and the lists it reads: ``softcord datalist`` and ``softcord
pseudolabel``.
"""

from .command import train_command
from .datalist import datalist_command
from .pseudolabel import pseudolabel_command

__all__ = ["datalist_command", "pseudolabel_command", "train_command"]
