"""``softcord prepare DATASET -o DIR``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import OptionError
from ..files import real_path
from .console import fail, print_json, say, show_table, warn
from .guard import EXIT_FAILED, for_user, guarded, json_of
from .running import prepare_process, run_with_bars
from .shared_options import Debug, Device, Json, Model, StandardNames, Threads

if TYPE_CHECKING:
    from ..network import ModelBundle
    from ..workflows.ground_truth.prepare_images import PreparedParticipant
    from ..workflows.ground_truth.raw_images import RawParticipant
    from ..workflows.run_each import Outcomes

_ONE = "One participant"
_MOVING = "Diffusion and functional series"

Images = Annotated[
    list[str],
    typer.Argument(
        help=(
            "A data set (sub-…/anat, dwi, func), or the images of one participant (several files of"
            " one contrast are its echoes)."
        ),
        metavar="DATASET|[CONTRAST=]FILE…",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option("-o", "--out", help="Folder for the results, a data set again.")]
Masks = Annotated[
    bool,
    typer.Option(
        "--masks",
        help=(
            "Also make an initial mask of each contrast; masks in the data set's derivatives come"
            " first."
        ),
    ),
]
Threshold = Annotated[
    float,
    typer.Option(
        help="Initial masks are the model's soft mask at or above this.", min=1e-6, max=1.0
    ),
]
Resample = Annotated[
    Optional[list[str]],
    typer.Option(
        help=(
            "Resample a contrast to isotropic voxels, mm; the paper has T1w=1 and T2w=0.8. By"
            " default all keep their grid."
        ),
        metavar="CONTRAST=MM",
        show_default=False,
    ),
]
Participant = Annotated[
    Optional[str],
    typer.Option(
        help="Name, where the names of the files do not tell it.",
        metavar="sub-01",
        rich_help_panel=_ONE,
        show_default=False,
    ),
]
Bval = Annotated[
    Optional[Path],
    typer.Option(
        help="b-values of the diffusion series, if not beside it.",
        rich_help_panel=_ONE,
        show_default=False,
    ),
]
Exclude = Annotated[
    Optional[Path],
    typer.Option(
        help="List of participants or images to leave out, as for softcord softgt.",
        show_default=False,
    ),
]
B0Below = Annotated[
    float,
    typer.Option(
        help="A volume with a b-value below this has b = 0, s/mm².",
        min=0.0,
        rich_help_panel=_MOVING,
    ),
]
Moco = Annotated[
    bool,
    typer.Option(
        "--moco/--no-moco", help="Correct motion before averaging.", rich_help_panel=_MOVING
    ),
]
Group = Annotated[
    int,
    typer.Option(
        help=(
            "Number of successive volumes that move together: 1, or more where single volumes are"
            " too noisy (SCT: 3)."
        ),
        min=1,
        rich_help_panel=_MOVING,
    ),
]
Degree = Annotated[
    int,
    typer.Option(
        help="Of the polynomial that shifts follow along the cord; -1: every slice by itself.",
        min=-1,
        rich_help_panel=_MOVING,
    ),
]
Width = Annotated[
    float,
    typer.Option(
        help="Diameter of the column about the cord in which volumes are compared, mm.",
        min=5.0,
        rich_help_panel=_MOVING,
    ),
]


def prepare_command(
    images: Images,
    out: Out,
    masks: Masks = False,
    threshold: Threshold = 0.5,
    resample: Resample = None,
    bids_standard_names: StandardNames = False,
    model: Model = None,
    participant: Participant = None,
    bval: Bval = None,
    exclude: Exclude = None,
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
    """Make one 3D image of each contrast from raw images, and an initial mask of each, for
    softcord softgt.

    T2*w: root mean square over echoes (4D, or files with echo-1, echo-2, …).  Diffusion: the mean
    of the volumes with a b-value, each slice shifted back to where the cord is in their mean (with
    a table of the shifts).  Functional series (bold): all volumes likewise.  Other series are
    averaged, 3D images copied.  Inputs are never changed; corrected masks and discs among earlier
    results are kept.

    A data set:  softcord prepare DATASET -o prepared --masks && softcord softgt prepared -o truth

    One participant:  softcord prepare T2w=t2.nii.gz dwi=dmri.nii.gz --bval dmri.bval -o prepared
    """
    with guarded(debug, as_json):
        from ..files import check_folder
        from ..preprocessing import MotionOptions
        from ..workflows.ground_truth.excluded_images import without_excluded_raw
        from ..workflows.ground_truth.prepare_images import (
            PrepareOptions,
            check_outputs,
            prepare_participant,
        )
        from ..workflows.run_each import check_contrasts

        motion = MotionOptions(width_mm, None if degree < 0 else degree, group) if moco else None
        spacing = _voxel_sizes(resample or [])
        options = PrepareOptions(
            masks, threshold, spacing, b0_below, motion, device, bids_standard_names
        )
        participants = _participants(images, out, participant, bval)
        notes = _unused_masks(images, participants)
        if exclude is not None:
            participants, left_out = without_excluded_raw(participants, exclude)
            notes += left_out
        for note in notes:
            warn(note)
        check_contrasts(spacing, {image.contrast for one in participants for image in one.images})
        for one in participants:
            check_outputs(one, out, options)
        needed = any(map(options.needs_model, participants))
        bundle = _opened(model, threads) if needed else None
        check_folder(out)
        outcomes = run_with_bars(
            participants,
            lambda one, progress: prepare_participant(one, out, options, bundle, progress),
            debug,
        )
        _report(outcomes, notes, out, as_json, debug)
        if outcomes.failures or any(one.failures for one in outcomes.results):
            raise typer.Exit(EXIT_FAILED)


def _opened(model: str | None, threads: int | None) -> ModelBundle:
    """The model, and the process ready for it."""
    from ..network import store

    bundle = store.open_bundle(model)
    prepare_process(bundle, threads)
    return bundle


def _participants(
    images: list[str], out: Path, participant: str | None, bval: Path | None
) -> list[RawParticipant]:
    from ..workflows.ground_truth.raw_images import find_raw_participants, given_participant

    folders = [Path(text) for text in images if Path(text).is_dir()]
    if not folders:
        return [given_participant([_contrast_and_file(text) for text in images], participant, bval)]
    if len(images) > 1:
        raise OptionError(
            "A folder is given together with other files.",
            hint="Give either the folder of one data set, or the images of one participant.",
        )
    if participant is not None or bval is not None:
        raise OptionError(
            "--participant and --bval are for the files of one participant.",
            hint="Leave them out: in a data set both are found by the names of the files.",
        )
    (dataset,) = folders
    if real_path(out) == real_path(dataset):
        raise OptionError(
            "Results are not written among the images of the data set.",
            path=out,
            hint="Choose another folder: -o DATASET/derivatives/prepared.",
        )
    return find_raw_participants(dataset, out)


def _unused_masks(images: list[str], participants: list[RawParticipant]) -> list[str]:
    """Sentences on masks of a data set that are not taken."""
    from ..workflows.unused_masks import unused_masks

    used = [image.mask for one in participants for image in one.images if image.mask is not None]
    return [
        sentence
        for folder in map(Path, images)
        if folder.is_dir()
        for sentence in unused_masks(folder, used)
    ]


def _contrast_and_file(text: str) -> tuple[str, Path]:
    """("T2star", path) of "T2star=path"; ("", path) of a path."""
    name, equals, path = text.partition("=")
    if equals and name and path and not Path(text).is_file() and not set(name) & set("/\\."):
        return name, Path(path)
    return "", Path(text)


def _voxel_sizes(texts: list[str]) -> dict[str, float]:
    """Voxel sizes by contrast from texts such as "T2w=0.8".

    Raises:
        OptionError: a text that is not that.
    """
    sizes = {}
    for text in texts:
        name, _, size = text.partition("=")
        try:
            sizes[name] = float(size)
        except ValueError as error:
            raise OptionError(
                f"--resample '{text}' is not a voxel size.",
                hint="Give CONTRAST=MM, for example T2w=0.8.",
            ) from error
    return sizes


def _report(
    outcomes: Outcomes[RawParticipant, PreparedParticipant],
    notes: list[str],
    out: Path,
    as_json: bool,
    debug: bool,
) -> None:
    results, failures = outcomes.results, outcomes.failures
    for one in results:
        for note in one.notes:
            warn(f"{one.name}: {note}")
        for contrast, error in one.failures:
            fail(f"{one.name}: {contrast} is left out. {for_user(error, debug)}")
    rows = [
        (
            one.name,
            image.contrast,
            image.method,
            image.volumes,
            "–" if image.largest_shift_mm is None else f"{image.largest_shift_mm:.2f}",
            image.mask or "–",
        )
        for one in results
        for image in one.images
    ]
    if rows:
        show_table(
            "One image of each contrast",
            ("Participant", "Contrast", "Made by", "Volumes", "Shift ≤, mm", "Mask"),
            rows,
        )
        count = len(results) + len(failures)
        say(f"{len(results)} of {count} participants were prepared, in '{out}'.")
    if as_json:
        failed = [{"participant": one.name, **json_of(one.error)} for one in failures]
        results_json = [_json_of(one) for one in results]
        print_json({"results": results_json, "failed": failed, "notes": notes})


def _json_of(one: PreparedParticipant) -> dict[str, Any]:
    contrasts = {
        image.contrast: {
            "method": image.method,
            "volumes": image.volumes,
            "largest_shift_mm": image.largest_shift_mm,
            "mask": image.mask,
            "files": image.files,
        }
        for image in one.images
    }
    failed = [{"contrast": name, **json_of(error)} for name, error in one.failures]
    about = {"participant": one.name, "contrasts": contrasts, "notes": list(one.notes)}
    return {**about, "failed": failed}
