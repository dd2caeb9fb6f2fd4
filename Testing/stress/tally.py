"""What became of every hostile file, counted; each count but the first two has to be 0."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

LONGEST_S, MOST_BYTES = 20.0, 1_500_000_000
GOOD = ("accepted", "refused")
BAD = (
    "accepted wrongly",
    "refused wrongly",
    "traceback",
    f"over {LONGEST_S:.0f} s",
    f"over {MOST_BYTES / 1e9:.1f} GB",
    "left behind",
    "input changed",
    "lost",
)
WRONG, WRONGLY_REFUSED, TRACEBACK, HANG, MEMORY, LEFT, CHANGED, LOST = BAD


@dataclass
class Tally:
    """Counts of one attack.

    Attributes:
        name: of the attack.
        counts: of each of :data:`GOOD` and :data:`BAD`.
        faults: one line for each that is bad.
    """

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, what: str, case: str = "", why: str = "") -> None:
        """Count one case; ``why`` is kept where it is a fault."""
        self.counts[what] += 1
        if what not in GOOD:
            self.faults.append(f"{what}: {case}: {why[-300:]}")

    def line(self) -> str:
        """All counts in one line."""
        counts = ", ".join(f"{self.counts[what]} {what}" for what in (*GOOD, *BAD))
        return f"{self.name}: {counts}"

    def check(self) -> None:
        """Fail where anything is bad."""
        assert not self.faults, "\n".join([self.line(), *self.faults[:40]])


# Of this run; printed at its end.
TALLIES: list[Tally] = []


def tally(name: str) -> Tally:
    """A new count, printed at the end of the run."""
    TALLIES.append(Tally(name))
    return TALLIES[-1]
