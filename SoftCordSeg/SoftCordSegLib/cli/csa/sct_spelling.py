"""``-vert 2:3 -perlevel 1``: SCT's own spelling of the options, for fingers that know it."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

# SCT's options that take the same value as ours.
_SAME = {
    "-vert": "--vert",
    "-discfile": "--discs",
    "-vertfile": "--vertfile",
    "-centerline": "--centerline",
    "-pmj": "--pmj",
    "-pmj-distance": "--pmj-distance",
    "-pmj-extent": "--pmj-extent",
}
# SCT's switches, which take 0 or 1 -> ours for 0 and for 1; None where it is the default.
_SWITCHES = {
    "-perslice": (None, "--perslice"),
    "-perlevel": (None, "--perlevel"),
    "-angle-corr": ("--no-angle-corr", "--angle-corr"),
    "-normalize-PAM50": (None, "--normalize-pam50"),
    "-append": (None, "--append"),
}


class SctSpelling(TyperCommand):
    """A command that takes SCT's spelling too; its help shows ours only."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Called with the words after the command's name."""
        return super().parse_args(ctx, our_spelling(args))


def our_spelling(args: list[str]) -> list[str]:
    """The same words with SCT's options put in our way; all others stay as they are."""
    words, ours = list(args), []
    while words:
        word = words.pop(0)
        if word == "--":
            return [*ours, word, *words]
        if word == "-i" and words:
            ours.append(words.pop(0))  # the mask, which has no option here
            continue
        if word in _SWITCHES and words and words[0] in ("0", "1"):
            switch = _SWITCHES[word][int(words.pop(0))]
            ours += [switch] if switch else []
        else:
            ours.append(_SAME.get(word, word))
    return ours
