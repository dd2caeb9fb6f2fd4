"""The options of ``softcord prepare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from ..guard import UsageProblem

_ONE = "One participant"
_MOVED = "Diffusion and functional series"

What = Annotated[
    list[str],
    typer.Argument(
        help=(
            "A data set (sub-…/anat, dwi, func), or the images of one participant (a contrast given"
            " again is an echo)."
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
        help="Name, where the files do not tell.",
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
B0Below = Annotated[
    float,
    typer.Option(
        help="A volume with a b-value below this has b = 0, s/mm².", min=0.0, rich_help_panel=_MOVED
    ),
]
Moco = Annotated[
    bool,
    typer.Option(
        "--moco/--no-moco", help="Correct motion before averaging.", rich_help_panel=_MOVED
    ),
]
Group = Annotated[
    int,
    typer.Option(
        help=(
            "So many successive volumes move together: 1, or more where single volumes are too"
            " noisy (SCT: 3)."
        ),
        min=1,
        rich_help_panel=_MOVED,
    ),
]
Degree = Annotated[
    int,
    typer.Option(
        help="Of the polynomial that shifts follow along the cord; -1: every slice by itself.",
        min=-1,
        rich_help_panel=_MOVED,
    ),
]
Width = Annotated[
    float,
    typer.Option(
        help="Diameter of the column about the cord in which volumes are compared, mm.",
        min=5.0,
        rich_help_panel=_MOVED,
    ),
]


def spacings_of(words: list[str]) -> dict[str, float]:
    """Voxel sizes by contrast from words such as "T2w=0.8".

    Raises:
        UsageProblem: a word that is not that, or a size that no image has.
    """
    sizes = {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            sizes[name] = float(text)
        except ValueError as error:
            raise UsageProblem(
                f"--resample is CONTRAST=MM, for example T2w=0.8; '{word}' is not."
            ) from error
        if not name or not 0.1 <= sizes[name] <= 10:
            raise UsageProblem(f"--resample is CONTRAST=MM with 0.1 to 10 mm; '{word}' is not.")
    return sizes
