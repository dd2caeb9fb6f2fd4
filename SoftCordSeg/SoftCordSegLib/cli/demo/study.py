"""One image through the whole chain: segment, measure, compare with the known truth where there is
one, write tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...files import file_stem
from ...progress import Progress
from ...reports.demo_page import DemoStudy, LevelError
from ..segment import Request, segment_file
from ..tools import Tools

if TYPE_CHECKING:
    from ...morphometry import CordShape, DiscLabel, Summary
    from ...phantom import Phantom
    from ...volume import Volume


def study_phantom(
    contrast: str, folder: Path, bundle: Any, tools: Tools, request: Request, progress: Progress
) -> DemoStudy:
    """Make the phantom in one contrast, write it, and take it through the chain; files go into
    ``folder``.

    Raises:
        SoftCordSegError: as :func:`study_image`.
    """
    from ...phantom import make_phantom
    from ...volume import write_nifti

    phantom = make_phantom(contrast, progress=progress.part(0.0, 0.35))
    path = folder / f"phantom_{contrast}.nii.gz"
    files = {
        "image": path,
        "truth": folder / f"phantom_{contrast}_truth.nii.gz",
        "discs": folder / f"phantom_{contrast}_discs.nii.gz",
    }
    write_nifti(phantom.image, path)
    write_nifti(phantom.truth, files["truth"])
    write_nifti(_disc_image(phantom), files["discs"])
    return study_image(
        path,
        folder,
        bundle,
        tools,
        request,
        progress.part(0.35, 1.0),
        phantom.discs,
        phantom,
        files,
    )


def study_image(
    path: Path,
    folder: Path,
    bundle: Any,
    tools: Tools,
    request: Request,
    progress: Progress,
    discs: Sequence[DiscLabel] = (),
    phantom: Phantom | None = None,
    files: dict[str, Path] | None = None,
) -> DemoStudy:
    """Take one image through the chain.

    Args:
        path: the image.
        folder: where results go.
        bundle, tools, request: as for ``softcord segment``.
        progress: told and asked.
        discs: for the levels; none are needed.
        phantom: the truth, where there is one.
        files: what is written already, by kind.

    Raises:
        SoftCordSegError: the image cannot be segmented, or results not be written.
    """
    from ...morphometry import add_levels, aggregate, measure, write_csv
    from ...volume import read_nifti

    outcome = segment_file(path, request, bundle, tools, progress.part(0.0, 0.9))
    written = {
        **(files or {}),
        **{kind: Path(outcome[kind]) for kind in ("mask", "binary", "sidecar") if kind in outcome},
    }
    image, mask = read_nifti(path, outcome["source_volume"]), read_nifti(outcome["mask"])
    title = phantom.contrast if phantom is not None else file_stem(path)
    study = DemoStudy(
        title,
        path,
        image,
        mask,
        outcome["found"],
        outcome["message"],
        outcome["seconds"],
        outcome["volume_ml"],
        discs=tuple(discs),
        files=written,
    )
    if not outcome["found"]:
        return replace(study, remarks=(outcome["message"],))

    shape, levels, remarks = measure(mask, progress=progress.part(0.9, 1.0)), None, []
    if discs:
        try:
            shape = add_levels(shape, discs, mask)
            levels = aggregate(shape, per_level=True)
        except InputError as error:
            remarks.append(f"No vertebral levels: {error}")
    written["slices"] = folder / f"{file_stem(path)}_csa_perslice.csv"
    write_csv(written["slices"], shape, aggregate(shape, per_slice=True), outcome_name(outcome))
    if levels is not None:
        written["levels"] = folder / f"{file_stem(path)}_csa_perlevel.csv"
        write_csv(written["levels"], shape, levels, outcome_name(outcome))
    errors, dice, known = (), None, None
    if phantom is not None:
        known = phantom.slice_areas_mm2(shape.grid)[shape.slices]
        errors, dice = compare(shape, levels, phantom), dice_at_half(mask, phantom.truth)
        remarks += _missed_slices(shape, phantom)
    remarks += [*outcome["notes"], *shape.notes, *(levels.notes if levels is not None else ())]
    return replace(
        study,
        shape=shape,
        levels=levels,
        known_mm2=known,
        errors=errors,
        dice=dice,
        remarks=tuple(remarks),
    )


def outcome_name(outcome: dict[str, Any]) -> str:
    """The mask's file name, for the tables."""
    return Path(outcome["mask"]).name


def compare(shape: CordShape, levels: Summary | None, phantom: Phantom) -> tuple[LevelError, ...]:
    """Mean areas by level against the phantom's formula, over the slices that were measured."""
    import numpy as np

    known = phantom.slice_areas_mm2(shape.grid)
    errors = []
    for row in levels or ():
        numbers = [n for n in row.slices if np.isfinite(shape.at_slice(n).area)]
        if numbers:
            errors.append(
                LevelError(
                    row.name, len(numbers), float(known[numbers].mean()), float(row.mean["area"])
                )
            )
    return tuple(errors)


def dice_at_half(mask: Volume, truth: Volume) -> float:
    """Dice of the two soft masks, both cut at 0.5; 0 to 1."""
    a, b = mask.data >= 0.5, truth.data >= 0.5
    return 2 * float((a & b).sum()) / max(float(a.sum() + b.sum()), 1.0)


def _missed_slices(shape: CordShape, phantom: Phantom) -> list[str]:
    """A sentence if slices that hold cord were not segmented."""
    import numpy as np

    total, measured = shape.grid.shape[2], int(np.isfinite(shape.columns["area"]).sum())
    if measured == total:
        return []
    return [
        f"The phantom's cord runs through all {total} slices; {total - measured} of them have no"
        " area in the mask."
    ]


def _disc_image(phantom: Phantom) -> Volume:
    """The known discs as SCT's label image: one voxel a disc."""
    import numpy as np

    labels = np.zeros(phantom.image.shape, np.uint8)
    for disc in phantom.discs:
        labels[tuple(np.round(phantom.image.grid.to_voxel(disc.position_mm)).astype(int))] = (
            disc.value
        )
    return phantom.image.with_data(labels)
