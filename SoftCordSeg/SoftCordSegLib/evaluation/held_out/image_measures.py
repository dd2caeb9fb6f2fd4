"""One bundle on every image of a list: the records that rows, comparisons and files are made
from.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...files import real_path
from ...volume import Volume, mask_values, read_nifti
from ..case_table import Case
from ..image_scores import on_grid
from .area_profile import (
    AreaProfile,
    StretchSpread,
    area_profile,
    contrasts_spread,
    rescan_difference,
)
from .drawn_scores import drawn_scores, in_las, offset_scores, tip_error, undrawn_scores


@dataclass(frozen=True)
class Tip:
    """Where a cord ends, by eye.

    Attributes:
        tip_s_mm: S of scanner coordinates.
        uncertainty_mm: of the eye.
        top_s_mm: where the image ends above.
    """

    tip_s_mm: float
    uncertainty_mm: float
    top_s_mm: float


@dataclass(frozen=True)
class ImageMeasures:
    """One image.

    Attributes:
        image: file name.
        participant, contrast, region, dataset, session: as of :class:`..case_table.Case`.
        seen: the bundle saw it unlabelled in training, or one it was trained from did.
        values: numbers by name; see :func:`.drawn_scores.drawn_scores`; ``tip_mm`` (signed),
            ``tip_distance_mm`` and ``tip_uncertainty_mm`` where the tip is known.
        offset_values: ``dice``, ``volume_ratio`` and ``distance_mm`` with the data set's offset
            taken off the reference; empty where it is not known.
    """

    image: str
    participant: str
    contrast: str
    region: str
    dataset: str
    session: str
    seen: bool
    values: dict[str, float]
    offset_values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ContrastSpread:
    """The contrasts of one participant in one session; see
    :class:`.area_profile.StretchSpread`.
    """

    participant: str
    region: str
    session: str
    contrasts: tuple[str, ...]
    seen: bool
    spread: StretchSpread


@dataclass(frozen=True)
class Rescan:
    """A scan and its rescan; see :func:`.area_profile.rescan_difference`."""

    participant: str
    contrast: str
    region: str
    visit: str
    seen: bool
    difference_mm2: float
    difference_percent: float
    slices: int


@dataclass(frozen=True)
class Measured:
    """A bundle on a list of images.

    Attributes:
        bundle: name and version, as they stand in tables.
        sha256: of its weights and configuration.
        images, spreads, rescans: the records.
        notes: sentences that a reader of the numbers has to know.
    """

    bundle: str
    sha256: str
    images: tuple[ImageMeasures, ...]
    spreads: tuple[ContrastSpread, ...]
    rescans: tuple[Rescan, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain types; NaN becomes None."""
        return json.loads(json.dumps(_without_nan(asdict(self))))

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Measured:
        """What :meth:`to_json` gave.

        Raises:
            InputError: it is something else.
        """
        try:
            return cls(
                content["bundle"],
                content["sha256"],
                tuple(ImageMeasures(**_numbers(one)) for one in content["images"]),
                tuple(ContrastSpread(**_spread_fields(one)) for one in content["spreads"]),
                tuple(Rescan(**_numbers(one)) for one in content["rescans"]),
                tuple(content["notes"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"This is not a measure of a bundle ({error!r}).", hint="Run the measure again."
            ) from error


def read_tips(path: str | Path) -> dict[Path, Tip]:
    """The table of tips (columns file, cord_visible, tip_S, tip_uncertainty_mm, top_S) by image
    file, resolved.

    Rows where the cord is not plainly visible are left out: no mask is wrong there.

    Raises:
        InputError: it lacks a column, or has no numbers where there should be some.
    """
    path = Path(path)
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return {
                real_path(path.parent / row["file"]): Tip(
                    float(row["tip_S"]), float(row["tip_uncertainty_mm"]), float(row["top_S"])
                )
                for row in csv.DictReader(stream)
                if row["cord_visible"] == "yes"
            }
    except OSError as error:
        raise InputError(
            "The table of tips cannot be read.", path=path, hint="Check the folder of the data."
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            "This is not a table of tips.",
            path=path,
            hint="It needs the columns file, cord_visible, tip_S, tip_uncertainty_mm and top_S.",
        ) from error


class Measuring:
    """Collects one bundle's masks, image by image.

    Args:
        bundle: name and version.
        sha256: of its weights and configuration.
        versions: its version and those of the bundles it was trained from: images that one of them
            saw are marked.
        offsets: by data set, mm; see :func:`.drawn_scores.read_offsets`.
        tips: of :func:`read_tips`.
    """

    def __init__(
        self,
        bundle: str,
        sha256: str,
        versions: Iterable[str],
        offsets: Mapping[str, float],
        tips: Mapping[Path, Tip],
    ):
        self._bundle, self._sha256, self._versions = bundle, sha256, set(versions)
        self._offsets, self._tips = offsets, tips
        self._images: list[ImageMeasures] = []
        self._profiles: list[tuple[Case, AreaProfile | None]] = []
        self._notes: list[str] = []

    def add(self, case: Case, mask: Volume) -> None:
        """Score one mask.

        Raises:
            InputError: its values are those of no mask, or it is not on the grid of the reference.
        """
        soft = in_las(mask_values(mask))
        profile = area_profile(soft)
        lengths = {} if profile is None else profile.length_by_slice
        shifted: dict[str, float] = {}
        if case.reference is not None:
            reference = on_grid(
                read_nifti(case.reference), soft.grid, f"The reference '{case.reference.name}'"
            )
            known = area_profile(reference)
            values = drawn_scores(
                soft, reference, lengths, {} if known is None else known.length_by_slice
            )
            if case.dataset in self._offsets:
                shifted = offset_scores(soft, reference, self._offsets[case.dataset])
        else:
            values = undrawn_scores(soft, lengths, case.whole_field, case.without_cord)
        values.update(self._tip_values(case, soft, values))
        self._images.append(
            ImageMeasures(
                case.image.name,
                case.participant,
                case.contrast,
                case.region,
                case.dataset,
                case.session,
                self._saw(case),
                values,
                shifted,
            )
        )
        self._profiles.append((case, profile))

    def result(self) -> Measured:
        """All of it, with the comparisons of images of one participant."""
        spreads, rescans = self._spreads(), self._rescans()
        notes = (*self._notes, *_header_notes(spreads))
        return Measured(self._bundle, self._sha256, tuple(self._images), spreads, rescans, notes)

    def _saw(self, case: Case) -> bool:
        return bool(self._versions & set(case.seen_by))

    def _tip_values(self, case: Case, mask: Volume, values: dict[str, float]) -> dict[str, float]:
        if not case.tip:
            return {}
        tip = self._tips.get(real_path(case.image))
        if tip is None:
            values.pop(
                "nothing_found", None
            )  # the cord is hardly visible: an empty mask is no failure
            return {}
        error = tip_error(mask, tip.tip_s_mm, tip.top_s_mm)
        return {
            "tip_mm": error,
            "tip_distance_mm": abs(error),
            "tip_uncertainty_mm": tip.uncertainty_mm,
        }

    def _spreads(self) -> tuple[ContrastSpread, ...]:
        profiles = {case.image: profile for case, profile in self._profiles}
        return tuple(
            ContrastSpread(
                *key,
                tuple(members),
                any(self._saw(case) for case in members.values()),
                contrasts_spread({name: profiles[case.image] for name, case in members.items()}),
            )
            for key, members in several_contrasts(case for case, _ in self._profiles).items()
        )

    def _rescans(self) -> tuple[Rescan, ...]:
        pairs: dict[tuple[str, str, str, str], dict[str, tuple[Case, AreaProfile | None]]] = {}
        for case, profile in self._profiles:
            visit, _, run = case.session.rpartition("/")
            if run in ("run-1", "run-2"):
                pairs.setdefault((case.participant, case.contrast, case.region, visit), {})[run] = (
                    case,
                    profile,
                )
        return tuple(
            Rescan(
                *key,
                any(self._saw(case) for case, _ in runs.values()),
                *rescan_difference(runs["run-1"][1], runs["run-2"][1]),
            )
            for key, runs in pairs.items()
            if len(runs) == 2
        )


def several_contrasts(cases: Iterable[Case]) -> dict[tuple[str, str, str], dict[str, Case]]:
    """Images with a cord by participant, region and session, and in these by contrast (the first of
    each), where there is more than one contrast.
    """
    groups: dict[tuple[str, str, str], dict[str, Case]] = {}
    for case in cases:
        if not case.without_cord:
            key = (case.participant, case.region, case.session)
            groups.setdefault(key, {}).setdefault(case.contrast, case)
    return {key: members for key, members in groups.items() if len(members) > 1}


def as_drawn(cases: Iterable[Case]) -> Measured:
    """The comparisons of drawn masks with each other: what differs between two contrasts of a
    participant as drawn, no model can follow and agree with itself at once.

    Args:
        cases: those without a reference are passed over.

    Raises:
        InputError: a reference cannot be read.
    """
    measuring = Measuring("masks as drawn", "", (), {}, {})
    for case in cases:
        if case.reference is not None:
            # Its areas alone are wanted, not its scores against itself.
            measuring.add(replace(case, reference=None), read_nifti(case.reference))
    return replace(measuring.result(), images=())


def _header_notes(spreads: Sequence[ContrastSpread]) -> list[str]:
    return [
        f"{one.participant} {name}: by its header the cord lies {abs(moved):.0f} mm in front of or"
        " behind that of the other contrasts; it was moved back along its own A-P axis before"
        " areas were compared."
        for one in spreads
        for name, moved in one.spread.moved_mm.items()
        if moved
    ]


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _numbers(record: Mapping[str, Any]) -> dict[str, Any]:
    """None is NaN again."""
    return {
        key: _numbers(value) if isinstance(value, dict) else math.nan if value is None else value
        for key, value in record.items()
    }


def _spread_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    plain = _numbers(record)
    return {
        **plain,
        "contrasts": tuple(plain["contrasts"]),
        "spread": StretchSpread(**plain["spread"]),
    }
