"""Which participants are held out: a bundle is scored on those that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError, OptionError
from .corrected_cases import CorrectedCase


@dataclass(frozen=True)
class HoldOut:
    """What to hold out.

    Attributes:
        fraction: of the participants, above 0 and below 1; at least one is held out, and one is
            left to learn from.
        participants: these instead; () holds out none.
    """

    fraction: float = 0.2
    participants: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, text: str) -> HoldOut:
        """From "0.2", "sub-01,sub-07" or "none".

        Raises:
            OptionError: none of these.
        """
        words = tuple(word.strip() for word in text.split(",") if word.strip())
        if words == ("none",):
            return cls(participants=())
        try:
            fraction = float(text)
        except ValueError:
            fraction = None
        if fraction is not None and not 0 < fraction < 1 or not words:
            raise OptionError(
                f"'{text}' is neither a fraction of the participants nor names of participants.",
                hint="Hold out a fraction (0.2), participants by name (sub-01,sub-07), or none.",
            )
        return cls(fraction) if fraction is not None else cls(participants=words)


@dataclass(frozen=True, eq=False)
class Split:
    """Attributes: cases to learn from, cases held out, and sentences that the user should know."""

    training: tuple[CorrectedCase, ...]
    held_out: tuple[CorrectedCase, ...]
    notes: tuple[str, ...] = ()


def split_cases(
    cases: Sequence[CorrectedCase], wanted: HoldOut, seed: int, seen: frozenset[str] = frozenset()
) -> Split:
    """Hold out participants, whole ones only.

    Args:
        cases: all of them.
        wanted: how many, or which.
        seed: of the choice by fraction.
        seen: SHA-256 of images that the bundle was trained on before; their participants are held
            out last.

    Raises:
        InputError: one participant only.
        OptionError: a name that is not there, or none left to learn from.
    """
    participants = sorted({case.participant for case in cases})
    if wanted.participants is None:
        chosen = _drawn(cases, participants, wanted.fraction, seed, seen)
    else:
        chosen = set(wanted.participants)
        for name in wanted.participants:
            if name not in participants:
                raise OptionError(
                    f"There is no participant '{name}' to hold out.",
                    hint=f"Choose among {', '.join(participants)}.",
                )
        if len(chosen) == len(participants):
            raise OptionError(
                "All participants would be held out, so that nothing is left to learn from.",
                hint="Hold out fewer.",
            )
    training = tuple(case for case in cases if case.participant not in chosen)
    held_out = tuple(case for case in cases if case.participant in chosen)
    notes = []
    known = sorted({case.participant for case in held_out if case.sha256["image"] in seen})
    if known:
        notes.append(
            f"The bundle was trained on images of {', '.join(known)} before, so that on them it"
            " looks better than it is. Hold out others."
        )
    if not held_out:
        notes.append(
            "Nothing is held out: whether the new bundle does better stays unknown; only"
            " forgetting is watched."
        )
    return Split(training, held_out, tuple(notes))


def _drawn(
    cases: Sequence[CorrectedCase],
    participants: list[str],
    fraction: float,
    seed: int,
    seen: frozenset[str],
) -> set[str]:
    if len(participants) == 1:
        raise InputError(
            f"All cases are of one participant ({participants[0]}), so that it stays unknown"
            " whether the new bundle does better.",
            hint="Add cases of another participant, or hold out none.",
        )
    count = min(max(round(fraction * len(participants)), 1), len(participants) - 1)
    order = np.random.default_rng(seed).permutation(participants)
    known = {case.participant for case in cases if case.sha256["image"] in seen}
    return set(sorted(order, key=lambda name: name in known)[:count])
