"""The state of a training in half precision and a few small files, to travel to a machine and
back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from .half_tensors import halves, parts_of, write_parts
from .run_state import RunState, load_state, write_numbered

MIB = 1 << 20
# For the names and shapes in a file.
_MARGIN = 64 << 10


@dataclass(frozen=True)
class HalfStates:
    """A :class:`.trainer.Store` of which only the last state stays.

    Attributes:
        folder: of the state.
        before: folder of a state to go on from while there is none in ``folder``; in half precision
            or not.
        file_mib: at most so large is a file.
        files: at most so many files, the JSON file included.
        total_mib: at most so large are all together.
    """

    folder: Path
    before: Path | None = None
    file_mib: float = 15.5
    files: int = 7
    total_mib: float = 58.0

    def load(self) -> RunState | None:
        """The last state, here or of before."""
        here = load_state(self.folder)
        return load_state(self.before) if here is None and self.before is not None else here

    def save(self, state: RunState) -> Path:
        """Keep a state; without moments, or without moments and weights, where all does not fit.

        Raises:
            InputError: not even the average fits.
            OutputError: the folder cannot be written, or the disk is full.
        """
        most = int(self.file_mib * MIB) - _MARGIN
        for weights, moments in ((state.weights, state.moments), (state.weights, {}), ({}, {})):
            parts = parts_of(halves(state.average, weights, moments), most)
            if parts is None or len(parts) >= self.files:
                continue
            total = sum(one.size for part in parts for one in part.values())
            if total <= self.total_mib * MIB - _MARGIN * len(parts):
                # Moments that are not there have seen no step.
                head = {**state.head(), "moment_steps": state.moment_steps if moments else 0}
                return write_numbered(
                    self.folder,
                    lambda folder, parts=parts, head=head: {
                        **head,
                        "halves": write_parts(folder, parts),
                    },
                    keep=1,
                )
        raise InputError(
            f"The network does not fit into {self.files - 1} files of {self.file_mib:g} MiB. Allow"
            " larger files, or train another."
        )
