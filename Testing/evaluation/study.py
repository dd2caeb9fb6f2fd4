"""A study small enough to work out by hand: three participants, three contrasts, two methods;
straight cords with square corners.

The cord of a participant is 8 voxels of 1 mm high (A-P) and ``WIDTHS`` wide (R-L), in 6 slices, on
a grid of 24 x 24 x 6. References are the same in all contrasts.  The method "tall" adds a row in
T1w and takes one away in T2star; the method "aside" is one voxel too far to the left everywhere.
"""

from __future__ import annotations

import json

import numpy as np

from SoftCordSegLib.volume import Volume, write_nifti

WIDTHS = {"sub-01": 6, "sub-02": 8, "sub-03": 10}
CONTRASTS = ("T1w", "T2w", "T2star")
HEIGHT = 8
MORE_ROWS = {"T1w": 1, "T2w": 0, "T2star": -1}


def rows_of(frame) -> list:
    """The rows of a frame, a number by its name each."""
    return list(frame.itertuples(index=False))


def a_box(
    width: int, height: int = HEIGHT, shift: int = 0, slices: int = 6, value: float = 1.0
) -> Volume:
    """A cord of this size, the first voxel of its section at (7 + shift, 7); LAS, 1 mm."""
    data = np.zeros((24, 24, slices), np.float32)
    data[7 + shift : 7 + shift + width, 7 : 7 + height] = value
    affine = np.diag([-1.0, 1, 1, 1])
    affine[:3, 3] = 12, -12, 0
    return Volume(data, affine)


def write_study(folder, discs: bool = True):
    """Images, references, discs and both methods' masks as files; the path of the table of cases.

    C2/C3 is at slice 3 and C3/C4 at slice 0, so that slices 1 to 3 are C3, 4 and 5 are C2, and 0 is
    C4.
    """
    rows = ["participant,contrast,image,reference,discs,grid,whole_field"]
    for participant, width in WIDTHS.items():
        marks = folder / "data" / f"{participant}_discs.mrk.json"
        points = [("C2/C3", (-1.0, 0.0, 3.0)), ("C3/C4", (-1.0, 0.0, 0.0))]
        control = [
            {"label": label, "position": place, "positionStatus": "defined"}
            for label, place in points
        ]
        marks.parent.mkdir(exist_ok=True, parents=True)
        marks.write_text(
            json.dumps({"markups": [{"coordinateSystem": "LPS", "controlPoints": control}]}),
            encoding="utf-8",
        )
        for contrast in CONTRASTS:
            name = f"{participant}_{contrast}"
            truth = a_box(width)
            write_nifti(truth.with_data(truth.data * 1000), folder / "data" / f"{name}.nii.gz")
            write_nifti(truth, folder / "data" / f"{name}_seg-manual.nii.gz")
            write_nifti(
                a_box(width, HEIGHT + MORE_ROWS[contrast]), folder / "tall" / f"{name}_seg.nii.gz"
            )
            write_nifti(a_box(width, shift=1), folder / "aside" / f"{name}_softseg.nii.gz")
            mark = f"data/{marks.name}" if discs else ""
            rows.append(
                f"{participant},{contrast},data/{name}.nii.gz,data/{name}_seg-manual.nii.gz,{mark},{participant},yes"
            )
    table = folder / "cases.csv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return table
