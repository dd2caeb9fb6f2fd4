"""Where each data set's masks are drawn, measured on its training participants: millimetres outside
the one convention.

Where the edge of a cord is seen: ``seen_edge.py``.
The same is measured on the PAM50 template.  The convention lies :data:`OUTSIDE_TEMPLATE_MM` outside
its mask (README.md says why); what a data set's edge lies outside that is its offset.  pack.py
moves the drawn masks back by it, and the template's own mask outwards.

    python drawn_edges.py --data DATA                 writes offsets.csv, prints each image
    python drawn_edges.py --data DATA --picture FILE  a picture of the profiles too
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pack import HERE, TEMPLATE
from seen_edge import DISTANCES, half_width, outside_seen_edge

from SoftCordSegLib.evaluation import Case, read_cases
from SoftCordSegLib.files import write_text_atomically
from SoftCordSegLib.volume import read_nifti, reorient

# Of fewer participants nothing is said of a data set: one's fluid or a drawer's day moves an edge
# as much as a convention does.
_LEAST_PARTICIPANTS = 2
# The template is compared where the images are: neck and upper chest.  Further down, its mask is
# drawn well inside the seen edge.
_TEMPLATE_MM = 215.0
# Two estimates of how far masks drawn by hand lie outside SCT's convention: 0.21 mm by the
# template's edge, 0.03 mm by areas per level against the spine-generic sessions of the normative
# measures.  Half-way between them is the convention.
OUTSIDE_TEMPLATE_MM = 0.09


@dataclass(frozen=True, eq=False)
class DrawnEdge:
    """Where the mask of one image is drawn.

    Attributes:
        case: the row of the list.
        slices_mm: (n,) of each slice that shows it: the drawn edge outside (positive) or inside the
            seen one.
        profiles: (n, distances) mean intensities at ``DISTANCES``, 0 inside and 1 in the fluid.
    """

    case: Case
    slices_mm: np.ndarray
    profiles: np.ndarray

    @property
    def median_mm(self) -> float:
        """Of the slices."""
        return float(np.median(self.slices_mm))

    @property
    def spread_mm(self) -> float:
        """Of the slices: half the width that holds the middle 68 %."""
        return half_width(self.slices_mm)


def measure_edge(case: Case, upper_mm: float = np.inf) -> DrawnEdge:
    """Measure the slices of an image with a drawn mask, axial or nearly.

    Args:
        case: with a reference.
        upper_mm: how much of the mask, from its upper end.
    """
    image, mask = (reorient(read_nifti(path), "LAS") for path in (case.image, case.reference))
    return DrawnEdge(case, *outside_seen_edge(image, mask, upper_mm))


def offsets_of(
    edges: Sequence[DrawnEdge], reference: DrawnEdge
) -> list[tuple[str, float, float, int, int]]:
    """(data set, offset in mm, SD between participants, participants, images) of each data set of
    at least two participants.
    """
    by_set: dict[str, list[DrawnEdge]] = defaultdict(list)
    for edge in edges:
        by_set[edge.case.dataset].append(edge)
    rows = []
    for name, found in sorted(by_set.items()):
        by_participant: dict[str, list[float]] = defaultdict(list)
        for edge in found:
            by_participant[edge.case.participant].append(edge.median_mm)
        participants = [float(np.mean(values)) for values in by_participant.values()]
        if len(participants) < _LEAST_PARTICIPANTS:
            continue
        spread = float(np.std(participants, ddof=1))
        rows.append(
            (
                name,
                float(np.mean(participants)) - reference.median_mm - OUTSIDE_TEMPLATE_MM,
                spread,
                len(participants),
                len(found),
            )
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the participants of training.csv and write offsets.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that paths in the lists start from"
    )
    parser.add_argument(
        "--list", type=Path, default=HERE / "training.csv", help="whose masks are measured"
    )
    parser.add_argument("-o", "--out", type=Path, default=HERE / "offsets.csv")
    parser.add_argument("--picture", type=Path, help="profiles of all images, PNG")
    chosen = parser.parse_args(arguments)
    template = replace(
        TEMPLATE, image=chosen.data / TEMPLATE.image, reference=chosen.data / TEMPLATE.reference
    )
    cases = [case for case in read_cases(chosen.list, chosen.data) if case.reference is not None]
    reference, edges = measure_edge(template, _TEMPLATE_MM), [measure_edge(case) for case in cases]
    print(
        f"{'image':34} {'data set':14} slices   drawn outside the seen edge, mm: median, spread of"
        " the slices"
    )
    for edge in (reference, *edges):
        print(
            f"{edge.case.stem:34} {edge.case.dataset:14} {len(edge.slices_mm):6}  "
            f" {edge.median_mm:+.2f}  {edge.spread_mm:.2f}"
        )
    rows = offsets_of(edges, reference)
    rows.append((TEMPLATE.dataset, -OUTSIDE_TEMPLATE_MM, 0.0, 1, 1))
    lines = [
        "# Millimetres by which the edges of a data set are drawn outside the convention;"
        " drawn_edges.py measured them."
    ]
    lines += ["dataset,offset_mm,people,images"]
    lines += [
        f"{name},{offset:.2f},{participants},{images}"
        for name, offset, _, participants, images in rows
    ]
    write_text_atomically(chosen.out, "\n".join(lines) + "\n")
    for name, offset, spread, participants, _ in rows[:-1]:
        print(
            f"{name}: {offset:+.2f} mm outside the convention ({participants} participants, SD"
            f" between them {spread:.2f})"
        )
    for name in sorted({edge.case.dataset for edge in edges} - {row[0] for row in rows}):
        print(f"{name}: fewer than {_LEAST_PARTICIPANTS} participants: no offset")
    if chosen.picture:
        _draw((reference, *edges), chosen.picture)


def _draw(edges: Sequence[DrawnEdge], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4))
    for edge in edges:
        axes[0].plot(DISTANCES, edge.profiles.mean(axis=0), label=edge.case.stem)
        axes[1].plot(edge.slices_mm, label=edge.case.stem)
    axes[0].set(xlabel="mm inside the drawn edge", ylabel="cord 0, fluid 1")
    axes[1].set(xlabel="slice", ylabel="drawn outside the seen edge, mm")
    axes[0].axvline(0, color="grey", linewidth=0.5)
    axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
