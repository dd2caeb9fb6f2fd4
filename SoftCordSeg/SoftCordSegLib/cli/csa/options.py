"""The options of ``softcord csa``, as typer wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

_ROWS, _LEVELS, _HOW, _MORE = "Rows", "Levels and landmarks", "How to measure", "More results"


def _option(panel: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, rich_help_panel=panel, **settings)


Masks = Annotated[
    list[Path],
    typer.Argument(
        help="Soft or binary masks of the cord, .nii or .nii.gz.",
        metavar="MASK…",
        show_default=False,
    ),
]
Out = Annotated[
    Path, typer.Option("-o", "--out", help="Table to write: .csv, or .json with every slice.")
]

PerSlice = Annotated[bool, _option(_ROWS, "--perslice", help="One row a slice.")]
PerLevel = Annotated[bool, _option(_ROWS, "--perlevel", help="One row a vertebral level.")]
Vert = Annotated[
    Optional[str],
    _option(_ROWS, "--vert", help="Only these levels: 2:3 or C2:C3 or 2,4.", metavar="LEVELS"),
]
Slices = Annotated[
    Optional[str],
    _option(
        _ROWS,
        "-z",
        "--slices",
        help="Only these slices: 5:15 or 3,5 (0 is lowest).",
        metavar="SLICES",
    ),
]

Discs = Annotated[
    Optional[Path],
    _option(
        _LEVELS,
        "--discs",
        help="Disc labels: an image with SCT's values, or Slicer's points (.mrk.json, .fcsv).",
    ),
]
FindDiscs = Annotated[
    bool,
    _option(
        _LEVELS,
        "--find-discs",
        help="Take each subject's …_label-discs_dlabel from beside its mask.",
    ),
]
Vertfile = Annotated[
    Optional[Path],
    _option(
        _LEVELS,
        "--vertfile",
        help="Instead: a segmentation labelled with levels. A MASK that is labelled so needs none.",
    ),
]
Pmj = Annotated[
    Optional[Path],
    _option(
        _LEVELS,
        "--pmj",
        help=(
            "Pontomedullary junction: an image with the value 50, or a point PMJ. Gives"
            " DistancePMJ."
        ),
    ),
]
PmjDistance = Annotated[
    Optional[float],
    _option(
        _LEVELS,
        "--pmj-distance",
        help="Measure around this distance below the junction, mm along the cord.",
        metavar="MM",
    ),
]
PmjExtent = Annotated[
    float, _option(_LEVELS, "--pmj-extent", help="Length of cord to take there, mm.", metavar="MM")
]

AngleCorr = Annotated[
    bool,
    _option(
        _HOW,
        "--angle-corr/--no-angle-corr",
        help="Measure at right angles to the cord, or in the slice's plane.",
    ),
]
Tilt = Annotated[
    str,
    _option(
        _HOW,
        "--tilt",
        help=(
            "For a cord that leans sideways and forwards at once: sct takes off both cosines, as"
            " SCT does; exact takes off the lean's own (the areas differ by 1 % at 30°, by 3.5 % at"
            " 40°)."
        ),
        metavar="sct|exact",
    ),
]
Threshold = Annotated[
    str,
    _option(
        _HOW,
        "--threshold",
        help="soft: partial volumes count; a number: the mask is cut there first.",
        metavar="soft|T",
    ),
]
Rescaling = Annotated[
    str,
    _option(
        _HOW,
        "--rescaling",
        help=(
            "sct: each slice is divided by its maximum, as SCT does; none: soft values as they are."
        ),
        metavar="sct|none",
    ),
]
Image = Annotated[
    Optional[Path],
    _option(
        _HOW,
        "--image",
        help="Anatomical image on the mask's grid: adds SCT's quadrants and left-right symmetry.",
    ),
]
Centreline = Annotated[
    Optional[Path],
    _option(
        _HOW,
        "--centerline",
        help="Mask or centreline whose angles to use, for example the cord's for its grey matter.",
    ),
]
NormalizePam50 = Annotated[
    bool,
    _option(
        _HOW, "--normalize-pam50", help="Slices are those of the PAM50 template, level by level."
    ),
]

CompareOut = Annotated[
    Optional[Path],
    _option(
        _MORE,
        "--compare",
        help=(
            "Second table, .csv, for masks of one subject in several contrasts: a row a level (with"
            " --pmj-distance that place; without levels a slice, on one grid), a column a contrast,"
            " then mean, SD over the contrasts (n - 1, as in the paper), CV."
        ),
        metavar="FILE",
    ),
]
Subject = Annotated[
    Optional[str],
    _option(
        _MORE,
        "--subject",
        help="With --compare: all masks are of this subject. Else sub-… in the names tells.",
    ),
]
Figure = Annotated[
    Optional[Path],
    _option(
        _MORE,
        "--figure",
        help=(
            "Picture, .png, .pdf or .svg: the area along the cord; with --compare the contrasts by"
            " level."
        ),
        metavar="FILE",
    ),
]
Append = Annotated[
    bool, _option(_MORE, "--append", help="Add the rows to the table that is there.")
]
