"""Which images of a data set are to be done, and which are done already."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...bids import ImageCase, ImageChoice, find_images, read_description, shard_of
from ...errors import InputError, OptionError
from ...files import real_path
from ...progress import Progress
from .data_set_case import CaseJob, is_finished, opened_bundle
from .data_set_options import DataSetOptions


@dataclass(frozen=True)
class DataSetPlan:
    """The cases of a run.

    Attributes:
        dataset: folder of the images.
        out: folder of the results.
        options: how.
        jobs: all cases of this run.
        to_do: those of them that are not done yet.
    """

    dataset: Path
    out: Path
    options: DataSetOptions
    jobs: tuple[CaseJob, ...]
    to_do: tuple[CaseJob, ...]

    @property
    def finished(self) -> int:
        """How many were done before."""
        return len(self.jobs) - len(self.to_do)


def plan_data_set(
    dataset: Path,
    out: Path,
    options: DataSetOptions,
    choice: ImageChoice | None = None,
    *,
    shard: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> DataSetPlan:
    """Find the images and look at what is there already; nothing is written.

    Args:
        dataset: BIDS, in part BIDS, or a plain folder of images.
        out: folder of the results.
        options: how.
        choice: which images.
        shard: (number from 1, count): only the visits of this shard.
        progress: receives progress; checked for cancellation.

    Raises:
        InputError: no such folder, or no image in it.
        OptionError: the folder of the results is that of the images; no such participant or shard.
        ModelError: there is no such model.
        Cancelled: through ``progress``.
    """
    progress = progress or Progress()
    # A worker may have another working folder.
    dataset, out = (Path(os.path.abspath(path)) for path in (dataset, out))
    if options.model is not None and os.path.isdir(options.model):
        options = replace(options, model=os.path.abspath(options.model))
    _check_folders(dataset, out)
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise OptionError(
            f"There is no shard {shard[0]} of {shard[1]}.", hint="Give, for example, 7/50."
        )
    progress.report(0.0, "Looking for images")
    images = find_images(dataset, choice, skip=[out])
    if not images and choice and (choice.participants or choice.sessions or choice.filters):
        raise InputError(
            "No image of the data set is among those that were chosen.",
            path=dataset,
            hint="Check the participants, sessions, suffixes and filters.",
        )
    if not images:
        raise InputError(
            "There is no image to segment in this folder.",
            path=dataset,
            hint="Give the folder of a data set; with other contrasts than the usual ones, also"
            " their suffixes.",
        )
    if shard is not None:
        images = [one for one in images if shard_of(one.together, shard[1]) == shard[0]]
    jobs = _jobs(images, dataset, out, options)
    if not options.resume:
        return DataSetPlan(dataset, out, options, tuple(jobs), tuple(jobs))
    opened_bundle(options.model)
    to_do = []
    for number, job in enumerate(jobs):
        progress.check_cancelled()
        progress.report(number / len(jobs), f"Looking at what is done: {number + 1} of {len(jobs)}")
        if not _is_finished(job):
            to_do.append(job)
    return DataSetPlan(dataset, out, options, tuple(jobs), tuple(to_do))


def _jobs(
    images: Sequence[ImageCase], dataset: Path, out: Path, options: DataSetOptions
) -> list[CaseJob]:
    """One a case; each knows the other images of its visit."""
    visits: dict[str, list[str]] = defaultdict(list)
    for image in images:
        if image.session:
            visits[image.session].append(image.key)
    now = time.time()
    return [
        CaseJob(
            image.key,
            image.image,
            dataset,
            out,
            options,
            tuple(key for key in visits.get(image.session, ()) if key != image.key),
            since=now,
        )
        for image in images
    ]


def _is_finished(job: CaseJob) -> bool:
    try:
        return is_finished(job)
    except OSError:
        return False  # why, is found out when the case is done


def _check_folders(dataset: Path, out: Path) -> None:
    # Images in the folder of the results would never be found: it is not looked into.
    is_within = real_path(dataset) in real_path(out).parents
    if real_path(dataset) == real_path(out) or (
        is_within and out.is_dir() and not read_description(out) and find_images(out)
    ):
        raise OptionError(
            "The results would lie among the images.",
            path=out,
            hint="Choose another folder, for example derivatives/softcord in the data set.",
        )
