"""``softcord prepare DATASET -o DIR``"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import typer

from ...errors import InputError
from ...progress import Progress
from ..console import print_json, say, show_table, warn
from ..guard import EXIT_FAILED, UsageProblem, guarded
from ..options import Debug, Device, Json, Model, Threads
from ..outputs import check_folder
from ..participants import check_contrasts, failed, run_each
from ..tools import Tools, limit_threads
from .cords import Cords
from .files import Layout, check_layout
from .images import How
from .inputs import Person, find_people, given_person
from .names import DIFFUSION, FUNCTIONAL
from .options import (
    B0Below,
    Bval,
    Degree,
    Group,
    Masks,
    Moco,
    Out,
    Participant,
    Resample,
    Threshold,
    What,
    Width,
    spacings_of,
)
from .run import Done, Request, run_person


def prepare_command(
    ctx: typer.Context,
    what: What,
    out: Out,
    masks: Masks = False,
    threshold: Threshold = 0.5,
    resample: Resample = None,
    model: Model = None,
    participant: Participant = None,
    bval: Bval = None,
    b0_below: B0Below = 100.0,
    moco: Moco = True,
    group: Group = 1,
    degree: Degree = 2,
    width_mm: Width = 30.0,
    device: Device = "auto",
    threads: Threads = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make one 3D image of each contrast from raw images, and an initial mask of each: what
    softcord softgt begins with.

    T2*w: root mean square over echoes (4D, or files with echo-1, echo-2, …).  Diffusion: the
    volumes with a b-value, each slice shifted back to where the cord is in their mean, and averaged
    (with a table of the shifts).  Functional series (bold): all volumes likewise.  Other series are
    averaged, 3D images copied.  Inputs are never changed; masks and discs that somebody corrected
    among earlier results stay.

    A data set:  softcord prepare DATASET -o prepared --masks && softcord softgt prepared -o truth

    One participant:  softcord prepare T2w=t2.nii.gz dwi=dmri.nii.gz --bval dmri.bval -o prepared
    """
    tools: Tools = ctx.obj
    words = {
        "masks": masks,
        "threshold": threshold,
        "model": Path(model).name if model else None,
        "b0_below": b0_below,
        "moco": moco,
        "group": group,
        "degree": degree,
        "width_mm": width_mm,
        "resample": resample or [],
    }
    with guarded(debug, as_json):
        from ...preprocessing import MotionOptions

        options = (
            MotionOptions(width_mm=width_mm, degree=None if degree < 0 else degree, group=group)
            if moco
            else None
        )
        spacing = spacings_of(resample or [])
        people = _people(what, out, participant, bval)
        check_contrasts(
            "--resample", spacing, {one.contrast for person in people for one in person.sources}
        )
        request = Request(How(options, b0_below, spacing), Layout(out), masks, words)
        for person in people:
            check_layout(request.layout, person)
        check_folder(out)
        limit_threads(threads)
        open_bundle = lru_cache(maxsize=None)(lambda: tools.open_bundle(model))
        if masks or (
            moco
            and any(
                one.kind in (DIFFUSION, FUNCTIONAL) for person in people for one in person.sources
            )
        ):
            open_bundle()  # a missing model is said before hours of work, not after
        cords = Cords(tools, open_bundle, device, threshold)
        results, errors = run_each(
            people, lambda person, progress: _run(person, request, cords, progress), debug
        )
        _report(results, errors, request, as_json)
        if errors:
            raise typer.Exit(EXIT_FAILED)


def _people(what: list[str], out: Path, participant: str | None, bval: Path | None) -> list[Person]:
    folders = [word for word in what if Path(word).is_dir()]
    if folders and len(what) > 1:
        raise UsageProblem(
            "Give either the folder of one data set, or the images of one participant."
        )
    if not folders:
        for word in what:
            _check_exists(word)
        return [given_person(what, participant, bval)]
    if participant is not None or bval is not None:
        raise UsageProblem(
            "--participant and --bval are for one participant's files; in a data set they are found"
            " by their names."
        )
    if out.resolve() == Path(what[0]).resolve():
        raise UsageProblem(
            "Results do not go among the images of the data set. Choose another folder: -o"
            " DATASET/derivatives/prepared."
        )
    return find_people(Path(what[0]), out)


def _check_exists(word: str) -> None:
    path = Path(word) if Path(word).exists() else Path(word.partition("=")[2] or word)
    if path.is_dir():
        raise InputError(f"'{path}' is a folder. Give an image, or the folder of a data set alone.")
    if not path.is_file():
        raise InputError(f"There is no file or folder '{path}'. Check the name.")


def _run(person: Person, request: Request, cords: Cords, progress: Progress) -> Done:
    if not person.sources:
        raise InputError(f"{person.name} has no image to prepare. {' '.join(person.notes)}".strip())
    return run_person(person, request, cords, progress)


def _report(results: list[Done], errors: dict[str, str], request: Request, as_json: bool) -> None:
    for done in results:
        for note in done.notes:
            warn(f"{done.person.name}: {note}")
    rows = [
        (
            done.person.name,
            row.contrast,
            row.method,
            row.volumes,
            "–" if row.largest_mm is None else f"{row.largest_mm:.2f}",
            row.mask or "–",
        )
        for done in results
        for row in done.rows
    ]
    if rows:
        show_table(
            "One image a contrast",
            ("Participant", "Contrast", "Made by", "Volumes", "Shift ≤, mm", "Mask"),
            rows,
        )
        say(
            f"{len(results)} of {len(results) + len(errors)} participants were prepared, in"
            f" '{request.layout.folder}'."
        )
    if as_json:
        print_json({"results": [_summary(done) for done in results], "failed": failed(errors)})


def _summary(done: Done) -> dict[str, Any]:
    contrasts = {
        row.contrast: {
            "method": row.method,
            "volumes": row.volumes,
            "largest_shift_mm": row.largest_mm,
            "mask": row.mask,
            "files": row.files,
        }
        for row in done.rows
    }
    return {"participant": done.person.name, "contrasts": contrasts, "notes": list(done.notes)}
