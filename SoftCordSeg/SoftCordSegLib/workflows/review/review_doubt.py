"""How likely each mask of a data set is wrong: computed once for a mask, kept beside the data, and
put together with what the other contrasts and the rest of the data set say.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...bids import (
    Origin,
    ParticipantFacts,
    is_as_described,
    origin_of,
    participant_facts,
    read_sidecar,
    review_folder,
    sidecar_path,
)
from ...errors import Cancelled, InputError, OutputError, SoftCordSegError, counted
from ...files import file_sha256, json_text, write_text_atomically
from ...progress import Progress
from ...review.doubt import DOUBT_VERSION, UNREADABLE, Doubt
from ...review.doubt_others import SampledCord, cohort_signs, other_signs, sampled_cord
from ...review.doubt_signs import Sign, doubt_from, mask_signs
from ...review.mask_profile import mask_profile
from ...review.network_agreement import network_agreement
from ...review.normal_calibre import normal_calibre
from ...review.review_cases import ReviewCase
from ...review.worth_teaching import (
    Chosen,
    TeachCandidate,
    candidate_of,
    choose_to_teach,
    teach_of,
    teaching_order,
)
from ...structured_text import read_json
from ...volume import mask_values, read_nifti, time_points
from ..run_each import Failure, OnFailure, say_nothing

if TYPE_CHECKING:
    from ...morphometry import DiscLabel
    from ...network import ModelBundle
    from ...volume import Volume

_FOLDER = "doubt"


@dataclass(frozen=True, eq=False)
class NetworkCheck:
    """To ask the network too: one or two runs of the segmenter for a mask.

    Attributes:
        bundle: a model of ours.
        device: that it runs on: "auto", "cpu", "cuda", …
    """

    bundle: ModelBundle
    device: str = "auto"

    @property
    def model(self) -> dict[str, str]:
        """SHA-256 of the weights, for which what the network said holds."""
        return dict(self.bundle.sha256)


@dataclass(frozen=True, eq=False)
class MaskFindings:
    """What was found of one mask, without looking at others.

    Attributes:
        signs: of an error.
        teach: see :class:`..review.doubt.Doubt`.
        measures: further features.
        cord: what others are held against; None for an empty or unreadable mask.
        network: signs that the network's agreement gives.
        model: that they are of, see :class:`NetworkCheck`; None where it was not run.
    """

    signs: tuple[Sign, ...]
    teach: float = 0.0
    measures: Mapping[str, float] = field(default_factory=dict)
    cord: SampledCord | None = None
    network: tuple[Sign, ...] = ()
    model: Mapping[str, str] | None = None

    @property
    def doubt(self) -> Doubt:
        """From the mask and its image alone, and the network where it was run."""
        signs = (*self.signs, *self.network)
        return doubt_from(signs, teach=self.teach, measures=dict(self.measures))

    def as_json(self) -> dict[str, Any]:
        """In plain types."""
        return {
            "Signs": [sign.as_json() for sign in self.signs],
            "Teach": round(self.teach, 4),
            "Measures": {name: round(value, 4) for name, value in self.measures.items()},
            "Cord": None if self.cord is None else self.cord.as_json(),
            "Network": [sign.as_json() for sign in self.network],
            "Model": None if self.model is None else dict(self.model),
        }

    @classmethod
    def from_json(cls, content: Any) -> MaskFindings:
        """What :meth:`as_json` gave.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: ``content`` is something else.
        """
        cord, model = content["Cord"], content["Model"]
        return cls(
            tuple(Sign.from_json(sign) for sign in content["Signs"]),
            float(content["Teach"]),
            {str(name): float(value) for name, value in content["Measures"].items()},
            None if cord is None else SampledCord.from_json(cord),
            tuple(Sign.from_json(sign) for sign in content["Network"]),
            None if model is None else {str(key): str(value) for key, value in model.items()},
        )


def judge_mask(
    mask: Volume,
    image: Volume | None = None,
    discs: Sequence[DiscLabel] = (),
    facts: ParticipantFacts | None = None,
) -> MaskFindings:
    """Look at one mask; some hundredths of a second.

    Args:
        mask: soft or binary.
        image: on the same grid; None leaves out what needs it.
        discs: for levels, and for what is normal there.
        facts: of the participant: sex and age.

    Raises:
        InputError: no mask (NaN, several labels), or on another grid than the image.
    """
    if image is not None and not mask.grid.same_as(image.grid, tolerance_mm=0.05):
        raise InputError("The mask is on another grid than the image.")
    profile = mask_profile(mask, image, discs)
    facts = facts or ParticipantFacts()
    signs = mask_signs(profile, normal_calibre(facts.sex, facts.age))
    if profile is None:
        return MaskFindings(tuple(signs))
    teach, level = teach_of(profile)
    inner = profile.inner
    measures = {
        "area_mm2": float(np.median(profile.area_mm2[inner])),
        "length_mm": profile.length_mm,
        "volume_mm3": profile.volume_mm3,
        "entropy_mm": float(np.median(profile.entropy[inner])),
        "teach_level": float(level),
    }
    return MaskFindings(tuple(signs), teach, measures, sampled_cord(profile))


def doubt_of_mask(mask: Volume, image: Volume | None = None) -> dict[str, Any] | None:
    """The entry "Doubt" of the sidecar of a mask that was just made; None where it cannot be
    judged.
    """
    try:
        return judge_mask(mask, image).doubt.as_json()
    except Exception:
        # A mask must not be lost because it is too odd to be judged.
        return None


def doubts_of(
    dataset: Path,
    cases: Sequence[ReviewCase],
    *,
    progress: Progress | None = None,
    compute: bool = True,
    network: NetworkCheck | None = None,
    on_failure: OnFailure = say_nothing,
) -> dict[str, Doubt]:
    """The doubt of each case's best mask.

    What was found of a mask is kept in ``derivatives/review/doubt`` and holds for its SHA-256;
    where that folder cannot be written, all is computed each time.

    Args:
        dataset: BIDS data set or plain folder.
        cases: of :func:`..review.review_cases.find_review_cases`; also what a mask is compared
            with, so give all.
        progress: receives progress; checked for cancellation at every case.
        compute: False takes what is kept and leaves out the rest: about 2 ms a case.
        network: ask it too, where it was not asked yet; None takes what it said before.
        on_failure: called at once for a case that cannot be judged.

    Returns:
        By key; without cases that have no mask.  That an image cannot be read is a doubt too.

    Raises:
        Cancelled: through ``progress``; what was computed before is kept.
    """
    progress = progress or Progress()
    known = participant_facts(dataset)
    found: dict[str, MaskFindings] = {}
    for number, case in enumerate(cases):
        progress.check_cancelled()
        progress.report(number / max(len(cases), 1), f"Judging mask {number + 1} of {len(cases)}")
        if case.mask is None:
            continue
        try:
            part = progress.part(number / len(cases), (number + 1) / len(cases))
            work = _Work(dataset, known.get(case.participant), compute, network, part)
            findings = _findings(case, work)
        except Cancelled:
            raise
        except Exception as error:
            on_failure(Failure(case, case.key, error))
            findings = _unreadable(dataset, case)
        if findings is not None:
            found[case.key] = findings
    progress.report(1.0, f"Judged {counted(len(found), 'mask')}")
    return _together(cases, found)


def cases_to_teach(
    dataset: Path,
    cases: Sequence[ReviewCase],
    doubts: Mapping[str, Doubt],
    n: int,
    seed: int,
) -> list[Chosen]:
    """Cases that are worth correcting so that the model learns from them; see
    :func:`..review.worth_teaching.choose_to_teach`.

    Args:
        dataset: for the site in ``participants.tsv``.
        cases: of the data set; those without a mask or with a problem are left out.
        doubts: of :func:`doubts_of`.
        n: how many.
        seed: the same seed draws the same cases.

    Raises:
        OptionError: ``n`` is below 0.
    """
    return choose_to_teach(_candidates(dataset, cases, doubts), n, seed)


def teaching_places(
    dataset: Path, cases: Sequence[ReviewCase], doubts: Mapping[str, Doubt], seed: int
) -> dict[str, int]:
    """The place of each case in the order in which they are worth teaching, from 0; see
    :func:`..review.worth_teaching.teaching_order`.  Cases of unknown worth have none.
    """
    order = teaching_order(_candidates(dataset, cases, doubts), seed)
    return {key: place for place, key in enumerate(order)}


def _candidates(
    dataset: Path, cases: Sequence[ReviewCase], doubts: Mapping[str, Doubt]
) -> list[TeachCandidate]:
    facts = participant_facts(dataset)
    none = ParticipantFacts()
    return [
        candidate_of(case, doubts.get(case.key), facts.get(case.participant, none).site)
        for case in cases
        if case.mask is not None and not case.problem and not _is_unreadable(doubts, case)
    ]


def unreadable_cases(dataset: Path, cases: Sequence[ReviewCase]) -> set[str]:
    """The keys of cases whose image or best mask cannot be read; what was looked at before, when
    the masks were judged, is not read again.
    """
    known, found = doubts_of(dataset, cases, compute=False), set()
    for case in cases:
        if case.key in known and not known[case.key].is_unreadable:
            continue
        try:
            case_image(case)
            if case.mask is not None:
                read_nifti(case.mask)
        except InputError:
            found.add(case.key)
    return found


def _is_unreadable(doubts: Mapping[str, Doubt], case: ReviewCase) -> bool:
    return case.key in doubts and doubts[case.key].is_unreadable


def _together(cases: Sequence[ReviewCase], found: Mapping[str, MaskFindings]) -> dict[str, Doubt]:
    """Doubts with what other contrasts and the same contrast elsewhere say."""
    by_image = {case.image: case for case in cases if case.key in found}
    cohorts: dict[str, list[tuple[str, SampledCord]]] = {}
    for case in by_image.values():
        cord = found[case.key].cord
        if cord is not None:
            cohorts.setdefault(case.contrast, []).append((case.key, cord))
    doubts = {}
    for case in by_image.values():
        findings = found[case.key]
        session = {
            other.contrast: cord
            for other in (by_image[image] for image in case.others if image in by_image)
            if (cord := found[other.key].cord) is not None
        }
        trust = {
            other.contrast: 1.0 - found[other.key].doubt.score
            for other in (by_image[image] for image in case.others if image in by_image)
        }
        cohort = [cord for key, cord in cohorts.get(case.contrast, []) if key != case.key]
        more = [*cohort_signs(findings.cord, case.contrast, cohort)]
        if not any(sign.name in ("unusable", UNREADABLE) for sign in findings.signs):
            more += other_signs(findings.cord, session, trust)
        doubts[case.key] = replace(findings, signs=(*findings.signs, *more)).doubt
    return doubts


@dataclass(frozen=True, eq=False)
class _Work:
    """What :func:`_findings` has to know beside the case."""

    dataset: Path
    facts: ParticipantFacts | None
    compute: bool
    network: NetworkCheck | None
    progress: Progress


def _findings(case: ReviewCase, work: _Work) -> MaskFindings | None:
    """Of the case's best mask: as they were kept, else computed; None where that is not wanted.

    Raises:
        InputError: the case cannot be reviewed.
    """
    assert case.mask is not None
    sums = _sums(case)
    path = _kept_path(work.dataset, case)
    kept = _kept(path, sums)
    if work.compute and kept is not None and kept.doubt.is_unreadable:
        kept = None  # it may have been fetched, or mended, meanwhile
    unasked = work.network is not None and (kept is None or kept.model != work.network.model)
    if not work.compute or (kept is not None and not unasked):
        return kept
    if case.problem:
        raise InputError(case.problem, path=case.image)
    image = case_image(case)
    findings = kept or _computed(case, image, work.facts)
    if work.network is not None and unasked:
        findings = _with_network(findings, case, image, work.network, work.progress)
    # As they will be read: the same score today and tomorrow.
    findings = MaskFindings.from_json(findings.as_json())
    _keep(path, case.mask, sums, findings)
    return findings


def _unreadable(dataset: Path, case: ReviewCase) -> MaskFindings | None:
    """What is found of a case whose image cannot be read, kept as the findings of others; None
    where that is not what went wrong.
    """
    try:
        case_image(case)
        return None
    except InputError as error:
        words = f"the image cannot be read: {_sentence(error)}"
        findings = MaskFindings((Sign(UNREADABLE, 1.0, words),))
    except Exception:
        return None
    with contextlib.suppress(OSError):
        if case.mask is not None and not case.problem:
            _keep(_kept_path(dataset, case), case.mask, _sums(case), findings)
    return findings


def case_image(case: ReviewCase) -> Volume:
    """The image of a case as it is judged: the mean of several time points.

    Raises:
        InputError: it cannot be read.
    """
    return read_nifti(case.image, "mean" if time_points(case.image) > 1 else None, without_nan=True)


def _kept_path(dataset: Path, case: ReviewCase) -> Path:
    return review_folder(dataset).joinpath(_FOLDER, *f"{case.key}.json".split("/"))


def _keep(path: Path, mask: Path, sums: Mapping[str, Any], findings: MaskFindings) -> None:
    content = {
        "Version": DOUBT_VERSION,
        "Mask": mask.name,
        **sums,
        "Doubt": findings.doubt.as_json(),
        **findings.as_json(),
    }
    with contextlib.suppress(OutputError, OSError):  # a data set that may only be read
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(path, json_text(content))


def _sums(case: ReviewCase) -> dict[str, Any]:
    """What findings hold for.  An image does not change; its size tells one that does."""
    assert case.mask is not None
    discs = case.discs
    return {
        "MaskSHA256": file_sha256(case.mask),
        "ImageBytes": case.image.stat().st_size if case.image.is_file() else 0,
        "DiscsSHA256": file_sha256(discs) if discs is not None and discs.is_file() else None,
    }


def _kept(path: Path, sums: Mapping[str, Any]) -> MaskFindings | None:
    try:
        content = read_json(path)
        if content["Version"] != DOUBT_VERSION:
            return None
        if any(content.get(name) != value for name, value in sums.items()):
            return None
        return MaskFindings.from_json(content)
    except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError):
        return None


def _computed(case: ReviewCase, image: Volume, facts: ParticipantFacts | None) -> MaskFindings:
    assert case.mask is not None
    try:
        return judge_mask(read_nifti(case.mask), image, _discs(case), facts)
    except InputError as error:
        # The image is sound, the mask is not: that is no failure of the review, but its finding.
        return MaskFindings((Sign("unusable", 1.0, _sentence(error)),))


def _with_network(
    findings: MaskFindings,
    case: ReviewCase,
    image: Volume,
    check: NetworkCheck,
    progress: Progress,
) -> MaskFindings:
    """The findings with the signs that the network gives; none of a mask that cannot be read."""
    assert case.mask is not None
    signs: list[Sign] = []
    if findings.cord is not None:
        mask = mask_values(read_nifti(case.mask))
        agreement = network_agreement(
            image,
            mask,
            check.bundle,
            by_this_network=_made_by(case.mask, check),
            device=check.device,
            progress=progress,
        )
        cord = findings.cord
        signs = [] if agreement is None else agreement.signs(cord.points_mm, cord.slices)
    return replace(findings, network=tuple(signs), model=check.model)


def _made_by(mask: Path, check: NetworkCheck) -> bool:
    """Whether a mask is this model's own, as it made it."""
    if origin_of(mask) is not Origin.PROGRAM or is_as_described(mask) is False:
        return False
    model = read_sidecar(sidecar_path(mask)).get("Model")
    return isinstance(model, Mapping) and model.get("SHA256") == check.model


def _sentence(error: InputError) -> str:
    text = error.sentence.rstrip(".")
    return text[:1].lower() + text[1:]


def _discs(case: ReviewCase) -> list[DiscLabel]:
    """None where they cannot be read: the mask can be judged all the same."""
    from ...morphometry.disc_files import read_discs

    if case.discs is None:
        return []
    try:
        return read_discs(case.discs)
    except (SoftCordSegError, OSError):
        return []
