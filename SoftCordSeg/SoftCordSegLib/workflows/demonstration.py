"""The phantom, or an image -> masks, tables, a Slicer scene and a page: the whole chain, compared
with the known truth where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..bids import Kind, label_name, stem_of
from ..errors import InputError, OptionError
from ..files import check_folder, check_not_an_input, write_text_atomically
from ..progress import Progress
from ..reports.demo_page import DEMO_PAGE, DEMO_TITLE, DemoStudy, LevelError, demo_html
from ..reports.html_page import check_own_page
from .demonstration_scene import with_views
from .run_each import Bar, Failure, no_bar, run_each
from .segment_images import SegmentOptions, segment_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..morphometry import CordShape, DiscLabel, Summary
    from ..network import ModelBundle
    from ..phantom import Phantom
    from ..volume import Volume


@dataclass(frozen=True)
class DemoOptions:
    """What is shown, and how.

    Attributes:
        image: a real image in place of the phantom.
        discs: its disc labels, for vertebral levels.
        contrasts: of the phantom; all where empty.
        segment: how images are segmented.
        command: as the user typed it, for the page.
    """

    image: Path | None = None
    discs: Path | None = None
    contrasts: tuple[str, ...] = ()
    segment: SegmentOptions = SegmentOptions(threshold=0.5)
    command: str = ""

    def names(self) -> list[str]:
        """What is processed: the image's file name, or contrasts of the phantom.

        Raises:
            OptionError: options that exclude each other, an unknown contrast.
        """
        from ..phantom import CONTRASTS

        if self.image is not None:
            if self.contrasts:
                raise OptionError(
                    "Contrasts are of the phantom; an image has its own.",
                    hint="Give either an image or contrasts.",
                )
            return [self.image.name]
        if self.discs is not None:
            raise OptionError(
                "Disc labels are of an image; the phantom's discs are known.",
                hint="Give the image that they belong to as well.",
            )
        unknown = [name for name in self.contrasts if name not in CONTRASTS]
        if unknown:
            raise OptionError(
                f"The phantom has no contrast '{unknown[0]}'.",
                hint=f"It has {', '.join(CONTRASTS)}.",
            )
        return list(dict.fromkeys(self.contrasts or CONTRASTS))

    def check(self, out: Path) -> None:
        """Refuse, before any work, options that exclude each other and a folder that cannot
        take the results.

        Raises:
            OptionError: see :meth:`names`; an input would be overwritten, or a file that is not a
                page of a demonstration.
            OutputError: the folder cannot be written.
        """
        self.names()
        check_own_page(out / DEMO_PAGE, DEMO_TITLE)
        if self.image is not None:
            written = self.segment.files(self.image, out / stem_of(self.image))
            discs = [] if self.discs is None else [self.discs]
            check_not_an_input(written.values(), [self.image, *discs])
        check_folder(out)


@dataclass(frozen=True, eq=False)
class Demonstration:
    """The results.

    Attributes:
        studies: one for each image that could be processed.
        failures: the other images.
        page: None where no image could be processed.
    """

    studies: list[DemoStudy]
    failures: list[Failure[str]]
    page: Path | None


def demonstrate(
    out: Path,
    bundle: ModelBundle,
    options: DemoOptions,
    *,
    bar: Bar = no_bar,
    on_failure: Callable[[Failure[str]], str] = lambda failure: str(failure.error),
) -> Demonstration:
    """Take the phantom in each contrast, or an image, through the whole chain.

    Args:
        out: folder of the page; each image has a folder of its own in it.
        bundle: the model.
        options: what is shown, and how.
        bar: gives the progress of each image.
        on_failure: called at once for an image that could not be processed; returns the sentence
            for the page.

    Raises:
        OptionError: options that exclude each other.
        OutputError: the page cannot be written.
        Cancelled: the user stopped the work.
    """
    names = options.names()
    sentences: list[tuple[str, str]] = []

    def work(name: str, progress: Progress) -> DemoStudy:
        study = _study(name, out, bundle, options, progress.part(0.0, 0.9))
        progress.report(0.9, "Drawing Slicer's views")
        progress.check_cancelled()
        return with_views(study, study.files["mask"].parent)

    outcomes = run_each(
        names,
        work,
        name=str,
        bar=bar,
        on_failure=lambda failure: sentences.append((failure.name, on_failure(failure))),
    )
    if not outcomes.results:
        return Demonstration([], outcomes.failures, None)
    page = demo_html(
        outcomes.results, sentences, bundle, out, options.command, options.image is None
    )
    write_text_atomically(out / DEMO_PAGE, page)
    return Demonstration(outcomes.results, outcomes.failures, out / DEMO_PAGE)


def study_phantom(
    contrast: str,
    folder: Path,
    bundle: ModelBundle,
    options: SegmentOptions,
    progress: Progress,
) -> DemoStudy:
    """Make the phantom in one contrast, write it into ``folder``, and take it through the chain.

    Raises:
        SoftCordSegError: as :func:`study_image`.
    """
    from ..phantom import make_phantom
    from ..volume import write_nifti

    phantom = make_phantom(contrast, progress=progress.part(0.0, 0.35))
    path = folder / f"phantom_{contrast}.nii.gz"
    files = {
        "image": path,
        "truth": folder / f"phantom_{contrast}_truth.nii.gz",
        "discs": folder / label_name(path, Kind.DISCS),
    }
    write_nifti(phantom.image, path)
    write_nifti(phantom.truth, files["truth"])
    write_nifti(_disc_image(phantom), files["discs"])
    study = study_image(path, folder, bundle, options, progress.part(0.35, 1.0), phantom.discs)
    study = replace(study, title=contrast, files={**files, **study.files})
    return study if study.shape is None else _compared(study, study.shape, phantom)


def study_image(
    path: Path,
    folder: Path,
    bundle: ModelBundle,
    options: SegmentOptions,
    progress: Progress,
    discs: Sequence[DiscLabel] = (),
) -> DemoStudy:
    """Segment and measure one image; the results go into ``folder``.

    Raises:
        SoftCordSegError: the image cannot be segmented, or results cannot be written.
        Cancelled: through ``progress``.
    """
    from ..morphometry import add_levels, aggregate, measure, write_csv
    from ..volume import read_nifti

    segmented = segment_file(path, folder, bundle, options, progress.part(0.0, 0.9))
    mask = read_nifti(segmented.files["mask"])
    study = DemoStudy(
        stem_of(path),
        path,
        read_nifti(path, segmented.time),
        mask,
        segmented.found,
        segmented.message,
        segmented.seconds,
        segmented.volume_ml,
        discs=tuple(discs),
        files=segmented.files,
    )
    if not segmented.found:
        return replace(study, remarks=(segmented.message,))
    shape, levels, remarks = measure(mask, progress=progress.part(0.9, 1.0)), None, []
    if discs:
        try:
            shape = add_levels(shape, discs, mask)
            levels = aggregate(shape, per_level=True)
        except InputError as error:
            remarks.append(f"No vertebral levels: {error}")
    tables = {"slices": folder / f"{stem_of(path)}_csa_perslice.csv"}
    mask_name = segmented.files["mask"].name
    write_csv(tables["slices"], shape, aggregate(shape, per_slice=True), mask_name)
    if levels is not None:
        tables["levels"] = folder / f"{stem_of(path)}_csa_perlevel.csv"
        write_csv(tables["levels"], shape, levels, mask_name)
    remarks += [*segmented.notes, *shape.notes, *(() if levels is None else levels.notes)]
    return replace(
        study,
        shape=shape,
        levels=levels,
        files={**study.files, **tables},
        remarks=tuple(remarks),
    )


def _study(
    name: str, out: Path, bundle: ModelBundle, options: DemoOptions, progress: Progress
) -> DemoStudy:
    from ..morphometry.disc_files import read_discs

    if options.image is None:
        return study_phantom(name, out / name, bundle, options.segment, progress)
    discs = () if options.discs is None else read_discs(options.discs)
    folder = out / stem_of(options.image)
    return study_image(options.image, folder, bundle, options.segment, progress, discs)


def _compared(study: DemoStudy, shape: CordShape, phantom: Phantom) -> DemoStudy:
    """The study with what is known of its image."""
    known = phantom.slice_areas_mm2(shape.grid)
    return replace(
        study,
        known_mm2=known[shape.slices],
        errors=_level_errors(shape, study.levels, known),
        dice=_dice_at_half(study.mask, phantom.truth),
        remarks=(*_missed_slices(shape), *study.remarks),
    )


def _level_errors(
    shape: CordShape, levels: Summary | None, known: np.ndarray
) -> tuple[LevelError, ...]:
    """Mean areas by level against the formula's, over the slices that were measured."""
    errors = []
    for row in levels or ():
        slices = [n for n in row.slices if np.isfinite(shape.at_slice(n).area)]
        if slices:
            mean = float(known[slices].mean())
            errors.append(LevelError(row.name, len(slices), mean, float(row.mean["area"])))
    return tuple(errors)


def _dice_at_half(mask: Volume, truth: Volume) -> float:
    """Dice of the two soft masks, both cut at 0.5; 0 to 1."""
    a, b = mask.data >= 0.5, truth.data >= 0.5
    return 2 * float((a & b).sum()) / max(float(a.sum() + b.sum()), 1.0)


def _missed_slices(shape: CordShape) -> list[str]:
    """A sentence if slices that hold cord were not segmented."""
    total, measured = shape.grid.shape[2], int(np.isfinite(shape.columns["area"]).sum())
    if measured == total:
        return []
    return [
        f"The phantom's cord runs through all {total} slices; {total - measured} of them have no"
        " area in the mask."
    ]


def _disc_image(phantom: Phantom) -> Volume:
    """The known discs as SCT's label image: one voxel a disc."""
    labels = np.zeros(phantom.image.shape, np.uint8)
    for disc in phantom.discs:
        voxel = np.round(phantom.image.grid.to_voxel(np.array(disc.position_mm))).astype(int)
        labels[tuple(voxel)] = disc.value
    return phantom.image.with_data(labels)
