"""What a mask amounts to, in a radiologist's words: its volume, from where to where it reaches, and
ends that should be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

from slicer.i18n import tr as _

from ..errors import InputError

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

    Returns:
        The outcome; where the mask is under a transform that bends, a sentence on that.
    """
    from ..scene.soft_edits import has_edits
    from ..scene.volume_nodes import array_of, grid_of
    from ..volume import Volume
    from ..volume.orientation import slice_axis

    try:
        mask = Volume(array_of(study.soft), grid_of(study.soft).affine)
    except InputError as error:
        return Outcome(str(error), warning=True)
    axis = slice_axis(mask.affine)
    sums = mask.data.sum(axis=tuple({0, 1, 2} - {axis}), dtype=float)
    filled = sums.nonzero()[0]
    if not len(filled):
        return Outcome(_("The mask is empty."), warning=True)
    volume = _("{volume:.1f} mL").format(volume=sums.sum() * mask.grid.voxel_volume / 1000)
    text = volume + _reach(study, (filled[-1] - filled[0] + 1) * float(mask.spacing[axis]))
    if has_edits(study.soft):
        text += _(", corrected by hand")
    ends = _ends(study, mask)
    warning = any(sure for *_rest, sure in ends)
    text = " ".join([f"{text}.", *(words for words, _end, _sure in ends)])
    return Outcome(
        text if warning else f"✓ {text}", warning, ends[0][1].position_mm if ends else None
    )


def _reach(study, length_mm: float) -> str:
    """As ", C1 to T3" where the discs tell, else " over 185 mm"."""
    levels = _levels_upwards(study)
    named = [level for level in levels if level]
    if not named or None in (levels[0], levels[-1]):
        return _(" over {length:.0f} mm").format(length=length_mm)
    if named[0] == named[-1]:
        return _(" in {level}").format(level=named[0])
    return _(", {upper} to {lower}").format(upper=named[-1], lower=named[0])


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
    levels, found = _levels_upwards(study), []
    for end in abrupt_ends(mask, image):
        level = levels[-1 if end.upper else 0] if levels else None
        if end.upper and level in ("", "C1"):
            continue  # the brainstem
        verb = _("Begins inside the image") if end.upper else _("Ends inside the image")
        where = _(" at {level}").format(level=level) if level else f", {_(end.where)}"
        found.append((f"{verb}{where}.", end, bool(level) or not end.upper))
    return sorted(found, key=lambda one: not one[2])


def _levels_upwards(study) -> list[str | None]:
    """The vertebral level of each slice of the mask, the lowest first; "" above C1, None where no
    disc is near.
    """
    from ..scene.disc_points import discs_of
    from ..scene.measure_tables import LEVEL, POSITION

    if study.slice_table is None or study.discs is None:
        return []
    try:
        discs = [disc.position_mm[2] for disc in discs_of(study.discs)]
    except InputError:  # a wrong name; the section Levels says it
        return []
    table = study.slice_table.GetTable()
    names, up = table.GetColumnByName(LEVEL), table.GetColumnByName(POSITION[2])
    if not discs or names is None or up is None:
        return []
    low, high = min(discs) - _NEAR_MM, max(discs) + _NEAR_MM
    rows = sorted(
        (up.GetValue(row), str(names.GetValue(row) or "")) for row in range(table.GetNumberOfRows())
    )
    return [name if low <= height <= high else None for height, name in rows]
