"""``softcord softgt``"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ...progress import Progress
from ..console import print_json, say, show_table, warn
from ..guard import EXIT_FAILED, UsageProblem, guarded
from ..options import Debug, Json
from ..outputs import check_folder, text_writer, write_together
from ..participants import check_contrasts, failed, run_each
from .areas import areas_csv
from .done import Done, Request
from .files import Layout, check_layout, leftovers
from .inputs import Participant, find_participants, given_participant, named_files, without_excluded
from .options import (
    BeyondReference,
    Binary,
    Dataset,
    Discs,
    Exclude,
    Image,
    Mask,
    Out,
    Reference,
    Registration,
    SmoothMm,
    Spacing,
    TrimMm,
    TrimSlices,
    Vert,
    options_from_words,
)
from .run import area_rows, check_reference, judged_contrasts, run_participant, summary_of

if TYPE_CHECKING:
    from ...groundtruth import ContrastTruth


def softgt_command(
    dataset: Dataset = None,
    out: Out = ...,
    reference: Reference = "T2w",
    mask: Mask = None,
    image: Image = None,
    discs: Discs = None,
    registration: Registration = "centermassrot",
    trim_mm: TrimMm = None,
    trim_slices: TrimSlices = None,
    spacing: Spacing = None,
    smooth_mm: SmoothMm = 0.0,
    beyond_reference: BeyondReference = False,
    exclude: Exclude = None,
    vert: Vert = "2:3",
    binary: Binary = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make one soft ground truth of the cord from the masks of several contrasts, in every
    contrast's own space.

    The masks are laid on the reference's slice by slice, averaged where each contrast reaches, and
    brought back.  Written for each contrast: NAME_label-SC_softseg.nii.gz with a sidecar, both
    transforms (ITK displacement fields, which Slicer opens), the discs; and for each participant a
    page to look at and a table of areas.  Inputs are never changed.

    One participant:  softcord softgt --mask T2w=t2_seg.nii.gz --mask T1w=t1_seg.nii.gz -o OUT

    A data set:  softcord softgt DATASET -o OUT --exclude exclude.yml
    """
    with guarded(debug, as_json):
        from ...groundtruth import GroundTruthOptions
        from ...morphometry import parse_levels

        name, masks, images = _given(reference, mask or [], image or [])
        options = options_from_words(
            name, registration, trim_mm or [], trim_slices, spacing, smooth_mm, beyond_reference
        )
        words = {
            "reference": name,
            "registration": registration,
            "trim_mm": trim_mm or [],
            "trim_slices": trim_slices,
            "spacing": spacing,
            "smooth_mm": smooth_mm,
            "beyond_reference": beyond_reference,
            "vert": vert,
        }
        request = Request(
            options, Layout(out, dataset is not None, binary), tuple(parse_levels(vert)), words
        )
        found = _found(dataset, masks, images, name, discs)
        trimmed = set(options.trim_of) - set(GroundTruthOptions().trim_of)
        check_contrasts("--trim-mm", trimmed, {contrast for one in found for contrast in one.masks})
        participants, left_out = _without_excluded(found, exclude, request)
        check_folder(out)
        for one in participants:
            check_layout(request.layout, one, name)
        results, errors = run_each(
            participants, lambda one, progress: _run(one, request, progress), debug
        )
        _report(results, errors, left_out, request, as_json)
        if errors:
            raise typer.Exit(EXIT_FAILED)


def _given(
    reference: str, mask: list[str], image: list[str]
) -> tuple[str, dict[str, Path], dict[str, Path]]:
    """The reference's name, masks and images by contrast; ``reference`` may bring its mask
    along.
    """
    masks = named_files(mask, "--mask")
    name, equals, file = reference.partition("=")
    if not equals and reference.lower().endswith((".nii", ".nii.gz")):
        name, equals, file = "T2w", "=", reference
    if equals:
        if name in masks:
            raise UsageProblem(
                f"The mask of {name} is given twice, with --reference and with --mask. Give it"
                " once."
            )
        masks = {name: Path(file), **masks}
    return name, masks, named_files(image, "--image")


def _found(
    dataset: Path | None,
    masks: dict[str, Path],
    images: dict[str, Path],
    reference: str,
    discs: str | None,
) -> list[Participant]:
    if (dataset is None) == (not masks):
        raise UsageProblem(
            "Give either the folder of a data set, or the masks of one participant with --mask"
            " NAME=FILE."
        )
    if dataset is not None and (images or discs is not None):
        raise UsageProblem(
            "--image and --discs are for one participant's files; in a data set they are found by"
            " their names."
        )
    if dataset is not None:
        return find_participants(dataset, reference)
    check_reference(masks, reference)
    return [given_participant(masks, images, reference, discs)]


def _without_excluded(
    found: list[Participant], exclude: Path | None, request: Request
) -> tuple[list[Participant], list[str]]:
    """Who is worked on, and sentences on who and what is left out."""
    from ...groundtruth import read_exclusions

    if exclude is None:
        return found, []
    exclusions = read_exclusions(exclude)
    kept, sentences = [], []
    for one in found:
        rest, sentence = without_excluded(one, exclusions, request.options.reference)
        if sentence:
            sentences.append(" ".join([sentence, *leftovers(one, rest, request.layout)]))
        if rest is not None:
            kept.append(rest)
    known = {name for one in found for name in one.listed_names}
    strangers = [entry.name for entry in exclusions.entries if entry.name not in known]
    if strangers:
        shown = ", ".join(strangers[:5]) + (" …" if len(strangers) > 5 else "")
        sentences.append(
            f"'{exclude.name}' also names what is not here ({len(strangers)}): {shown}."
        )
    for sentence in sentences:
        warn(sentence)
    return kept, sentences


def _run(participant: Participant, request: Request, progress: Progress) -> Done:
    check_reference(participant.masks, request.options.reference)
    return run_participant(participant, request, progress)


def _report(
    results: list[Done],
    errors: dict[str, str],
    left_out: list[str],
    request: Request,
    as_json: bool,
) -> None:
    for done in results:
        for note in done.notes:
            warn(f"{done.participant.name}: {note}")
    if request.layout.as_dataset and results:
        _write_overview(results, errors, left_out, request)
        rows = [
            (done.participant.name, len(done.truth.contrasts), *_motion(done.truth.contrasts))
            for done in results
        ]
        show_table(
            "Soft ground truths", ("Participant", "Contrasts", "Shift ≤, mm", "Rotation ≤, °"), rows
        )
        say(
            f"{len(results)} of {len(results) + len(errors)} participants were done. Look at them:"
            f" {request.layout.index}"
        )
    for done in results if not request.layout.as_dataset else []:
        rows = [
            (one.name, *_motion([one]), done.files[f"soft {one.name}"])
            for one in done.truth.contrasts
        ]
        show_table("Soft ground truth", ("Contrast", "Shift ≤, mm", "Rotation ≤, °", "File"), rows)
        say(f"Look at it: {done.files['page']}")
    if as_json:
        print_json(
            {
                "results": [summary_of(done) for done in results],
                "failed": failed(errors),
                "left_out": left_out,
            }
        )


def _write_overview(
    results: list[Done], errors: dict[str, str], left_out: list[str], request: Request
) -> None:
    """The page and the table over all participants."""
    from ...reports.ground_truth_page import OverviewRow, overview_html

    areas = [(done.participant.name, area) for done in results for area in done.areas]
    rows = [
        OverviewRow(
            done.participant.name,
            Path(done.files["page"]).relative_to(request.layout.index.parent).as_posix(),
            judged_contrasts(done),
            area_rows(done.areas),
            len(done.notes),
        )
        for done in results
    ]
    texts = {request.layout.index: overview_html(rows, errors, left_out)}
    if areas:
        texts[request.layout.all_areas] = areas_csv(areas)
    write_together({path: text_writer(text) for path, text in texts.items()})


def _motion(contrasts: Sequence[ContrastTruth]) -> tuple[str, str]:
    """The largest shift and rotation among them, as words."""
    from ...reports.ground_truth_page import largest_motion

    shift, angle = largest_motion(contrasts)
    return "–" if shift is None else f"{shift:.1f}", "–" if angle is None else f"{angle:.1f}"
