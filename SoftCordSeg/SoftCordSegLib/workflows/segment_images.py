"""Images -> soft masks of the cord, each with its sidecar: what ``softcord segment`` and the
panel's Segment button do.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from ..errors import InputError, OptionError, SoftCordSegError
from ..files import check_folder, check_not_an_input, file_sha256, write_together
from ..progress import Progress
from ..provenance import box_of, generated_by
from .run_each import (
    Bar,
    OnFailure,
    Outcomes,
    no_bar,
    run_each,
    run_each_overlapping,
    say_nothing,
)

if TYPE_CHECKING:
    # Only for the types: a fresh Slicer lacks packages that these need, and must be able to open
    # the panel.
    from ..network import ModelBundle
    from ..segmentation import LocatedCord, SoftMask
    from ..volume import Box, Volume

# Of a file; compressed images of 512 x 512 x 200 voxels are about as large.
_LARGE_BYTES = 64 << 20


@dataclass(frozen=True)
class SegmentOptions:
    """How to segment, the same for all images.

    Attributes:
        box: where to look; None lets the program find the cord.
        time: which volume of a series, or "mean"; None where the user did not say: the mean.
        threshold: also write the binary mask, soft mask at or above it; None for none.
        device: of the network: "auto", "cpu", "cuda", …
        flips: take the mean with the mirrored image.
        standard_names: write names that the BIDS validator accepts.
        overwrite: replace masks too that no sidecar vouches for.
        command: name and options of the command, for the sidecar; None from scripts.
    """

    box: Box | None = None
    time: str | int | None = None
    threshold: float | None = None
    device: str = "auto"
    flips: bool = False
    standard_names: bool = False
    overwrite: bool = False
    command: Mapping[str, Any] | None = None

    def files(self, image: Path, folder: Path) -> dict[str, Path]:
        """The files of one image: mask, sidecar and, where asked for, binary."""
        from ..bids import Kind, label_name, sidecar_path

        def path_of(kind: Kind) -> Path:
            return folder / label_name(image, kind, standard_names=self.standard_names)

        mask = path_of(Kind.SOFT_MASK)
        files = {"mask": mask, "sidecar": sidecar_path(mask)}
        if self.threshold is not None:
            files["binary"] = path_of(Kind.BINARY_MASK)
        return files


@dataclass(frozen=True)
class SegmentedImage:
    """What became of one image; its mask is in its file.

    Attributes:
        image: its file.
        files: what was written, by kind: "mask", "sidecar", "binary".
        found: False where the mask is empty.
        message: one sentence on the outcome.
        notes: sentences that a reader of the mask has to know.
        volume_ml: of the cord.
        box: that the network looked at, in plain types; None where nothing was found.
        time: which volume of a series was taken, "mean", or None for a 3D image.
        seconds: that it took.
    """

    image: Path
    files: dict[str, Path]
    found: bool
    message: str
    notes: tuple[str, ...]
    volume_ml: float
    box: dict[str, Any] | None
    time: str | int | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """In plain types."""
        return {
            "input": str(self.image),
            **{kind: str(path) for kind, path in self.files.items()},
            "found": self.found,
            "message": self.message,
            "notes": list(self.notes),
            "volume_ml": round(self.volume_ml, 4),
            "box": self.box,
            "source_volume": self.time,
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True, eq=False)
class VolumeRequest:
    """A volume in memory that is to be segmented.

    Attributes:
        image: a copy of the volume where the original may change meanwhile.
        model: folder or name of the model bundle; the first shipped one where None.
        options: how.
    """

    image: Volume
    model: Path | str | None = None
    options: SegmentOptions = field(default_factory=SegmentOptions)


def segment_volume(request: VolumeRequest, progress: Progress) -> SoftMask:
    """Segment a volume in memory; with smaller tiles, then on the CPU, where memory runs out.

    Raises:
        ModelError: no model, or a corrupt one.
        SoftCordSegError, Cancelled: as
            :func:`SoftCordSegLib.segmentation.segment_within_memory`.
    """
    # With PyTorch the first import takes seconds: say so before it starts.
    progress.report(0.0, "Loading the model (longer the first time)")
    from ..network import store

    return _segment(request.image, store.open_bundle(request.model), request.options, progress)


def segment_files(
    images: Sequence[Path],
    folder: Path,
    bundle: ModelBundle,
    options: SegmentOptions,
    *,
    bar: Bar = no_bar,
    on_failure: OnFailure = say_nothing,
) -> Outcomes[Path, SegmentedImage]:
    """:func:`segment_file` for each of several images; one that fails does not stop the others.
    While one is segmented, the next one is read and the last one is written.

    Args:
        images, bundle, options: as there.
        folder: of all results; the images' own folders are mirrored in it where two images have
            one name.
        bar, on_failure: as in :func:`.run_each.run_each`.

    Raises:
        OptionError: results would overwrite each other, or an input; there is no such device.
        NoEngine: what would run the network is not installed.
        OutputError: the folder cannot be written.
        Cancelled: through a bar's progress; what was finished before is complete.
    """
    from ..bids import result_folders
    from ..network.engines import choose_engine

    bundle.prepare(choose_engine(options.device, bundle.needs_pytorch))
    folders = result_folders(images, folder)
    check_not_an_input(
        (path for image in images for path in options.files(image, folders[image]).values()),
        images,
    )
    check_folder(folder)
    steps = _Steps(bundle, options)
    if len(images) == 1 or any(map(_is_large, images)):
        return run_each(
            images,
            lambda image, progress: segment_file(image, folders[image], bundle, options, progress),
            bar=bar,
            on_failure=on_failure,
        )
    return run_each_overlapping(
        images,
        lambda image: steps.read(image, folders[image]),
        lambda _image, source, progress: steps.segment(source, progress),
        lambda _image, made: steps.write(made),
        bar=bar,
        on_failure=on_failure,
    )


def _is_large(image: Path) -> bool:
    """Whether an image takes so much memory that the next one is not read meanwhile."""
    try:
        return image.stat().st_size > _LARGE_BYTES
    except OSError:  # said when it is read
        return False


def segment_file(
    image: Path, folder: Path, bundle: ModelBundle, options: SegmentOptions, progress: Progress
) -> SegmentedImage:
    """Segment one image file and write its results, all or none.

    Args:
        image: ``.nii`` or ``.nii.gz``; of a series (4D) the mean over time or one volume is taken.
        folder: where the results go.
        bundle: the model.
        options: how.
        progress: receives progress; checked for cancellation.

    Raises:
        SoftCordSegError: the image cannot be segmented or the results not be written.
        Cancelled: through ``progress``.
    """
    steps = _Steps(bundle, options)
    progress.report(0.0, "Reading")
    progress.check_cancelled()
    steps.make_ready(image, folder)
    source = steps.read(image, folder)
    made = steps.segment(source, progress.part(0.02, 0.95))
    progress.report(0.95, "Writing")
    progress.check_cancelled()
    return steps.write(made)


def with_crop(bundle: ModelBundle, crop: tuple[int, int, int] | None) -> ModelBundle:
    """The bundle with another crop size; as it is where None.

    Raises:
        OptionError: the model does not crop.
    """
    from ..network import CentreCrop

    if crop is None:
        return bundle
    if not isinstance(bundle.plan, CentreCrop):
        raise OptionError(
            f"The model '{bundle.name}' does not crop the middle of the image.",
            hint="Leave the crop size out.",
        )
    return replace(bundle, plan=replace(bundle.plan, crop=crop))


def _segment(
    image: Volume,
    bundle: ModelBundle,
    options: SegmentOptions,
    progress: Progress,
    located: LocatedCord | None = None,
) -> SoftMask:
    from ..segmentation import segment_within_memory

    return segment_within_memory(
        image,
        bundle,
        box=options.box,
        progress=progress,
        device=options.device,
        flips=options.flips,
        located=located,
    )


def _located_before(
    source: _Source, bundle: ModelBundle, options: SegmentOptions
) -> LocatedCord | None:
    """What the locator found in the same image, by the same model, engine and software, as the
    sidecar of an earlier run has it; None where anything differs.
    """
    from ..bids import read_sidecar
    from ..network.engines import choose_engine
    from ..segmentation import LocatedCord

    content = read_sidecar(source.files["sidecar"])
    if options.box is not None or "Located" not in content:
        return None
    engine = choose_engine(options.device, bundle.needs_pytorch)
    same = {
        "SourceSHA256": source.sha256,
        "SourceVolume": source.time,
        "Device": engine.device,
        "Engine": engine.name,
        "BoxGivenByUser": False,
    }
    made_by = content.get("GeneratedBy")
    ours = isinstance(made_by, list) and made_by[:2] == generated_by(bundle)
    if not ours or any(content.get(key) != value for key, value in same.items()):
        return None
    return LocatedCord.from_json(content["Located"])


def _import_ahead() -> None:
    """Import what writing needs while the network computes, mostly outside Python; what fails here
    fails again, and is said, where it is used.
    """
    with suppress(Exception):
        from .review import review_doubt  # noqa: F401


def _series_notes(volumes: int, time: str | int | None) -> tuple[str, ...]:
    if volumes > 1 and time is None:
        return (
            f"This is a series of {volumes} volumes; their mean over time was segmented. Choose"
            " one volume by its number where that is not wanted.",
        )
    if volumes == 1 and time is not None:
        return ("This is a single volume, so the choice of a volume has no effect on it.",)
    return ()


@dataclass(frozen=True, eq=False)
class _Source:
    """What is segmented.

    Attributes:
        path: its file.
        files: what will be written.
        sha256: of its file.
        state: size and time of change (ns) of its file.
        volumes: number of its volumes.
        time: which of them was taken.
        volume: that one.
        seconds: that reading it took.
    """

    path: Path
    files: dict[str, Path]
    sha256: str
    state: tuple[int, int]
    volumes: int
    time: str | int | None
    volume: Volume
    seconds: float


@dataclass(frozen=True, eq=False)
class _Made:
    """A mask, and the seconds that it took."""

    source: _Source
    mask: SoftMask
    seconds: float


@dataclass(frozen=True)
class _Steps:
    """The three steps from a file to a file."""

    bundle: ModelBundle
    options: SegmentOptions

    def make_ready(self, image: Path, folder: Path) -> None:
        """Let the engine make the locator ready while the image is read; what is wrong with the
        image is said then.
        """
        from ..network.engines import choose_engine
        from ..segmentation import prepare_locator
        from ..volume import read_grid

        if self.options.box is None and not self.options.files(image, folder)["sidecar"].exists():
            engine = choose_engine(self.options.device, self.bundle.needs_pytorch)
            with suppress(SoftCordSegError):
                prepare_locator(read_grid(image), self.bundle, engine)

    def read(self, image: Path, folder: Path) -> _Source:
        from ..bids import check_replaceable
        from ..volume import check_is_file, read_nifti, time_points

        started = clock.perf_counter()
        check_is_file(image)
        options, files = self.options, self.options.files(image, folder)
        check_replaceable(
            (files[kind] for kind in ("mask", "binary") if kind in files), options.overwrite
        )
        status = image.stat()
        source_sha256 = file_sha256(image)
        volumes = time_points(image)
        time = (options.time if options.time is not None else "mean") if volumes > 1 else None
        volume = read_nifti(image, time, without_nan=True)
        state, seconds = (status.st_size, status.st_mtime_ns), clock.perf_counter() - started
        return _Source(image, files, source_sha256, state, volumes, time, volume, seconds)

    def segment(self, source: _Source, progress: Progress) -> _Made:
        started = clock.perf_counter()
        located = _located_before(source, self.bundle, self.options)
        Thread(target=_import_ahead, name="softcord-import").start()
        mask = _segment(source.volume, self.bundle, self.options, progress, located)
        mask = replace(mask, notes=(*source.volume.notes, *mask.notes))
        return _Made(source, mask, source.seconds + clock.perf_counter() - started)

    def write(self, made: _Made) -> SegmentedImage:
        started = clock.perf_counter()
        source, mask = made.source, made.mask
        if file_sha256(source.path) != source.sha256:
            raise InputError(
                "The image was changed while it was segmented.",
                path=source.path,
                hint="Try again.",
            )
        write_together(_writers(source, mask, self.bundle, self.options))
        soft = mask.volume
        return SegmentedImage(
            source.path,
            source.files,
            mask.found,
            mask.message,
            (*_series_notes(source.volumes, self.options.time), *mask.notes),
            float(soft.data.sum(dtype=float) * soft.grid.voxel_volume / 1000),
            box_of(mask.box),
            source.time,
            made.seconds + clock.perf_counter() - started,
        )


def _writers(
    source: _Source, mask: SoftMask, bundle: ModelBundle, options: SegmentOptions
) -> dict[Path, Callable[[Path], object]]:
    """For each file of an image a function that writes it."""
    import numpy as np

    from ..bids import (
        hashed_writers,
        merged,
        read_sidecar,
        segmentation_sidecar,
        still_described,
    )
    from ..volume import write_nifti
    from .review.review_doubt import doubt_of_mask

    files = source.files
    record = segmentation_sidecar(
        mask,
        bundle,
        source.path.name,
        device=options.device,
        box_given=options.box is not None,
        source_sha256=source.sha256,
        source_state=source.state,
        source_volumes=source.volumes,
        source_volume=source.time,
        threshold=options.threshold,
        command=options.command,
        doubt=doubt_of_mask(mask.volume, source.volume),
        located=None if mask.located is None else mask.located.as_json(),
    )
    masks: dict[Path, Callable[[Path], object]] = {
        files["mask"]: lambda path: write_nifti(mask.volume, path, np.float32)
    }
    if options.threshold is not None:
        cut = mask.volume.with_data((mask.volume.data >= options.threshold).astype(np.uint8))
        masks[files["binary"]] = lambda path: write_nifti(cut, path)
    sidecar = files["sidecar"]
    others = still_described(sidecar, masks)
    before = read_sidecar(sidecar)
    # Of this run or of none: "merged" takes two runs within one second for one.
    before.pop("Located", None)
    return hashed_writers(masks, sidecar, merged(before, record), others)
