"""How a whole data set is segmented and measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Suffixes of images that show the cord (BIDS); T2star and T2starw are the same.
SUFFIXES = ("T2w", "T1w", "T2star", "MTS", "dwi")


@dataclass(frozen=True)
class DataSetOptions:
    """The same for all cases; small, and usable in another process and on another machine.

    Attributes:
        model: folder or name of the model bundle; the first shipped one where None.
        threshold: also write the binary mask, soft mask at or above it; None for none.
        levels: vertebral levels of the tables (1 = C1); () for all that an image shows.
        device: of the network: "auto", "cpu", "cuda", …
        threads: of the network in one process; None for all cores.
        flips: take the mean with the mirrored image.
        standard_names: write names that the BIDS validator accepts.
        resume: keep what was made from the same images with the same options.
        overwrite: replace masks too that no sidecar vouches for.
        verify: hold everything against its SHA-256, not only against its size and time.
        csa: measure areas; False only segments.
        likely_names: where the names of found discs are not certain, take the most likely ones.
    """

    model: str | None = None
    threshold: float | None = None
    levels: tuple[int, ...] = ()
    device: str = "auto"
    threads: int | None = None
    flips: bool = False
    standard_names: bool = False
    resume: bool = True
    overwrite: bool = False
    verify: bool = False
    csa: bool = True
    likely_names: bool = False

    def words(self) -> dict[str, Any]:
        """What decides about a mask, for its sidecar."""
        return {"threshold": self.threshold, "flips": self.flips}

    def csa_words(self) -> dict[str, Any]:
        """What decides about a table, for its record."""
        return {"Levels": list(self.levels), "LikelyNames": self.likely_names}
