"""``softcord segment``."""

from .command import Request, segment_command, segment_file

__all__ = ["Request", "segment_command", "segment_file"]
