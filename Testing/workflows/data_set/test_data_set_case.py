"""One case of a data set: what is kept, what is made again, and what is left when it is stopped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import digest, names_in, rows_of, soft_from_brightness
from SoftCordSegLib.bids import read_sidecar, sidecar_path
from SoftCordSegLib.errors import Cancelled, OutputError
from SoftCordSegLib.files import json_text
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import read_nifti, write_nifti
from SoftCordSegLib.workflows.data_set import case_inputs
from SoftCordSegLib.workflows.data_set.data_set_case import CaseJob, failed_case, run_case
from SoftCordSegLib.workflows.data_set.data_set_options import DataSetOptions
from workflows.data_sets import participant, stand_in, write_neck

NAME = "sub-01_T2w"
MASK = f"sub-01/anat/{NAME}_label-SC_softseg.nii.gz"


@pytest.fixture
def data(tmp_path):
    write_neck(tmp_path / "data", NAME, discs=True)
    return tmp_path / "data"


def job_of(data, out, **options):
    image = data / "sub-01/anat" / f"{NAME}.nii.gz"
    return CaseJob(f"sub-01/anat/{NAME}", image, data, out, DataSetOptions(**options))


def statuses(data, out, *options):
    with stand_in():
        return [run_case(job_of(data, out, **one), Progress()).status for one in options]


def test_other_options_make_it_again_and_the_same_do_not(data, tmp_path, monkeypatch):
    # Two segmentations within one second would be taken for one.
    dates = (f"2026-01-01 00:00:{second:02}" for second in range(60))
    monkeypatch.setattr("SoftCordSegLib.bids.sidecar.now", lambda: next(dates))
    found = statuses(
        data,
        tmp_path / "out",
        *({}, {}, {"threshold": 0.5}, {"threshold": 0.5}, {"levels": (2, 3)}, {}, {"verify": True}),
    )
    assert found == [
        "done",
        "kept",
        "done",
        "kept",
        "done",
        "done",
        "kept",
    ]  # --levels, then without


def test_a_binary_mask_that_is_asked_for_no_longer(data, tmp_path):
    """It stays beside the mask that it was cut from, and goes with it."""
    out = tmp_path / "out"
    binary = out / MASK.replace("softseg", "seg")
    assert statuses(data, out, {"threshold": 0.5}, {}) == ["done", "kept"]
    assert binary.is_file()
    write_neck(data, NAME, radius_mm=5.0)
    assert statuses(data, out, {}, {"threshold": 0.5}) == ["done", "done"]
    write_neck(data, NAME, radius_mm=4.5)
    assert statuses(data, out, {}) == ["done"]
    assert not binary.exists()


def test_a_copied_data_set_is_known_by_its_sums(data, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert statuses(data, out, {}) == ["done"]
    hashed = []
    monkeypatch.setattr(
        case_inputs, "file_sha256", lambda path: hashed.append(path.name) or digest(path)
    )
    assert statuses(data, out, {}) == ["kept"]
    assert hashed == []  # size and time of change are as noted
    for path in (*data.rglob("*.nii.gz"), *out.rglob("*.nii.gz")):
        os.utime(path, (1, 1))
    assert statuses(data, out, {}) == ["kept"]
    assert set(hashed) == {f"{NAME}.nii.gz", Path(MASK).name, f"{NAME}_label-discs_dlabel.nii.gz"}


def test_verify_sees_what_size_and_time_do_not_tell(data, tmp_path):
    out = tmp_path / "out"
    statuses(data, out, {})
    image = data / "sub-01/anat" / f"{NAME}.nii.gz"
    before = image.stat()
    content = bytearray(image.read_bytes())
    content[4] ^= 1  # of gzip's own time: the voxels are the same, the file is not
    image.write_bytes(content)
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert statuses(data, out, {}, {"verify": True}) == ["kept", "done"]


def test_a_corrected_mask_is_kept_and_measured_again(data, tmp_path):
    out = tmp_path / "out"
    statuses(data, out, {})
    mask, table = out / MASK, out / "sub-01/anat" / f"{NAME}_csa.csv"
    before = rows_of(table)
    volume = read_nifti(mask)
    write_nifti(volume.with_data(volume.data * (volume.data > 0.9)), mask)
    sidecar = sidecar_path(mask)
    content = read_sidecar(sidecar)
    content["GeneratedBy"].append({"Name": "Manual", "Author": "A", "Date": "2026-01-01 00:00:00"})
    sidecar.write_text(json_text(content), encoding="utf-8")
    corrected = digest(mask)
    assert statuses(data, out, {}, {}) == ["done", "kept"]
    assert digest(mask) == corrected
    assert rows_of(table)[0]["MEAN(area)"] != before[0]["MEAN(area)"]


def test_what_was_corrected_in_the_review_of_the_results_is_measured(data, tmp_path):
    from SoftCordSegLib.workflows.review.review_corrections import CorrectedFiles, Correction

    out = tmp_path / "out"
    participant(data, out)
    before = rows_of(out / "sub-01/anat" / f"{NAME}_csa.csv")
    image, soft = data / "sub-01/anat" / f"{NAME}.nii.gz", read_nifti(out / MASK)
    edits = soft.with_data(np.where((soft.data > 0) & (soft.data < 0.9), -1, 0).astype(np.int8))
    merged = soft.with_data(soft.data * (edits.data == 0))
    files = CorrectedFiles(out, image)
    files.write(Correction(image, merged, 0.5, edits, author="A"))
    assert files.mask == out / "derivatives/labels" / MASK
    plan, outcome = participant(data, out)
    assert (len(plan.to_do), outcome.done) == (1, 1)
    after = rows_of(out / "sub-01/anat" / f"{NAME}_csa.csv")
    assert float(after[0]["MEAN(area)"]) < float(before[0]["MEAN(area)"])
    assert participant(data, out)[0].to_do == ()


def test_a_mask_of_somebody_else_is_not_written_over(data, tmp_path):
    out = tmp_path / "out"
    (out / MASK).parent.mkdir(parents=True)
    shutil.copy(data / "sub-01/anat" / f"{NAME}.nii.gz", out / MASK)
    before = digest(out / MASK)
    with stand_in():
        result = run_case(job_of(data, out), Progress())
        assert (result.status, digest(out / MASK)) == ("failed", before)
        assert "No sidecar says" in result.error["what"]
        again = run_case(job_of(data, out, overwrite=True, resume=False), Progress())
    assert again.status == "done"


def test_an_unexpected_error_names_no_folder_of_the_machine(data, tmp_path):
    def segmenter(image, folder, bundle, options, progress):
        raise ValueError(f"cannot do {image}")

    out = tmp_path / "out"
    with stand_in():
        result = run_case(job_of(data, out), Progress(), segmenter=segmenter)
    text = next((out / "logs/failures").rglob("*.json")).read_text(encoding="utf-8")
    for found in (text, json.dumps(dict(result.error))):
        assert "ValueError: cannot do sub-01_T2w.nii.gz" in found
        assert str(tmp_path) not in found


def test_a_failure_that_a_lost_worker_left_goes_when_all_is_there(data, tmp_path):
    out = tmp_path / "out"
    statuses(data, out, {})
    job = job_of(data, out)
    failed_case(job, OutputError("The worker was lost."))
    assert statuses(data, out, {}, {}) == ["done", "kept"]
    assert not job.layout.failure(job.key).exists()


def test_stopped_in_the_middle_nothing_is_left_but_what_is_complete(data, tmp_path):
    out = tmp_path / "out"
    stop = threading.Event()

    def stopped(image, bundle, **options):
        stop.set()
        return soft_from_brightness(image, bundle, **options)

    with stand_in(stopped), pytest.raises(Cancelled):
        run_case(job_of(data, out), Progress(None, stop.is_set))
    assert [path for path in out.rglob("*") if path.is_file()] == []


def test_an_image_that_no_longer_shows_a_cord_has_no_table(data, tmp_path):
    from cli.fakes import nothing_found

    out = tmp_path / "out"
    statuses(data, out, {})
    write_neck(data, NAME, radius_mm=3.0)
    with stand_in(nothing_found):
        result = run_case(job_of(data, out), Progress())
        assert (result.status, result.found) == ("done", False)
        assert run_case(job_of(data, out), Progress()).status == "kept"
    assert names_in(out / "sub-01/anat") == [sidecar_path(out / MASK).name, Path(MASK).name]


def test_two_runs_at_once_do_nothing_twice(tmp_path):
    data, out = tmp_path / "data", tmp_path / "out"
    for number in range(6):
        write_neck(data, f"sub-{number}_T2w")
    program = (
        "import sys, pathlib\n"
        "from cli.fakes import engine, soft_from_brightness\n"
        "from SoftCordSegLib.workflows.data_set.data_set_options import DataSetOptions\n"
        "from SoftCordSegLib.workflows.data_set.data_set_plan import plan_data_set\n"
        "from SoftCordSegLib.workflows.data_set.data_set_run import run_data_set\n"
        "data, out = map(pathlib.Path, sys.argv[1:])\n"
        "with engine(soft_from_brightness):\n"
        "    plan = plan_data_set(data, out, DataSetOptions(csa=False))\n"
        "    print('ready', flush=True); sys.stdin.readline()\n"
        "    outcome = run_data_set(plan)\n"
        "print(outcome.done, outcome.kept, len(outcome.failed), outcome.left)\n"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program, data, out],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            encoding="utf-8",
        )
        for _ in range(2)
    ]
    for run in runs:
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        run.stdin.write("\n")
        run.stdin.flush()
    found = [tuple(map(int, run.communicate()[0].split())) for run in runs]
    assert sum(done for done, _, _, _ in found) == 6
    assert [done + kept for done, kept, _, _ in found] == [6, 6]
    assert [rest for _, _, *rest in found] == [[0, 0], [0, 0]]


@pytest.mark.skipif(shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
                    is None, reason="bids-validator-deno is not installed")  # fmt: skip
def test_the_bids_validator_finds_no_error(data, tmp_path):
    from SoftCordSegLib.workflows.data_set.data_set_group import GroupOptions, make_group

    out = tmp_path / "out"
    write_neck(data, "sub-02_acq-ax_run-1_T2starw")
    (data / "sub-02/anat/sub-02_T1w.nii.gz").write_bytes(b"no image")
    participant(data, out, threshold=0.5, standard_names=True)
    assert make_group(data, out, GroupOptions()).counts == {"measured": 2, "failed": 1}
    answer = subprocess.run(
        [Path(sys.executable).with_name("bids-validator-deno"), out, "--format", "json"],
        capture_output=True,
        check=False,
    )
    issues = json.loads(answer.stdout)["issues"]["issues"]
    assert [one for one in issues if one["severity"] == "error"] == []
    assert (out / "derivatives/csa/sub-01/anat" / f"{NAME}_csa.csv").is_file()
