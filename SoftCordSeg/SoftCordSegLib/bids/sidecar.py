"""The sidecar: the JSON file beside a mask that says how it was made, and who corrected it.

``GeneratedBy`` is a list that grows: the software and the model, then one entry a correction by
hand, as manual-correction and SCT write it.  A sidecar travels with its mask: it holds names of
files, never where they lie on a machine, and nothing of a patient.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from ..files import file_sha256, json_text, text_writer
from ..provenance import box_of, generated_by, model_of, now
from ..structured_text import read_json
from .entities import PathLike, stem_of
from .label_names import Kind, label_name, read_name

MANUAL = "Manual"
# SHA-256 of each mask that a sidecar describes, by the name of its file.
MASK_SHA256 = "MaskSHA256"
# SCT's word for: on the grid of the image itself.
_ORIGINAL = "orig"
# What tells of one segmentation and its corrections.
_OURS = frozenset(
    "GeneratedBy SpatialReference Source SourceSHA256 SourceBytes SourceChanged SourceVolumes"
    " SourceVolume Model Device Engine Found Message Notes Box BoxGivenByUser Threshold Command"
    " Date CorrectedByHand MaskSHA256 Doubt".split()
)


# What DICOM converters may put into a sidecar of who was scanned, where and by whom (dcm2niix,
# "BIDS sidecar", without its option to leave them out; DICOM PS3.15, table E.1-1).
_OF_A_PATIENT = re.compile(
    r"(patient|subject|otherpatient|referringphysician|performingphysician|operator|requesting"
    r"|institution|station|accession|study|series|sop|device(serial|uid)|acquisition(date|time)"
    r"|content(date|time)|ethnic|medicalrecord|birth|address|telephone)[a-z]*",
    re.IGNORECASE,
)
# A folder from the root on, within a text; not that of a web address.
_FOLDERS = re.compile(r"(?<![\w.:/\\])(?:[A-Za-z]:)?[\\/](?:[^\s\\/:*?\"<>|]+[\\/])+")


class MadeMask(Protocol):
    """What a sidecar tells of a segmentation: ``segmentation.SoftMask``."""

    @property
    def found(self) -> bool: ...
    @property
    def box(self) -> Any: ...
    @property
    def message(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def device(self) -> str: ...
    @property
    def engine(self) -> str: ...


class Origin(Enum):
    """How a mask came about, as far as its name and sidecar tell; the best to learn from first."""

    CORRECTED = 0
    LABEL = 1
    UNKNOWN = 2
    PROGRAM = 3


def sidecar_path(path: PathLike) -> Path:
    """The JSON file beside an image or label."""
    return Path(path).with_name(f"{stem_of(path)}.json")


def read_sidecar(path: Path) -> dict[str, Any]:
    """The content of a JSON file; empty where it is missing or holds something else."""
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def segmentation_sidecar(
    mask: MadeMask,
    bundle: Any,
    source: str,
    *,
    device: str = "auto",
    box_given: bool = False,
    source_sha256: str | None = None,
    source_state: tuple[int, int] | None = None,
    source_volumes: int = 1,
    source_volume: str | int | None = None,
    threshold: float | None = None,
    command: Mapping[str, Any] | None = None,
    doubt: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The sidecar of a soft mask as a model made it.

    Args:
        mask: the result.
        bundle: ``network.ModelBundle``; None where it is not known any more.
        source: name of the image's file (folders are left off), or of its node.
        device: that the network was asked to run on, where the mask does not say which it was.
        box_given: whether the user gave the box.
        source_sha256: of the image's file; None where there is no file.
        source_state: size in bytes and time of change in nanoseconds of that file.
        source_volumes: of the image's file: 1, or the length of a series.
        source_volume: which volume of a series was taken, or "mean"; None for a 3D image.
        threshold: of the binary mask beside the soft one; None for none.
        command: name and options of the command; None from the panel.
        doubt: how likely the mask is wrong, ``review.doubt.Doubt.as_json()``; None where it was not
            judged.
    """
    content = {
        "GeneratedBy": generated_by(bundle),
        "SpatialReference": _ORIGINAL,
        "Source": Path(source).name,
        "SourceSHA256": source_sha256,
        "SourceBytes": None if source_state is None else source_state[0],
        "SourceChanged": None if source_state is None else source_state[1],
        "SourceVolumes": source_volumes,
        "SourceVolume": source_volume,
        "Model": None if bundle is None else model_of(bundle),
        "Device": mask.device or device,
        "Engine": mask.engine or None,
        "Found": mask.found,
        "Message": mask.message,
        "Notes": list(mask.notes),
        "Box": box_of(mask.box),
        "BoxGivenByUser": box_given,
        "Threshold": threshold,
        "Command": None if command is None else _without_folders(command),
        "Doubt": None if doubt is None else dict(doubt),
        "Date": now(),
    }
    return {key: value for key, value in content.items() if value is not None or key == "Box"}


def hashed_writers(
    masks: Mapping[Path, Callable[[Path], object]],
    sidecar: Path,
    content: Mapping[str, Any],
    others: Mapping[str, str] | None = None,
) -> dict[Path, Callable[[Path], object]]:
    """Writers of masks and of their sidecar, which has the SHA-256 of each as it was written; for
    :func:`SoftCordSegLib.files.write_together`.

    Args:
        masks: each with the function that writes it.
        sidecar: their sidecar, which is put in place last.
        content: of the sidecar.
        others: masks that the sidecar goes on to describe, :func:`still_described`.
    """
    sums = dict(others or {})

    def hashing(path: Path, write: Callable[[Path], object]) -> Callable[[Path], object]:
        def run(temporary: Path) -> None:
            write(temporary)
            sums[path.name] = file_sha256(temporary)

        return run

    writers: dict[Path, Callable[[Path], object]] = {
        path: hashing(path, write) for path, write in masks.items()
    }
    writers[sidecar] = lambda temporary: text_writer(
        json_text({**content, MASK_SHA256: dict(sums)})
    )(temporary)
    return writers


def still_described(sidecar: Path, masks: Iterable[Path]) -> dict[str, str]:
    """The other masks that a sidecar describes, and that are as it says: a binary mask of an
    earlier run that is not written again.  Name -> SHA-256.

    Args:
        sidecar: as it is.
        masks: that are about to be written.
    """
    sums = read_sidecar(sidecar).get(MASK_SHA256)
    written = {mask.name for mask in masks}
    found = {}
    for name, noted in sums.items() if isinstance(sums, Mapping) else ():
        path = sidecar.with_name(Path(str(name)).name)
        if path.name not in written and path.is_file() and file_sha256(path) == noted:
            found[path.name] = str(noted)
    return found


def is_as_described(mask: Path) -> bool | None:
    """Whether a mask is the one that its sidecar describes; None where no sidecar says which."""
    content = read_sidecar(sidecar_path(mask)) or _sidecar_of_soft_mask(mask)
    sums = content.get(MASK_SHA256)
    if not isinstance(sums, Mapping) or not sums:
        return None
    return bool(sums.get(mask.name) == file_sha256(mask))


def manual_entry(author: str, date: str | None = None) -> dict[str, str]:
    """One correction by hand, for ``GeneratedBy``.

    Args:
        author: who made it; "" where that is not known.
        date: as "2026-10-31 14:05:00"; None for now.
    """
    return {"Name": MANUAL, "Author": author, "Date": now() if date is None else date}


def with_correction(
    content: Mapping[str, Any], author: str, added: int, removed: int, date: str | None = None
) -> dict[str, Any]:
    """A sidecar after a correction by hand: ``GeneratedBy`` is one entry longer, all else stays.

    Args:
        content: as it was.
        author, date: see :func:`manual_entry`.
        added, removed: voxels in which the user overruled the mask.
    """
    return {
        "SpatialReference": _ORIGINAL,
        **content,
        "GeneratedBy": [*_history(content), manual_entry(author, date)],
        "CorrectedByHand": {"VoxelsAdded": added, "VoxelsRemoved": removed},
    }


def merged(existing: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """A sidecar to take the place of an existing one.

    Keys that are not ours stay.  Where ``content`` tells of the same segmentation (the same date),
    or of none, the history goes on: what ``GeneratedBy`` already had comes first.  Of another
    segmentation, it begins anew.
    """
    if "Date" in content and content["Date"] != existing.get("Date"):
        return {**{key: existing[key] for key in existing if key not in _OURS}, **content}
    before = _history(existing)
    new = [entry for entry in _history(content) if entry not in before]
    return {**existing, **content, "GeneratedBy": [*before, *new]}


def with_new_prediction(
    existing: Mapping[str, Any], content: Mapping[str, Any], added: int = 0, removed: int = 0
) -> dict[str, Any]:
    """A sidecar after its image was segmented again and the corrections by hand were kept.

    ``GeneratedBy`` goes on: who made and corrected the mask before comes first.  Keys that are not
    ours stay, and of ours those of the new segmentation.

    Args:
        existing: as it was.
        content: of the new segmentation.
        added, removed: voxels in which the user overrules it; 0 and 0 where it was never corrected.
    """
    before = _history(existing)
    new = [entry for entry in _history(content) if entry not in before]
    by_hand = {"VoxelsAdded": added, "VoxelsRemoved": removed}
    return {
        **{key: existing[key] for key in existing if key not in _OURS},
        **content,
        "GeneratedBy": [*before, *new],
        **({"CorrectedByHand": by_hand} if added or removed else {}),
    }


def is_corrected(content: Mapping[str, Any]) -> bool:
    """Whether a sidecar tells of a correction by hand."""
    return any(
        isinstance(entry, Mapping) and entry.get("Name") == MANUAL for entry in _history(content)
    )


def origin_of(mask: Path) -> Origin:
    """How a mask came about: what its sidecar says, else its name.

    A binary mask without a sidecar of its own shares that of the soft mask that it was cut from.
    """
    name = read_name(mask)
    content = read_sidecar(sidecar_path(mask)) or _sidecar_of_soft_mask(mask)
    if is_corrected(content):
        return Origin.CORRECTED
    if "manual" not in stem_of(mask) and _history(content):
        return Origin.PROGRAM
    return Origin.LABEL if name.is_label else Origin.UNKNOWN


def shared_sidecar(content: Any) -> Any:
    """What of a sidecar, also of another program's, may be given away: without who was scanned,
    where and when, and without folders of a computer.
    """
    if isinstance(content, Mapping):
        return {
            key: shared_sidecar(value)
            for key, value in content.items()
            if not _OF_A_PATIENT.fullmatch(str(key))
        }
    if isinstance(content, list):
        return [shared_sidecar(one) for one in content]
    return _FOLDERS.sub("", content) if isinstance(content, str) else content


def _sidecar_of_soft_mask(mask: Path) -> dict[str, Any]:
    """Of a binary mask under a name of ours, what stands beside its soft mask."""
    image, extension = read_name(mask).image, read_name(mask).extension
    for standard in (False, True):
        binary, soft = (
            label_name(image, kind, standard_names=standard, extension=ending)
            for kind, ending in ((Kind.BINARY_MASK, extension), (Kind.SOFT_MASK, ".json"))
        )
        if mask.name == binary:
            return read_sidecar(mask.with_name(soft))
    return {}


def _history(content: Mapping[str, Any]) -> list[Any]:
    entries = content.get("GeneratedBy", [])
    return list(entries) if isinstance(entries, list) else [entries]


def _without_folders(value: Any) -> Any:
    """The same with names of files in the place of paths."""
    if isinstance(value, Mapping):
        return {key: _without_folders(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_folders(one) for one in value]
    if isinstance(value, Path) or (isinstance(value, str) and Path(value).is_absolute()):
        return Path(value).name
    return value
