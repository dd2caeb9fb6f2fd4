"""Several volumes of one participant side by side: the same cord has one area, whatever the
contrast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from slicer.i18n import tr as _

from .measuring import Measurement, Rows, grouping_of
from .short_table import ShortTable, number_text, position_of, range_text

_ATTRIBUTE = "SoftCordSeg.Comparison"
_PART, _UNIT = "*", "mm²"


@dataclass(frozen=True)
class Compared:
    """Volumes to compare.

    Attributes:
        studies: ``scene.study.Study``, the chosen one first; one without discs has those of
            another.
        names: of the volumes, short.
        remarks: sentences on whose discs and volumes these are.
    """

    studies: tuple
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def volumes_to_compare(study) -> Compared:
    """The chosen volume and the others of the participant that have a mask.

    Volumes that do not tell whose they are go together; the remarks say so.

    Args:
        study: ``scene.study.Study`` with a mask.
    """
    from ..scene.cord_profile import studies_of_participant

    others, remarks = studies_of_participant(study), []
    if not others:
        others = _without_participant(study)
        if others:
            remarks.append(
                _("The volumes do not tell whose they are; they are taken for one participant's.")
            )
    own = [study, *others]
    studies, names = list(own), _short_names([one.image.GetName() for one in own])
    for n, one in enumerate(own):
        lender = next((m for m, other in enumerate(own) if _lends(other, one)), None)
        if lender is not None:
            studies[n] = replace(one, discs=own[lender].discs)
            remarks.append(
                _("{name}: levels by the discs of {other}.").format(
                    name=names[n], other=names[lender]
                )
            )
    return Compared(tuple(studies), names, tuple(remarks))


def _without_participant(study) -> list:
    from ..bids import participant_of
    from ..scene.study import study_of
    from .situation import volumes_to_segment

    if participant_of(study.image.GetName()):
        return []
    images = [
        image
        for image in volumes_to_segment(study.image.GetScene())
        if image is not study.image and not participant_of(image.GetName())
    ]
    return [one for one in map(study_of, images) if one.soft is not None]


def _has_discs(study) -> bool:
    return study.discs is not None and study.discs.GetNumberOfControlPoints() > 0


def _lends(lender, study) -> bool:
    """Whether a study takes another one's discs: of the same session, for only there the patient
    lay in the same scanner coordinates.
    """
    from ..bids import session_of

    if _has_discs(study) or not _has_discs(lender):
        return False
    sessions = [session_of(Path(one.image.GetName())) for one in (lender, study)]
    return sessions[0] == sessions[1]


def _short_names(names: list[str]) -> tuple[str, ...]:
    from ..bids import contrast_names

    short = contrast_names([Path(name) for name in names])
    if len(set(short)) < len(short):
        short = [
            f"{name} ({names[:n].count(name) + 1})" if names.count(name) > 1 else name
            for n, name in enumerate(names)
        ]
    return tuple(short)


@dataclass(frozen=True)
class Comparison:
    """Areas side by side.

    Attributes:
        table: as it is seen.
        spreads: ``morphometry.ContrastSpread``, one a row, for the CSV.
        words: what was found.
    """

    table: ShortTable
    spreads: tuple
    words: str


def compare(
    compared: Compared, measurements: Sequence[Measurement], rows: Rows, levels: str
) -> Comparison:
    """Put areas side by side: by level, or over C2–C3 or a range.

    Args:
        compared: the volumes.
        measurements: of them, with levels.
        rows, levels: the chips; the slices of volumes with other grids do not match, so that they
            are compared by level.

    Raises:
        InputError: a wrong range.
    """
    from ..workflows.compare_contrasts import compare_contrasts
    from ..workflows.csa_measure import CsaOptions

    chosen = Rows.Level if rows is Rows.Slice else rows
    images = {name: one.whole for name, one in zip(compared.names, measurements)}
    options = CsaOptions(grouping=grouping_of(chosen, levels))
    spreads = compare_contrasts(images, options).spreads
    table = _table(compared.names, spreads, _places(measurements[0].shape, spreads))
    return Comparison(table, spreads, _words(compared, spreads))


def _places(shape, spreads) -> list:
    """(numbers of the slices, position) of each row, in the chosen volume."""
    places = []
    for spread in spreads:
        inside = [
            int(number)
            for number, level in zip(shape.slices, shape.levels)
            if level in spread.levels
        ]
        places.append((tuple(inside), position_of(shape, inside) if inside else None))
    return places


def _table(names: Sequence[str], spreads, places) -> ShortTable:
    last = _("Difference") if len(names) == 2 else _("SD")
    cells = []
    for spread in spreads:
        values = [spread.values[name] for name in names]
        apart = values[1] - values[0] if len(names) == 2 and isfinite(spread.sd) else spread.sd
        text = f"{apart:+.1f}" if len(names) == 2 and isfinite(apart) else number_text(apart)
        mark = _PART if _is_cut(spread) else ""
        cells.append((range_text(spread.name) + mark, *map(number_text, values), text))
    return ShortTable(
        (_("Level"), *(f"{name} {_UNIT}" for name in names), last),
        tuple(cells),
        tuple(slices for slices, _position in places),
        tuple(position for _slices, position in places),
    )


def _words(compared: Compared, spreads) -> str:
    known = [spread.sd for spread in spreads if isfinite(spread.sd)]
    if known:
        words = _("The areas differ by {sd:.1f} mm² (SD over {count} volumes).").format(
            sd=sum(known) / len(known), count=len(compared.names)
        )
    else:
        words = _("No level is in more than one of the volumes.")
    sentences = [words, *compared.remarks]
    apart = [spread.name for spread in spreads if spread.is_part and not _is_cut(spread)]
    if apart:
        sentences.append(
            _("{levels}: the volumes show no stretch in common.").format(
                levels=", ".join(map(range_text, apart))
            )
        )
    if any(map(_is_cut, spreads)):
        sentences.append(_("* only the stretch of cord that all of them show."))
    return " ".join(sentences)


def _is_cut(spread) -> bool:
    """Whether only a part of the level is compared."""
    return spread.is_part and isfinite(spread.sd)


def put_comparison_into_scene(study, table: ShortTable) -> None:
    """Put the comparison into the scene as a table beside those of the chosen volume, replacing
    the former one.

    Args:
        study: ``scene.study.Study`` of the chosen volume.
        table: as it is seen.
    """
    from ..scene.hierarchy import place_result
    from ..scene.links import SOFT_MASK, link
    from ..scene.measure_tables import Column, fill

    scene, name = study.image.GetScene(), _("Area by contrast")
    count = scene.GetNumberOfNodesByClass("vtkMRMLTableNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLTableNode") for n in range(count)]
    node = next((one for one in nodes if one.GetAttribute(_ATTRIBUTE)), None)
    if node is None:
        node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
        node.SetAttribute(_ATTRIBUTE, "1")
    link(node, SOFT_MASK, study.soft)
    node.SetName(f"{study.image.GetName()} {name.lower()}")
    columns = [
        Column(heading.replace(_UNIT, "").strip(), [line[n] for line in table.cells], unit)
        for n, (heading, unit) in enumerate(
            zip(table.headings, ["", *[_UNIT] * len(table.headings)])
        )
    ]
    fill(node, columns)
    place_result(node, study.image)
