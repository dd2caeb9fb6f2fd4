"""``softcord review doubt``: judge the masks of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import counted
from .console import interruptible, print_json, progress_bars, say, show_table, warn
from .guard import for_user, guarded
from .review_options import Dataset
from .running import prepare_process
from .shared_options import Debug, Device, Json, Model, Threads

if TYPE_CHECKING:
    from ..review.doubt import Doubt
    from ..workflows.review.review_doubt import NetworkCheck
    from ..workflows.run_each import Failure

_SHOWN = 20
AskNetwork = Annotated[
    bool,
    typer.Option(
        "--network",
        help=(
            "Also compare each mask with what the network says of the mirrored image: some"
            " seconds a mask, once."
        ),
    ),
]
Shown = Annotated[
    int, typer.Option("--show", help="How many cases to show, the most doubtful first.", min=0)
]
Taught = Annotated[
    int,
    typer.Option(
        "--teach",
        help=(
            "Also draw so many cases to correct and teach: where the model is unsure, spread"
            " over contrasts, sites and sessions, a quarter at random."
        ),
        min=0,
    ),
]
Seed = Annotated[int, typer.Option(help="Of that draw.", min=0)]


def doubt_command(
    dataset: Dataset,
    network: AskNetwork = False,
    model: Model = None,
    device: Device = "auto",
    threads: Threads = None,
    most: Shown = _SHOWN,
    teach: Taught = 0,
    seed: Seed = 1,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Judge how likely each mask is wrong, by any maker: where, and why.

    What was found is kept in derivatives/review/doubt; only new and changed masks are looked at.
    Images and masks are not changed.
    """
    with guarded(debug, as_json):
        from ..review.review_cases import find_review_cases
        from ..workflows.review.review_doubt import cases_to_teach, doubts_of

        cases = find_review_cases(dataset)
        check = _network_check(model, device, threads) if network else None
        failures: list[Failure[Any]] = []

        def on_failure(failure: Failure[Any]) -> None:
            failures.append(failure)
            warn(f"{failure.name}: {for_user(failure.error, debug)}")

        with interruptible() as interrupt, progress_bars(interrupt) as bars:  # noqa: SIM117
            with bars.bar(dataset.name) as progress:
                doubts = doubts_of(
                    dataset, cases, progress=progress, network=check, on_failure=on_failure
                )
        ranked = sorted(doubts.items(), key=lambda one: -one[1].score)
        _show(ranked[:most])
        judged = sum(not doubt.is_unreadable for doubt in doubts.values())
        without = sum(case.mask is None for case in cases)
        unread = f"; {len(failures)} could not be read" if failures else ""
        say(
            f"{counted(judged, 'mask')} judged{unread}; {counted(without, 'image')} without a mask."
        )
        chosen = cases_to_teach(dataset, cases, doubts, teach, seed)
        if chosen:
            show_table("To teach", ["case", "drawn"], [[one.key, one.how] for one in chosen])
        if as_json:
            print_json(
                {
                    "teach": [{"case": one.key, "drawn": one.how} for one in chosen],
                    "doubts": [{"case": key, **doubt.as_json()} for key, doubt in ranked],
                    "failures": [failure.name for failure in failures],
                }
            )


def _network_check(model: str | None, device: str, threads: int | None) -> NetworkCheck:
    from ..network import store
    from ..workflows.review.review_doubt import NetworkCheck

    bundle = store.open_bundle(model)
    prepare_process(bundle, threads)
    return NetworkCheck(bundle, device)


def _show(ranked: list[tuple[str, Doubt]]) -> None:
    if ranked:
        show_table(
            "Most doubtful first",
            ["case", "doubt", "reason"],
            [[key, f"{doubt.score:.2f}", doubt.reason] for key, doubt in ranked],
        )
