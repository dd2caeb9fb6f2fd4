"""The one training loop, on Lightning: seeded by index and resumable, so that a killed run goes on
as if it had not been.

Importing this package imports torch, but not Lightning.
"""

from .history import History
from .train import Trained, train

__all__ = ["History", "Trained", "train"]
