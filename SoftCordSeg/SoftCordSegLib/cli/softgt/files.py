"""What ``softcord softgt`` writes for a participant, under the names of BIDS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..guard import UsageProblem
from ..outputs import check_not_an_input
from .inputs import Participant


@dataclass(frozen=True)
class Layout:
    """Where results go.

    Attributes:
        folder: of all results.
        as_dataset: in ``derivatives/labels_softseg/sub-…/anat`` below it, as a BIDS data set has
            them; else right in it.
        binary: also the soft mask at or above 0.5.
    """

    folder: Path
    as_dataset: bool = False
    binary: bool = False

    def soft(self, participant: Participant, contrast: str) -> Path:
        """The soft ground truth."""
        return (
            self._place("labels_softseg", participant, contrast)
            / f"{participant.base(contrast)}_label-SC_softseg.nii.gz"
        )

    def sidecar(self, participant: Participant, contrast: str) -> Path:
        """What the soft ground truth is made of."""
        return self.soft(participant, contrast).with_name(
            f"{participant.base(contrast)}_label-SC_softseg.json"
        )

    def binarised(self, participant: Participant, contrast: str) -> Path:
        """The soft ground truth at or above 0.5."""
        place = self._place("labels_softseg_bin", participant, contrast)
        return place / f"{participant.base(contrast)}_desc-softseg_label-SC_seg.nii.gz"

    def discs(self, participant: Participant, contrast: str) -> Path:
        """The discs, carried over."""
        place = self._place("labels_softseg", participant, contrast)
        return place / f"{participant.base(contrast)}_label-discs_desc-warp_dlabel.nii.gz"

    def transform(self, participant: Participant, contrast: str, source: str, target: str) -> Path:
        """The transform that resamples images of ``source`` on the grid of ``target``."""
        name = (
            f"{participant.name}_from-{_entity(source)}_to-{_entity(target)}_mode-image_xfm.nii.gz"
        )
        return self._place("labels_softseg", participant, contrast) / name

    def page(self, participant: Participant) -> Path:
        """The page to look at."""
        return self._home(participant) / f"{participant.name}_softgt.html"

    def areas(self, participant: Participant) -> Path:
        """The table of areas."""
        return self._home(participant) / f"{participant.name}_softgt_csa.csv"

    @property
    def all_areas(self) -> Path:
        """The table of areas of all participants of a data set."""
        return self.folder / "derivatives" / "labels_softseg" / "softgt_csa.csv"

    @property
    def index(self) -> Path:
        """The page over all participants of a data set."""
        return self.all_areas.with_name("softgt.html")

    def descriptions(self) -> list[Path]:
        """The files that tell what the derivatives of a data set are."""
        kinds = ["labels_softseg", *(["labels_softseg_bin"] if self.binary else [])]
        return (
            [self.folder / "derivatives" / kind / "dataset_description.json" for kind in kinds]
            if self.as_dataset
            else []
        )

    def all_of(self, participant: Participant, reference: str) -> list[Path]:
        """Every file that may be written for a participant."""
        paths = [self.page(participant), self.areas(participant)]
        for contrast in participant.masks:
            paths += [self.soft(participant, contrast), self.sidecar(participant, contrast)]
            paths += [self.binarised(participant, contrast)] if self.binary else []
            if contrast != reference:
                paths += [self.transform(participant, contrast, contrast, reference)]
                paths += [self.transform(participant, contrast, reference, contrast)]
            if participant.discs is not None:
                paths.append(self.discs(participant, contrast))
        return paths

    def _home(self, participant: Participant) -> Path:
        if not self.as_dataset:
            return self.folder
        return self.folder.joinpath("derivatives", "labels_softseg", *participant.name.split("_"))

    def _place(self, kind: str, participant: Participant, contrast: str) -> Path:
        if not self.as_dataset:
            return self.folder
        modality = "dwi" if contrast.endswith("dwi") else "anat"
        return self.folder.joinpath("derivatives", kind, *participant.name.split("_"), modality)


def check_layout(layout: Layout, participant: Participant, reference: str) -> None:
    """Refuse files that would take the place of an input or of each other.

    Raises:
        UsageProblem: they would.
    """
    outputs = layout.all_of(participant, reference)
    check_not_an_input(outputs, participant.inputs)
    if len({str(path).casefold() for path in outputs}) < len(outputs):
        raise UsageProblem(
            f"Two results of {participant.name} would have the same name. Give the contrasts other"
            " names."
        )


def leftovers(before: Participant, after: Participant | None, layout: Layout) -> list[str]:
    """A sentence on the ground truths of contrasts that are left out now, but were not in an
    earlier run.

    Args:
        before: the participant.
        after: the same without what is left out; None where nothing is left.
        layout: where results go.
    """
    gone = [contrast for contrast in before.masks if after is None or contrast not in after.masks]
    names = [
        path.name for path in (layout.soft(before, contrast) for contrast in gone) if path.exists()
    ]
    if not names:
        return []
    return [
        f"But {', '.join(names)} of an earlier run still lies there, and training would take it:"
        " remove it."
    ]


def _entity(contrast: str) -> str:
    """A contrast's name as the value of a BIDS entity: letters and digits only."""
    return re.sub(r"[^A-Za-z0-9]", "", contrast)
