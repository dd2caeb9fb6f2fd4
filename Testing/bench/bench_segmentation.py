"""Ours against the paper's own network and pipeline, image file to soft-mask file: in a process of
its own (cold), and again in the same process (warm); a hundred images in one call; two processes at
once; and what a thinner locator would save.

The paper's pipeline (section 2.3; order 2 spline to 1 mm, centre crop 64 x 192 x S-I, padding to
multiples of 32, z-score, Gaussian sliding window of 64 x 192 x 320 at half overlap, NormReLU,
inverse) runs here with random weights: they cost the same time.  Cold times include the start of
Python and its imports, as a user at the shell waits for them.  Beside seconds on the clock stand
those of the processor, which say more on a busy computer.  Both sides have the C library's
own settings of memory.
"""

from __future__ import annotations

import argparse
import compileall
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import SoftCordSegLib

IMAGES = ("sct-tutorial/sub-01_acq-MTon_MTS", "sct-tutorial/sub-single_t2_lumbar")
LONG = "errsm/sub-errsm21_T2w"
# Of a large image that is made here, voxels.
LARGE = (192, 260, 320)
# Warm: the shortest of so many runs after the first; cold: of so many processes, by turns.
RUNS, PROCESSES = 4, 3
# A locator that is thinner and coarser than the shipped one, with random weights.
THIN_FEATURES, THIN_MM = (8, 16, 32, 32), 4.0


def run_ours(image: Path, output: Path) -> None:
    """The command that a user types."""
    from SoftCordSegLib.cli.app import main as softcord

    sys.argv = ["softcord", "segment", str(image), "-o", str(output.parent)]
    try:
        softcord()
    except SystemExit as done:
        if done.code:
            raise
    (output.parent / f"{image.name.split('.')[0]}_label-SC_softseg.nii.gz").rename(output)


def run_paper(image: Path, output: Path) -> None:
    """The authors' way, from MONAI's parts and the paper's network."""
    import nibabel
    import torch
    from monai import transforms
    from monai.data import MetaTensor
    from monai.inferers import sliding_window_inference

    from SoftCordSegLib.network.unet import PAPER, UNet

    before = transforms.Compose(
        [
            transforms.LoadImaged("image", ensure_channel_first=True),
            transforms.Orientationd(
                "image", axcodes="RPI", labels=(("L", "R"), ("P", "A"), ("I", "S"))
            ),
            transforms.Spacingd("image", pixdim=(1, 1, 1), mode=2),
            transforms.ResizeWithPadOrCropd("image", (64, 192, -1)),
            transforms.DivisiblePadd("image", 32, mode="edge"),
            transforms.NormalizeIntensityd("image"),
        ]
    )
    after = transforms.Invertd("pred", transform=before, orig_keys="image", nearest_interp=False)
    network = UNet(PAPER).eval()
    sample = before({"image": str(image)})
    with torch.inference_mode():
        raw = sliding_window_inference(
            sample["image"][None],
            (64, 192, 320),
            4,
            lambda x: network(x)[0],
            overlap=0.5,
            mode="gaussian",
        )[0]
        positive = torch.relu(raw)
        sample["pred"] = MetaTensor(positive / positive.max(), meta=sample["image"].meta)
        sample["pred"].applied_operations = sample["image"].applied_operations
        mask = after(sample)["pred"][0]
    nibabel.save(nibabel.Nifti1Image(mask.numpy(), mask.affine.numpy()), output)


def run_warm(which: str, image: Path, output: Path) -> dict[str, float]:
    """The shortest of several runs after the first, in this process: seconds on the clock and of
    the processor.
    """
    once = {"ours": prepared_ours, "paper": lambda: run_paper}[which]()
    times = []
    for _ in range(RUNS + 1):
        clock, processor = time.perf_counter(), time.process_time()
        once(image, output)
        times.append((time.perf_counter() - clock, time.process_time() - processor))
    seconds, cpu = (min(values) for values in zip(*times[1:]))
    return {"seconds": seconds, "cpu": cpu}


def prepared_ours() -> Callable[[Path, Path], object]:
    """The work of the command, with its bundle open."""
    from SoftCordSegLib.network import store
    from SoftCordSegLib.progress import Progress
    from SoftCordSegLib.workflows.segment_images import SegmentOptions, segment_file

    bundle, options = store.open_bundle(None), SegmentOptions(overwrite=True)

    def once(image: Path, output: Path) -> object:
        # The cord is located each time, as in an image that is new.
        options.files(image, output.parent)["sidecar"].unlink(missing_ok=True)
        return segment_file(image, output.parent, bundle, options, Progress())

    return once


def run_many(images: list[Path], folder: Path, threads: int | None) -> list[float]:
    """All images in one call: for each the seconds from the end of the last one to its own."""
    from SoftCordSegLib.network import store
    from SoftCordSegLib.threads import limit_threads
    from SoftCordSegLib.workflows.run_each import no_bar
    from SoftCordSegLib.workflows.segment_images import SegmentOptions, segment_files

    limit_threads(threads)
    marks = [time.perf_counter()]

    def bar(name: str):
        marks.append(time.perf_counter())
        return no_bar(name)

    done = segment_files(images, folder, store.open_bundle(None), SegmentOptions(), bar=bar)
    assert not done.failures, done.failures[0].error
    marks.append(time.perf_counter())
    # The first mark is the start, the second that of the first image.
    return [end - start for start, end in zip(marks[1:], marks[2:])]


def thin_locator(folder: Path) -> dict[str, float]:
    """CPU seconds of one look at the whole of the first image: by the shipped locator,
    and by a thin one of random weights.
    """
    import numpy as np

    from SoftCordSegLib.network import Stage, UNetConfig, load_bundle, save_bundle, store
    from SoftCordSegLib.network.engines import Engine
    from SoftCordSegLib.network.unet import UNet

    shipped = store.open_bundle(None)
    locator, segmenter = shipped.stages
    strides = ((1, 1, 1), *[(2, 2, 2)] * (len(THIN_FEATURES) - 1))
    name = "models/locator.safetensors"
    thin = Stage(name, THIN_FEATURES, strides, THIN_MM, (96, 96, 96), 0.25, "sigmoid")
    weights = {
        name: UNet(UNetConfig(THIN_FEATURES, strides)).half().state_dict(),
        segmenter.weights: shipped.network(segmenter).half().state_dict(),
    }
    metadata = {"name": "thin", "version": "0", "license": "none"}
    inference = {"orientation": "LAS", "locator": thin, "segmenter": segmenter}
    save_bundle(folder / "thin", metadata, inference, weights)
    costs = {}
    for label, bundle in (("shipped", shipped), ("thin", load_bundle(folder / "thin"))):
        stage = bundle.stages[0]
        # The first image is 230 x 230 x 110 mm.
        divisor = UNetConfig(stage.features, stage.strides).divisor
        mm = (230, 230, 110)
        tile = [-(-int(np.ceil(n / stage.spacing_mm)) // d) * d for n, d in zip(mm, divisor)]
        predict = bundle.predictor(stage, Engine("openvino"), lambda: None)
        values = np.random.default_rng(0).normal(size=tile).astype(np.float32)
        spent = []
        for _ in range(RUNS + 1):
            start = time.process_time()
            predict(values)
            spent.append(time.process_time() - start)
        costs[label] = min(spent[1:])
    return costs


def large_image(data: Path, folder: Path) -> Path:
    """A real image at :data:`LARGE` voxels."""
    import numpy as np

    from SoftCordSegLib.volume import Grid, Volume, read_nifti, resample, write_nifti

    image = read_nifti(data / "images" / f"{LONG}.nii.gz")
    ratio = np.array(image.shape) / LARGE
    affine = image.affine.copy()
    affine[:3, :3] *= ratio
    sampled = resample(image, Grid(LARGE, affine), order=1).data
    write_nifti(Volume(np.rint(sampled).astype(np.int16), affine), folder / "large.nii.gz")
    return folder / "large.nii.gz"


def measure(which: str, images: list[Path], warm: bool = False, threads: int = 0) -> dict:
    """One run in a new process: seconds, also of the processor, and peak MB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--run", which, "--threads", str(threads)]
        command += ["--output", str(Path(folder) / "mask.nii.gz"), *(["--warm"] if warm else [])]
        start = time.perf_counter()
        done = subprocess.run(
            [*command, "--image", *map(str, images)],
            capture_output=True,
            text=True,
            check=False,
            encoding="utf-8",
        )
        seconds = time.perf_counter() - start
        if done.returncode != 0:
            raise SystemExit(f"{which} failed on {images[0]}:\n{done.stderr}")
    return {"seconds": seconds, **json.loads(done.stdout.splitlines()[-1])}


def child(options: argparse.Namespace) -> None:
    """One run; prints what it took as JSON."""
    result: dict = {}
    if options.run == "many":
        result["each"] = run_many(options.image, options.output.parent, options.threads or None)
    elif options.warm:
        result = run_warm(options.run, options.image[0], options.output)
    else:
        {"ours": run_ours, "paper": run_paper}[options.run](options.image[0], options.output)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result.setdefault("cpu", usage.ru_utime + usage.ru_stime)
    print(json.dumps({"peak_mb": usage.ru_maxrss / 1024, **result}))


def against_the_paper(images: list[Path]) -> None:
    """The table of both, cold and warm."""
    print(
        f"{'image':24} {'':5} {'ours, s':>8} {'CPU s':>6} {'MB':>5} {'paper, s':>9} {'CPU s':>6}"
        f" {'MB':>5} {'times faster':>13} {'CPU':>5}"
    )
    for image in images:
        for warm in (False, True):
            tried: dict[str, list[dict]] = {"ours": [], "paper": []}
            for _ in range(1 if warm else PROCESSES):
                for which, found in tried.items():
                    found.append(measure(which, [image], warm))
            ours, paper = (min(x, key=lambda one: one["seconds"]) for x in tried.values())
            print(
                f"{image.name.split('.')[0]:24} {'warm' if warm else 'cold':5}"
                f" {ours['seconds']:8.2f} {ours['cpu']:6.2f} {ours['peak_mb']:5.0f}"
                f" {paper['seconds']:9.1f} {paper['cpu']:6.1f} {paper['peak_mb']:5.0f}"
                f" {paper['seconds'] / ours['seconds']:13.1f} {paper['cpu'] / ours['cpu']:5.1f}",
                flush=True,
            )


def many(image: Path, count: int, folder: Path) -> None:
    """Several images in one call, and two processes of one thread at once."""
    copies = [folder / f"copy{number:03d}.nii.gz" for number in range(count)]
    for copy in copies:
        shutil.copy(image, copy)
    done = measure("many", copies)
    each, half = done["each"], len(copies) // 2
    first, second = sum(each[1:half]) / (half - 1), sum(each[half:]) / (len(each) - half)
    print(
        f"{count} images in one call: {first:.2f} s an image in the first half, {second:.2f} in the"
        f" second; {done['cpu'] / count:.2f} CPU s an image; peak {done['peak_mb']:.0f} MB",
        flush=True,
    )
    few = copies[: max(count // 5, 3)]
    alone = sum(measure("many", few, threads=1)["each"][1:])
    command = [sys.executable, __file__, "--run", "many", "--threads", "1", "--image"]
    running = []
    for number in range(2):
        out = folder / f"out{number}" / "mask.nii.gz"
        out.parent.mkdir()
        running.append(
            subprocess.Popen(
                [*command, *map(str, few), "--output", str(out)],
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        )
    together = [json.loads(one.communicate()[0].splitlines()[-1])["each"] for one in running]
    slower = max(sum(each[1:]) for each in together)
    print(f"two processes of one thread: {2 * alone / slower:.2f} times the throughput of one")


def main() -> None:
    """Print the tables, or do one run for them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--images", type=int, default=100, help="in one call")
    parser.add_argument("--run", choices=("ours", "paper", "many"))
    parser.add_argument("--warm", action="store_true")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--image", type=Path, nargs="+")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.run:
        child(options)
        return
    paths = [options.data / "images" / f"{name}.nii.gz" for name in (*IMAGES, LONG)]
    if not all(path.exists() for path in paths):
        print(f"skipped: the images are not in '{options.data}' (use --data)")
        return
    # As pip does when it installs a package; in a checkout Python may be kept from it.
    compileall.compile_dir(Path(SoftCordSegLib.__file__).parent, quiet=1)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import SoftCordSegLib"], check=True)
    print(f"python -c 'import SoftCordSegLib': {time.perf_counter() - start:.2f} s")
    against_the_paper(paths[:2])
    with tempfile.TemporaryDirectory() as folder:
        for image in (paths[2], large_image(options.data, Path(folder))):
            ours = measure("ours", [image], warm=True)
            name = image.name.split(".")[0]
            print(
                f"{name:24} warm  {ours['seconds']:8.2f} {ours['cpu']:6.2f} {ours['peak_mb']:5.0f}",
                flush=True,
            )
        costs = thin_locator(Path(folder))
        print(
            f"{IMAGES[0]}: one look of the shipped locator takes {costs['shipped']:.2f} CPU s; a"
            f" thin one at {THIN_MM:g} mm would take {costs['thin']:.3f}",
            flush=True,
        )
        many(paths[0], options.images, Path(folder))


if __name__ == "__main__":
    main()
