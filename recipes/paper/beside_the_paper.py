"""Tables 1 to 3 beside the paper's.

python beside_the_paper.py work/evaluation [work/external] -o work/beside_the_paper.md
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

PAPER = Path(__file__).with_name("paper_numbers.csv")
TITLES = {
    "table1_contrasts": "Table 1: soft_all by contrast, test set",
    "table2_methods": "Table 2: methods over all images of the test set",
    "table3_datasets": "Table 3: unseen data sets",
}
# The word by which a row of ours is found, beside the method.
ROWS = {"table1_contrasts": "contrast", "table3_datasets": "data_set"}
NUMBERS = {"dice": ("Dice", 2), "rve_percent": ("RVE, %", 2), "asd_mm": ("ASD", 2)}


def number(mean: float, sd: float, digits: int) -> str:
    """As "0.96 ± 0.02"; without the SD where it is of one image; "–" where there is none."""
    if pd.isna(mean):
        return "–"
    return f"{mean:.{digits}f}" + ("" if pd.isna(sd) else f" ± {sd:.{digits}f}")


def ours(folders: list[Path], table: str, row: str, method: str) -> pd.Series | None:
    """The row of ours that stands beside one of the paper's."""
    for folder in folders:
        path = folder / "tables" / f"{table}.csv"
        if path.is_file():
            frame = pd.read_csv(path, dtype={"n": str})
            same = frame["method"] == method
            if table in ROWS:
                same &= frame[ROWS[table]] == row
            if same.any():
                return frame[same].iloc[0]
    return None


def report(folders: list[Path]) -> str:
    """The tables as Markdown."""
    paper = pd.read_csv(PAPER, keep_default_na=False)
    parts = ["# Beside the paper", ""]
    for table, rows in paper.groupby("table", sort=False):
        heads = [f"{title}, {who}" for title, _ in NUMBERS.values() for who in ("paper", "here")]
        parts += [f"## {TITLES[str(table)]}", "", f"| {' | '.join(['', 'Method', *heads])} |"]
        parts += ["|" + "---|" * (2 + len(heads))]
        for _, one in rows.iterrows():
            found = ours(folders, str(table), one["row"], one["method"])
            cells = [one["row"], one["method"]]
            for key, (_, digits) in NUMBERS.items():
                cells.append(number(float(one[key]), float(one[f"{key}_sd"]), digits))
                cells.append(
                    "–"
                    if found is None
                    else number(found[f"{key}_mean"], found[f"{key}_sd"], digits)
                )
            parts.append(f"| {' | '.join(cells)} |")
        parts.append("")
    parts.append(
        "The paper's ASD of soft_all, nnUNet and the unseen data sets is in voxels, that of"
        " PropSeg and DeepSeg in mm (its authors' code); here all are in mm."
    )
    return "\n".join(parts) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """0 always."""
    parser = argparse.ArgumentParser(description="Tables beside the paper's.")
    parser.add_argument("folders", type=Path, nargs="+", help="of softcord evaluate")
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    text = report(options.folders)
    options.out.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
