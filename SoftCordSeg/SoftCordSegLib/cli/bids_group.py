"""``softcord bids … group``: what is said of a whole data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import interruptible, print_json, progress_bars, say, show_table, warn
from .guard import for_user

if TYPE_CHECKING:
    from ..bids import ImageChoice
    from ..workflows.data_set.data_set_group import GroupResult
    from ..workflows.data_set.data_set_options import DataSetOptions
    from ..workflows.run_each import Failure

_SHOWN = 10


def group_level(
    folders: tuple[Path, Path],
    options: DataSetOptions,
    choice: ImageChoice,
    smallest_change: float | None,
    qc: bool,
    as_json: bool,
) -> None:
    """Make tables, figures and the page, and say what is in them.

    Args:
        folders: of the images and of the results.
        options: names and levels.
        choice: which images.
        smallest_change: see :class:`~.data_set_group.GroupOptions`.
        qc: make the page.
        as_json: print one JSON object.
    """
    from ..workflows.data_set.data_set_group import GroupOptions, make_group

    how = GroupOptions(options.standard_names, options.levels, smallest_change, qc)

    def on_failure(failure: Failure[Any]) -> None:
        warn(f"{failure.name}: {for_user(failure.error)}")

    with interruptible() as interrupt, progress_bars(interrupt) as bars:
        result = make_group(*folders, how, choice, bar=bars.bar, on_failure=on_failure)
    _say(result)
    if as_json:
        print_json(
            {
                "files": {kind: str(path) for kind, path in result.files.items()},
                "images": dict(result.counts),
                "sd": [
                    {"level": name, "sd_mm2": round(sd, 4), "participants": count}
                    for name, sd, count in result.sd
                ],
                "visits": [] if result.visits is None else list(result.visits.notes),
                "problems": result.problems,
            }
        )


def _say(result: GroupResult) -> None:
    for problem in result.problems:
        warn(problem)
    counts = ", ".join(f"{count} {status}" for status, count in result.counts.items())
    say(f"Images: {counts}.")
    if result.sd:
        show_table("SD over contrasts", ("Level", "SD, mm²", "Visits"), result.sd)
    if result.doubtful:
        rows = [(key, f"{one.score:.2f}", one.reason) for key, one in result.doubtful[:_SHOWN]]
        show_table("Most doubtful first", ("Case", "Doubt", "Reason"), rows)
    if result.visits is not None:
        beyond = sum(row.is_beyond is True for row in result.visits.rows)
        if result.visits.rows:
            say(f"{len(result.visits.rows)} levels in two visits; {beyond} changed beyond chance.")
        for note in result.visits.notes:
            say(note)
    for kind, path in result.files.items():
        say(f"{kind}: {path}")
