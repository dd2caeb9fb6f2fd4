"""``softcord demo -o DIR``"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ...errors import Cancelled
from ...files import file_stem
from ...progress import Progress
from ...provenance import generated_by, model_of
from ..console import fail, print_json, progress_bars, say, show_table, warn
from ..guard import EXIT_FAILED, UsageProblem, guarded, sentence_of
from ..interrupt import interruptible
from ..options import Debug, Device, Json, Model, Threads
from ..outputs import check_folder, check_not_an_input
from ..segment import Request
from ..tools import Tools, limit_threads

if TYPE_CHECKING:
    from ...reports.demo_page import DemoStudy

_THRESHOLD = 0.5


def demo_command(
    ctx: typer.Context,
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="Folder for the page and all results.", show_default=False
        ),
    ],
    image: Annotated[
        Optional[Path], typer.Option(help="A real image in place of the phantom.")
    ] = None,
    discs: Annotated[
        Optional[Path], typer.Option(help="Disc labels of that image, for vertebral levels.")
    ] = None,
    contrast: Annotated[
        Optional[list[str]],
        typer.Option(help="Only this contrast of the phantom; may be given again.", metavar="NAME"),
    ] = None,
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
    tools: Tools = ctx.obj
    options = {
        "model": Path(model).name if model else None,
        "threshold": _THRESHOLD,
        "device": device,
        "threads": threads,
    }
    with guarded(debug, as_json):
        from ...reports.demo_page import DEMO_PAGE, DEMO_TITLE
        from ...reports.html_page import check_own_page

        jobs = _jobs(out, image, discs, contrast, options, device)
        check_own_page(out / DEMO_PAGE, DEMO_TITLE)
        check_folder(out)
        bundle = tools.open_bundle(model)
        limit_threads(threads)
        done, failures = [], []
        with interruptible() as interrupt, progress_bars(interrupt) as bars:
            for name, job in jobs.items():
                try:
                    with bars.bar(name) as progress:
                        done.append(job(bundle, tools, progress))
                except Cancelled:
                    raise
                except Exception as error:
                    failures.append((name, sentence_of(error, debug)))
                    fail(f"{name}: {failures[-1][1]}")
        if done:
            _write_page(
                out, done, failures, bundle, _command(image, discs, contrast), image is None
            )
        _report(out, done, failures, bundle, as_json)
        if failures:
            raise typer.Exit(EXIT_FAILED)


def _jobs(
    out: Path,
    image: Path | None,
    discs: Path | None,
    contrasts: list[str] | None,
    options: dict[str, Any],
    device: str,
) -> dict[str, Callable]:
    """What to do, by name: each a function of (bundle, tools, progress) that gives a study and its
    views.

    Raises:
        UsageProblem: options that do not go together, an unknown contrast, a result that would
            overwrite an input.
    """
    from ...phantom import CONTRASTS

    def request(folder: Path) -> Request:
        return Request(folder, threshold=_THRESHOLD, device=device, options=options)

    if image is not None:
        if contrasts:
            raise UsageProblem(
                "--contrast is for the phantom; with --image there is only that image."
            )
        folder = out / file_stem(image)
        check_not_an_input(
            request(folder).outputs(image).values(), [image, *([discs] if discs else [])]
        )
        return {image.name: _image_job(image, discs, folder, request(folder))}
    if discs is not None:
        raise UsageProblem("--discs goes with --image: the phantom's discs are known.")
    unknown = [name for name in contrasts or () if name not in CONTRASTS]
    if unknown:
        raise UsageProblem(
            f"The phantom has no contrast '{unknown[0]}'. It has {', '.join(CONTRASTS)}."
        )
    wanted = list(dict.fromkeys(contrasts or CONTRASTS))
    return {name: _phantom_job(name, out / name, request(out / name)) for name in wanted}


def _phantom_job(contrast: str, folder: Path, request: Request) -> Callable:
    def job(bundle: Any, tools: Tools, progress: Progress):
        from .study import study_phantom

        return _with_views(
            study_phantom(contrast, folder, bundle, tools, request, progress.part(0, 0.9)),
            folder,
            progress,
        )

    return job


def _image_job(image: Path, discs: Path | None, folder: Path, request: Request) -> Callable:
    def job(bundle: Any, tools: Tools, progress: Progress):
        from ..discs.files import read_discs
        from .study import study_image

        labels = read_discs(discs) if discs is not None else ()
        return _with_views(
            study_image(image, folder, bundle, tools, request, progress.part(0, 0.9), labels),
            folder,
            progress,
        )

    return job


def _with_views(study: DemoStudy, folder: Path, progress: Progress) -> DemoStudy:
    from .study_scene import make_views

    progress.report(0.9, "Drawing Slicer's views")
    progress.check_cancelled()
    shown = make_views(study, folder)
    for remark in shown.view_remarks:
        warn(f"{study.title}: {remark}")
    return shown


def _write_page(
    out: Path, done: list, failures: list, bundle: Any, command: str, has_truth: bool
) -> None:
    from ...files import write_text_atomically
    from ...reports.demo_page import DEMO_PAGE, demo_html

    page = demo_html(done, failures, bundle, out, command, has_truth)
    write_text_atomically(out / DEMO_PAGE, page)


def _report(out: Path, done: list, failures: list, bundle: Any, as_json: bool) -> None:
    from ...reports.demo_page import DEMO_PAGE, mean_absolute_percent

    rows = []
    for study in done:
        error = f"{mean_absolute_percent(study.errors):.2f}" if study.errors else "-"
        dice = f"{study.dice:.3f}" if study.dice is not None else "-"
        rows.append(
            (
                study.title,
                "yes" if study.found else "no",
                error,
                dice,
                f"{study.seconds:.1f}",
            )
        )
    if rows:
        columns = (
            "Image",
            "Cord found",
            "Mean area error per level, %",
            "Dice at 0.5",
            "Segmented in, s",
        )
        show_table(f"Spinal cord by {bundle.name}", columns, rows)
        say(f"Open {out / DEMO_PAGE}")
    if as_json:
        print_json(_as_json(out, done, failures, bundle))


def _as_json(out: Path, done: list, failures: list, bundle: Any) -> dict[str, Any]:
    from ...reports.demo_page import DEMO_PAGE

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
        for study in done
    ]
    return {
        "GeneratedBy": generated_by(),
        "Model": model_of(bundle),
        "page": str(out / DEMO_PAGE) if done else None,
        "studies": studies,
        "failures": [{"name": name, "error": sentence} for name, sentence in failures],
    }


def _command(image: Path | None, discs: Path | None, contrasts: list[str] | None) -> str:
    """The command for the page, without this machine's folders."""
    words = ["softcord", "demo", "-o", "DIR"]
    words += ["--image", image.name] if image is not None else []
    words += ["--discs", discs.name] if discs is not None else []
    for name in contrasts or ():
        words += ["--contrast", name]
    return " ".join(shlex.quote(word) for word in words)
