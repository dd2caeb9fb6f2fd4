"""``softcord demo -o DIR``: options and printing."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..provenance import generated_by, model_of
from .console import fail, interruptible, print_json, progress_bars, say, show_table, warn
from .guard import EXIT_FAILED, for_user, guarded
from .running import prepare_process
from .shared_options import Debug, Device, Json, Model, Threads

if TYPE_CHECKING:
    from ..network import ModelBundle
    from ..reports.demo_page import DemoStudy
    from ..workflows.demonstration import Demonstration
    from ..workflows.run_each import Failure

_THRESHOLD = 0.5

Out = Annotated[
    Path,
    typer.Option("-o", "--out", help="Folder for the page and all results.", show_default=False),
]
Image = Annotated[Optional[Path], typer.Option(help="A real image in place of the phantom.")]
Discs = Annotated[
    Optional[Path], typer.Option(help="Disc labels of that image, for vertebral levels.")
]
Contrasts = Annotated[
    Optional[list[str]],
    typer.Option(help="Only this contrast of the phantom; may be given again.", metavar="NAME"),
]


def demo_command(
    out: Out,
    image: Image = None,
    discs: Discs = None,
    contrast: Contrasts = None,
    model: Model = None,
    device: Device = "auto",
    threads: Threads = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show the whole chain on a digital spine phantom of known areas, or on an image of yours: open
    DIR/index.html.

    Needs no network and no data: images, soft masks, segments, tables, Slicer scenes and a page are
    written to DIR.
    """
    words = {
        "model": Path(model).name if model else None,
        "threshold": _THRESHOLD,
        "device": device,
        "threads": threads,
    }
    with guarded(debug, as_json):
        from ..network import store
        from ..workflows.demonstration import DemoOptions, demonstrate
        from ..workflows.segment_images import SegmentOptions

        options = DemoOptions(
            image,
            discs,
            tuple(contrast or ()),
            SegmentOptions(
                threshold=_THRESHOLD,
                device=device,
                command={"Name": "softcord demo", "Options": words},
            ),
            _command(image, discs, contrast or []),
        )
        options.check(out)
        bundle = store.open_bundle(model)
        prepare_process(bundle, threads)

        def on_failure(failure: Failure[str]) -> str:
            sentence = str(for_user(failure.error, debug))
            fail(f"{failure.name}: {sentence}")
            return sentence

        with interruptible() as interrupt, progress_bars(interrupt) as bars:
            shown = demonstrate(out, bundle, options, bar=bars.bar, on_failure=on_failure)
        _report(shown, bundle)
        if as_json:
            print_json(_as_json(shown, bundle))
        if shown.failures:
            raise typer.Exit(EXIT_FAILED)


def _report(shown: Demonstration, bundle: ModelBundle) -> None:
    for study in shown.studies:
        for remark in study.view_remarks:
            warn(f"{study.title}: {remark}")
    if shown.page is not None:
        columns = (
            "Image",
            "Cord found",
            "Mean area error per level, %",
            "Dice at 0.5",
            "Segmented in, s",
        )
        show_table(f"Spinal cord by {bundle.name}", columns, [_row(one) for one in shown.studies])
        say(f"Open {shown.page}")


def _row(study: DemoStudy) -> tuple[str, ...]:
    from ..reports.demo_page import mean_absolute_percent

    return (
        study.title,
        "yes" if study.found else "no",
        f"{mean_absolute_percent(study.errors):.2f}" if study.errors else "-",
        f"{study.dice:.3f}" if study.dice is not None else "-",
        f"{study.seconds:.1f}",
    )


def _as_json(shown: Demonstration, bundle: ModelBundle) -> dict[str, Any]:
    studies = [
        {
            "name": study.title,
            "found": study.found,
            "message": study.message,
            "seconds": study.seconds,
            "dice": study.dice,
            "levels": [
                {
                    "level": error.name,
                    "slices": error.slices,
                    "known_mm2": round(error.known_mm2, 3),
                    "measured_mm2": round(error.measured_mm2, 3),
                    "error_percent": round(error.percent, 3),
                }
                for error in study.errors
            ],
            "files": {kind: str(path) for kind, path in study.files.items()},
            "scene": str(study.scene) if study.scene else None,
            "pictures": [name for name, _ in study.pictures],
            "remarks": [*study.remarks, *study.view_remarks],
        }
        for study in shown.studies
    ]
    return {
        "GeneratedBy": generated_by(),
        "Model": model_of(bundle),
        "page": str(shown.page) if shown.page else None,
        "studies": studies,
        "failures": [
            {"name": one.name, "error": str(for_user(one.error))} for one in shown.failures
        ],
    }


def _command(image: Path | None, discs: Path | None, contrasts: list[str]) -> str:
    """The command for the page, without this machine's folders."""
    words = ["softcord", "demo", "-o", "DIR"]
    words += ["--image", image.name] if image is not None else []
    words += ["--discs", discs.name] if discs is not None else []
    for name in contrasts:
        words += ["--contrast", name]
    return shlex.join(words)
