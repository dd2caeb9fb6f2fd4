"""Records of a bundle on a list, made by hand or measured on small cords."""

from __future__ import annotations

import functools

from evaluation.cords import a_cord
from evaluation.study import rows_of
from SoftCordSegLib.evaluation.held_out import Measured, Measuring
from SoftCordSegLib.evaluation.held_out.image_measures import ImageMeasures, Tip


def an_image(participant, contrast="T2w", seen=False, offset=None, **values):
    return ImageMeasures(
        f"{participant}_{contrast}",
        participant,
        contrast,
        "neck",
        "set",
        "",
        seen,
        values,
        offset or {},
    )


def measured(*images, bundle="compact 1", spreads=(), rescans=()):
    return Measured(bundle, "0" * 64, tuple(images), tuple(spreads), tuple(rescans))


def value(rows, measure, **wanted):
    """The only row of a number."""
    (row,) = [
        row
        for row in rows_of(rows)
        if row.measure == measure and all(getattr(row, key) == one for key, one in wanted.items())
    ]
    return row


@functools.cache
def measure(study, *versions, offset_mm=None):
    """A bundle on the study, trained from these versions; with the offset of its data set."""
    tips = {study[4][0].image.resolve(): Tip(-32.0, 4.0, 30.0)}
    offsets = {} if offset_mm is None else {"set": offset_mm}
    measuring = Measuring("compact 1", "0" * 64, versions, offsets, tips)
    for case, wider_mm, spacing in study:
        measuring.add(case, a_cord(spacing, -30, 30, wider_mm=wider_mm))
    return measuring.result()
