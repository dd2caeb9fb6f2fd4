"""The options of ``softcord evaluate``, as typer wants them, and how their words are read."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ...errors import InputError
from ..guard import UsageProblem

if TYPE_CHECKING:
    from ...evaluation import Place
    from ...reports.evaluation_figures import FigureOptions

_METHODS, _NUMBERS, _FIGURES = "Methods", "Numbers", "Figures"
_KINDS = ("png", "svg", "pdf")


def _option(panel: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel=panel, **settings)


Cases = Annotated[
    Path,
    typer.Argument(
        help=(
            "Table of images, .csv, .tsv or .json: participant, contrast, image; and where known"
            " reference (mask), discs or levels, grid (images of one participant on one grid),"
            " whole_field (yes or no), dataset."
        ),
        metavar="CASES",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "-o", "--out", help="Folder for tables, figures, masks and index.html.", show_default=False
    ),
]
Root = Annotated[
    Optional[Path],
    typer.Option(help="Folder that paths in CASES start from; by default that of CASES."),
]

Methods = Annotated[
    list[str],
    _option(
        _METHODS,
        "-m",
        "--method",
        help=(
            "A method by its name: a folder of its masks (found by the image's name), or a model"
            " bundle, which segments the images now. Repeat it for each method."
        ),
        metavar="NAME=FOLDER|BUNDLE",
        show_default=False,
    ),
]
Suffix = Annotated[
    Optional[list[str]],
    _option(
        _METHODS,
        "--suffix",
        help=(
            "What masks in folders are called after the image's name, as _seg; of one method:"
            " NAME=_seg."
        ),
        metavar="[NAME=]ENDING",
    ),
]
Drift = Annotated[
    bool,
    _option(_METHODS, "--drift", help="The methods are releases of one model, the oldest first."),
]
DriftLimit = Annotated[
    float,
    _option(
        _METHODS,
        "--drift-limit",
        help="Flag images whose CSA moves by more from release to release, per cent.",
        min=0.0,
    ),
]

Threshold = Annotated[
    float,
    _option(
        _NUMBERS,
        "--threshold",
        help="Where masks are cut for Dice, volume, distance and pieces.",
        min=1e-6,
        max=1.0,
    ),
]
Thresholds = Annotated[
    Optional[str],
    _option(_NUMBERS, "--thresholds", help="Compare these too: 0.3,0.5,0.7.", metavar="T,T,…"),
]
CsaThreshold = Annotated[
    str,
    _option(
        _NUMBERS,
        "--csa-threshold",
        help=(
            "Which CSA tests, tables and figures are of: soft, partial volumes counted; or cut at a"
            " number (0.5: what the paper published). The CSV files have both."
        ),
        metavar="soft|T",
    ),
]
Rescaling = Annotated[
    str,
    _option(
        _NUMBERS,
        "--rescaling",
        help="none: soft values as they are; sct: each slice is divided by its maximum.",
        metavar="none|sct",
    ),
]
Vert = Annotated[
    Optional[str],
    _option(
        _NUMBERS,
        "--vert",
        help=(
            "CSA at these levels: 2:3 or C2:C3. By default C2:C3 if all images have discs or"
            " levels."
        ),
        metavar="LEVELS",
    ),
]
Slices = Annotated[
    Optional[str],
    _option(
        _NUMBERS,
        "-z",
        "--slices",
        help="CSA in these slices instead: 5:15 (0 is lowest).",
        metavar="SLICES",
    ),
]

Resolutions = Annotated[
    Optional[str],
    _option(
        _NUMBERS,
        "--resolutions",
        help=(
            "CSA at other voxel sizes too, mm: 1,0.5x0.5x5 (R-L x A-P x S-I). Models segment the"
            " resampled images; of folders the masks are resampled."
        ),
        metavar="MM,MMxMMxMM,…",
    ),
]

Figures = Annotated[
    bool,
    _option(
        _FIGURES,
        "--figures/--no-figures",
        help="Draw figures and the page index.html, or write numbers only.",
    ),
]
Kinds = Annotated[
    str,
    _option(
        _FIGURES, "--kinds", help="Kinds of files of each figure: png,svg,pdf.", metavar="KIND,…"
    ),
]
Pair = Annotated[
    Optional[str],
    _option(
        _FIGURES,
        "--pair",
        help="Contrasts of the scatter: T1w,T2w by default.",
        metavar="CONTRAST,CONTRAST",
    ),
]
Panels = Annotated[
    int, _option(_FIGURES, "--panels", help="Images in the figure of outlines.", min=0, max=20)
]
DropOutliers = Annotated[
    bool,
    _option(
        _FIGURES,
        "--drop-outliers",
        help="Leave values with |z| ≥ 3 out of the violins, as the paper did.",
    ),
]


def parse_thresholds(text: str | None) -> tuple[float, ...]:
    """Numbers above 0 and up to 1.

    Raises:
        UsageProblem: something else.
    """
    try:
        values = tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        values = (0.0,)
    if any(not 0.0 < value <= 1.0 for value in values):
        raise UsageProblem(
            f"--thresholds are numbers above 0 and up to 1, as 0.3,0.5,0.7; '{text}' is not that."
        )
    return values


def parse_resolutions(text: str | None) -> list[tuple[float, float, float]]:
    """Voxel sizes along R-L, A-P, S-I, mm; one number is for all three.

    Raises:
        UsageProblem: something else.
    """
    sizes = []
    for part in text.split(",") if text else ():
        try:
            numbers = [float(number) for number in part.lower().split("x")]
        except ValueError:
            numbers = []
        numbers = numbers * 3 if len(numbers) == 1 else numbers
        if len(numbers) != 3 or any(not 0.05 <= number <= 50.0 for number in numbers):
            raise UsageProblem(
                f"--resolutions are voxel sizes of 0.05 to 50 mm, as 1,0.5x0.5x5; '{part}' is not"
                " that."
            )
        sizes.append((numbers[0], numbers[1], numbers[2]))
    return sizes


def parse_csa_threshold(text: str) -> float | None:
    """None for "soft", else a number above 0 and up to 1.

    Raises:
        UsageProblem: neither.
    """
    if text == "soft":
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 1.0:
        raise UsageProblem(
            f"--csa-threshold is soft, or a number above 0 and up to 1; '{text}' is neither."
        )
    return value


def parse_place(vert: str | None, slices: str | None) -> Place | None:
    """Where CSA is averaged; None where the user did not say.

    Raises:
        UsageProblem: both, or words that cannot be read.
    """
    from ...evaluation import Place
    from ...morphometry import parse_levels, parse_slices

    if vert is not None and slices is not None:
        raise UsageProblem("Give either --vert or --slices, not both.")
    try:
        if vert is not None:
            return Place(levels=tuple(parse_levels(vert)), name=vert)
        return (
            None
            if slices is None
            else Place(slices=tuple(parse_slices(slices)), name=f"slices {slices}")
        )
    except InputError as error:
        raise UsageProblem(str(error)) from error


def parse_figures(
    kinds: str, drop_outliers: bool, pair: str | None, panels: int, contrasts: Container[str]
) -> FigureOptions:
    """What to draw.

    Raises:
        UsageProblem: an unknown kind of file, or not two of the ``contrasts`` that there are.
    """
    from ...reports.evaluation_figures import FigureOptions

    names = tuple(dict.fromkeys(part.strip().lower() for part in kinds.split(",")))
    unknown = [name for name in names if name not in _KINDS]
    if unknown:
        raise UsageProblem(f"--kinds are of {', '.join(_KINDS)}; '{unknown[0]}' is none of them.")
    both = None if pair is None else tuple(part.strip() for part in pair.split(","))
    if both is not None and (len(both) != 2 or both[0] == both[1]):
        raise UsageProblem(f"--pair is two contrasts, as T1w,T2w; '{pair}' is not that.")
    absent = [name for name in both or () if name not in contrasts]
    if absent:
        raise UsageProblem(
            f"--pair {pair}: there is no contrast '{absent[0]}' in the table of cases."
        )
    return FigureOptions(names, drop_outliers, both, panels)
