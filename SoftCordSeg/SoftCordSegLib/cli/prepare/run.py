"""One participant, from raw images to one image a contrast and, where asked for, its initial
mask.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ...progress import Progress
from ...provenance import generated_by, now
from ..outputs import json_text, text_writer, write_together
from .cords import Cords
from .files import Layout, check_layout, copy_compressed, motion_csv
from .images import COPY, How, Made, make_image
from .inputs import Person
from .kept import COMMAND, corrected_mask, is_other, kept_sentence

# For each file a function that writes it to the path it is given.
Writers = dict[Path, Callable[[Path], object]]


@dataclass(frozen=True)
class Request:
    """What to do for every participant.

    Attributes:
        how: images are made.
        layout: where results go.
        masks: make an initial mask of each contrast.
        command: the command's own words, for the sidecars.
    """

    how: How
    layout: Layout
    masks: bool = False
    command: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What became of one contrast, plain types.

    Attributes:
        contrast: as softgt calls it.
        method: how its image was made.
        volumes: how many went into it.
        largest_mm: the largest shift; None where no motion was measured.
        mask: "drawn", "model", "kept" (it lay there, and somebody had corrected it) or None.
        files: by kind.
    """

    contrast: str
    method: str
    volumes: int
    largest_mm: float | None
    mask: str | None
    files: dict[str, str]


@dataclass(frozen=True)
class Done:
    """What became of one participant."""

    person: Person
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def run_person(person: Person, request: Request, cords: Cords, progress: Progress) -> Done:
    """Make all images of a participant and write all files or none.

    Raises:
        InputError: a file cannot be used.
        OutputError: results cannot be written.
        Cancelled: through ``progress``.
    """
    check_layout(request.layout, person)
    rows, notes = [], list(person.notes)
    writers: Writers = {}
    for number, source in enumerate(person.sources):
        part = progress.part(
            0.95 * number / len(person.sources), 0.95 * (number + 1) / len(person.sources)
        )
        part.report(0.0, f"Reading {source.contrast}")
        made = make_image(source, person.root, request.how, cords, part.part(0.0, 0.7))
        notes += made.notes
        files = _add_image(writers, person, made, request)
        kind = None
        if request.masks:
            part.check_cancelled()
            kind, said = _add_mask(
                writers, files, person, made, cords, request, part.part(0.7, 1.0)
            )
            notes += said
        largest = None if made.motion is None else round(made.motion.largest_mm, 3)
        rows.append(Row(source.contrast, made.method, made.volumes, largest, kind, files))
    if request.masks:
        notes += _add_discs(writers, person, request.layout)
    description = request.layout.folder / "dataset_description.json"
    if not description.exists():
        writers[description] = text_writer(json_text(_description()))
    progress.check_cancelled()
    progress.report(0.95, "Writing")
    write_together(writers)
    return Done(person, tuple(rows), tuple(notes))


def _add_image(writers: Writers, person: Person, made: Made, request: Request) -> dict[str, str]:
    """Add for each file of a contrast's image a function that writes it; the files by kind."""
    from ...volume import write_nifti

    layout, source = request.layout, made.source
    copied = made.method == COPY
    places = {"image": layout.image(person, source), "sidecar": layout.sidecar(person, source)}
    writers[places["image"]] = (
        partial(copy_compressed, source.files[0]) if copied else partial(write_nifti, made.image)
    )
    writers[places["sidecar"]] = text_writer(json_text(_sidecar(made, request)))
    if made.motion is not None:
        places["motion"] = layout.motion(person, source)
        writers[places["motion"]] = text_writer(motion_csv(made))
    return {kind: str(path) for kind, path in places.items()}


def _add_mask(
    writers: Writers,
    files: dict[str, str],
    person: Person,
    made: Made,
    cords: Cords,
    request: Request,
    progress: Progress,
) -> tuple[str | None, tuple[str, ...]]:
    """The same of its initial mask, unless one is there that somebody corrected; its kind, see
    :class:`Row`, and sentences.
    """
    from ...volume import write_nifti

    layout, source = request.layout, made.source
    place, sidecar = layout.mask(person, source), layout.mask_sidecar(person, source)
    kept = corrected_mask(place, sidecar)
    if kept is not None:
        files["mask"] = str(kept)
        return "kept", (kept_sentence(source.contrast, kept),)
    mask, said = cords.mask_of(source, made.image, progress)
    if mask is None:
        return None, said
    writers[place] = (
        partial(write_nifti, mask.volume)
        if mask.drawn is None
        else partial(copy_compressed, mask.drawn)
    )
    writers[sidecar] = text_writer(json_text(mask.record))
    files.update({"mask": str(place), "mask sidecar": str(sidecar)})
    return "model" if mask.drawn is None else "drawn", said


def _add_discs(writers: Writers, person: Person, layout: Layout) -> list[str]:
    """The same of the discs; sentences on those that stay as they are."""
    notes = []
    for modality, path in person.discs:
        place = layout.discs(person, modality, path)
        if is_other(place, path):
            notes.append(
                f"The discs '{place}' differ from those of the data set, and stay. Take them away"
                " to have them copied."
            )
        else:
            writers[place] = partial(shutil.copyfile, path)
    return notes


def _sidecar(made: Made, request: Request) -> dict[str, Any]:
    """Where an image comes from; names of files only, for sidecars travel."""
    from ...network import file_sha256

    return {
        "GeneratedBy": generated_by(),
        "Description": f"{made.source.contrast}: {made.method}.",
        "Method": made.method,
        "Sources": [
            {"Image": path.name, "SHA256": file_sha256(path)} for path in made.source.files
        ],
        "Volumes": made.volumes,
        **made.record,
        "Notes": list(made.notes),
        "Command": {"Name": COMMAND, "Options": request.command},
        "Date": now(),
    }


def _description() -> dict[str, Any]:
    return {
        "Name": "SoftCordSeg: one image a contrast",
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "GeneratedBy": generated_by(),
    }
