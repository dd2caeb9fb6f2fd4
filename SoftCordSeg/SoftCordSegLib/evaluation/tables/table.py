"""A table of means and standard deviations, as CSV and as LaTeX."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MeanSd:
    """A mean over images or participants; NaN where there are none.

    Attributes:
        mean, sd: of the finite values; SD with ddof 1.
        count: how many there were.
    """

    mean: float
    sd: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> MeanSd:
        """Of the values that are finite."""
        finite = [value for value in values if math.isfinite(value)]
        mean = float(np.mean(finite)) if finite else math.nan
        return cls(
            mean, float(np.std(finite, ddof=1)) if len(finite) > 1 else math.nan, len(finite)
        )

    def text(self, digits: int, plus_minus: str = " ± ") -> str:
        """As "0.96 ± 0.02"; "–" without values, the mean alone without an SD."""
        if not self.count:
            return "–"
        mean = f"{self.mean:.{digits}f}"
        return f"{mean}{plus_minus}{self.sd:.{digits}f}" if math.isfinite(self.sd) else mean


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Attributes:
        key: in the CSV.
        title: with its unit.
        digits: after the point in LaTeX and in the window.
        best: the best value there is: the row nearest to it is printed bold; None marks none.
    """

    key: str
    title: str
    digits: int
    best: float | None = None


@dataclass(frozen=True)
class PaperTable:
    """A table.

    Attributes:
        name: of its files.
        caption: sentence.
        labels: titles of the columns of words.
        columns: of numbers.
        rows: (words, numbers) each.
        within: rows compete for the best number where these words (by position) are the same.
    """

    name: str
    caption: str
    labels: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[tuple[tuple[str, ...], tuple[MeanSd, ...]], ...]
    within: tuple[int, ...] = ()

    def csv_text(self) -> str:
        """Mean, SD and count of every number, to six significant digits; empty cells where there is
        none.
        """
        stream = io.StringIO()
        writer = csv.writer(stream)
        parts = [f"{column.key}_{part}" for column in self.columns for part in ("mean", "sd", "n")]
        writer.writerow([*(label.lower().replace(" ", "_") for label in self.labels), *parts])
        for words, numbers in self.rows:
            writer.writerow(
                [
                    *words,
                    *(
                        cell
                        for number in numbers
                        for cell in (_csv(number.mean), _csv(number.sd), number.count)
                    ),
                ]
            )
        return stream.getvalue()

    def texts(self) -> list[list[str]]:
        """Cells as they are read."""
        return [
            [*words, *(number.text(c.digits) for number, c in zip(numbers, self.columns))]
            for words, numbers in self.rows
        ]

    def bold(self) -> list[list[bool]]:
        """Which numbers are the best, as they are printed, of the rows they compete with; none
        where all are alike.
        """
        marks = [[False] * len(self.columns) for _ in self.rows]
        groups: dict[tuple[str, ...], list[int]] = {}
        for index, (words, _) in enumerate(self.rows):
            groups.setdefault(tuple(words[at] for at in self.within), []).append(index)
        for at, column in enumerate(self.columns):
            for rows in groups.values() if column.best is not None else ():
                far = {
                    index: round(abs(self.rows[index][1][at].mean - column.best), column.digits)
                    for index in rows
                    if self.rows[index][1][at].count
                }
                if len(set(far.values())) > 1:
                    for index, distance in far.items():
                        marks[index][at] = distance == min(far.values())
        return marks

    def latex_text(self) -> str:
        """For ``\\usepackage{booktabs}``."""
        align = "l" * len(self.labels) + "c" * len(self.columns)
        heads = " & ".join(
            _latex(one) for one in (*self.labels, *(column.title for column in self.columns))
        )
        lines = [
            "\\begin{table}",
            "\\centering",
            f"\\caption{{{_latex(self.caption)}}}",
            f"\\begin{{tabular}}{{{align}}}",
        ]
        lines += ["\\toprule", f"{heads} \\\\", "\\midrule"]
        for (words, numbers), marks in zip(self.rows, self.bold()):
            cells = [_latex(word) for word in words]
            for number, column, best in zip(numbers, self.columns, marks):
                text = number.text(column.digits, " \\pm ")
                cells.append(
                    "--" if not number.count else f"$\\mathbf{{{text}}}$" if best else f"${text}$"
                )
            lines.append(f"{' & '.join(cells)} \\\\")
        lines += ["\\bottomrule", "\\end{tabular}", "\\end{table}"]
        return "\n".join(lines) + "\n"


def _csv(number: float) -> str:
    return f"{number:.6g}" if math.isfinite(number) else ""


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
