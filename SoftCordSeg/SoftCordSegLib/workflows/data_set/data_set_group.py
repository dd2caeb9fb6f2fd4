"""What of a whole data set is said at once: one table of all images and levels, with the facts of
the participants and the reasons of those that failed; SD over contrasts; figures; the doubtful
masks; visits of one participant side by side; the page of quality control.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite, nan
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from ...bids import (
    PARTICIPANTS,
    DerivativeLayout,
    ImageCase,
    ImageChoice,
    Kind,
    find_images,
    is_corrected,
    label_name,
    participant_rows,
    read_sidecar,
    sidecar_path,
    without_run,
)
from ...errors import InputError, SoftCordSegError, counted
from ...files import check_folder, json_text, safe_cell, text_writer, write_together
from ...progress import Progress
from ..compare_contrasts import Compared, compare_contrasts
from ..csa_measure import CsaOptions, Grouping, Measured
from ..run_each import Bar, OnFailure, no_bar, say_nothing
from .case_record import measured_of
from .data_set_run import describe_results
from .deidentify_check import says_who
from .two_visits import Visits, compare_visits, visits_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...review.doubt import Doubt

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
_MOST_NAMED = 5


@dataclass(frozen=True)
class GroupOptions:
    """What is made.

    Attributes:
        standard_names: as the participant level was run; seen by the folder of its tables too.
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
    images = find_images(dataset, choice, skip=[out])
    if not images or not out.is_dir():
        raise InputError(
            "There is no image." if out.is_dir() else "There are no results of participants.",
            path=dataset if out.is_dir() else out,
            hint="Run the level participant first.",
        )
    layout = _layout(out, options.standard_names, images)
    check_folder(layout.group)
    describe_results(dataset, out)
    result = GroupResult()
    with bar("Doubts") as progress:
        doubts = _doubts(out, {one.key for one in images}, progress, on_failure)
    result.doubtful = sorted(doubts.items(), key=lambda one: -one[1].score)
    with bar("Tables") as progress:
        tables = _read(dataset, layout, images, doubts, options, result, progress)
        result.visits = compare_visits(
            dataset,
            _by_participant(images, layout),
            options.levels,
            options.smallest_change,
        )
        _write(layout, tables, result)
    if options.qc:
        _make_page(out, layout, images, result, bar, on_failure)
    return result


def _layout(out: Path, standard_names: bool, images: Sequence[ImageCase]) -> DerivativeLayout:
    """Where the tables are; those of standard names also unasked where there are no others."""
    layout, other = DerivativeLayout(out, standard_names), DerivativeLayout(out, True)
    if other.tables.is_dir() and not any(layout.record(one.key).is_file() for one in images):
        return other
    return layout


class _Tables:
    """What is written of all images.  Kept as text and numbers: of 10,000 visits the rows
    themselves would take hundreds of megabytes.

    Attributes:
        areas: by contrast and level, of each image, mm².
    """

    def __init__(self, columns: Sequence[str], contrasts: Sequence[str]):
        self.areas: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._sds: dict[tuple[tuple[int, ...], str], list[float]] = defaultdict(list)
        self._columns, self._contrasts = tuple(columns), tuple(contrasts)
        self._rows, self._compared = [tsv_line(columns, dict(zip(columns, columns)))], [""]

    @property
    def rows(self) -> str:
        """One row an image and level."""
        return "".join(self._rows)

    @property
    def contrasts(self) -> str:
        """One row a visit and level, contrasts side by side; "" without any."""
        return "".join(self._compared)

    @property
    def sds(self) -> dict[str, list[float]]:
        """By name of the level, from above to below, of each visit, mm²."""
        return {name: found for (_, name), found in sorted(self._sds.items())}

    def add(self, row: Mapping[str, Any]) -> None:
        """A row of the first table."""
        self._rows.append(tsv_line(self._columns, row))
        if row.get("level") and row.get("area_mm2") is not None:
            self.areas[str(row["contrast"])][int(row["level"])].append(float(row["area_mm2"]))

    def compare(self, one: Compared) -> None:
        """The rows of a visit."""
        from ...morphometry import contrasts_csv_text

        spreads = [
            replace(spread, values={n: spread.values.get(n, nan) for n in self._contrasts})
            for spread in one.spreads
        ]
        header, _, rows = contrasts_csv_text(spreads, one.subject).partition("\r\n")
        self._compared[0] = f"{header}\r\n"
        self._compared.append(rows)
        for spread in spreads:
            if isfinite(spread.sd):
                self._sds[spread.levels, spread.name].append(spread.sd)


def _read(
    dataset: Path,
    layout: DerivativeLayout,
    images: Sequence[ImageCase],
    doubts: Mapping[str, Doubt],
    options: GroupOptions,
    result: GroupResult,
    progress: Progress,
) -> _Tables:
    """The tables, visit by visit."""
    columns, facts = participant_rows(dataset)
    hidden = [n for n in columns if says_who(n, (row.get(n, "") for row in facts.values()))]
    if hidden:
        result.problems.append(
            f"Left out of the table, since they say who somebody is: {', '.join(hidden)}"
            " (participants.tsv)."
        )
    unknown = sorted({normalize("NFC", one.participant) for one in images} - {"", *facts})
    if unknown and (dataset / PARTICIPANTS).is_file():
        more = ", …" if len(unknown) > _MOST_NAMED else ""
        result.problems.append(
            f"{PARTICIPANTS} has no row for {counted(len(unknown), 'participant')}:"
            f" {', '.join(unknown[:_MOST_NAMED])}{more}."
        )
    # A participant's "level" or "status" is not that of an image.
    names = {n: f"participant_{n}" if n in _OURS else n for n in columns if n not in hidden}
    tables = _Tables(
        [*_OURS, *names.values()], sorted({without_run(image.contrast) for image in images})
    )
    done, makers = 0, Counter[str]()
    for visit in _visits(images):
        progress.check_cancelled()
        progress.report(done / len(images), "Reading the tables")
        done += len(visit)
        measured: dict[str, Measured] = {}
        for image in visit:
            sidecar = _sidecar_of(image, layout)
            status, rows = _rows_of(image, layout, sidecar, doubts.get(image.key))
            makers.update(_maker_of(sidecar))
            result.counts[status] += 1
            own = facts.get(normalize("NFC", image.participant), {})
            for row in rows:
                tables.add({**{new: own.get(n) for n, new in names.items()}, **row})
            path = layout.record(image.key)
            found = measured_of(path, image.image) if status == MEASURED else None
            if found is not None and found.shape.levels is not None:
                # Of several runs the first: a scan and its rescan are one contrast.
                measured.setdefault(without_run(image.contrast), found)
        if len(measured) > 1:
            for one in _compared(visit[0].session, measured, options.levels):
                tables.compare(one)
    if len(makers) > 1:
        parts = ", ".join(f"{number} by {maker}" for maker, number in makers.most_common())
        result.problems.append(f"The masks were not all made in the same way: {parts}.")
    result.sd = [(name, fmean(found), len(found)) for name, found in tables.sds.items()]
    return tables


def _compared(
    session: str, shapes: Mapping[str, Measured], levels: tuple[int, ...]
) -> list[Compared]:
    how = CsaOptions(grouping=Grouping(levels=levels or None, per_level=True))
    try:
        return [compare_contrasts(shapes, how, session)]
    except InputError:
        return []


def _sidecar_of(image: ImageCase, layout: DerivativeLayout) -> dict[str, Any]:
    """Of its mask."""
    mask = layout.folder(image.key) / label_name(
        image.image, Kind.SOFT_MASK, standard_names=layout.standard_names
    )
    return read_sidecar(sidecar_path(mask))


def _maker_of(sidecar: Mapping[str, Any]) -> list[str]:
    """The model and the options that change a mask; [] of one that was corrected or is missing."""
    model = sidecar.get("Model")
    if not isinstance(model, Mapping) or is_corrected(sidecar):
        return []
    sums = hashlib.sha256(json_text({"SHA256": model.get("SHA256")}).encode()).hexdigest()[:8]
    command = sidecar.get("Command")
    options = command.get("Options") if isinstance(command, Mapping) else None
    flips = isinstance(options, Mapping) and options.get("flips")
    words = f"{model.get('Name')} {model.get('Version')} ({sums})"
    return [f"{words} with the mirrored image" if flips else words]


def _rows_of(
    image: ImageCase,
    layout: DerivativeLayout,
    sidecar: Mapping[str, Any],
    doubt: Doubt | None,
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
    record = read_sidecar(layout.record(image.key))
    if not record and sidecar.get("Found") is False:
        return EMPTY, [{**first, "status": EMPTY, "reason": sidecar.get("Message")}]
    if not record:
        reason = "It was segmented, and not measured." if sidecar else "It was not segmented yet."
        return OPEN, [{**first, "status": OPEN, "reason": reason}]
    # Of the mask as the network made it: what is said of its ends does not hold when corrected.
    said = () if is_corrected(sidecar) else sidecar.get("Notes", ())
    notes = " ".join(dict.fromkeys(map(str, (*said, *record.get("Notes", ())))))
    first |= {"status": MEASURED, "notes": notes}
    rows = [{**first, **_cells(row, notes)} for row in record.get("Rows", ())]
    return MEASURED, rows or [first]


def _cells(row: Mapping[str, Any], notes: str) -> dict[str, Any]:
    """Of one row of a record; ``notes`` are those of the image."""
    levels: Sequence[int] = row.get("Levels") or ()
    cells: dict[str, Any] = {
        "level": levels[0] if len(levels) == 1 else None,
        "level_name": row.get("Name") if levels else None,
        "slices": row.get("SliceCount"),
        "notes": "; ".join(filter(None, (str(row.get("Notes") or ""), notes))),
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
    from ...review.review_cases import find_review_cases
    from ..review.review_doubt import doubts_of

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
    from ..review.qc_pages import QcOptions, make_qc_page

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


def _write(layout: DerivativeLayout, tables: _Tables, result: GroupResult) -> None:
    from ...reports.figure_style import write_figure

    files: dict[str, tuple[Path, Callable[[Path], object]]] = {}
    files["table"] = layout.group_table, text_writer(tables.rows)
    columns = ("case", "doubt", "slice", "reason")
    lines = [tsv_line(columns, dict(zip(columns, columns)))]
    for key, doubt in result.doubtful:
        cells = (key, round(doubt.score, 3), doubt.slice, doubt.reason)
        lines.append(tsv_line(columns, dict(zip(columns, cells))))
    files["doubts"] = layout.group / "doubt.tsv", text_writer("".join(lines))
    if tables.contrasts:
        files["contrasts"] = layout.group / "csa_contrasts.csv", text_writer(tables.contrasts)
    if result.visits is not None and result.visits.rows:
        files["visits"] = layout.group / "csa_visits.csv", text_writer(visits_text(result.visits))
    for kind, name, figure in (
        ("areas", "csa_group.png", areas_figure(tables.areas)),
        ("sd", "csa_contrasts.png", spreads_figure(tables.sds)),
    ):
        if figure is not None:
            files[kind] = layout.group / name, partial(write_figure, figure)
    write_together(dict(files.values()))
    result.files |= {kind: path for kind, (path, _) in files.items()}


def tsv_line(columns: Sequence[str], row: Mapping[str, Any]) -> str:
    """A line of a table as BIDS has it: tabs, "n/a" for what is missing."""
    stream = io.StringIO()
    csv.writer(stream, delimiter="\t", lineterminator="\n").writerow(
        [_cell(row.get(name)) for name in columns]
    )
    return stream.getvalue()


def areas_figure(areas: Mapping[str, Mapping[int, Sequence[float]]]) -> Figure | None:
    """The areas of all participants by level, a panel for each contrast; None without any.

    Args:
        areas: by contrast and level (2 for C2), mm².
    """
    from ...colours import BLUE
    from ...morphometry import level_name
    from ...reports.violin_figures import violin_panels_figure

    counts = {name: sum(map(len, levels.values())) for name, levels in areas.items()}
    largest = sorted(counts, key=lambda name: -counts[name])[:_MOST_PANELS]
    if not largest:
        return None
    by_level = Counter({n: 0 for name in largest for n in areas[name]})
    for name in largest:
        by_level.update({level: len(values) for level, values in areas[name].items()})
    levels = sorted(level for level, _ in by_level.most_common(_MOST_GROUPS))
    panels = {
        name: {level_name(level): areas[name].get(level, ()) for level in levels}
        for name in sorted(largest)
    }
    return violin_panels_figure(panels, dict.fromkeys(panels, BLUE), "Area, mm²")


def spreads_figure(sds: Mapping[str, Sequence[float]]) -> Figure | None:
    """SD over contrasts by level, a point for each visit; None without any.

    Args:
        sds: by name of the level, mm².
    """
    from ...colours import GREEN
    from ...reports.violin_figures import violins_figure

    most = sorted(sds, key=lambda name: -len(sds[name]))[:_MOST_GROUPS]
    if not most:
        return None
    groups = {name: values for name, values in sds.items() if name in most}
    return violins_figure(
        groups, dict.fromkeys(groups, GREEN), "SD over contrasts, mm²", from_zero=True
    )


def _cell(value: Any) -> Any:
    if value is None or value == "":
        return _MISSING
    if isinstance(value, float):
        return f"{value:.6g}"
    return safe_cell(" ".join(str(value).split()))
