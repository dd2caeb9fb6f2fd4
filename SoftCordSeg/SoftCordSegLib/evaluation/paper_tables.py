"""The paper's tables 1 to 3, one of its CSA figures in numbers, and a comparison of thresholds and
of voxel sizes: means and standard deviations, as text, CSV and LaTeX.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from ..files import safe_cell
from .slice_areas import REFERENCE, SOFT

_WHAT = "Means and standard deviations"
_FAILED = "Failed"


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Attributes:
        key: in the CSV.
        source: column of the frame that it summarises.
        title: with its unit.
        digits: after the point in LaTeX and in the window.
        best: the best value there is: the row nearest to it is printed bold; None marks none.
    """

    key: str
    source: str
    title: str
    digits: int
    best: float | None = None


_DICE = Column("dice", "dice", "Dice", 3, best=1.0)
_RVE = Column("rve_percent", "volume_error_percent", "RVE, %", 2, best=0.0)
_ASD = Column("asd_mm", "surface_distance_mm", "ASD, mm", 3, best=0.0)
_CSA = Column("csa_mm2", "area_mm2", "CSA, mm²", 2)
_SD = Column("sd_mm2", "sd_mm2", "SD over contrasts, mm²", 2, best=0.0)
_CV = Column("cv_percent", "cv_percent", "SD over contrasts, %", 2, best=0.0)
_ERROR = Column("absolute_error_mm2", "absolute_error_mm2", "Absolute error, mm²", 2, best=0.0)


@dataclass(frozen=True, eq=False)
class PaperTable:
    """A table.

    Attributes:
        name: of its files.
        caption: sentence.
        labels: titles of the columns of words.
        columns: of numbers.
        frame: the columns of words, then of each number ``<key>_mean`` (NaN where there are no
            values), ``<key>_sd`` (ddof 1) and ``<key>_n``.
        within: rows compete for the best number where these words (by position) are the same.
    """

    name: str
    caption: str
    labels: tuple[str, ...]
    columns: tuple[Column, ...]
    frame: pd.DataFrame
    within: tuple[int, ...] = ()

    @property
    def headings(self) -> list[str]:
        """Titles of all columns."""
        return [*self.labels, *(column.title for column in self.columns)]

    def csv_text(self) -> str:
        """Mean, SD and count of every number, to six significant digits; empty cells where there is
        none.
        """
        return frame_csv(self.frame)

    def texts(self) -> list[list[str]]:
        """Cells as they are read."""
        return self._cells(" ± ", "–").to_numpy().tolist()

    def bold(self) -> list[list[bool]]:
        """Which numbers are the best, as they are printed, of the rows they compete with; none
        where all are alike.  A number over fewer images than another's does not compete: who fails
        in the difficult ones would win.
        """
        marks = pd.DataFrame(False, index=self.frame.index, columns=[c.key for c in self.columns])
        within = [self.frame.columns[at] for at in self.within]
        groups = (
            [own.index for _, own in self.frame.groupby(within, sort=False)]
            if within
            else [self.frame.index]
        )
        for column in self.columns:
            if column.best is not None:
                far = (self.frame[f"{column.key}_mean"] - column.best).abs().round(column.digits)
                for rows in groups:
                    own, counts = far[rows].dropna(), self.frame.loc[rows, f"{column.key}_n"]
                    alike = own.nunique() == 1
                    own = own[counts[own.index] == counts.max()]
                    if len(own) and not (alike and len(own) == counts.gt(0).sum()):
                        marks.loc[own.index[own == own.min()], column.key] = True
        return marks.to_numpy().tolist()

    def latex_text(self) -> str:
        """For ``\\usepackage{booktabs}``."""
        cells = self._cells(" \\pm ", "--")
        words = len(self.labels)
        for at, name in enumerate(cells.columns):
            if at < words:
                cells[name] = [_latex(text) for text in cells[name]]
            else:
                bold = [marks[at - words] for marks in self.bold()]
                cells[name] = [_latex_number(*one) for one in zip(cells[name], bold)]
        cells.columns = [_latex(heading) for heading in self.headings]
        return cells.style.hide(axis="index").to_latex(
            caption=_latex(self.caption),
            column_format="l" * words + "c" * len(self.columns),
            position_float="centering",
            hrules=True,
        )

    def _cells(self, plus_minus: str, nothing: str) -> pd.DataFrame:
        """As "0.96 ± 0.02"; the mean alone without an SD."""
        cells = self.frame.iloc[:, : len(self.labels)].copy()
        for column in self.columns:
            numbers = self.frame[[f"{column.key}_mean", f"{column.key}_sd"]].to_numpy(float)
            cells[column.key] = [
                nothing
                if math.isnan(mean)
                else f"{mean:.{column.digits}f}"
                + ("" if math.isnan(sd) else f"{plus_minus}{sd:.{column.digits}f}")
                for mean, sd in numbers
            ]
        return cells


def frame_csv(frame: pd.DataFrame) -> str:
    """The frame as CSV: numbers to six significant digits, empty cells where there is none, texts
    that no spreadsheet program runs.
    """
    from pandas.api.types import is_numeric_dtype

    safe = frame.copy()
    for at, kind in enumerate(frame.dtypes):
        if not is_numeric_dtype(kind):
            safe.isetitem(at, frame.iloc[:, at].map(safe_cell))
    return safe.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def contrasts_table(scores: pd.DataFrame, outcomes: pd.DataFrame | None = None) -> PaperTable:
    """Table 1: each method's agreement with the reference, by contrast.

    Args:
        scores: at one threshold.
        outcomes: a row for each image and method that was to be evaluated, of which ``failed`` are
            counted in the same row; None leaves them out.
    """
    caption = (
        f"{_WHAT} over participants, by contrast. RVE: relative volume error; ASD: average surface"
        " distance."
    )
    labels = {"contrast": "Contrast", "method": "Method"}
    return _agreement("table1_contrasts", caption, _known(scores), labels, outcomes, within=(0,))


def methods_table(scores: pd.DataFrame, outcomes: pd.DataFrame | None = None) -> PaperTable:
    """Table 2: methods over all images; arguments as for :func:`contrasts_table`."""
    caption = f"{_WHAT} over all images. RVE: relative volume error; ASD: average surface distance."
    labels = {"method": "Method"}
    return _agreement("table2_methods", caption, _known(scores), labels, outcomes)


def datasets_table(scores: pd.DataFrame, outcomes: pd.DataFrame | None = None) -> PaperTable:
    """Table 3: methods by data set, with the number of participants; arguments as for
    :func:`contrasts_table`.
    """
    known = _known(scores)
    count = (known if outcomes is None else outcomes).groupby("dataset")["participant"].nunique()

    def labelled(rows: pd.DataFrame) -> pd.DataFrame:
        names = rows["dataset"].where(rows["dataset"] != "", "all")
        return rows.assign(data_set=names, n=rows["dataset"].map(count).astype(str))

    known = labelled(known)
    outcomes = None if outcomes is None else labelled(outcomes)
    caption = (
        f"{_WHAT} over images, by data set (n participants). RVE: relative volume error; ASD:"
        " average surface distance."
    )
    labels = {"data_set": "Data set", "n": "n", "method": "Method"}
    return _agreement("table3_datasets", caption, known, labels, outcomes, within=(0,))


def csa_table(
    areas: pd.DataFrame, spreads: pd.DataFrame, outcomes: pd.DataFrame | None = None
) -> PaperTable:
    """CSA by method: its mean, its SD over each participant's contrasts, its absolute error.

    Args:
        areas, spreads: of one cut.
        outcomes: as for :func:`contrasts_table`; images whose area another method or the reference
            has count as failed too.
    """
    what = ""
    if len(areas):
        cut = areas["cut"].iloc[0]
        places = " or ".join(areas["place"].unique()[:4])
        what = f"{places}, {cut if cut == SOFT else f'cut at {cut}'}"
    caption = (
        f"Cross-sectional area ({what}): mean over images, SD over the contrasts of each"
        " participant, absolute error."
    )
    columns = (_CSA, _SD, _CV, _ERROR)
    frame = _means(areas, ["method"], (_CSA, _ERROR)).join(
        _means(spreads, ["method"], (_SD, _CV)), how="left"
    )
    labels = {"method": "Method"}
    if outcomes is None or areas.empty:
        return _table("table4_csa", caption, labels, columns, frame)
    images = ["dataset", "participant", "contrast"]
    of_reference = [REFERENCE] if (areas["method"] == REFERENCE).any() else []
    methods = [*of_reference, *outcomes["method"].unique()]
    shown = pd.MultiIndex.from_frame(areas[images]).unique()
    failed = {}
    for method in methods[len(of_reference) :]:
        own = pd.MultiIndex.from_frame(areas.loc[areas["method"] == method, images])
        theirs = outcomes[(outcomes["method"] == method) & outcomes["failed"]]
        missing = shown.difference(own).union(pd.MultiIndex.from_frame(theirs[images]))
        failed[method] = f"{len(missing)} of {len(shown.union(missing))}"
    counts = [failed.get(method, "–") for method in methods]
    frame = frame.reindex(pd.Index(methods, name="method"))
    frame = frame.set_index(pd.Index(counts, name="failed"), append=True)
    return _table("table4_csa", caption, {**labels, "failed": _FAILED}, columns, frame)


def thresholds_table(
    scores: pd.DataFrame, areas: pd.DataFrame, spreads: pd.DataFrame
) -> PaperTable:
    """What the choice of the threshold does.

    Args:
        scores: at all thresholds.
        areas, spreads: of all cuts, "soft" included.
    """
    scores = scores.assign(cut=[f"{threshold:g}" for threshold in scores["threshold"]])
    methods = list(scores["method"].unique())
    if (areas["method"] == REFERENCE).any():
        methods.insert(0, REFERENCE)
    keys = ["method", "cut"]
    rows = pd.MultiIndex.from_product([methods, areas["cut"].unique()], names=keys)
    frame = _means(scores, keys, (_DICE, _RVE)).reindex(rows)
    frame = frame.join(_means(areas, keys, (_CSA, _ERROR)))
    frame = frame.join(_means(spreads, keys, (_SD,)))
    caption = (
        "The same masks, soft and cut at several thresholds; Dice and RVE have the reference cut"
        " alike."
    )
    # No row is the best: they are the same masks.
    columns = tuple(replace(column, best=None) for column in (_DICE, _RVE, _CSA, _ERROR, _SD))
    return _table("thresholds", caption, {"method": "Method", "cut": "Cut"}, columns, frame)


def resolutions_table(rows: pd.DataFrame) -> PaperTable:
    """What the voxel size does to CSA."""
    columns = (
        _CSA,
        Column("difference_mm2", "difference_mm2", "Difference, mm²", 2),
        Column("difference_percent", "difference_percent", "Difference, %", 2),
    )
    place = rows["place"].iloc[0] if len(rows) else ""
    caption = (
        f"CSA ({place}) of the same images at other voxel sizes (R-L x A-P x S-I), and its"
        " difference from the native one."
    )
    labels = {"method": "Method", "resolution": "Resolution", "resampled": "Resampled"}
    return _table("resolutions", caption, labels, columns, _means(rows, list(labels), columns))


def _known(scores: pd.DataFrame) -> pd.DataFrame:
    """Images with a reference."""
    return scores[(scores["method"] != REFERENCE) & scores["dice"].notna()]


def _agreement(
    name: str,
    caption: str,
    known: pd.DataFrame,
    labels: Mapping[str, str],
    outcomes: pd.DataFrame | None,
    within: tuple[int, ...] = (),
) -> PaperTable:
    columns = (_DICE, _RVE, _ASD)
    frame = _means(known, list(labels), columns)
    if outcomes is not None:
        expected = outcomes[outcomes["reference"]].groupby(list(labels), sort=False)["failed"]
        counts = expected.agg(["sum", "size"])
        frame = frame.reindex(counts.index)
        texts = [f"{failed} of {images}" for failed, images in counts.itertuples(index=False)]
        frame = frame.set_index(pd.Index(texts, name="failed"), append=True)
        labels = {**labels, "failed": _FAILED}
    return _table(name, caption, labels, columns, frame, within)


def _means(rows: pd.DataFrame, keys: list[str], columns: Sequence[Column]) -> pd.DataFrame:
    """Mean, SD and count of the columns by the keys, in the order of their first row."""
    parts = {"mean": "mean", "sd": "std", "n": "count"}
    return rows.groupby(keys, sort=False).agg(
        **{f"{c.key}_{part}": (c.source, how) for c in columns for part, how in parts.items()}
    )


def _table(
    name: str,
    caption: str,
    labels: Mapping[str, str],
    columns: tuple[Column, ...],
    frame: pd.DataFrame,
    within: tuple[int, ...] = (),
) -> PaperTable:
    names = [f"{column.key}_{part}" for column in columns for part in ("mean", "sd", "n")]
    counts = [one for one in names if one.endswith("_n")]
    frame = frame[names].reset_index()
    frame[counts] = frame[counts].fillna(0).astype(int)
    return PaperTable(name, caption, tuple(labels.values()), columns, frame, within)


def _latex_number(text: str, bold: bool) -> str:
    return text if text == "--" else f"$\\mathbf{{{text}}}$" if bold else f"${text}$"


_LATEX = str.maketrans(
    {
        "\\": "\\textbackslash{}",
        "^": "\\textasciicircum{}",
        "~": "\\textasciitilde{}",
        "*": "\\textasteriskcentered{}",
        "²": "\\textsuperscript{2}",
        "≥": "$\\geq$",
        **{sign: f"\\{sign}" for sign in "&%_#${}"},
    }
)


def _latex(text: str) -> str:
    return text.translate(_LATEX)
