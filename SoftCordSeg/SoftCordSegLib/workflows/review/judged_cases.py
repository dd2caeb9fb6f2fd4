"""What raters say of the masks as they are now: a verdict is on the very voxels that were seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...bids import Origin, origin_of
from ...files import file_sha256, real_path
from ...review.review_cases import ReviewCase
from ...review.verdicts import Judgement, Verdict

# Of a mask that is not to be learned from.
_AGAINST = frozenset((Judgement.FAIL, Judgement.ARTEFACT, Judgement.TO_CORRECT))


@dataclass(frozen=True)
class JudgedMask:
    """A mask of a case, and what is known of it.

    Attributes:
        case: whose.
        mask: its file.
        judgements: of all raters whose newest verdict on this mask is on its present voxels.
        origin: what its sidecar or name says.
    """

    case: ReviewCase
    mask: Path
    judgements: frozenset[Judgement]
    origin: Origin

    @property
    def is_passed(self) -> bool:
        """Whether a rater passed it and none said otherwise."""
        return Judgement.PASS in self.judgements and not self.judgements & _AGAINST

    @property
    def is_refused(self) -> bool:
        """Whether a rater said that it is not right."""
        return bool(self.judgements & _AGAINST)

    @property
    def is_corrected(self) -> bool:
        """Whether its sidecar tells of a correction by hand."""
        return self.origin is Origin.CORRECTED


def judged_mask(
    dataset: Path, case: ReviewCase, mask: Path, verdicts: Iterable[Verdict]
) -> JudgedMask:
    """What raters say of a mask of a case as it is now.

    Args:
        dataset: the folder that the masks' names in verdicts begin at.
        case: the case.
        mask: one of its masks.
        verdicts: of the case, oldest first.
    """
    name, best = name_in(dataset, mask), mask == case.mask
    newest: dict[str, Verdict] = {}
    for verdict in verdicts:
        # A verdict from another program's list names no mask: it is on the one that was shown.
        if verdict.mask == name or (not verdict.mask and best):
            newest[verdict.rater] = verdict
    sha256 = file_sha256(mask) if any(one.mask_sha256 for one in newest.values()) else ""
    standing = frozenset(
        one.verdict
        for one in newest.values()
        if one.verdict is not None and one.mask_sha256 in ("", sha256)
    )
    return JudgedMask(case, mask, standing, origin_of(mask))


def verdicts_by_case(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    """The verdicts of each case, by its key, in their order."""
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault(verdict.case, []).append(verdict)
    return found


def name_in(dataset: Path, path: Path) -> str:
    """The name of a file in the data set, with "/", as verdicts have it."""
    try:
        return path.relative_to(dataset).as_posix()
    except ValueError:
        here = real_path(path.parent) / path.name
        root = real_path(dataset)
        return here.relative_to(root).as_posix() if root in here.parents else path.name
