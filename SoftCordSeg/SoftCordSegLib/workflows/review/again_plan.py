"""Which cases of a data set another model may segment again, and why the others stay.

Masks that were passed, drawn by hand, made by another program or changed since are left alone; a
correction by hand is kept where its edit map is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bids import (
    DERIVATIVES,
    LABELS,
    MASK_SHA256,
    MODALITIES,
    Kind,
    derivative_folder,
    is_as_described,
    label_name,
    read_sidecar,
    sidecar_path,
)
from ...files import file_sha256
from ...provenance import generated_by, model_of
from ...review.review_cases import ReviewCase, find_review_cases
from ...review.verdicts import Judgement, Verdict, read_verdicts
from .judged_cases import JudgedMask, judged_mask, verdicts_by_case

if TYPE_CHECKING:
    from ...network import ModelBundle


@dataclass(frozen=True)
class AgainCase:
    """What is to become of a case.

    Attributes:
        case: which.
        mask: the soft mask of ours that is replaced, or will be the first.
        reason: why the case is left as it is, a sentence; "" where it is segmented again.
        edits: the edit map that is kept on top; None where the mask was never corrected.
        standard_names: whether its files have the names that the BIDS validator accepts.
    """

    case: ReviewCase
    mask: Path
    reason: str = ""
    edits: Path | None = None
    standard_names: bool = False

    def path(self, kind: Kind) -> Path:
        """The file of a kind beside the mask."""
        return self.mask.with_name(
            label_name(self.case.image, kind, standard_names=self.standard_names)
        )

    def vouches_for(self, file: Path) -> bool:
        """Whether the mask's sidecar has the SHA-256 of a file beside it."""
        sums = read_sidecar(sidecar_path(self.mask)).get(MASK_SHA256)
        return (
            isinstance(sums, Mapping)
            and file.is_file()
            and sums.get(file.name) == file_sha256(file)
        )


def plan_again(
    dataset: Path,
    bundle: ModelBundle,
    *,
    cases: Sequence[ReviewCase] | None = None,
    verdicts: Sequence[Verdict] | None = None,
) -> list[AgainCase]:
    """Which cases are segmented again, and why the others are not; no voxel is read.

    Args:
        dataset: its folder.
        bundle: the model; masks that it made already stay.
        cases, verdicts: where they are at hand; else they are read.
    """
    known = find_review_cases(dataset) if cases is None else cases
    said = verdicts_by_case(read_verdicts(dataset) if verdicts is None else verdicts)
    return [_planned(dataset, case, said.get(case.key, ()), bundle) for case in known]


def _planned(
    dataset: Path, case: ReviewCase, verdicts: Sequence[Verdict], bundle: ModelBundle
) -> AgainCase:
    if case.problem:
        return AgainCase(case, case.image, case.problem)
    own = _own_mask(case)
    if own is None:
        new = AgainCase(case, _first_mask(dataset, case))
        if case.masks:
            return replace(new, reason="Its masks are by others.")
        if new.mask.exists():
            return replace(new, reason=f"'{new.mask.name}' is there, and is no mask of this image.")
        return new
    again, content = own, read_sidecar(sidecar_path(own.mask))
    judged = judged_mask(dataset, case, own.mask, verdicts)
    again = replace(again, reason=_reason_to_leave(again, judged, content, bundle))
    if again.reason or not judged.is_corrected:
        return again
    return replace(again, edits=again.path(Kind.EDIT_MAP))


def _reason_to_leave(
    again: AgainCase, judged: JudgedMask, content: Mapping[str, Any], bundle: ModelBundle
) -> str:
    described = is_as_described(again.mask)
    if described is False:
        return "The mask is not the one that its sidecar describes."
    if judged.is_passed:
        return "The mask was passed."
    if Judgement.ARTEFACT in judged.judgements:
        return "The image has an artefact, as a rater says."
    if content.get("Model") == model_of(bundle):
        return "The mask is by this model already."
    if judged.is_corrected and not again.vouches_for(again.path(Kind.EDIT_MAP)):
        return "The mask was corrected by hand, and the map of its edits is not there."
    return ""


def _own_mask(case: ReviewCase) -> AgainCase | None:
    """The soft mask of a case that this program made, corrected or not."""
    for standard in (False, True):
        name = label_name(case.image, Kind.SOFT_MASK, standard_names=standard)
        for mask in case.masks:
            if mask.name == name and _is_ours(mask):
                return AgainCase(case, mask, standard_names=standard)
    return None


def _is_ours(mask: Path) -> bool:
    """Whether its history begins with this program: a mask of another one in which a part was
    segmented anew is still that one's.
    """
    software = generated_by()[0]["Name"]
    made = read_sidecar(sidecar_path(mask)).get("GeneratedBy")
    first = made[0] if isinstance(made, list) and made else None
    return isinstance(first, Mapping) and first.get("Name") == software and "Region" not in first


def _first_mask(dataset: Path, case: ReviewCase) -> Path:
    """Where the first mask of a case goes: among the derivatives of a BIDS data set, else beside
    the image.
    """
    name, folder = label_name(case.image, Kind.SOFT_MASK), case.image.parent
    if case.participant and folder.name in MODALITIES and DERIVATIVES not in folder.parts:
        folder = derivative_folder(dataset, LABELS, case.session, folder.name)
    return folder / name
