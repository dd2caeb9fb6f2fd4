"""What a mask amounts to, in a radiologist's words: its volume, from where to where it reaches, and
ends that should be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

from slicer.i18n import tr as _

# A level is named for a place between two discs, or so close to the outermost one, mm.
_NEAR_MM = 25.0


@dataclass(frozen=True)
class Outcome:
    """Of one mask.

    Attributes:
        text: for the status line; "" of an empty mask.
        warning: whether something should be looked at.
        position_mm: where (RAS, mm); None where that is nowhere.
    """

    text: str
    warning: bool = False
    position_mm: tuple[float, float, float] | None = None


def outcome_of(study) -> Outcome:
    """The outcome of a study's soft mask as it is now, with the corrections in it.

    Args:
        study: ``scene.study.Study`` with a soft mask.
    """
    from ..scene.soft_edits import has_edits
    from ..scene.volume_nodes import array_of, grid_of
    from ..volume import Volume
    from ..volume.orientation import slice_axis

    mask = Volume(array_of(study.soft), grid_of(study.soft).affine)
    axis = slice_axis(mask.affine)
    sums = mask.data.sum(axis=tuple({0, 1, 2} - {axis}), dtype=float)
    filled = sums.nonzero()[0]
    if not len(filled):
        return Outcome(_("The mask is empty."), warning=True)
    volume = _("{volume:.1f} mL").format(volume=sums.sum() * mask.grid.voxel_volume / 1000)
    text = volume + _reach(study, (filled[-1] - filled[0] + 1) * float(mask.spacing[axis]))
    if has_edits(study.soft):
        text += _(", corrected by hand")
    text, ends = f"✓ {text}.", _ends(study, mask)
    if not ends:
        return Outcome(text)
    text = " ".join([text, *(words for words, _end, _sure in ends)])
    return Outcome(text, any(sure for *_rest, sure in ends), ends[0][1].position_mm)


def _reach(study, length_mm: float) -> str:
    """As ", C1 to T3" where the discs tell, else " over 185 mm"."""
    upper, lower = (_level_at_row(study, row) for row in (-1, 0))
    if not upper or not lower:
        return _(" over {length:.0f} mm").format(length=length_mm)
    if upper == lower:
        return _(" in {level}").format(level=upper)
    return _(", {upper} to {lower}").format(upper=upper, lower=lower)


def _ends(study, mask) -> list[tuple[str, object, bool]]:
    """(sentence, ``AbruptEnd``, whether it is wrong for sure) of ends inside the image, the surer
    first.
    """
    from ..scene.volume_nodes import array_of, grid_of
    from ..segmentation import abrupt_ends
    from ..volume import Volume
    from .saving import run_of

    if (run_of(study.soft) or {}).get("BoxGivenByUser"):
        return []
    image = None
    if study.image.GetImageData() is not None and grid_of(study.image).same_as(mask.grid):
        image = Volume(array_of(study.image), mask.affine)
    found = []
    for end in abrupt_ends(mask, image):
        level = _level_at_row(study, -1 if end.upper else 0)
        if end.upper and level in ("C1", "top of C1"):
            continue  # the brainstem
        where = _("at {level}").format(level=level) if level else _(end.where)
        verb = _("Begins inside the image") if end.upper else _("Ends inside the image")
        words = f"{verb} {where}." if level else f"{verb}, {where}."
        found.append((words, end, bool(level) or not end.upper))
    return sorted(found, key=lambda one: not one[2])


def _level_at_row(study, row: int) -> str:
    """The vertebral level of the lowest (0) or highest (-1) slice of the mask; "" where no disc is
    near.
    """
    from ..scene.disc_points import discs_of
    from ..scene.measure_tables import LEVEL, POSITION

    if study.slice_table is None or study.discs is None:
        return ""
    heights = [disc.position_mm[2] for disc in discs_of(study.discs)]
    table = study.slice_table.GetTable()
    levels, up = table.GetColumnByName(LEVEL), table.GetColumnByName(POSITION[2])
    if not heights or levels is None or up is None or not table.GetNumberOfRows():
        return ""
    row = row % table.GetNumberOfRows()
    height = up.GetValue(row)
    if not min(heights) - _NEAR_MM <= height <= max(heights) + _NEAR_MM:
        return ""
    return str(levels.GetValue(row) or "")
