"""``softcord review``: the cases of a data set, the next one, and verdicts on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import InputError, OptionError, counted
from .careful_command import CarefulCommand
from .console import print_json, say, show_table, warn
from .guard import guarded
from .review_options import (
    WORDS,
    Dataset,
    OrderName,
    Rater,
    ReadingName,
    judgement_of,
    needed_rater,
    verdict_text,
)
from .shared_options import Debug, Json

if TYPE_CHECKING:
    from ..review import Judgement, Verdict
    from ..workflows.review.review_session import ReviewRow, ReviewSession

review_app = typer.Typer(
    help="Review the masks of a data set: doubtful ones first, verdicts, a second reading.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_MOST_PROBLEMS, _LONGEST_SHOWN = 10, 160
Said = Annotated[
    Optional[str],
    typer.Option(
        "--verdict", help="Only cases with this verdict.", metavar="|".join(WORDS), show_default=""
    ),
]


@review_app.command("list", cls=CarefulCommand)
def list_command(
    dataset: Dataset,
    rater: Rater = None,
    reading: ReadingName = "",
    order: OrderName = "doubt",
    open_only: Annotated[
        bool, typer.Option("--open", help="Only cases without a verdict.")
    ] = False,
    said: Said = None,
    contrast: Annotated[
        str, typer.Option(help="Only images of this contrast, such as T2w.", show_default="")
    ] = "",
    search: Annotated[
        str,
        typer.Option(
            help="Only cases with these words in name, reason or comment.", show_default=""
        ),
    ] = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the cases of a data set with their doubt and verdict; nothing is computed or written.

    With --rater, verdict and what is open are that rater's; else the newest of any rater.
    """
    with guarded(debug, as_json):
        if open_only and said:
            raise OptionError("--open and --verdict exclude each other.", hint="Give one of them.")
        session = _session(dataset, rater or "", reading, order)
        wanted: Any = judgement_of(said) if said else "open" if open_only else None
        rows = session.filtered(search, wanted, _known_contrast(session, contrast))
        _show_list(session, rows)
        if as_json:
            print_json(
                {
                    "done": session.done,
                    "total": session.total,
                    "seconds_left": session.seconds_left,
                    "cases": [_as_json(session, row) for row in rows],
                }
            )


@review_app.command("next", cls=CarefulCommand)
def next_command(
    dataset: Dataset,
    rater: Rater = None,
    reading: ReadingName = "",
    order: OrderName = "doubt",
    skip: Annotated[
        bool, typer.Option("--skip", help="Leave the case where you stopped for later.")
    ] = False,
    copy_to: Annotated[
        Optional[Path],
        typer.Option(
            "--copy-to",
            help="Copy image and mask there, under a neutral name: for blinded readings.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show the next case to judge, with its files: the one where the rater stopped, while it has
    no verdict, else the next open one.  Where the rater is, is stored.

    Of a blinded reading no file is named; --copy-to gives copies under neutral names.
    """
    with guarded(debug, as_json):
        from ..workflows.review.neutral_copies import neutral_copies

        session = _session(dataset, needed_rater(rater), reading, order)
        row = session.current
        if row is None or skip or not row.is_open:
            row = session.next_open()
        else:
            session.go_to(row.case.key)
        copies: list[Path] = []
        if row is None:
            say(f"{counted(session.total, 'case')}, all with a verdict of '{session.rater}'.")
        else:
            if copy_to is not None:
                copies = neutral_copies(session, row.case.key, copy_to)
            _show_case(session, row, copies)
        if as_json:
            content = {
                "case": None if row is None else _as_json(session, row),
                "copies": [str(path) for path in copies],
                "done": session.done,
                "total": session.total,
            }
            print_json(content)


@review_app.command("verdict", cls=CarefulCommand)
def verdict_command(
    dataset: Dataset,
    case: Annotated[
        str,
        typer.Argument(
            help="As 'softcord review list' shows it, or its last part, such as sub-01_T2w.",
            metavar="CASE",
        ),
    ],
    word: Annotated[
        Optional[str],
        typer.Argument(
            help="What you say of the mask.", metavar="|".join(WORDS), show_default=False
        ),
    ] = None,
    rater: Rater = None,
    reading: ReadingName = "",
    rank: Annotated[
        Optional[int], typer.Option(help="0 (worst) to 9 (best).", metavar="0-9")
    ] = None,
    comment: Annotated[str, typer.Option(help="In your words.", show_default="")] = "",
    seconds: Annotated[float, typer.Option(help="That you looked at the case.")] = 0.0,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take your newest verdict on the case back.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Store a verdict on the mask of a case.

    Your newest verdict on a case counts.  The line is appended to a file of your own in
    derivatives/review/verdicts; those of others are never touched.
    """
    with guarded(debug, as_json):
        judged = None if word is None else judgement_of(word)
        _check_verdict(judged, rank, comment, undo)
        session = _session(dataset, needed_rater(rater), reading, "name")
        row = session.find(case)
        if undo:
            given = session.undo(row.case.key)
        else:
            before = None if session.of_earlier_mask(row) else row.verdict
            if judged is None and before is not None:
                # A rank or a comment is added to what was said.
                judged, rank = before.verdict, before.rank if rank is None else rank
                comment = comment or before.comment
            given = session.judge(judged, rank, comment, seconds, key=row.case.key)
        text = verdict_text(given) or ("no verdict" if undo else "a comment")
        say(f"Stored: {text} on '{row.shown_name}', by '{given.rater}'.")
        if row.case.mask is None:
            warn("The case has no mask: the verdict is on the image alone.")
        say(session.progress_text())
        if as_json:
            print_json(
                {
                    **_verdict_json(session, given),
                    "name": row.shown_name,
                    "done": session.done,
                    "total": session.total,
                }
            )


def _check_verdict(judged: Judgement | None, rank: int | None, comment: str, undo: bool) -> None:
    given = judged is not None or rank is not None or bool(comment.strip())
    if undo and given:
        raise OptionError("--undo takes back; it stands without a verdict, rank or comment.")
    if not undo and not given:
        raise OptionError(
            "No verdict was given.",
            hint=f"Give one of {', '.join(WORDS)}, a --rank, or a --comment.",
        )


def _session(dataset: Path, rater: str, reading: str, order: str) -> ReviewSession:
    from ..workflows.review.review_session import ReviewOptions, ReviewSession

    return ReviewSession(dataset, ReviewOptions(rater, order, reading))  # type: ignore[arg-type]


def _known_contrast(session: ReviewSession, contrast: str) -> str:
    if contrast and contrast not in session.contrasts:
        raise InputError(
            f"No image has the contrast '{contrast}'.",
            hint=f"Choose among {', '.join(session.contrasts)}.",
        )
    return contrast


def _brief(comment: str) -> str:
    """A comment for a line of a table; --json has the whole."""
    text = " ".join(comment.split())
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def _show_list(session: ReviewSession, rows: list[ReviewRow]) -> None:
    sound = [row for row in rows if row.can_be_judged]
    show_table(
        f"{len(sound)} of {counted(session.total, 'case')}",
        ("Case", "Doubt", "Reason", "Verdict", "Comment"),
        [
            (
                row.shown_name,
                "" if row.doubt is None else f"{row.doubt.score:.2f}",
                "" if row.doubt is None else row.doubt.reason,
                verdict_text(row.verdict, session.of_earlier_mask(row), not session.rater),
                "" if row.verdict is None else _brief(row.verdict.comment),
            )
            for row in sound
        ],
    )
    for remark in session.remarks:
        warn(remark)
    broken = [row for row in rows if row.is_broken]
    for row in broken[:_MOST_PROBLEMS]:
        why = "" if session.blinded else f": {_problem(row)}"
        warn(f"'{row.shown_name}' cannot be reviewed{why.rstrip('.')}.")
    if len(broken) > _MOST_PROBLEMS:
        warn(f"{len(broken) - _MOST_PROBLEMS} more cannot be reviewed; see --json.")
    bare = [row.shown_name for row in rows if row.case.mask is None and not row.is_broken]
    if bare:
        say(
            f"Without a mask: {counted(len(bare), 'image')}, the first is '{bare[0]}';"
            " --json lists them."
        )
    unknown = sum(row.doubt is None and row.can_be_judged for row in session.rows)
    if unknown and not session.blinded:
        say(
            f"No doubt is known of {counted(unknown, 'mask')}: not looked at yet"
            " ('softcord review doubt DATASET' does it)."
        )
    if session.blinded and not session.rater:
        say("This reading is blinded: --rater NAME shows your own verdicts, and no others.")
    else:
        say(f"Judged: {session.progress_text()}.")


def _problem(row: ReviewRow) -> str:
    return row.case.problem or ("" if row.doubt is None else row.doubt.reason)


def _show_case(session: ReviewSession, row: ReviewRow, copies: list[Path]) -> None:
    say(row.shown_name, "bold")
    if not session.blinded:
        _show_files(row)
    for copy, what in zip(copies, ("image", "mask")):
        say(f"Copy of the {what}: {copy}")
    if session.blinded and not copies:
        say("This reading is blinded: --copy-to DIR gives image and mask under a neutral name.")
    if row.verdict is not None and verdict_text(row.verdict):
        say(f"Your verdict: {verdict_text(row.verdict, session.of_earlier_mask(row))}")
    say(session.progress_text())


def _show_files(row: ReviewRow) -> None:
    case = row.case
    say(f"Image: {case.image}")
    for number, mask in enumerate(case.masks):
        say(f"{'Another mask' if number else 'Mask'}: {mask}")
    if case.discs is not None:
        say(f"Discs: {case.discs}")
    for other in case.others:
        say(f"Other contrast: {other}")
    if row.doubt is not None:
        where = "" if row.doubt.slice is None else f" (slice {row.doubt.slice})"
        say(f"Doubt: {row.doubt.score:.2f}{where}. {row.doubt.reason}".rstrip())


def _as_json(session: ReviewSession, row: ReviewRow) -> dict[str, Any]:
    """Of a blinded reading, nothing that tells what is read."""
    case = row.case
    about = {
        "name": row.shown_name,
        "can_be_judged": row.can_be_judged,
        "verdict": None if row.verdict is None else _verdict_json(session, row.verdict),
        "of_earlier_mask": session.of_earlier_mask(row),
    }
    if session.blinded:
        return about
    return {
        **about,
        "case": case.key,
        "image": str(case.image),
        "masks": [str(mask) for mask in case.masks],
        "discs": None if case.discs is None else str(case.discs),
        "others": [str(other) for other in case.others],
        "participant": case.participant,
        "session": case.session,
        "contrast": case.contrast,
        "problem": case.problem,
        "doubt": None if row.doubt is None else row.doubt.as_json(),
    }


def _verdict_json(session: ReviewSession, verdict: Verdict) -> dict[str, Any]:
    content = verdict.as_json()
    if not session.blinded:
        return content
    return {key: content[key] for key in ("rater", "verdict", "rank", "comment", "seconds", "when")}
