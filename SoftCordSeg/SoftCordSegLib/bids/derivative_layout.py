"""Where the results of a whole data set lie: one folder, a BIDS derivative of its own.

::

    OUT/dataset_description.json
    OUT/sub-01/ses-1/anat/                 masks, disc labels and their sidecars
    OUT/sub-01/ses-1/anat/NAME_csa.csv     areas by level, and all that is known in NAME_csa.json
    OUT/csa_group.tsv  qc/  …              of the whole data set
    OUT/logs/                              one line a case; failures/KEY.json: why a case failed
    OUT/.softcord/                         claims of runs that share the work

The BIDS validator knows neither tables of areas nor pages.  Under the names that it accepts, the
tables are in a derivative of the derivative, ``OUT/derivatives/csa``, and what is of the whole data
set in ``OUT/derivatives/group``, where it does not look (BIDS, "Storage of derived datasets").
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .data_sets import DERIVATIVES


@dataclass(frozen=True)
class DerivativeLayout:
    """The files of a folder of results.

    Attributes:
        out: the folder.
        standard_names: names that the BIDS validator accepts.
    """

    out: Path
    standard_names: bool = False

    def folder(self, key: str) -> Path:
        """Of the masks of a case: its image's folder, mirrored."""
        return self.out.joinpath(*key.split("/")[:-1])

    def table(self, key: str) -> Path:
        """Areas by level."""
        return self._csa(key, ".csv")

    def record(self, key: str) -> Path:
        """What was measured slice by slice, from what and how."""
        return self._csa(key, ".json")

    def failure(self, key: str) -> Path:
        """Why a case failed."""
        return self.failures.joinpath(*f"{key}.json".split("/"))

    @property
    def tables(self) -> Path:
        """The folder in which the tables of all cases are."""
        return self.out / DERIVATIVES / "csa" if self.standard_names else self.out

    @property
    def failures(self) -> Path:
        """Why cases failed."""
        return self.logs / "failures"

    @property
    def logs(self) -> Path:
        """One file a run."""
        return self.out / "logs"

    @property
    def claims(self) -> Path:
        """Which cases runs have in hand."""
        return self.out / ".softcord" / "claims"

    @property
    def group(self) -> Path:
        """The folder of what is of the whole data set."""
        return self.out / DERIVATIVES / "group" if self.standard_names else self.out

    @property
    def group_table(self) -> Path:
        """One row a case and level."""
        return self.group / "csa_group.tsv"

    def _csa(self, key: str, extension: str) -> Path:
        *folders, name = key.split("/")
        return self.tables.joinpath(*folders, f"{name}_csa{extension}")
