"""``--participant-label 01 02``: the spelling of BIDS Apps; an option may take several words."""

from __future__ import annotations

from typing import Any

from .careful_command import CarefulCommand

SEVERAL = ("--participant-label", "--session-label", "--suffixes")
_UNDERSCORES = ("--participant_label", "--session_label", "--bids_filter_file")
_OTHERS = {"--n_cpus": "--nprocs", "--skip_bids_validation": "--skip-bids-validation"}


class BidsAppCommand(CarefulCommand):
    """A command that takes several words after an option, and BIDS Apps' older spelling."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Called with the words after the command's name."""
        return super().parse_args(ctx, our_words(args))


def our_words(args: list[str]) -> list[str]:
    """The same with the option before each of several words; commas part words too."""
    ours: list[str] = []
    option = ""
    for word in args:
        name, has_value, value = word.partition("=")
        if word.startswith("-"):
            name = name.replace("_", "-") if name in _UNDERSCORES else _OTHERS.get(name, name)
            option = name if name in SEVERAL and not has_value else ""
            if name in SEVERAL:
                ours += _each(name, value)
            else:
                ours.append(f"{name}={value}" if has_value else name)
        elif option:
            ours += _each(option, word)
        else:
            ours.append(word)
    return ours


def _each(option: str, words: str) -> list[str]:
    return [part for word in words.split(",") if word for part in (option, word)]
