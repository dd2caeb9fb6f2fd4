"""``softcord review again``: the rest of a data set with another model, drift of CSA first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import OptionError, counted
from .console import fail, interruptible, print_json, say, show_table, warn
from .guard import EXIT_FAILED, guarded
from .review_options import Dataset
from .review_teach import PythonProgram, check_finished
from .running import watched
from .shared_options import Debug, Device, Json, Model

if TYPE_CHECKING:
    from ..workflows.review.segment_again import AgainRow, Proposal

_MOST_NOTES = 20
_NUMBERS = ("mean_mm2", "sd_mm2", "mean_percent")


def again_command(
    dataset: Dataset,
    model: Model = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Put the new masks in the place of the old ones.")
    ] = False,
    fail_above: Annotated[
        Optional[float],
        typer.Option(
            "--fail-above",
            help=(
                "Replace nothing, and end with exit code 1, where the mean CSA of a contrast moves"
                " by more than so many per cent."
            ),
            min=0.0,
            metavar="PERCENT",
        ),
    ] = None,
    discard: Annotated[
        bool, typer.Option("--discard", help="Remove the new masks that wait.")
    ] = False,
    device: Device = "auto",
    python: PythonProgram = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Segment the masks that were not passed again with another model, and show what moves.

    Nothing is replaced without --apply.  Corrections by hand stay on top of the new masks; masks
    that were passed, drawn by hand or made by other programs are left alone.
    """
    with guarded(debug, as_json):
        from ..workflows.live_run import wait_for
        from ..workflows.review.segment_again import (
            again_folder,
            apply_again,
            discard_again,
            read_proposal,
            start_again,
        )
        from ..workflows.review.training_python import find_training_python

        if discard:
            if apply:
                raise OptionError("--apply and --discard exclude each other.")
            discard_again(dataset)
            say("No new masks wait; the masks are as they were.")
            return
        found = find_training_python(python)
        with interruptible() as interrupt, watched(interrupt, "again") as progress:
            start_again(dataset, model, found, device)
            live = wait_for(again_folder(dataset), progress)
        check_finished(live, again_folder(dataset))
        proposal = read_proposal(dataset)
        assert proposal is not None
        beyond = [] if fail_above is None else proposal.beyond(fail_above)
        _show_proposal(proposal, beyond)
        replaced: list[AgainRow] = []
        if apply and not beyond and proposal.proposed:
            replaced = apply_again(dataset)
        _say_end(proposal, replaced, apply and not beyond)
        if as_json:
            print_json(_as_json(proposal, replaced, beyond))
        if beyond:
            raise typer.Exit(EXIT_FAILED)


def _show_proposal(proposal: Proposal, beyond: list[str]) -> None:
    left = [row for row in proposal.rows if not row.is_proposed]
    for row in left[:_MOST_NOTES]:
        warn(f"'{row.key}' is left as it is. {row.reason}")
    if len(left) > _MOST_NOTES:
        warn(f"{len(left) - _MOST_NOTES} more are left as they are; see --json.")
    show_table(
        f"Drift of CSA to {proposal.model}",
        ("Contrast", "Images", "Difference, mm\u00b2", "SD, mm\u00b2", "%"),
        [
            (
                *(row["dataset"], row["images"]),
                *("" if row[name] is None else row[name] for name in _NUMBERS),
            )
            for row in proposal.drifts
        ],
    )
    edited = sum(row.edited > 0 for row in proposal.proposed)
    say(f"{counted(len(proposal.proposed), 'new mask')}, {edited} with corrections on top.")
    for sentence in beyond:
        fail(sentence)


def _say_end(proposal: Proposal, replaced: list[AgainRow], applied: bool) -> None:
    for row in replaced:
        if row.reason:
            warn(f"'{row.key}': {row.reason}")
    done = sum(not row.reason for row in replaced)
    if applied:
        say(f"Put in place: {counted(done, 'mask')}.")
    elif proposal.proposed:
        say("Nothing was replaced: --apply does it, --discard removes the new masks.")


def _as_json(proposal: Proposal, replaced: list[AgainRow], beyond: list[str]) -> dict[str, Any]:
    from ..workflows.review.segment_again import plain

    there = {row.key: row for row in replaced}
    return {
        "model": proposal.model,
        "drift": [dict(one) for one in proposal.drifts],
        "drift_beyond": beyond,
        "cases": [
            {
                "case": row.key,
                "contrast": row.contrast,
                "left_because": (there.get(row.key) or row).reason,
                "replaced": row.key in there and not there[row.key].reason,
                **plain(
                    {
                        "corrected_voxels": row.edited,
                        "before_mm2": row.before_mm2,
                        "after_mm2": row.after_mm2,
                    }
                ),
            }
            for row in proposal.rows
        ],
    }
