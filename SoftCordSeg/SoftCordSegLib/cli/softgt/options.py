"""The options of ``softcord softgt``, and how their words are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ..guard import UsageProblem

if TYPE_CHECKING:
    from ...groundtruth import GroundTruthOptions

_ONE = "One participant"
_METHOD = "Method"

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
Registration = Annotated[
    str,
    typer.Option(
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


def options_from_words(
    reference: str,
    method: str,
    trims: list[str],
    slices: int | None,
    spacing: float | None,
    smooth: float,
    beyond: bool,
) -> GroundTruthOptions:
    """The method's options from the command's words.

    Raises:
        UsageProblem: a word of ``trims`` is no length.
        InputError: values that cannot be used.
    """
    from ...groundtruth import GroundTruthOptions, RegistrationOptions

    default = GroundTruthOptions()
    trim_mm, trim_of = default.trim_mm, dict(default.trim_of)
    for word in trims:
        name, equals, value = word.rpartition("=")
        try:
            millimetres = float(value)
        except ValueError as error:
            raise UsageProblem(
                f"--trim-mm is a length in mm, or NAME=MM for one contrast; '{word}' is neither."
            ) from error
        if equals:
            trim_of[name] = millimetres
        else:
            trim_mm = millimetres
    return GroundTruthOptions(
        reference=reference,
        registration=RegistrationOptions(method=method, smooth_mm=smooth),
        spacing_mm=spacing,
        trim_mm=trim_mm,
        trim_of=trim_of,
        trim_slices=slices,
        beyond_reference=beyond,
    )
