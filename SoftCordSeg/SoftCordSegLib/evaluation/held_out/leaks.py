"""Whether a participant of an evaluation list is trained on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..case_table import Case

# Data sets that are never trained on, listed or not (../shared/data/README.md).
EVALUATE_ONLY = ("sct-testing", "lumbar", "without-cord")


def leaks(evaluated: Sequence[Case], trained: Iterable[Case]) -> list[str]:
    """One sentence for each image of a training list that shows a participant of an evaluation
    list, labelled or not.

    A participant is known by name (with or without "sub-"), by the image file, and by a file name
    that begins with the name.

    Args:
        evaluated: images that no training may see.
        trained: images of a training list.
    """
    return [
        f"{case.participant} ('{case.image.name}') is trained on and is {reason}"
        for case in trained
        for reason in [leak_of(evaluated, case.participant, case.image)]
        if reason
    ]


def leak_of(evaluated: Sequence[Case], participant: str, image: str | Path) -> str:
    """Why an image that is trained on counts as one of the evaluation list; "" where it does not.

    Args:
        evaluated: images that no training may see.
        participant: whose the image is, as the training says.
        image: its file, or its name without extension.
    """
    name, image = _plain(participant), Path(image)
    for case in evaluated:
        evaluated_name = _plain(case.participant)
        if name == evaluated_name:
            return f"{case.participant} of the evaluation list."
        if image.name.split(".")[0] == case.stem and (
            not image.parent.name or image.parent.name == case.image.parent.name
        ):
            return f"the image '{case.image.name}' of {case.participant} of the evaluation list."
        if re.match(rf"{re.escape(evaluated_name)}(?=ses|[_.-]|$)", _plain(image.name)):
            return f"by its file name an image of {case.participant} of the evaluation list."
    if image.parent.name in EVALUATE_ONLY:
        return f"of the data set {image.parent.name}, which is never trained on."
    return ""


def _plain(participant: str) -> str:
    """A participant's name without "sub-" and case."""
    return re.sub("^sub-", "", participant.strip().casefold())
