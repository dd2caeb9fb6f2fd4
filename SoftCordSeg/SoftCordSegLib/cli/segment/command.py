"""``softcord segment IMAGE… -o DIR``"""

from __future__ import annotations

import json
import time as clock
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ...errors import Cancelled
from ...files import file_stem
from ...progress import Progress
from ...provenance import box_of, generated_by, model_of
from ..console import fail, print_json, progress_bars, say, show_table, warn
from ..guard import EXIT_FAILED, UsageProblem, guarded, sentence_of
from ..interrupt import interruptible
from ..options import (
    BoxText,
    Debug,
    Device,
    Json,
    Model,
    Threads,
    TimeText,
    parse_box,
    parse_crop,
    parse_time,
)
from ..outputs import check_folder, check_names, check_not_an_input, write_together
from ..tools import Tools, limit_threads
from .sidecar import sidecar

if TYPE_CHECKING:
    from ...volume import Volume


@dataclass(frozen=True)
class Request:
    """What to do with every image.

    Attributes:
        folder: where results go.
        time: which volume of a series, or "mean"; None where the user did not say.
        threshold: also write the mask at or above it; None for no binary mask.
        box: where to look; None lets the program find the cord.
        device: of the network.
        flips: look at the mirrored image too.
        options: the command's own words, for the sidecar.
    """

    folder: Path
    time: str | int | None = None
    threshold: float | None = None
    box: Any = None
    device: str = "auto"
    flips: bool = False
    options: dict[str, Any] | None = None

    def outputs(self, image: Path) -> dict[str, Path]:
        """The files of one image: mask, sidecar and, where asked for, binary."""
        name = file_stem(image)
        files = {
            "mask": self.folder / f"{name}_softseg.nii.gz",
            "sidecar": self.folder / f"{name}_softseg.json",
        }
        if self.threshold is not None:
            files["binary"] = self.folder / f"{name}_seg.nii.gz"
        return files


def segment_command(
    ctx: typer.Context,
    images: Annotated[
        list[Path],
        typer.Argument(help="Images, .nii or .nii.gz.", metavar="IMAGE…", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder for the results.", show_default=False)
    ],
    model: Model = None,
    box: BoxText = None,
    time: TimeText = None,
    threshold: Annotated[
        Optional[float],
        typer.Option(
            help="Also write the binary mask: soft mask at or above this.", min=1e-6, max=1.0
        ),
    ] = None,
    flips: Annotated[
        bool,
        typer.Option(
            "--flips", help="Mean with the mirrored image: steadier, and takes about twice as long."
        ),
    ] = False,
    crop_size: Annotated[
        Optional[str],
        typer.Option(
            help="Of the releases v2.0 to v2.5: what they see of the image's middle, mm; -1: all.",
            metavar="64x192x-1",
        ),
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Outline the spinal cord: writes NAME_softseg.nii.gz (0 to 1) and NAME_softseg.json for each
    image.

    A series (4D) is averaged over time unless --time says otherwise.  Results of an earlier run are
    replaced; inputs never are.
    """
    tools: Tools = ctx.obj
    # Only the model's name: sidecars travel, and where it lies on this machine is nobody's
    # business.
    options = {
        "model": Path(model).name if model else None,
        "box": box,
        "time": time,
        "threshold": threshold,
        "flips": flips,
        "crop_size": crop_size,
        "device": device,
        "threads": threads,
    }
    with guarded(debug, as_json):
        request = Request(out, parse_time(time), threshold, parse_box(box), device, flips, options)
        check_names(images)
        check_not_an_input(
            (path for image in images for path in request.outputs(image).values()), images
        )
        check_folder(out)
        bundle = _with_crop(tools.open_bundle(model), parse_crop(crop_size))
        limit_threads(threads)
        with interruptible() as interrupt, progress_bars(interrupt) as bars:
            results = []
            for image in images:
                with bars.bar(image.name) as progress:
                    results.append(_attempt(image, request, bundle, tools, progress, debug))
        _report(results, bundle, as_json)
        if any("error" in result for result in results):
            raise typer.Exit(EXIT_FAILED)


def _with_crop(bundle: Any, crop: tuple[int, int, int] | None) -> Any:
    """The bundle with another crop size; as it is where None."""
    if crop is None:
        return bundle
    if not hasattr(getattr(bundle, "plan", None), "crop"):
        raise UsageProblem(
            f"--crop-size is for models that crop the middle of the image; '{bundle.name}' does"
            " not. Leave it out."
        )
    return replace(bundle, plan=replace(bundle.plan, crop=crop))


def segment_file(
    image: Path, request: Request, bundle: Any, tools: Tools, progress: Progress
) -> dict[str, Any]:
    """Segment one image and write its files, all or none.

    Returns:
        The summary, plain types.

    Raises:
        SoftCordSegError: the image cannot be segmented or the results not be written.
        Cancelled: through ``progress``.
    """
    from ...volume import read_nifti, time_points

    started = clock.perf_counter()
    progress.report(0.0, "Reading")
    progress.check_cancelled()
    volumes = time_points(image)
    time = (request.time if request.time is not None else "mean") if volumes > 1 else None
    if time == "mean" and request.time is None:
        warn(
            f"'{image.name}' is a series of {volumes} volumes; their mean over time is segmented"
            " (choose one with --time)."
        )
    elif volumes == 1 and request.time is not None:
        warn(f"'{image.name}' is a single volume, so --time has no effect on it.")
    how = {
        "box": request.box,
        "device": request.device,
        **({"flips": True} if request.flips else {}),
    }
    result = tools.segment(
        read_nifti(image, time), bundle, progress=progress.part(0.02, 0.95), **how
    )
    progress.report(0.95, "Writing")
    progress.check_cancelled()
    files = request.outputs(image)
    record = sidecar(
        image, bundle, result, volumes=volumes, time=time, options=request.options or {}
    )
    write_together(_writers(files, result.volume, record, request.threshold))
    return {
        "input": str(image),
        **{kind: str(path) for kind, path in files.items()},
        "found": result.found,
        "message": result.message,
        "notes": list(getattr(result, "notes", ())),
        "volume_ml": round(
            float(result.volume.data.sum(dtype=float) * result.volume.grid.voxel_volume / 1000), 4
        ),
        "box": box_of(result.box),
        "source_volume": time,
        "seconds": round(clock.perf_counter() - started, 2),
    }


def _writers(
    files: dict[str, Path], mask: Volume, record: dict[str, Any], threshold: float | None
) -> dict[Path, Any]:
    """For each file of an image a function that writes it."""
    import numpy as np

    from ...volume import write_nifti

    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    writers = {
        files["mask"]: lambda path: write_nifti(mask, path, np.float32),
        files["sidecar"]: lambda path: path.write_text(text, encoding="utf-8"),
    }
    if threshold is not None:
        binary = mask.with_data((mask.data >= threshold).astype(np.uint8))
        writers[files["binary"]] = lambda path: write_nifti(binary, path)
    return writers


def _attempt(
    image: Path, request: Request, bundle: Any, tools: Tools, progress: Progress, debug: bool
) -> dict[str, Any]:
    """As :func:`segment_file`, but a bad image gives a summary with its error and does not stop the
    others.
    """
    try:
        return segment_file(image, request, bundle, tools, progress)
    except Cancelled:
        raise
    except Exception as error:
        sentence = sentence_of(error, debug, image)
        fail(sentence)
        return {"input": str(image), "error": sentence}


def _report(results: list[dict[str, Any]], bundle: Any, as_json: bool) -> None:
    done = [result for result in results if "error" not in result]
    for result in done:
        for note in result["notes"]:
            warn(f"'{Path(result['input']).name}': {note}")
        if not result["found"]:
            warn(f"'{Path(result['input']).name}': {result['message']}")
    if done:
        rows = [
            (
                Path(r["input"]).name,
                f"{r['volume_ml']:.2f}" if r["found"] else "-",
                f"{r['seconds']:.1f}",
                r["mask"],
            )
            for r in done
        ]
        show_table(
            f"Spinal cord by {bundle.name}", ("Image", "Cord, mL", "Time, s", "Soft mask"), rows
        )
    if len(results) > 1 and len(done) < len(results):
        say(f"{len(done)} of {len(results)} images were segmented.")
    if as_json:
        print_json(
            {
                "GeneratedBy": generated_by(),
                "Model": model_of(bundle),
                "results": results,
                "failed": len(results) - len(done),
            }
        )
