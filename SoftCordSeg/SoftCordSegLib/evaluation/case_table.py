"""The table of cases: which images to evaluate on, of whom, and what is known of each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..bids import stem_of
from ..errors import InputError
from ..files import text_of, text_of_cell
from ..structured_text import parse_json

_REQUIRED = ("participant", "contrast", "image")
_COLUMNS = (
    *_REQUIRED,
    *("reference", "discs", "levels", "grid", "whole_field", "dataset"),
    *("region", "session", "tip", "seen_by", "use"),
)
_JSON_FORM = "Give a list of objects, or an object with the list 'cases'."
# The key of cells beyond the last column.
_FURTHER = "…"
EMPTY = "empty"
USES = ("train", "evaluate")
_YES, _NO = ("yes", "y", "true", "1"), ("no", "n", "false", "0", "")


@dataclass(frozen=True)
class Case:
    """One image.

    Attributes:
        participant: whose image it is.
        contrast: its name in tables and figures.
        image: file, 3D, or a series whose mean over time is taken.
        reference: mask of the cord, soft or binary; None where there is none.
        discs: disc labels, for vertebral levels; None where there are none.
        levels: a segmentation labelled with vertebral levels, instead of discs.
        grid: name of a group of images of one participant on one grid, of which every slice shows
            the same stretch of cord; "" for none.
        whole_field: the image is a whole field of view, not a crop around the cord: anything beside
            the cord is an error.
        dataset: for tables by data set; "" for none.
        without_cord: the image shows no cord, so that the right mask is empty (the word "empty" in
            the column reference).
        region: of the body, for tables by region; "" for none.
        session: images of one session lie in the same scanner coordinates; a scan and its rescan
            after repositioning are named run-1 and run-2, after the visit where there are several
            ("Ses1/run-1"); "" where there is only one.
        tip: where the lower end of the cord is, is known (recipes/measure_bundles.py reads it from
            tips.csv beside the image).
        seen_by: versions of the shipped model that saw the image in training, with a mask or
            without.
        use: "train", "evaluate" (never trained on), or "" where nothing is said.
    """

    participant: str
    contrast: str
    image: Path
    reference: Path | None = None
    discs: Path | None = None
    levels: Path | None = None
    grid: str = ""
    whole_field: bool = False
    dataset: str = ""
    without_cord: bool = False
    region: str = ""
    session: str = ""
    tip: bool = False
    seen_by: tuple[str, ...] = ()
    use: str = ""

    @property
    def stem(self) -> str:
        """The image's file name without ``.nii`` or ``.nii.gz``."""
        return stem_of(self.image)


def read_cases(path: str | Path, root: str | Path | None = None) -> list[Case]:
    """Read a table of cases: ``.csv``, ``.tsv``, or ``.json`` (a list of objects, or an object with
    the list "cases").

    Args:
        path: of the table, with the columns of :class:`Case`; participant, contrast and image are
            required, the others may be missing or empty.
        root: folder that relative paths in the table start from; the table's own folder where None.

    Raises:
        InputError: the table cannot be read, has unknown or missing columns, an image twice, or two
            images of one participant, contrast and session in one data set.
    """
    path = Path(path)
    rows = list(_rows(path))
    folder = path.parent if root is None else Path(root)
    try:
        if not rows:
            raise InputError("The table has no cases.", hint="Give a row for each image.")
        cases = [_case(row, folder, f"Case {number}") for number, row in enumerate(rows, start=1)]
        _check_unique(cases)
    except InputError as error:
        raise error.in_file(path) from error
    return cases


def _rows(path: Path) -> Iterable[Mapping[str, object]]:
    try:
        text = text_of(path)
    except FileNotFoundError as error:
        raise InputError(
            "There is no such table of cases.", path=path, hint="Check the name and the folder."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "The table of cases cannot be read.",
            path=path,
            hint="Save it as UTF-8 text (.csv, .tsv or .json).",
        ) from error
    if path.suffix.lower() == ".json":
        return _json_rows(text, path)
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    # Table programs of some countries write a semicolon in a .csv, or a tab.
    delimiter = max("\t,;", key=lines[0].count) if lines else ","
    stream = io.StringIO("\n".join(lines))
    rows = csv.reader(stream, delimiter=delimiter, skipinitialspace=True)
    try:
        heading = [name.strip().lower() for name in next(rows, [])]
        again = next((name for name in heading if name and heading.count(name) > 1), None)
        if again is not None:
            raise InputError(
                f"There are two columns '{again}'.", path=path, hint="Leave one of them out."
            )
        # Empty columns and rows are what table programs leave behind.
        used = heading[: max((n for n, name in enumerate(heading, 1) if name), default=0)]
        return [_row(used, row) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(
            f"Line {rows.line_num} of the table cannot be read: {error}.",
            path=path,
            hint="Save the table again as UTF-8 text (.csv, .tsv).",
        ) from error


def _row(heading: Sequence[str], cells: Sequence[str]) -> Mapping[str, object]:
    further = any(cell.strip() for cell in cells[len(heading) :])
    row: dict[str, object] = {
        k: text_of_cell(cell) for k, cell in zip(heading, cells) if k or cell.strip()
    }
    return {**row, _FURTHER: True} if further else row


def _json_rows(text: str, path: Path) -> list[Mapping[str, object]]:
    try:
        content = parse_json(text)
        rows = content["cases"] if isinstance(content, dict) else content
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
    except (ValueError, KeyError, RecursionError):
        pass
    raise InputError("This is not a list of cases in JSON.", path=path, hint=_JSON_FORM)


def _case(row: Mapping[str, object], folder: Path, name: str) -> Case:
    if _FURTHER in row:
        raise InputError(
            f"{name}: the row has more cells than there are columns.",
            hint="Put quotes around a cell with a comma in it.",
        )
    unknown = [str(key) for key in row if key not in _COLUMNS]
    if unknown:
        raise InputError(
            f"{name}: there is no column '{unknown[0]}'.",
            hint=f"The columns are {', '.join(_COLUMNS)}.",
        )
    texts = {key: "" if value is None else str(value).strip() for key, value in row.items()}
    missing = [key for key in _REQUIRED if not texts.get(key)]
    if missing:
        raise InputError(
            f"{name}: the {missing[0]} is missing.",
            hint=f"Every case needs {', '.join(_REQUIRED)}.",
        )
    if texts.get("discs") and texts.get("levels"):
        raise InputError(
            f"{name}: both discs and levels are given.", hint="Leave one of them empty."
        )
    if texts.get("use", "") not in (*USES, ""):
        raise InputError(f"{name}: use is {' or '.join(USES)}, not '{texts['use']}'.")
    without_cord = texts.get("reference") == EMPTY
    if without_cord:
        texts["reference"] = ""

    def file(key: str) -> Path | None:
        return _path(texts[key], folder) if texts.get(key) else None

    return Case(
        participant=texts["participant"],
        contrast=texts["contrast"],
        image=_path(texts["image"], folder),
        reference=file("reference"),
        discs=file("discs"),
        levels=file("levels"),
        grid=texts.get("grid", ""),
        whole_field=_yes(texts, "whole_field", name),
        dataset=texts.get("dataset", ""),
        without_cord=without_cord,
        region=texts.get("region", ""),
        session=texts.get("session", ""),
        tip=_yes(texts, "tip", name),
        seen_by=tuple(texts.get("seen_by", "").split()),
        use=texts.get("use", ""),
    )


def _path(text: str, folder: Path) -> Path:
    """A table that was written on Windows has backslashes, elsewhere part of a name."""
    path = folder / text
    if "\\" in text and not path.exists():
        return folder / text.replace("\\", "/")
    return path


def _yes(texts: Mapping[str, str], key: str, name: str) -> bool:
    text = texts.get(key, "")
    if text.lower() not in (*_YES, *_NO):
        raise InputError(f"{name}: {key} is yes or no, not '{text}'.")
    return text.lower() in _YES


def _check_unique(cases: list[Case]) -> None:
    images: set[Path] = set()
    owners: set[tuple[str, ...]] = set()
    grid_owners: dict[str, tuple[str, ...]] = {}
    for case in cases:
        if case.image in images:
            raise InputError(
                f"The image '{case.image}' is there twice.", hint="Leave one of the rows out."
            )
        images.add(case.image)
        owner = (case.dataset, case.participant, case.contrast, case.session)
        if owner in owners:
            raise InputError(
                f"There are two images of participant {case.participant} in contrast"
                f" {case.contrast}.",
                hint="Give them different names of contrast, or of session.",
            )
        owners.add(owner)
        if case.grid and grid_owners.setdefault(case.grid, owner[:2]) != owner[:2]:
            raise InputError(
                f"There are images of several participants on the grid '{case.grid}'.",
                hint="A grid is of one participant.",
            )
