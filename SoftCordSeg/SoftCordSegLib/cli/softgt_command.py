"""``softcord softgt``"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ..errors import OptionError
from .console import fail, print_json, say, show_table, warn
from .guard import EXIT_FAILED, guarded, json_of
from .running import run_with_bars
from .shared_options import Debug, Json, StandardNames

if TYPE_CHECKING:
    from ..groundtruth import ContrastTruth, GroundTruthOptions
    from ..workflows.ground_truth.masked_participants import MaskedParticipant
    from ..workflows.ground_truth.soft_ground_truth import SoftGroundTruth, SoftGroundTruthOptions
    from ..workflows.run_each import Outcomes

_ONE = "One participant"
_METHOD = "Method"


class Registration(str, Enum):
    """How slices are laid on each other."""

    CENTERMASSROT = "centermassrot"
    CENTERMASS = "centermass"


Dataset = Annotated[
    Optional[Path],
    typer.Argument(
        help="A data set: masks in derivatives/labels/sub-…, images in sub-… .",
        metavar="[DATASET]",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")]
Reference = Annotated[
    str,
    typer.Option(
        help="Contrast in whose space the masks are averaged; with =MASK its mask too.",
        metavar="NAME[=MASK]|MASK",
    ),
]
Mask = Annotated[
    Optional[list[str]],
    typer.Option(
        help="Mask of a contrast, binary or soft.", metavar="NAME=FILE", rich_help_panel=_ONE
    ),
]
Image = Annotated[
    Optional[list[str]],
    typer.Option(
        help="Image of a contrast, only to be shown on the page.",
        metavar="NAME=FILE",
        rich_help_panel=_ONE,
    ),
]
Discs = Annotated[
    Optional[str],
    typer.Option(
        help="Disc labels marked in the reference, or with NAME= in another contrast.",
        metavar="[NAME=]FILE",
        rich_help_panel=_ONE,
    ),
]
Method = Annotated[
    Registration,
    typer.Option(
        "--registration",
        help=(
            "centermassrot: shift and rotation, as in the paper; centermass: shift only, as in its"
            " authors' code."
        ),
        rich_help_panel=_METHOD,
    ),
]
TrimMm = Annotated[
    Optional[list[str]],
    typer.Option(
        help=(
            "Left out at each end of a contrast before averaging, mm; NAME=MM for one contrast. By"
            " default 8 (10 slices of 0.8 mm), T1w=0, and never more than a quarter of the"
            " contrast's slices."
        ),
        metavar="MM|NAME=MM",
        rich_help_panel=_METHOD,
    ),
]
TrimSlices = Annotated[
    Optional[int],
    typer.Option(help="The same in slices of the reference.", min=0, rich_help_panel=_METHOD),
]
Spacing = Annotated[
    Optional[float],
    typer.Option(
        help="Average on an isotropic grid of this voxel size, mm (the reference's own).",
        rich_help_panel=_METHOD,
    ),
]
SmoothMm = Annotated[
    float,
    typer.Option(
        help="Smooth shifts and rotations along the cord, SD in mm.",
        min=0.0,
        rich_help_panel=_METHOD,
    ),
]
BeyondReference = Annotated[
    bool,
    typer.Option(
        "--beyond-reference",
        help="Average also outside the reference's field of view.",
        rich_help_panel=_METHOD,
    ),
]
Exclude = Annotated[
    Optional[Path],
    typer.Option(
        help=(
            "List of participants or images to leave out: YAML, such as the page's qc_fail.yml, or"
            " text with one a line."
        )
    ),
]
Vert = Annotated[
    str,
    typer.Option(
        help="Vertebral levels over which areas are measured, where there are discs.",
        metavar="LEVELS",
    ),
]
Binary = Annotated[
    bool, typer.Option("--binary", help="Also write the ground truth at or above 0.5.")
]


def softgt_command(
    dataset: Dataset = None,
    out: Out = ...,
    reference: Reference = "T2w",
    mask: Mask = None,
    image: Image = None,
    discs: Discs = None,
    registration: Method = Registration.CENTERMASSROT,
    trim_mm: TrimMm = None,
    trim_slices: TrimSlices = None,
    spacing: Spacing = None,
    smooth_mm: SmoothMm = 0.0,
    beyond_reference: BeyondReference = False,
    exclude: Exclude = None,
    vert: Vert = "2:3",
    binary: Binary = False,
    bids_standard_names: StandardNames = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make one soft ground truth of the cord from the masks of several contrasts, in every
    contrast's own space.

    The masks are laid on the reference's slice by slice, averaged where each contrast reaches, and
    brought back.  Written for each contrast: NAME_label-SC_softseg.nii.gz with a sidecar, both
    transforms (ITK displacement fields, which Slicer opens), the discs; and for each participant a
    page to look at and a table of areas.  Inputs are never changed.

    One participant:  softcord softgt --mask T2w=t2_seg.nii.gz --mask T1w=t1_seg.nii.gz -o OUT

    A data set:  softcord softgt DATASET -o OUT --exclude exclude.yml
    """
    with guarded(debug, as_json):
        from ..morphometry import parse_levels
        from ..workflows.ground_truth.soft_ground_truth import SoftGroundTruthOptions
        from ..workflows.run_each import check_contrasts

        name, masks = _reference_and_masks(reference, mask or [])
        trims = _trims(trim_mm or [])
        method = _method(
            name, registration, trims, trim_slices, spacing, smooth_mm, beyond_reference
        )
        levels, as_dataset = tuple(parse_levels(vert)), dataset is not None
        options = SoftGroundTruthOptions(method, levels, as_dataset, binary, bids_standard_names)
        participants = _participants(dataset, masks, image or [], name, discs)
        contrasts = {contrast for one in participants for contrast in one.masks}
        check_contrasts(filter(None, trims), contrasts)
        _run(participants, out, options, exclude, debug, as_json)


def _run(
    participants: list[MaskedParticipant],
    out: Path,
    options: SoftGroundTruthOptions,
    exclude: Path | None,
    debug: bool,
    as_json: bool,
) -> None:
    from ..files import check_folder
    from ..workflows.ground_truth.soft_ground_truth import (
        check_paths,
        leave_out,
        make_soft_ground_truth,
    )

    left_out: list[str] = []
    if exclude is not None:
        participants, left_out = leave_out(participants, exclude, out, options)
    for sentence in left_out:
        warn(sentence)
    for one in participants:
        check_paths(one, out, options)
    check_folder(out)
    outcomes = run_with_bars(
        participants,
        lambda one, progress: make_soft_ground_truth(one, out, options, progress),
        debug,
    )
    _report(outcomes, left_out, out, options.as_dataset, as_json)
    if outcomes.failures or any(one.failures for one in outcomes.results):
        raise typer.Exit(EXIT_FAILED)


def _method(
    reference: str,
    registration: Registration,
    trims: dict[str, float],
    trim_slices: int | None,
    spacing: float | None,
    smooth_mm: float,
    beyond_reference: bool,
) -> GroundTruthOptions:
    from ..groundtruth import GroundTruthOptions, RegistrationOptions

    default = GroundTruthOptions()
    return GroundTruthOptions(
        reference=reference,
        registration=RegistrationOptions(registration.value, smooth_mm=smooth_mm),
        spacing_mm=spacing,
        trim_mm=trims.get("", default.trim_mm),
        trim_of={**default.trim_of, **{name: mm for name, mm in trims.items() if name}},
        trim_slices=trim_slices,
        beyond_reference=beyond_reference,
    )


def _reference_and_masks(reference: str, mask: list[str]) -> tuple[str, dict[str, Path]]:
    """The reference's name, and the masks by contrast; ``reference`` may bring its mask along."""
    masks = _named_files(mask, "--mask")
    name, equals, file = reference.partition("=")
    if not equals and reference.lower().endswith((".nii", ".nii.gz")):
        name, equals, file = "T2w", "=", reference
    if not equals:
        return name, masks
    if name in masks:
        raise OptionError(
            f"The mask of {name} is given twice, with --reference and with --mask.",
            hint="Give it once.",
        )
    return name, {name: Path(file), **masks}


def _participants(
    dataset: Path | None,
    masks: dict[str, Path],
    image: list[str],
    reference: str,
    discs: str | None,
) -> list[MaskedParticipant]:
    from ..workflows.ground_truth.masked_participants import find_masked_participants, given_masks
    from ..workflows.unused_masks import unused_masks

    if (dataset is None) == (not masks):
        raise OptionError(
            "Neither or both of a data set and masks are given.",
            hint="Give either the folder of a data set, or the masks of one participant with"
            " --mask NAME=FILE.",
        )
    if dataset is None:
        owner, _, file = (discs or "").partition("=")
        discs_of = owner if file and owner in masks else None
        path = Path(file if discs_of else discs) if discs else None
        return [given_masks(masks, _named_files(image, "--image"), reference, path, discs_of)]
    if image or discs is not None:
        raise OptionError(
            "--image and --discs are for the files of one participant.",
            hint="Leave them out: in a data set they are found by their names.",
        )
    participants = find_masked_participants(dataset, reference)
    used = [mask for one in participants for mask in one.masks.values()]
    for sentence in unused_masks(dataset, used, only_named=True):
        warn(sentence)
    return participants


def _named_files(texts: list[str], option: str) -> dict[str, Path]:
    """Files by contrast from texts such as "T1w=path/to/mask.nii.gz".

    Raises:
        OptionError: no "=", or a contrast twice.
    """
    files: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (equals and name and path):
            raise OptionError(
                f"{option} '{text}' does not name a contrast and a file.",
                hint="Give NAME=FILE, for example T1w=sub-01_T1w_seg.nii.gz.",
            )
        if name in files:
            raise OptionError(
                f"{option} {name} is given twice.", hint="Give each contrast its own name."
            )
        files[name] = Path(path)
    return files


def _trims(texts: list[str]) -> dict[str, float]:
    """Lengths in mm by contrast from texts such as "4" (for all, under "") and "T1w=0".

    Raises:
        OptionError: a text that is not a length.
    """
    lengths = {}
    for text in texts:
        name, _, length = text.rpartition("=")
        try:
            lengths[name] = float(length)
        except ValueError as error:
            raise OptionError(
                f"--trim-mm '{text}' is not a length.",
                hint="Give it in mm, or NAME=MM for one contrast.",
            ) from error
    return lengths


def _report(
    outcomes: Outcomes[MaskedParticipant, SoftGroundTruth],
    left_out: list[str],
    out: Path,
    as_dataset: bool,
    as_json: bool,
) -> None:
    results, failures = outcomes.results, outcomes.failures
    for one in results:
        for note in one.notes:
            warn(f"{one.name}: {note}")
        for contrast, error in one.failures:
            fail(f"{one.name}: {contrast} is left out. {error}")
    if as_dataset and results:
        from ..workflows.ground_truth.soft_ground_truth import write_overview

        errors = {one.name: str(one.error) for one in failures}
        lost = [
            f"{one.name}: {name} is left out: {reason}."
            for one in results
            for name, reason in one.participant.left_out
            if name in dict(one.failures)
        ]
        page = write_overview(results, errors, [*left_out, *lost], out)
        show_table(
            "Soft ground truths",
            ("Participant", "Contrasts", "Shift ≤, mm", "Rotation ≤, °"),
            [
                (one.name, len(one.truth.contrasts), *_motion(one.truth.contrasts))
                for one in results
            ],
        )
        count = len(results) + len(failures)
        say(f"{len(results)} of {count} participants were processed. Look at them: {page}")
    elif results:
        (one,) = results
        show_table(
            "Soft ground truth",
            ("Contrast", "Shift ≤, mm", "Rotation ≤, °", "File"),
            [
                (contrast.name, *_motion([contrast]), one.files[f"soft {contrast.name}"])
                for contrast in one.truth.contrasts
            ],
        )
        say(f"Look at it: {one.files['page']}")
    if as_json:
        failed = [{"participant": one.name, **json_of(one.error)} for one in failures]
        failed += [
            {"participant": one.name, "contrast": contrast, **json_of(error)}
            for one in results
            for contrast, error in one.failures
        ]
        made = [one.as_json() for one in results]
        print_json({"results": made, "failed": failed, "left_out": left_out})


def _motion(contrasts: Sequence[ContrastTruth]) -> tuple[str, str]:
    """The largest shift and rotation among them, as texts."""
    from ..groundtruth import largest_motion

    shift, angle = largest_motion(contrasts)
    return "–" if shift is None else f"{shift:.1f}", "–" if angle is None else f"{angle:.1f}"
