"""What the commands of ``softcord review`` share: options, and how a verdict is spelt and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ..errors import OptionError

if TYPE_CHECKING:
    from ..review import Judgement, Verdict

RATER_VARIABLE = "SOFTCORDSEG_RATER"
# As they are typed in a shell, where a space would need quotes.
WORDS = {"pass": "pass", "fail": "fail", "artefact": "artefact", "correct": "to correct"}
_OTHER_WORDS = {"artifact": "artefact", "to correct": "to correct", "to-correct": "to correct"}

Dataset = Annotated[
    Path,
    typer.Argument(
        help="BIDS data set, or any folder of images and masks.",
        metavar="DATASET",
        show_default=False,
    ),
]
Rater = Annotated[
    Optional[str],
    typer.Option(
        "--rater",
        help="Name of the rater, as it shall stand with the verdicts.",
        metavar="NAME",
        envvar=RATER_VARIABLE,
        show_default=False,
    ),
]
ReadingName = Annotated[
    str,
    typer.Option(
        "--reading", help="A second reading; the first by default.", metavar="NAME", show_default=""
    ),
]
OrderName = Annotated[
    str,
    typer.Option(
        "--order",
        help="Doubtful cases first (doubt), those worth teaching first (teach), or by name (name).",
        metavar="doubt|teach|name",
    ),
]


def needed_rater(name: str | None) -> str:
    """The rater's name.

    Raises:
        OptionError: none was given.  The name of the computer's user is never written: whether it
            may stand in a shared folder is for the rater to say.
    """
    if not name:
        raise OptionError(
            "Whose verdict is it?",
            hint=f"Give --rater NAME, or set the variable {RATER_VARIABLE} once.",
        )
    return name


def judgement_of(word: str) -> Judgement:
    """The verdict of a word.

    Raises:
        OptionError: it is none.
    """
    from ..review import Judgement

    small = word.strip().lower()
    known = WORDS.get(small) or _OTHER_WORDS.get(small)
    if known is None:
        raise OptionError(f"'{word}' is no verdict.", hint=f"Choose among {', '.join(WORDS)}.")
    return Judgement(known)


def verdict_text(verdict: Verdict | None, earlier: bool = False, with_rater: bool = False) -> str:
    """ "fail, rank 3, of an earlier mask"; "" for none."""
    if verdict is None:
        return ""
    parts = [] if verdict.verdict is None else [verdict.verdict.value]
    parts += [] if verdict.rank is None else [f"rank {verdict.rank}"]
    parts += ["of an earlier mask"] if earlier else []
    parts += [verdict.rater] if with_rater and parts else []
    return ", ".join(parts)
