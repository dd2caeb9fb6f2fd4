"""Pictures of Slicer's window in every state of the panel: ``python Testing/panel/screenshots.py
[FOLDER] [--looks light,dark,125,small] [--docs]`` (build/screenshots by default).

The images are those of the Spinal Cord Toolbox's and ivadomed's test data, under the MIT licence,
where ../shared/data/images is present; else digital phantoms.  The masks are the shipped model's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "SoftCordSeg"), str(ROOT / "Testing"), str(Path(__file__).parent)]

from photographer import LOOKS, Photographer  # noqa: E402

IMAGES = ROOT.parent / "shared" / "data" / "images"
NECK, ENDS = IMAGES / "errsm/sub-test001_T2w.nii.gz", IMAGES / "errsm/sub-errsm20_T2w.nii.gz"
CONTRAST = IMAGES / "errsm/sub-test001_T2star.nii.gz"
SHORT = IMAGES / "sct-testing/mt1.nii.gz"


def neck_files(folder: Path) -> dict[str, Path]:
    """The images by what they are for: "neck", "ends", "contrast", "short"."""
    if NECK.is_file():
        return {"neck": NECK, "ends": ENDS, "contrast": CONTRAST, "short": SHORT}
    from SoftCordSegLib.phantom import make_phantom
    from SoftCordSegLib.volume import write_nifti

    made = {}
    for name, contrast in (("neck", "T2w"), ("ends", "T1w"), ("contrast", "T2star")):
        made[name] = folder / f"sub-phantom{name}_{contrast}.nii.gz"
        write_nifti(make_phantom(contrast).image, made[name])
    return {**made, "short": made["contrast"]}


def first_steps(camera: Photographer, files: dict[str, Path]) -> None:
    """From nothing to the mask, and its neighbour."""
    camera.take("empty")
    camera.neck = camera.load(files["neck"])
    camera.choose(camera.neck)
    camera.take("ready")
    camera.take_while_running("running")
    camera.take("segmented")
    for name in ("Soft", "Filled"):
        camera.host.click(getattr(camera.ui, f"cord{name}Radio"))
        camera.take(f"mask-{name.lower()}")
    camera.host.click(camera.ui.cordContoursRadio)
    camera.take("three-d")


def correcting(camera: Photographer, _files) -> None:
    """Correct: opened, painting, the edits shown."""
    camera.open_section("Correct")
    camera.take("correct-opened")
    camera.host.click(camera.ui.cordPaintButton)
    camera.take("correct-painting")
    camera.paint_in_view()
    camera.take("correct-painted")
    if not camera.ui.cordEditsCheck.checked:
        camera.host.click(camera.ui.cordEditsCheck)
    camera.take("correct-edits")


def levels(camera: Photographer, _files) -> None:
    """Levels: found."""
    camera.open_section("Levels")
    camera.take("levels-opened")
    camera.host.click(camera.ui.cordProposeButton)
    camera.take("levels-found")


def placing(camera: Photographer, files: dict[str, Path]) -> None:
    """Levels: refused, then placed by hand."""
    node = camera.load(files["short"])
    camera.choose(node)
    camera.host.click(camera.ui.cordSegmentButton)
    camera.settle()
    camera.open_section("Levels")
    camera.host.click(camera.ui.cordProposeButton)
    camera.take("levels-refused")
    camera.host.click(camera.ui.cordPlaceButton)
    view = camera.host.views.sliceWidget("Yellow").sliceView().VTKWidget()
    middle = (view.width() // 2, view.height() // 2)
    camera.host.move(view, middle)
    camera.take("levels-placing")
    camera.host.click(view, middle)
    camera.take("levels-placed")
    camera.choose(camera.neck)
    camera.show(camera.neck)


def measuring(camera: Photographer, _files) -> None:
    """Measure: by level, by slice."""
    camera.open_section("Measure")
    camera.take("measure-c2-c3")
    camera.host.click(camera.ui.cordLevelChip)
    camera.take("measure-levels")
    camera.host.click(camera.ui.cordSliceChip)
    camera.take("measure-slices")


def saving(camera: Photographer, _files) -> None:
    """Save: opened, saved."""
    camera.open_section("Save")
    camera.take("save-opened")
    folder = tempfile.mkdtemp(prefix="softcord-pictures-")
    camera.host.answers = lambda for_path: folder if for_path else True
    camera.host.click(camera.ui.cordSaveButton)
    camera.take("saved")


def comparing(camera: Photographer, files: dict[str, Path]) -> None:
    """Two contrasts of one person."""
    camera.contrast = camera.load(files["contrast"])
    camera.choose(camera.contrast)
    camera.host.click(camera.ui.cordSegmentButton)
    camera.take("other-contrast")
    camera.open_section("Measure")
    camera.host.click(camera.ui.cordCompareButton)
    camera.take("compare")


def other_patient(camera: Photographer, files: dict[str, Path]) -> None:
    """A second patient, whose cord ends inside the image."""
    node = camera.load(files["ends"])
    camera.take("second-loaded")
    camera.choose(node)
    camera.take("second-chosen")
    camera.host.click(camera.ui.cordSegmentButton)
    camera.take("second-ends-inside")


def failing(camera: Photographer, _files) -> None:
    """An error."""
    camera.widget.logic.engine = _out_of_memory
    camera.host.click(camera.ui.cordSegmentButton)
    camera.take("error")


def reviewing(camera: Photographer, files: dict[str, Path]) -> None:
    """The tab Review: a data set is opened, read, corrected; side by side; blinded."""
    from panel.review_examples import start

    host, ui = camera.host, camera.ui
    with tempfile.TemporaryDirectory() as folder:
        study = review_study(camera, files, Path(folder) / "neck-study")
        host.click(ui.cordReviewTab)
        camera.take("review-empty")
        start(host, ui, study, "Dr. Anna Meyer")
        if camera.widget.panel.desk.row.doubt is None:
            host.click(ui.cordDataSetSection, (60, 10))
            host.click(ui.cordJudgeButton)
            camera.open_section("Cases")
        camera.widget.panel.desk.go_to("sub-02/anat/sub-02_T2w")
        camera.take("review-case")
        host.click(ui.cordPassButton)
        camera.take("review-judged")
        host.click(ui.cordNextCase)
        camera.take("review-next")
        camera.widget.panel.desk.go_to("sub-01/anat/sub-01_T2w")
        host.click(ui.cordToCorrectButton)
        host.click(ui.cordPaintButton)
        camera.paint_in_view()
        camera.take("review-correcting")
        camera.open_section("Cases")
        camera.widget.panel.desk.go_to("sub-01/anat/sub-01_T2w")
        host.click(ui.cordBesideButton)
        camera.take("review-beside")
        host.click(ui.cordBesideButton)
        camera.widget.panel.desk.go_to("sub-11/anat/sub-11_T2w")
        camera.take("review-broken")
        camera.open_section("DataSet")
        camera.take("review-data-set")
        host.click(ui.cordBlindedCheck)
        host.click(ui.cordReviewStartButton)
        camera.take("review-blinded")
        camera.widget.panel.desk.leave()
        ui.cordBlindedCheck.checked = False  # a blinded reader is not shown what teaches
        host.click(ui.cordImageTab)


def teaching(camera: Photographer, files: dict[str, Path]) -> None:
    """The section Teach: nothing yet, at work, better, the rest with its drift."""
    from panel.review_examples import start
    from panel.teach_examples import a_drift, at_work, better

    host, ui = camera.host, camera.ui
    with tempfile.TemporaryDirectory() as folder:
        study = review_study(camera, files, Path(folder) / "neck-study")
        host.click(ui.cordReviewTab)
        start(host, ui, study, "Dr. Anna Meyer")
        camera.open_section("Teach")
        for state, put in (
            ("", None),
            ("-at-work", at_work),
            ("-better", better),
            ("-drift", a_drift),
        ):
            if put is not None:
                put(study)
                next(one for one in camera.widget.panel._sections if one.name == "Teach")._look()
            camera.take(f"review-teach{state}")
        camera.widget.panel.desk.leave()
        host.click(ui.cordImageTab)


def review_study(camera: Photographer, files: dict[str, Path], folder: Path) -> Path:
    """A data set of real images with the shipped model's masks, and small ones to fill the list."""
    from panel.review_examples import add_case, make_data_set
    from SoftCordSegLib.progress import Progress
    from SoftCordSegLib.volume import read_nifti
    from SoftCordSegLib.workflows.segment_images import VolumeRequest

    make_data_set(folder, 12)
    names = {
        "neck": "sub-01_T2w",
        "contrast": "sub-01_T2star",
        "ends": "sub-02_T2w",
        "short": "sub-03_acq-MTon_MTS",
    }
    for what, name in names.items():
        mask = camera.segment_once(VolumeRequest(read_nifti(files[what])), Progress())
        add_case(folder, files[what], name, mask.volume)
    (folder / "sub-11" / "anat" / "sub-11_T2w.nii.gz").write_bytes(b"cut off" * 100)
    return folder


def _out_of_memory(request, progress):
    from SoftCordSegLib.segmentation import OutOfMemory

    raise OutOfMemory(
        "There is not enough memory for this image, even in small pieces on the CPU.",
        hint="Close other programs, or crop the image to the neck, and try again.",
    )


# Picture of the documentation -> state.
IN_DOCS = {
    "slicer-segmented": "segmented",
    "slicer-correcting": "correct-edits",
    "slicer-levels": "levels-found",
    "slicer-measured": "measure-levels",
    "slicer-compare": "compare",
    "slicer-review": "review-case",
    "slicer-teach": "review-teach-better",
}
# Of a picture in the documentation, which is small.
_WIDTH, _COLOURS = 960, 160


def put_into_docs(folder: Path) -> None:
    """Replace the pictures of the documentation by those in ``folder``."""
    from PIL import Image

    for name, state in IN_DOCS.items():
        path = ROOT / "docs" / "pictures" / f"{name}.png"
        with Image.open(folder / f"{state}-light.png") as picture:
            size = (_WIDTH, round(_WIDTH * picture.height / picture.width))
            small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
            small.quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
        print(path)


STATES = (
    first_steps,
    correcting,
    levels,
    measuring,
    saving,
    comparing,
    other_patient,
    placing,
    reviewing,
    teaching,
    failing,
)


def take_all(camera: Photographer, files: dict[str, Path], only: str = "") -> int:
    """Every state in one look; the number of those that could not be reached."""
    failed = 0
    for state in STATES:
        if only and state.__name__ not in only.split(","):
            continue
        try:
            state(camera, files)
        except Exception:
            traceback.print_exc()
            failed += 1
    for error in camera.host.unseen_errors:
        print(f"unseen: {error!r}", file=sys.stderr)
        failed += 1
    camera.close()
    return failed


def main(arguments=None) -> int:
    """Take the pictures.

    Returns:
        How many states could not be reached.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "screenshots")
    parser.add_argument("--looks", default=",".join(LOOKS))
    parser.add_argument("--only", default="", help="of the states, by their functions' names")
    parser.add_argument("--docs", action="store_true", help="replace the pictures in docs/ too")
    chosen = parser.parse_args(arguments)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        files = neck_files(Path(folder))
        for look in chosen.looks.split(","):
            failed += take_all(Photographer(chosen.folder, look), files, chosen.only)
    if chosen.docs and not failed:
        put_into_docs(chosen.folder)
    return failed


if __name__ == "__main__":
    sys.exit(main())
