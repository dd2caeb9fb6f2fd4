"""``softcord finetune``."""

from .command import finetune_command

__all__ = ["finetune_command"]
