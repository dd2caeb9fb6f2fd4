"""``-vert 2:3 -perlevel 1``: the spelling of SCT's ``sct_process_segmentation``, translated.

Options that have the same meaning here are taken as they are; those that change nothing here are
left out with a note; for all others the answer names what to use instead.
"""

from __future__ import annotations

from typing import Any

from ..errors import OptionError
from .careful_command import CarefulCommand
from .console import warn
from .guard import guarded

# Options that take the same value here.
_SAME = {
    "-vert": "--vert",
    "-discfile": "--discs",
    "-vertfile": "--vertfile",
    "-centerline": "--centerline",
    "-angle-corr-centerline": "--centerline",
    "-anat": "--image",
    "-pmj": "--pmj",
    "-pmj-distance": "--pmj-distance",
    "-pmj-extent": "--pmj-extent",
}
# Switches, which take 0 or 1 -> ours for 0 and for 1; None where it is the default.
_SWITCHES = {
    "-perslice": (None, "--perslice"),
    "-perlevel": (None, "--perlevel"),
    "-angle-corr": ("--no-angle-corr", "--angle-corr"),
    "-normalize-PAM50": (None, "--normalize-pam50"),
    "-append": (None, "--append"),
}
# Options without effect here, with their value -> why.
_LEFT_OUT = {
    "-v": "softcord csa always says what it does; --debug also shows tracebacks",
    "-r": "softcord csa leaves no temporary files",
    "-overwrite": "the table is always written anew, unless --append is given",
    "-no-angle": "angles are corrected as with -angle-corr 1; for none use --no-angle-corr",
}
# Values that are what is done here anyway.
_DEFAULTS = {"-centerline-algo": ("bspline",), "-centerline-smooth": ("30",), "-symmetry": ("0",)}
# Options that have no counterpart -> what to do instead.
_NO_COUNTERPART = {
    "-centerline-algo": "The centreline is always SCT's default, bspline. To use a centreline of"
    " your own, give its file with --centerline.",
    "-centerline-smooth": "The centreline is always smoothed as by SCT's default, 30. To use a"
    " centreline of your own, give its file with --centerline.",
    "-symmetry": "Symmetry and quadrants are measured wherever an anatomical image is given: use"
    " --image FILE.",
    "-normalize": "Areas are not normalised by brain volume, thalamus volume and sex. Apply SCT's"
    " model to the column MEAN(area) of the table; for slices of the PAM50 template use"
    " --normalize-pam50.",
    "-qc": "There is no QC report. For a picture of the area along the cord use --figure FILE.png.",
    "-qc-image": "There is no QC report. For a picture of the area along the cord use --figure"
    " FILE.png.",
    "-qc-dataset": "There is no QC report, so leave it out.",
    "-qc-subject": "There is no QC report, so leave it out.",
    "-p": "The cord is always measured, as by SCT's -p csa, so leave it out.",
    "-ofolder": "Name the table with its folder: -o FOLDER/csa.csv.",
    "-l": "To take certain levels use --vert, for example --vert 2:3.",
    "-c": "The contrast does not matter for the area, so leave it out.",
    "-f": "Areas of other structures: give the mask of each as MASK, or --label N of one.",
    "-method": "The area is the sum of the soft values in each slice. For one within a contour use"
    " --threshold T.",
    "-param-centerline": "The centreline is always SCT's default, bspline. To use a centreline of"
    " your own, give its file with --centerline.",
    "-s": "Give the mask without an option: softcord csa MASK. Its anatomical image is --image.",
}


class SctSpelling(CarefulCommand):
    """A command that takes SCT's spelling too; its help shows ours only."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Called with the words after the command's name."""
        with guarded(as_json="--json" in args):
            args = our_spelling(args)
        return super().parse_args(ctx, args)


def our_spelling(args: list[str]) -> list[str]:
    """The same words with SCT's options translated; all others stay as they are.

    Raises:
        OptionError: an option of SCT's that has no counterpart; the hint says what to do.
    """
    words, ours = list(args), []
    while words:
        word = words.pop(0)
        following = words[0] if words else None
        if word == "--":
            return [*ours, word, *words]
        if word == "-i" and words:
            ours.append(words.pop(0))  # the mask, which has no option here
        elif word in _SWITCHES and following in ("0", "1"):
            switch = _SWITCHES[word][int(words.pop(0))]
            ours += [switch] if switch else []
        elif (
            word == "-symmetry"
            and following == "1"
            and _names_an_image(args)
            or following is not None
            and following in _DEFAULTS.get(word, ())
        ):
            words.pop(0)
        elif word in _SWITCHES:
            raise OptionError(
                f"{word} is SCT's spelling, which needs 0 or 1 after it.",
                hint=f"Write {word} 1, or {_SWITCHES[word][1]}.",
            )
        elif word in _NO_COUNTERPART:
            raise OptionError(
                f"{word} is an option of SCT that softcord csa does not have.",
                hint=_NO_COUNTERPART[word],
            )
        elif word in _LEFT_OUT:
            if following is not None and following.isdecimal():
                words.pop(0)
            warn(f"{word} is an option of SCT and was left out: {_LEFT_OUT[word]}.")
        else:
            ours.append(_SAME.get(word, word))
    return ours


def _names_an_image(args: list[str]) -> bool:
    return any(word in ("-anat", "--image") or word.startswith("--image=") for word in args)
