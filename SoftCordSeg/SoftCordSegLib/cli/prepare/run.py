"""One participant, from raw images to one image a contrast and, where asked for, its initial mask."""

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
from .cords import Cords, Mask
from .files import Layout, check_layout, is_copy, motion_csv
from .images import How, Made, make_image
from .inputs import Person, Source


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
        mask: "drawn", "model" or None.
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
    writers: dict[Path, Callable[[Path], object]] = {}
    for number, source in enumerate(person.sources):
        part = progress.part(0.95 * number / len(person.sources), 0.95 * (number + 1) / len(person.sources))
        part.report(0.0, f"Reading {source.contrast}")
        made = make_image(source, person.root, request.how, cords, part.part(0.0, 0.7))
        notes += made.notes
        mask = None
        if request.masks:
            part.check_cancelled()
            mask, said = cords.mask_of(source, made.image, part.part(0.7, 1.0))
            notes += said
        files = _add_files(writers, person, made, mask, request)
        largest = None if made.motion is None else round(made.motion.largest_mm, 3)
        kind = None if mask is None else "model" if mask.drawn is None else "drawn"
        rows.append(Row(source.contrast, made.method, made.volumes, largest, kind, files))
    if request.masks:
        for modality, path in person.discs:
            writers[request.layout.discs(person, modality, path)] = partial(shutil.copyfile, path)
    description = request.layout.folder / "dataset_description.json"
    if not description.exists():
        writers[description] = text_writer(json_text(_description()))
    progress.check_cancelled()
    progress.report(0.95, "Writing")
    write_together(writers)
    return Done(person, tuple(rows), tuple(notes))


def _add_files(
    writers: dict[Path, Callable[[Path], object]], person: Person, made: Made, mask: Mask | None, request: Request
) -> dict[str, str]:
    """Add for each file of a contrast a function that writes it; the files by kind."""
    from ...volume import write_nifti

    layout, source = request.layout, made.source
    files: dict[str, str] = {}

    def add(kind: str, path: Path, write: Callable[[Path], object]) -> None:
        writers[path] = write
        files[kind] = str(path)

    if is_copy(made):
        add("image", layout.image(person, source, copied=True), partial(shutil.copyfile, source.files[0]))
    else:
        add("image", layout.image(person, source), partial(write_nifti, made.image))
        add("sidecar", layout.sidecar(person, source), text_writer(json_text(_sidecar(made, request))))
    if made.motion is not None:
        add("motion", layout.motion(person, source), text_writer(motion_csv(made)))
    if mask is not None and mask.drawn is not None:
        add("mask", _drawn_place(layout, person, source, mask.drawn), partial(shutil.copyfile, mask.drawn))
    elif mask is not None:
        add("mask", layout.mask(person, source), partial(write_nifti, mask.volume))
        add("mask sidecar", layout.mask_sidecar(person, source), text_writer(json_text(mask.record or {})))
    return files


def _drawn_place(layout: Layout, person: Person, source: Source, drawn: Path) -> Path:
    """The mask's place; a file that is not compressed keeps its ending."""
    place = layout.mask(person, source)
    return place if drawn.name.lower().endswith(".gz") else place.with_name(place.name[: -len(".gz")])


def _sidecar(made: Made, request: Request) -> dict[str, Any]:
    """Where an image comes from; names of files only, for sidecars travel."""
    from ...network import file_sha256

    return {
        "GeneratedBy": generated_by(),
        "Description": f"{made.source.contrast}: {made.method}.",
        "Method": made.method,
        "Sources": [{"Image": path.name, "SHA256": file_sha256(path)} for path in made.source.files],
        "Volumes": made.volumes,
        **made.record,
        "Notes": list(made.notes),
        "Command": {"Name": "softcord prepare", "Options": request.command},
        "Date": now(),
    }


def _description() -> dict[str, Any]:
    return {
        "Name": "SoftCordSeg: one image a contrast",
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "GeneratedBy": generated_by(),
    }
