"""What of a whole data set is said at once: one table of all images and levels, with the facts of
the participants and the reasons of those that failed; SD over contrasts; figures; the doubtful
masks; visits of one participant side by side; the page of quality control.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bids import (
    DerivativeLayout,
    ImageCase,
    ImageChoice,
    Kind,
    find_images,
    label_name,
    participant_rows,
    read_sidecar,
    sidecar_path,
)
from ..errors import InputError, SoftCordSegError
from ..files import check_folder, safe_cell, text_writer, write_together
from ..progress import Progress
from .case_record import measured_of
from .compare_contrasts import Compared, compare_contrasts, mean_sd
from .csa_measure import CsaOptions, Grouping, Measured
from .data_set_run import describe_results
from .run_each import Bar, OnFailure, no_bar, say_nothing
from .two_visits import Visits, compare_visits, visits_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..review.doubt import Doubt

MEASURED, EMPTY, FAILED, OPEN = "measured", "no cord", "failed", "not done"
_MISSING = "n/a"  # as BIDS writes it
_OURS = (
    "participant_id", "session_id", "case", "contrast", "status", "level", "level_name", "slices",
    "area_mm2", "area_sd_mm2", "diameter_AP_mm", "diameter_RL_mm", "eccentricity", "solidity",
    "length_mm", "doubt", "notes", "reason",
)  # fmt: skip
_MEASURES = {
    "area_mm2": ("Mean", "area"),
    "area_sd_mm2": ("SD", "area"),
    "diameter_AP_mm": ("Mean", "diameter_AP"),
    "diameter_RL_mm": ("Mean", "diameter_RL"),
    "eccentricity": ("Mean", "eccentricity"),
    "solidity": ("Mean", "solidity"),
    "length_mm": ("Sum", "length"),
}
# More levels, contrasts than this do not fit into one figure.
_MOST_GROUPS, _MOST_PANELS = 12, 6


@dataclass(frozen=True)
class GroupOptions:
    """What is made.

    Attributes:
        standard_names: as the participant level was run.
        levels: of the comparisons; () for all.
        smallest_change: change between two visits, %, from which on it is told from chance; None
            for that of the scan-rescan pairs in the data set.
        qc: also make the page of quality control: about a second an image.
    """

    standard_names: bool = False
    levels: tuple[int, ...] = ()
    smallest_change: float | None = None
    qc: bool = True


@dataclass
class GroupResult:
    """What was made.

    Attributes:
        files: that were written, by kind.
        counts: images by status.
        sd: over participants: (level, mean SD over contrasts in mm², participants).
        visits: of participants with several.
        doubtful: (key, doubt), the most doubtful first.
        problems: sentences on what could not be made.
    """

    files: dict[str, Path] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    sd: list[tuple[str, float, int]] = field(default_factory=list)
    visits: Visits | None = None
    doubtful: list[tuple[str, Doubt]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def make_group(
    dataset: Path,
    out: Path,
    options: GroupOptions | None = None,
    choice: ImageChoice | None = None,
    *,
    bar: Bar = no_bar,
    on_failure: OnFailure = say_nothing,
) -> GroupResult:
    """Put together what the participant level left.

    Args:
        dataset: folder of the images.
        out: folder of the results.
        options: what is made.
        choice: which images.
        bar: gives the progress of each part.
        on_failure: called for a mask that cannot be judged or drawn.

    Raises:
        InputError: no such folders, or no image.
        OutputError: the folder cannot be written.
        Cancelled: through a bar's progress.
    """
    options = options or GroupOptions()
    layout = DerivativeLayout(out, options.standard_names)
    images = find_images(dataset, choice, skip=[out])
    if not images or not out.is_dir():
        raise InputError(
            "There is no image." if out.is_dir() else "There are no results of participants.",
            path=dataset if out.is_dir() else out,
            hint="Run the level participant first.",
        )
    check_folder(layout.group)
    describe_results(dataset, out)
    result = GroupResult()
    with bar("Doubts") as progress:
        doubts = _doubts(out, {one.key for one in images}, progress, on_failure)
    result.doubtful = sorted(doubts.items(), key=lambda one: -one[1].score)
    with bar("Tables") as progress:
        rows, compared = _read(dataset, layout, images, doubts, options, result, progress)
        result.visits = compare_visits(
            dataset,
            _by_participant(images, layout),
            options.levels,
            options.smallest_change,
        )
        _write(layout, dataset, rows, compared, result)
    if options.qc:
        _make_page(out, layout, images, result, bar, on_failure)
    return result


def _read(
    dataset: Path,
    layout: DerivativeLayout,
    images: Sequence[ImageCase],
    doubts: Mapping[str, Doubt],
    options: GroupOptions,
    result: GroupResult,
    progress: Progress,
) -> tuple[list[dict[str, Any]], list[Compared]]:
    """The rows of the table, and the contrasts of each visit side by side."""
    _, facts = participant_rows(dataset)
    rows: list[dict[str, Any]] = []
    compared: list[Compared] = []
    for number, visit in enumerate(_visits(images)):
        progress.check_cancelled()
        progress.report(number / len(images), "Reading the tables")
        shapes: dict[str, Measured] = {}
        for image in visit:
            status, new = _rows_of(image, layout, doubts.get(image.key))
            result.counts[status] += 1
            rows += [{**facts.get(image.participant, {}), **row} for row in new]
            found = (
                measured_of(layout.record(image.key), image.image) if status == MEASURED else None
            )
            if found is not None and found.shape.levels is not None:
                shapes[image.contrast] = found
        if len(shapes) > 1:
            compared += _compared(visit[0].session, shapes, options.levels)
    return rows, compared


def _compared(
    session: str, shapes: Mapping[str, Measured], levels: tuple[int, ...]
) -> list[Compared]:
    how = CsaOptions(grouping=Grouping(levels=levels or None, per_level=True))
    try:
        return [compare_contrasts(shapes, how, session)]
    except InputError:
        return []


def _rows_of(
    image: ImageCase, layout: DerivativeLayout, doubt: Doubt | None
) -> tuple[str, list[dict[str, Any]]]:
    """Status and rows of one image."""
    session = image.session.partition("_")[2]
    first: dict[str, Any] = {
        "participant_id": image.participant or _MISSING,
        "session_id": session or _MISSING,
        "case": image.key,
        "contrast": image.contrast,
        "doubt": None if doubt is None else round(doubt.score, 3),
    }
    failure = read_sidecar(layout.failure(image.key))
    if failure:
        reason = f"{failure.get('What', '')} {failure.get('Hint', '')}".strip()
        return FAILED, [{**first, "status": FAILED, "reason": reason}]
    mask = layout.folder(image.key) / label_name(
        image.image, Kind.SOFT_MASK, standard_names=layout.standard_names
    )
    sidecar = read_sidecar(sidecar_path(mask))
    if sidecar.get("Found") is False:
        return EMPTY, [{**first, "status": EMPTY, "reason": sidecar.get("Message")}]
    record = read_sidecar(layout.record(image.key))
    if not record:
        reason = "It was segmented, and not measured." if sidecar else "It was not segmented yet."
        return OPEN, [{**first, "status": OPEN, "reason": reason}]
    notes = " ".join(map(str, record.get("Notes", ())))
    first |= {"status": MEASURED, "notes": notes}
    rows = [{**first, **_cells(row)} for row in record.get("Rows", ())]
    return MEASURED, rows or [first]


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of one row of a record."""
    levels = row.get("Levels") or ()
    cells: dict[str, Any] = {
        "level": levels[0] if len(levels) == 1 else None,
        "level_name": row.get("Name") if levels else None,
        "slices": row.get("SliceCount"),
    }
    for name, (kind, measure) in _MEASURES.items():
        cells[name] = row.get(kind, {}).get(measure)
    return cells


def _visits(images: Sequence[ImageCase]) -> Iterator[list[ImageCase]]:
    together: dict[str, list[ImageCase]] = defaultdict(list)
    for image in images:
        together[image.session or image.key].append(image)
    yield from together.values()


def _by_participant(
    images: Sequence[ImageCase], layout: DerivativeLayout
) -> dict[str, list[tuple[ImageCase, Path]]]:
    """Images with a record, with its path."""
    found: dict[str, list[tuple[ImageCase, Path]]] = defaultdict(list)
    for image in images:
        path = layout.record(image.key)
        if image.participant and path.is_file() and not layout.failure(image.key).is_file():
            found[image.participant].append((image, path))
    return found


def _doubts(
    out: Path, keys: set[str], progress: Progress, on_failure: OnFailure
) -> dict[str, Doubt]:
    from ..review.review_cases import find_review_cases
    from .review_doubt import doubts_of

    cases = [case for case in find_review_cases(out) if case.key in keys]
    return doubts_of(out, cases, progress=progress, on_failure=on_failure)


def _make_page(
    out: Path,
    layout: DerivativeLayout,
    images: Sequence[ImageCase],
    result: GroupResult,
    bar: Bar,
    on_failure: OnFailure,
) -> None:
    from .qc_pages import QcOptions, make_qc_page

    try:
        page = make_qc_page(
            out,
            layout.group / "qc",
            QcOptions(cases=tuple(image.key for image in images)),
            bar=bar,
            on_failure=on_failure,
        )
        result.files["qc"] = page.page
    except SoftCordSegError as error:
        result.problems.append(f"The page of quality control could not be made: {error}")


def _write(
    layout: DerivativeLayout,
    dataset: Path,
    rows: Sequence[Mapping[str, Any]],
    compared: Sequence[Compared],
    result: GroupResult,
) -> None:
    from ..reports.figure_style import write_figure

    known, _ = participant_rows(dataset)
    columns = [*_OURS, *(name for name in known if name not in _OURS)]
    files: dict[str, tuple[Path, Callable[[Path], object]]] = {}
    files["table"] = (layout.group_table, text_writer(tsv_text(columns, rows)))
    doubtful = [
        {"case": key, "doubt": round(doubt.score, 3), "slice": doubt.slice, "reason": doubt.reason}
        for key, doubt in result.doubtful
    ]
    names = ("case", "doubt", "slice", "reason")
    files["doubts"] = layout.group / "doubt.tsv", text_writer(tsv_text(names, doubtful))
    areas = areas_figure(rows)
    if areas is not None:
        path = layout.group / "csa_group.png"
        files["areas"] = path, lambda temporary: write_figure(areas, temporary)
    if compared:
        result.sd = mean_sd(compared)
        files["contrasts"] = (
            layout.group / "csa_contrasts.csv",
            text_writer(_side_by_side(compared)),
        )
        spreads = spreads_figure(compared)
        if spreads is not None:
            path = layout.group / "csa_contrasts.png"
            files["sd"] = path, lambda temporary: write_figure(spreads, temporary)
    if result.visits is not None and result.visits.rows:
        files["visits"] = layout.group / "csa_visits.csv", text_writer(visits_text(result.visits))
    write_together(dict(files.values()))
    result.files |= {kind: path for kind, (path, _) in files.items()}


def tsv_text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """A table as BIDS has it: tabs, "n/a" for what is missing."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return stream.getvalue()


def areas_figure(rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """The areas of all participants by level, a panel for each contrast; None without any."""
    from ..colours import BLUE
    from ..reports.violin_figures import violin_panels_figure

    panels: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(rows, key=lambda row: row.get("level") or 0):
        if row.get("level") and row.get("area_mm2") is not None:
            panels[str(row["contrast"])][str(row["level_name"])].append(float(row["area_mm2"]))
    if not panels:
        return None
    largest = sorted(panels, key=lambda name: -sum(map(len, panels[name].values())))[:_MOST_PANELS]
    levels = {int(row["level"]): str(row["level_name"]) for row in rows if row.get("level")}
    counts = Counter(
        {
            name: sum(len(panels[panel].get(name, ())) for panel in largest)
            for name in levels.values()
        }
    )
    shown = {name for name, _ in counts.most_common(_MOST_GROUPS)}
    names = [name for _, name in sorted(levels.items()) if name in shown]
    kept = {
        panel: {name: panels[panel].get(name, []) for name in names} for panel in sorted(largest)
    }
    return violin_panels_figure(kept, dict.fromkeys(kept, BLUE), "Area, mm²")


def spreads_figure(compared: Sequence[Compared]) -> Figure | None:
    """SD over contrasts by level, a point for each visit; None without any."""
    from ..colours import GREEN
    from ..reports.violin_figures import violins_figure

    groups: dict[str, list[float]] = defaultdict(list)
    for one in compared:
        for spread in one.spreads:
            if spread.sd == spread.sd:
                groups[spread.name].append(spread.sd)
    if not groups:
        return None
    shown = dict(sorted(groups.items(), key=lambda one: -len(one[1]))[:_MOST_GROUPS])
    ordered = {name: values for name, values in groups.items() if name in shown}
    return violins_figure(
        ordered, dict.fromkeys(ordered, GREEN), "SD over contrasts, mm²", from_zero=True
    )


def _side_by_side(compared: Sequence[Compared]) -> str:
    """All visits in one table of the same columns."""
    from dataclasses import replace
    from math import nan

    from ..morphometry import contrasts_csv_text

    names = sorted({name for one in compared for s in one.spreads for name in s.values})
    texts = [
        contrasts_csv_text(
            [replace(s, values={n: s.values.get(n, nan) for n in names}) for s in one.spreads],
            one.subject,
        )
        for one in compared
        if one.spreads
    ]
    return texts[0] + "".join(text.split("\r\n", 1)[1] for text in texts[1:]) if texts else ""


def _cell(value: Any) -> Any:
    if value is None or value == "":
        return _MISSING
    if isinstance(value, float):
        return f"{value:.6g}"
    return safe_cell(" ".join(str(value).split()))
