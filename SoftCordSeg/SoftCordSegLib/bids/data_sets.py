"""Data sets: where images, masks and disc labels of a participant lie, and what describes a folder
of derivatives.

Raw images lie in ``sub-01/(ses-1/)anat``, labels in ``derivatives/labels/sub-01/(ses-1/)anat``
(BIDS, "Storage of derived datasets"; Spine Generic and manual-correction use the folder
``labels``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, OptionError, OutputError
from ..files import finish_killed_runs, real_path
from ..provenance import generated_by
from .entities import (
    NIFTI_EXTENSIONS,
    image_identity,
    participant_of,
    session_of,
    stem_of,
)
from .label_names import Kind, label_name, read_name
from .series_names import MODALITIES
from .sidecar import Origin, is_as_described, origin_of, read_sidecar

BIDS_VERSION = "1.9.0"
DESCRIPTION = "dataset_description.json"
# Name of the link to the raw images.
RAW = "raw"
DERIVATIVES, LABELS, REVIEW = "derivatives", "labels", "review"
# The authors' folders of soft ground truths, and of these at or above 0.5.
SOFT_LABELS, CUT_SOFT_LABELS = "labels_softseg", "labels_softseg_bin"
# Folders without images as they came from the scanner, or without images of the spine.
NOT_RAW = (DERIVATIVES, "sourcedata", "code", "fmap", "perf", "eeg", "meg")
_DISC_EXTENSIONS = (*NIFTI_EXTENSIONS, ".mrk.json", ".fcsv")


def session_folder(root: Path, session: str, modality: str = "") -> Path:
    """``root/sub-01/ses-1/anat`` of the session "sub-01_ses-1"."""
    return root.joinpath(*session.split("_"), modality)


def derivative_folder(dataset: Path, pipeline: str, session: str, modality: str = "") -> Path:
    """``dataset/derivatives/labels/sub-01/ses-1/anat`` of the pipeline "labels"."""
    return session_folder(dataset / DERIVATIVES / pipeline, session, modality)


def review_folder(dataset: Path) -> Path:
    """Where everything of a data set's review lies, ``dataset/derivatives/review``: verdicts,
    doubts, positions and readings; also of a plain folder.
    """
    return dataset / DERIVATIVES / REVIEW


def dataset_of(path: Path) -> Path | None:
    """The folder of the data set that a file of a participant is in, raw or a derivative; None for
    a file elsewhere.
    """
    parts = path.absolute().parts[:-1]
    top = max((n for n, part in enumerate(parts) if part == session_of(part)), default=None)
    if top is None:
        return None
    return Path(*parts[: top - 2 if DERIVATIVES in parts[max(top - 2, 0) : top - 1] else top])


def find_nifti(folder: Path, stem: str) -> Path | None:
    """The NIfTI file of this name in a folder; None where there is none."""
    paths = (folder / f"{stem}{extension}" for extension in NIFTI_EXTENSIONS)
    return next((path for path in paths if path.is_file()), None)


def find_image(dataset: Path, session: str, stem: str) -> Path | None:
    """The raw image of this name of a session; None where there is none."""
    found = (find_nifti(session_folder(dataset, session, one), stem) for one in MODALITIES)
    return next((path for path in found if path is not None), None)


def result_folders(images: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """The folder of each image's results: ``folder`` itself, or, where two images have one name
    (as in ``*/t2.nii.gz``), the images' own folders mirrored in it.

    Raises:
        OptionError: one image twice, or two of one name in one folder.
    """
    _check_names([(stem_of(image), real_path(image).parent, image) for image in images])
    if len({stem_of(image).casefold() for image in images}) == len(images):
        return dict.fromkeys(images, folder)
    parents = {image: real_path(image).parent for image in images}
    try:
        common = Path(os.path.commonpath([str(parent) for parent in parents.values()]))
    except ValueError as error:  # on two drives of Windows
        raise OptionError(
            "Two images of one name lie on different drives.", hint="Run them one by one."
        ) from error
    return {image: folder / parent.relative_to(common) for image, parent in parents.items()}


def _check_names(names: Sequence[tuple[str, Path, Path]]) -> None:
    seen: dict[tuple[str, Path], Path] = {}
    for stem, parent, image in names:
        key = stem.casefold(), parent  # some disks do not tell capitals from small letters
        if key in seen:
            twice = (
                f"'{image}' is given twice"
                if seen[key] == image
                else f"'{seen[key]}' and '{image}' have the same name"
            )
            raise OptionError(
                f"{twice}, so their results would overwrite each other.",
                hint="Run them one by one, into two folders.",
            )
        seen[key] = image


def check_replaceable(masks: Iterable[Path], overwrite: bool = False) -> None:
    """Refuse to replace a mask that no sidecar of ours vouches for: drawn or corrected by hand,
    changed since it was made, or by another program.

    Args:
        masks: that are about to be written.
        overwrite: the user wants them replaced all the same.

    Raises:
        OutputError: one must not be replaced.
    """
    masks = list(masks)
    for folder in {mask.parent for mask in masks}:
        finish_killed_runs(folder)
    if overwrite:
        return
    for mask in masks:
        sentence = _reason_to_keep(mask) if mask.exists() else None
        if sentence is not None:
            raise OutputError(
                sentence,
                path=mask,
                hint="Choose another folder, remove the mask, or ask for it to be overwritten.",
            )


def _reason_to_keep(mask: Path) -> str | None:
    origin = origin_of(mask)
    if origin is Origin.CORRECTED:
        return "This mask was corrected by hand and is not written over."
    if origin is not Origin.PROGRAM:
        return "No sidecar says that a program made this mask, so it is not written over."
    if is_as_described(mask) is False:
        return "This mask is not the one that its sidecar describes, so it is not written over."
    return None


def image_of(mask: Path) -> Path | None:
    """The image that a mask belongs to: beside it, or, of a mask in ``derivatives/NAME/…``, in the
    same folder of the raw data; None where it is in neither.
    """
    image = read_name(mask).image
    beside = find_nifti(mask.parent, image)
    raw = _raw_folder(mask.parent)
    return beside or (find_nifti(raw, image) if raw is not None else None)


def nifti_files(folder: Path, skip: Iterable[str] = ()) -> Iterator[Path]:
    """NIfTI files of a folder and below in order; hidden ones, and folders named in ``skip``, are
    left out.
    """
    left_out = set(skip)
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(n for n in folders if n not in left_out and not n.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith(NIFTI_EXTENSIONS):
                yield Path(parent) / name


def raw_images(dataset: Path, out: Path | None = None) -> list[Path]:
    """Images of participants by name, but for those in derivatives and in ``out``, where results
    go.
    """
    ours = None if out is None else real_path(out)
    return sorted(
        path
        for path in nifti_files(dataset, NOT_RAW)
        if participant_of(path)
        and read_name(path).kind is Kind.IMAGE
        and (ours is None or ours not in real_path(path).parents)
    )


def find_masks(
    dataset: Path, kinds: Sequence[Kind] = (Kind.BINARY_MASK,)
) -> dict[str, dict[str, list[Path]]]:
    """Masks of the cord in a data set's ``derivatives/labels``, or, where it has no such folder, in
    the folder itself.

    Returns:
        By session and name of the image; of several masks of one image the best comes first, see
        :func:`precedence`.
    """
    labels = dataset / DERIVATIVES / LABELS
    found: dict[str, dict[str, list[Path]]] = {}
    for path in nifti_files(labels if labels.is_dir() else dataset):
        name = read_name(path)
        if name.kind in kinds and name.session:
            found.setdefault(name.session, {}).setdefault(name.image, []).append(path)
    return {
        session: {image: sorted(paths, key=precedence) for image, paths in images.items()}
        for session, images in sorted(found.items())
    }


def precedence(mask: Path) -> tuple[int, bool, int]:
    """Of several masks of one image the one with the least is taken: what was corrected by hand
    before a label, a label before the output of a program (:func:`.sidecar.origin_of`), soft before
    binary, the spelling of today before older ones.
    """
    name = read_name(mask)
    return origin_of(mask).value, name.kind is not Kind.SOFT_MASK, name.rank


def discs_beside(mask: Path) -> tuple[Path, str | None]:
    """The file of disc labels that belongs to a mask.

    Looked for in the mask's folder and, in a BIDS data set, in the session's other folders and
    those of the other derivatives. Discs of the mask's own image come first; else those of the one
    other image of the session in which discs were marked, which are used through the scanner's
    coordinates.

    Returns:
        The file, and a sentence where it belongs to another image.

    Raises:
        InputError: there is none, or there are several and none is the mask's own.
    """
    found = [path for folder in _label_folders(mask) for path in _disc_files(folder)]
    own = [path for path in found if _is_of_same_image(path, mask)]
    if own:
        return max(own, key=lambda path: len(read_name(path).image)), None
    session = session_of(mask)
    others = [path for path in found if session and session_of(path) == session]
    marked = [path for path in others if read_name(path).kind is Kind.DISCS] or others
    if len(marked) == 1:
        return marked[0], (
            f"Levels are from '{marked[0].name}', of another image of the participant, by the"
            " scanner's coordinates."
        )
    if marked:
        names = ", ".join(f"'{path.name}'" for path in marked)
        raise InputError(
            f"There are disc labels of several other images beside it: {names}.",
            path=mask,
            hint="Choose one of these files.",
        )
    wanted = label_name(read_name(mask).image, Kind.DISCS)
    raise InputError(
        f"There are no disc labels beside it (a file such as {wanted}).",
        path=mask,
        hint="Give the file of disc labels.",
    )


def read_description(folder: Path) -> dict[str, Any]:
    """The content of a folder's ``dataset_description.json``; empty where it cannot be read."""
    return read_sidecar(folder / DESCRIPTION)


def linked_raw(folder: Path) -> Path | None:
    """The data set of raw images that a folder of derivatives is made from, as its description says
    (BIDS, ``DatasetLinks``); None where it says none, or where that is not there.
    """
    links = read_description(folder).get("DatasetLinks")
    raw = links.get(RAW) if isinstance(links, Mapping) else None
    if not isinstance(raw, str) or not raw or "://" in raw:
        return None
    path = real_path(folder / raw)
    return path if path.is_dir() and path != real_path(folder) else None


def derivative_description(name: str, dataset: Path | None = None) -> dict[str, Any]:
    """The content of ``dataset_description.json`` for a folder of derivatives (BIDS, "Derived
    dataset and pipeline description").

    Args:
        name: of the derivatives.
        dataset: that they are made from; its name and DOI are told where it says them, never where
            it lies on this machine.
    """
    source = {} if dataset is None else read_description(dataset)
    known = {"DOI": source.get("DatasetDOI"), "Name": source.get("Name")}
    kept = {key: value for key, value in known.items() if value}
    return {
        "Name": name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": generated_by(),
        **({"SourceDatasets": [kept]} if kept else {}),
    }


def _raw_folder(folder: Path) -> Path | None:
    """``root/sub-01/anat`` of ``root/derivatives/NAME/sub-01/anat``; None elsewhere."""
    parts = folder.parts
    if DERIVATIVES not in parts[:-1]:
        return None
    at = len(parts) - 1 - parts[::-1].index(DERIVATIVES)
    return Path(*parts[:at], *parts[at + 2 :])


def _label_folders(mask: Path) -> list[Path]:
    """The mask's folder, the session's others, then the same ones in the other derivatives of the
    data set.
    """
    # Not of the file itself: in a DataLad data set that is a link to somewhere else.
    folder = real_path(mask.parent)
    folders = [folder]
    if folder.name in MODALITIES:
        folders += [folder.with_name(name) for name in MODALITIES if name != folder.name]
    parts = folder.parts
    if DERIVATIVES in parts[:-1]:
        at = len(parts) - 1 - parts[::-1].index(DERIVATIVES)
        derivatives = Path(*parts[: at + 1])
        pipelines = sorted(derivatives.iterdir()) if derivatives.is_dir() else []
        others = [path for path in pipelines if path.name != parts[at + 1]]
        folders += [
            other.joinpath(*known.parts[at + 2 :]) for other in others for known in list(folders)
        ]
    return folders


def _disc_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    names = ((path, read_name(path)) for path in sorted(folder.iterdir()))
    return [
        path
        for path, name in names
        if name.kind in (Kind.DISCS, Kind.WARPED_DISCS)
        and name.extension.lower() in _DISC_EXTENSIONS
    ]


def _is_of_same_image(discs: Path, mask: Path) -> bool:
    """Whether both tell of the same image, or the mask's name goes on from the discs' image
    (``t2_discs`` and ``t2_crop_seg``).
    """
    image, own = read_name(discs).image, read_name(mask).image
    if own == image or stem_of(mask).startswith(f"{image}_"):
        return True
    identity = image_identity(image)
    return identity != () and identity == image_identity(own)
