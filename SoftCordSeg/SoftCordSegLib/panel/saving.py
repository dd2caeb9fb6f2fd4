"""What is saved for an image, under the names that ``softcord`` writes too; and how its mask was
made, kept with the mask's node so that the sidecar can say it after the scene was saved and opened.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ..errors import InputError, ModelError
from ..files import check_not_an_input, write_together

# Attribute of a soft mask: how it was made.
RUN = "SoftCordSeg.Run"


def file_of(image) -> Path | None:
    """The file that an image was read from; None where there is none, as for DICOM."""
    storage = image.GetStorageNode()
    file = storage.GetFileName() if storage is not None else None
    return Path(file) if file else None


def source_of(image) -> str:
    """The name of an image's file, else of its node: with "-" for "/", for it is no path."""
    file = file_of(image)
    return image.GetName().replace("/", "-") if file is None else file.name


def stem_of(image) -> str:
    """What the names of an image's results begin with: its file's name without extension, else the
    node's name.

    Suffixes are kept ("sub-01_T2w"): the masks of two contrasts must not have one name.
    """
    from ..bids import stem_of as without_extension

    name = source_of(image)
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    return without_extension(plain) or "image"


def mask_name_of(image) -> str:
    """The name of the file that an image's soft mask is saved in."""
    from ..bids import Kind, label_name

    return label_name(f"{stem_of(image)}.nii.gz", Kind.SOFT_MASK)


def mask_to_measure(soft):
    """The soft mask as it would be read from its saved file; under a transform as it lies in the
    world, where the discs are.
    """
    from ..scene.scene_files import soft_mask_as_stored
    from ..scene.volume_nodes import volume_of

    return soft_mask_as_stored(soft) if soft.GetParentTransformNode() is None else volume_of(soft)


def names_of(study) -> dict[str, str]:
    """The names of the files that would be written for an image, and in words what is in each.

    Args:
        study: ``scene.study.Study`` with a soft mask.
    """
    from ..bids import sidecar_path

    words = {
        "SOFT_MASK": _("soft mask"),
        "BINARY_MASK": _("mask at the threshold"),
        "EDIT_MAP": _("corrections"),
        "DISCS": _("discs"),
    }
    names = {}
    for kind in _kinds_of(study):
        path = _path_of(study, kind, Path())
        names[path.name] = words[kind.name]
        if kind.name in ("SOFT_MASK", "DISCS"):
            names[sidecar_path(path).name] = _("how it was made")
    return names


def files_of(study, folder: Path) -> dict[Path, Callable[[Path], object]]:
    """The files that would be written for an image, each with the function that writes it.

    Args:
        study: ``scene.study.Study`` with a soft mask.
        folder: where to.
    """
    from ..bids import Kind, hashed_writers, sidecar_path
    from ..scene.scene_files import save_edit_map, save_segment, save_soft_mask

    paths = {kind: _path_of(study, kind, folder) for kind in _kinds_of(study)}
    mask = paths[Kind.SOFT_MASK]
    sidecar = sidecar_path(mask)
    masks: dict[Path, Callable[[Path], object]] = {
        mask: lambda path: save_soft_mask(study.soft, path)
    }
    if Kind.BINARY_MASK in paths:
        masks[paths[Kind.BINARY_MASK]] = lambda path: save_segment(study.view, path)
    if Kind.EDIT_MAP in paths:
        masks[paths[Kind.EDIT_MAP]] = lambda path: save_edit_map(study.soft, path)
    files = hashed_writers(masks, sidecar, _sidecar(study, sidecar))
    if Kind.DISCS in paths:
        files.update(_disc_files(study, paths[Kind.DISCS], mask))
    return files


def _kinds_of(study) -> list:
    """The kinds of files that a study has something for."""
    from ..bids import Kind
    from ..scene.soft_edits import has_edits

    kinds = [Kind.SOFT_MASK]
    if study.view is not None:
        kinds.append(Kind.BINARY_MASK)
    if has_edits(study.soft):
        kinds.append(Kind.EDIT_MAP)
    if study.discs is not None and study.discs.GetNumberOfControlPoints():
        kinds.append(Kind.DISCS)
    return kinds


def _path_of(study, kind, folder: Path) -> Path:
    from ..bids import label_name

    return folder / label_name(f"{stem_of(study.image)}.nii.gz", kind)


def signature_of(study) -> tuple:
    """Changes with everything that is saved: the voxels, the threshold, the discs."""
    discs = study.discs
    points = range(discs.GetNumberOfControlPoints()) if discs is not None else ()
    return (
        study.soft.GetAttribute(RUN),
        study.soft.GetImageData().GetPointData().GetScalars().GetMTime(),
        None if study.view is None else study.view.threshold,
        tuple(
            (discs.GetNthControlPointLabel(n), tuple(discs.GetNthControlPointPosition(n)))
            for n in points
        ),
    )


def write_all(files: dict[Path, Callable[[Path], object]], image) -> None:
    """Write the files, all or none; never over the image itself.

    Raises:
        OptionError: a file would replace the image.
        OutputError: a file cannot be written; what was there before is untouched.
    """
    file = file_of(image)
    check_not_an_input(files, [] if file is None else [file])
    write_together(files)


def remember_run(soft, image, request, mask) -> None:
    """Keep with a soft mask node how it was made.

    Args:
        soft: the soft mask's node.
        image: the node of the image.
        request: ``workflows.segment_images.VolumeRequest``.
        mask: ``SoftMask``.
    """
    from ..bids import segmentation_sidecar
    from ..files import file_sha256
    from ..network import store

    try:
        bundle = store.open_bundle(request.model)
    except ModelError:
        bundle = None  # moved away since the run
    file = file_of(image)
    status = file.stat() if file is not None and file.is_file() else None
    record = segmentation_sidecar(
        mask,
        bundle,
        source_of(image),
        device=request.options.device,
        box_given=request.options.box is not None,
        source_sha256=file_sha256(file) if status is not None else None,
        source_state=None if status is None else (status.st_size, status.st_mtime_ns),
    )
    # MRML files separate attributes by semicolons and colons; hexadecimal has neither.
    soft.SetAttribute(RUN, json.dumps(record).encode("utf-8").hex())


def run_of(soft) -> dict | None:
    """How a soft mask was made; None where that is not known, for example of a mask from
    elsewhere.
    """
    text = soft.GetAttribute(RUN)
    return json.loads(bytes.fromhex(text).decode("utf-8")) if text else None


def record_of(study) -> dict:
    """How the mask was made and who corrected it."""
    from ..bids import with_correction
    from ..scene.soft_edits import SoftEdits, has_edits

    content = {"Source": source_of(study.image), **(run_of(study.soft) or {})}
    doubt = _doubt(study)
    if doubt is not None:
        content["Doubt"] = doubt
    if study.view is not None:
        content["Threshold"] = study.view.threshold
    if has_edits(study.soft):
        user = slicer.app.applicationLogic().GetUserInformation()
        content = with_correction(content, user.GetName(), *SoftEdits(study.view).counts)
    return content


def _sidecar(study, existing: Path) -> dict:
    """The record; entries of an existing sidecar stay."""
    from ..bids import merged, read_sidecar

    return merged(read_sidecar(existing), record_of(study))


def _doubt(study) -> dict | None:
    """How likely the mask is wrong as it is saved, corrections and all."""
    from ..scene.scene_files import soft_mask_as_stored
    from ..scene.volume_nodes import values_on, volume_of
    from ..volume import Volume
    from ..workflows.review.review_doubt import doubt_of_mask

    mask = soft_mask_as_stored(study.soft)
    try:
        shown = values_on(volume_of(study.image, in_world=False), mask.grid)
    except InputError:
        return doubt_of_mask(mask)
    return doubt_of_mask(mask, Volume(shown, mask.affine))


def _disc_files(study, path: Path, mask: Path) -> dict[Path, Callable[[Path], object]]:
    """The discs as a label image on the grid of the mask, and its sidecar."""
    from ..morphometry.disc_files import disc_writers, from_above, located_disc
    from ..scene.disc_points import discs_of, remarks_of

    remarks = remarks_of(study.discs)
    discs = from_above(
        located_disc(disc, remarks.get(disc.value, "")) for disc in discs_of(study.discs)
    )
    about = {
        "SpatialReference": "orig",
        "Source": source_of(study.image),
        "Mask": mask.name,
    }
    writers, _notes = disc_writers(path, discs, mask_to_measure(study.soft), about)
    return writers
