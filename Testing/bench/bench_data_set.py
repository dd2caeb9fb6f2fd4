"""A data set of 10,000 images: indexing, planning and resume, time a case from 100 to 10,000 cases,
memory; resume of 1,000 files of 4 MB; and two processes of one thread against one.

The images of the first part are small and the network is a stand-in; the rest of a case (reading,
claims, masks, sidecars, areas) is done as ever.  The last part runs the shipped model, and says
nothing while other programs use the processor.

python Testing/bench/bench_data_set.py [CASES] [OF_THEM_DONE] [FILES_OF_4_MB] [IMAGES]
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SoftCordSeg"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cli.fakes import a_neck
from review.review_dataset import _scan, neck_image
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.volume import Volume, write_nifti
from SoftCordSegLib.workflows.data_set.data_set_case import STATUS_DONE, CaseResult
from SoftCordSegLib.workflows.data_set.data_set_options import DataSetOptions
from SoftCordSegLib.workflows.data_set.data_set_plan import plan_data_set
from SoftCordSegLib.workflows.data_set.data_set_run import run_data_set
from SoftCordSegLib.workflows.data_set.process_runner import ProcessRunner
from workflows.quick_segmenter import quick_case

OPTIONS = DataSetOptions(threads=1)
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "images"
SECONDS, MEGABYTES = 60, 500
# Of one participant: two sessions of two contrasts.
_EACH = 4


def make_tree(root: Path, cases: int) -> None:
    """Participants sub-00001 …; all images are one small file, each a link to it."""
    root.mkdir(parents=True)
    (root / "dataset_description.json").write_text('{"Name": "many"}', encoding="utf-8")
    write_nifti(a_neck(slices=6), root / "neck.nii.gz")
    for number in range(cases):
        session = f"sub-{number // _EACH + 1:05d}", f"ses-{number // 2 % 2 + 1}"
        image = root.joinpath(*session, "anat", f"{'_'.join(session)}_T{number % 2 + 1}w.nii.gz")
        image.parent.mkdir(parents=True, exist_ok=True)
        image.hardlink_to(root / "neck.nii.gz")
    os.remove(root / "neck.nii.gz")


def planned(dataset: Path, out: Path, *words: str) -> dict[str, float]:
    """Index and plan in a process of its own: seconds, megabytes, images to do."""
    command = [sys.executable, __file__, "--plan", dataset, out, *words]
    answer = subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, check=True, encoding="utf-8"
    )
    return json.loads(answer.stdout)


def plan(dataset: Path, out: Path, *words: str) -> None:
    """What that process does."""
    from SoftCordSegLib.bids import find_images

    options = DataSetOptions(threads=1, verify="verify" in words)
    begin = time.perf_counter()
    find_images(dataset, skip=[out])
    indexed = time.perf_counter()
    made = plan_data_set(dataset, out, options)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    said = {"index": indexed - begin, "plan": end - indexed, "MB": peak, "to_do": len(made.to_do)}
    print(json.dumps(said))


def run_all(dataset: Path, out: Path, processes: int, work=quick_case) -> list[float]:
    """Do all cases; when each was done, seconds."""
    times: list[float] = []
    made = plan_data_set(dataset, out, OPTIONS)
    outcome = run_data_set(
        made,
        ProcessRunner(processes, 1, work),
        on_result=lambda _: times.append(time.perf_counter()),
    )
    assert len(times) == len(made.to_do), outcome
    assert not outcome.failed, outcome.failed[0]
    return times


def no_case(job, progress):
    """Does nothing of a case."""
    return CaseResult(job.key, STATUS_DONE, found=True)


def say(what: str, said: dict[str, float]) -> None:
    """One line."""
    print(
        f"{what:44} index {said['index']:6.2f} s, plan {said['plan']:6.2f} s,"
        f" {said['MB']:4.0f} MB, {said['to_do']:6.0f} to do"
    )


def copy_results(dataset: Path, out: Path) -> None:
    """The results of the first case for all others: their images are the same file."""
    first, *others = sorted(dataset.rglob("*.nii.gz"))
    stem, folder = first.name[: -len(".nii.gz")], out / first.parent.relative_to(dataset)
    made = [path for path in folder.iterdir() if path.name.startswith(stem)]
    for image in others:
        name = image.name[: -len(".nii.gz")]
        place = out / image.parent.relative_to(dataset)
        place.mkdir(parents=True, exist_ok=True)
        for path in made:
            copy = place / path.name.replace(stem, name)
            if copy.exists():
                continue
            if path.suffix == ".gz":
                copy.hardlink_to(path)
            else:
                text = path.read_text(encoding="utf-8").replace(stem, name)
                copy.write_text(text, encoding="utf-8")


def say_times(times: list[float]) -> None:
    """Time a case, by how many were done before."""
    for low, high in ((10, 100), (100, 1000), (1000, 10000)):
        part = times[low:high]
        if len(part) > 1:
            each = 1000 * (part[-1] - part[0]) / (len(part) - 1)
            print(f"  cases {low:6} to {min(high, len(times)):6}: {each:7.2f} ms each")


def many_cases(folder: Path, cases: int, worked: int) -> None:
    """Index, plan, run, resume."""
    dataset, out = folder / "many", folder / "out"
    make_tree(dataset, cases)
    say(f"{cases} images, nothing done", planned(dataset, out))
    print("a run whose cases take no time:")
    say_times(run_all(dataset, folder / "nothing", 2, no_case))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  this process at its peak {memory:.0f} MB")
    few = folder / "few"
    make_tree(few, worked)
    print("cases with a stand-in for the network:")
    say_times(run_all(few, folder / "few-out", 2))
    first = folder / "first"
    make_tree(first, 1)
    # The same file as the others', for the time of change is noted.
    one = next(first.rglob("*.nii.gz"))
    os.remove(one)
    one.hardlink_to(next(dataset.rglob("*.nii.gz")))
    run_all(first, out, 1)
    copy_results(dataset, out)
    again = planned(dataset, out)
    say(f"{cases} images, all done", again)
    total = again["index"] + again["plan"]
    print(f"  {total:.1f} s of {SECONDS} s, {again['MB']:.0f} MB of {MEGABYTES} MB")


def large_files(folder: Path, files: int) -> None:
    """Resume where the images are files of 4 MB."""
    dataset, out, first = folder / "large", folder / "large-out", folder / "large-first"
    make_tree(dataset, files)
    make_tree(first, 1)
    run_all(first, out, 1)
    copy_results(dataset, out)
    noise = np.random.default_rng(0).bytes(4 << 20)
    content = gzip.compress(noise, 1)
    for number, image in enumerate(sorted(dataset.rglob("*.nii.gz"))):
        os.remove(image)
        image.write_bytes(content + number.to_bytes(8, "big"))
        name = f"{image.name[: -len('.nii.gz')]}_label-SC_softseg.json"
        sidecar = out / image.parent.relative_to(dataset) / name
        said = json.loads(sidecar.read_text(encoding="utf-8"))
        status = image.stat()
        said |= {"SourceBytes": status.st_size, "SourceChanged": status.st_mtime_ns}
        said["SourceSHA256"] = file_sha256(image)
        sidecar.write_text(json.dumps(said), encoding="utf-8")
    say(f"{files} files of 4 MB, as they were", planned(dataset, out))
    for image in dataset.rglob("*.nii.gz"):
        os.utime(image, (0, 0))
    say("  all copied since (another time of change)", planned(dataset, out))
    say("  all verified", planned(dataset, out, "verify"))


def throughput(folder: Path, images: int) -> None:
    """Two processes of one thread against one, with the shipped model."""
    from SoftCordSegLib.workflows.data_set.data_set_case import run_case

    dataset = folder / "necks"
    real = SHARED / "sct-tutorial" / "sub-01_acq-MTon_MTS.nii.gz"
    for number in range(1, images + 1):
        path = dataset / f"sub-{number:02d}" / "anat" / f"sub-{number:02d}_T2w.nii.gz"
        if real.is_file():
            path.parent.mkdir(parents=True)
            path.write_bytes(real.read_bytes())
        else:
            data = neck_image("T2w", number, 1).astype(np.float32)
            write_nifti(Volume(data, _scan("T2w").grid().affine), path, np.int16)
    rates = []
    for processes in (1, 2):
        times = run_all(dataset, folder / f"necks-{processes}", processes, run_case)
        # Without the time in which processes start and load the model.
        rates.append((len(times) - processes) / (times[-1] - times[processes - 1]))
        print(f"  {processes} of one thread: {60 * rates[-1]:.1f} images a minute")
    load = f", load of the machine {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"two processes against one: {rates[1] / rates[0]:.2f} times{load}")


def main(cases: int = 10_000, worked: int = 1000, files: int = 1000, images: int = 24) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        if cases:
            many_cases(Path(folder), cases, worked)
        if files:
            large_files(Path(folder), files)
        if images:
            throughput(Path(folder), images)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--plan"]:
        plan(Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
    else:
        main(*map(int, sys.argv[1:]))
